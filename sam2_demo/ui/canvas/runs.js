// Long tasks of a clip: tracking and making the video.

import { get } from "./server.js";

export class Runs {
  constructor(bench) {
    this.bench = bench;
    this.store = bench.store;
    this.tracking = false;
    this.rendering = false;
    this.showing = false;
  }

  // The ways to go: whole clip, one or both ways from here, or between the marks.
  plan(way) {
    const { store } = this;
    const here = store.frame;
    if (way === "whole") return [["both", null, null]];
    if (way !== "marks") return [[way, here, null]];
    const { first, last } = store.marks();
    const prompted = store.objects.flatMap((o) => store.promptedFrames(o.object_id)).sort((a, b) => a - b);
    const from = prompted.find((frame) => frame >= first && frame <= last) ?? first;
    return from > first ? [["forward", from, last], ["backward", from, first]] : [["forward", from, last]];
  }

  async track(way) {
    const { bench, store } = this;
    await bench.outbox.settled();
    bench.player.stop();
    const from = store.frame;
    this.tracking = true;
    bench.trackPanel.begin();
    let text = "", finished = false;
    try {
      finished = true;
      for (const [direction, start, end] of this.plan(way)) {
        const answer = await bench.host.ask("track", { direction, start, end }, { onStep: (step) => this.step(step), limit: 120000 });
        if (!answer.stopped) continue;
        finished = false;
        text = `Stopped after ${answer.done} of ${answer.total} frames; what is done is kept.`;
        break;
      }
    } catch (error) {
      finished = false;
      bench.host.warn(error.message);
    }
    this.tracking = false;
    await this.reload();
    bench.trackPanel.finish(text);
    if (!finished) return;
    bench.goto(way === "whole" ? 0 : from);
    this.render();
  }

  step(step) {
    const { bench, store } = this;
    if (!this.tracking) return;
    store.setMasks(step.frame, step.masks);
    bench.trackPanel.progress(step);
    store.frame = step.frame;
    bench.timeline.draw();
    if (this.showing) return;
    this.showing = true;
    bench.frames.get(step.frame).then((bitmap) => {
      this.showing = false;
      if (this.tracking) bench.stage.show(bitmap, step.frame);
    }, () => { this.showing = false; });
  }

  // Steps may have been lost on the way here; the server knows what there is.
  async reload() {
    const { bench, store } = this;
    try {
      store.setTracks(await get(`s/${store.token}/tracks`));
      store.masks.clear();
      await bench.needMasks(store.frame);
    } catch (error) {
      bench.host.warn(error.message);
    }
    bench.drawAll();
  }

  async stop() {
    try {
      await this.bench.host.ask("stop", {});
    } catch (error) {
      this.bench.host.warn(error.message);
    }
  }

  async render() {
    const { bench } = this;
    await bench.outbox.settled();
    const began = performance.now();
    this.rendering = true;
    bench.drawTools();
    let file = null;
    try {
      const answer = await bench.host.ask("make_video", {}, {
        onStep: ({ done, total }) => {
          const left = ((performance.now() - began) / 1000 / done) * (total - done);
          bench.results.progress(done, total, left);
        },
        limit: 120000,
      });
      file = answer.file;
    } catch (error) {
      bench.host.warn(error.message);
    }
    this.rendering = false;
    if (file) bench.results.show(file);
    else bench.results.failed();
    bench.drawTools();
  }
}
