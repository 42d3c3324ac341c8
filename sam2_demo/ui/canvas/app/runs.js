// Long tasks of a clip: tracking and making the video.

import { LongTask } from "../server/long_task.js";
import { get } from "../server/server.js";

/** @import { Workbench } from "./workbench.js" */
/** @import { Question, TrackStep } from "../state/types.js" */
/** @import { VideoResults } from "../panels/results.js" */

export class Runs {
  /** @param {Workbench} bench */
  constructor(bench) {
    this.bench = bench;
    this.store = bench.store;
    this.showing = false;
    this.closed = false;
    this.tasks = new Set(); // asked for or about to be
  }

  get results() {
    return /** @type {VideoResults} */ (this.bench.results);
  }

  close() {
    this.closed = true;
    for (const task of this.tasks) task.stop().catch(() => {});
  }

  /**
   * The ways to go: whole clip, one or both ways from here, between the marks, or everything anew.
   * @param {string} way
   * @returns {{ direction: string, start: number | null, end: number | null, afresh?: boolean }}
   */
  question(way) {
    const { store } = this;
    const { first, last } = store.marks();
    if (way === "marks") return { direction: "forward", start: first, end: last };
    if (way === "whole" || way === "anew") return { direction: "both", start: null, end: null, afresh: way === "anew" };
    return { direction: way, start: store.frame, end: null };
  }

  /**
   * Resolves to whether it came to its end.
   * @param {string} way
   * @param {boolean} [thenRender]
   */
  async track(way, thenRender = true) {
    const { bench, store } = this;
    if (thenRender && bench.everything.again?.running) {
      bench.host.warn("Looking again is under way: press Stop first.");
      return false;
    }
    const from = store.frame,
      question = this.question(way);
    let text = "",
      finished = false,
      complete = false;
    bench.player.stop();
    store.setTasks({ tracking: true });
    this.received = 0;
    bench.trackPanel.begin();
    try {
      const answer = await this.run("track", question, (step) => this.step(step));
      bench.host.quiet("track");
      finished = !answer.stopped;
      complete = this.received === answer.done;
      if (answer.done) store.outdate();
      if (!answer.total && answer.stopped) text = "Stopped before it began.";
      else if (answer.stopped) text = `Stopped after ${answer.done} of ${answer.total} frames; what is done is kept.`;
      else if (!answer.total) text = "Nothing is left to track here. Correct a frame, or choose All anew.";
      else text = `${answer.done} frames tracked.`;
    } catch (error) {
      text = "What was tracked is kept; Track goes on from there.";
      if (error.lost) store.outdate(); // steps may have been lost with it
      if (!this.closed) bench.host.fail(error, () => this.track(way, thenRender), "track");
    }
    store.setTasks({ tracking: false });
    if (this.closed) return false;
    if (!complete) await this.reload();
    bench.trackPanel.finish(text);
    const whole = way === "whole" || way === "anew";
    bench.goto(!finished ? store.frame : whole ? 0 : from);
    if (!finished) return false;
    if (thenRender && !store.result?.current) this.render();
    return true;
  }

  /** @param {TrackStep} step */
  step(step) {
    const { bench, store } = this;
    if (!store.tracking || this.closed) return;
    this.received++;
    store.outdate();
    store.setMasks(step.frame, step.masks);
    bench.trackPanel.progress(step);
    store.setFrame(step.frame);
    if (this.showing) return;
    this.showing = true;
    bench.frames.get(step.frame).then(
      (bitmap) => {
        this.showing = false;
        if (store.tracking) bench.stage.show(bitmap, step.frame);
      },
      () => {
        this.showing = false;
      },
    );
  }

  // Steps may have been lost on the way here; the server knows what there is.
  async reload() {
    const { bench, store } = this;
    try {
      store.replaceTracks(await get(`s/${store.token}/tracks`));
      await bench.needMasks(store.frame);
    } catch (error) {
      bench.host.fail(error, () => this.reload());
    }
  }

  /**
   * As `LongTask.run`.
   * @param {string} event
   * @param {Question} question
   * @param {(step: any) => void} onStep
   */
  async run(event, question, onStep) {
    const task = new LongTask(this.bench, event);
    this.tasks.add(task);
    try {
      return await task.run(question, onStep);
    } finally {
      this.tasks.delete(task);
    }
  }

  async stop() {
    try {
      await Promise.all([...this.tasks].map((task) => task.stop()));
    } catch (error) {
      this.bench.host.fail(error, () => this.stop());
    }
  }

  async render() {
    const { bench, store } = this;
    const began = performance.now();
    store.setTasks({ rendering: true });
    this.results.begin();
    let text = "";
    try {
      const answer = await this.run("make_video", {}, (step) => this.results.progress(step, began));
      bench.host.quiet("video");
      if (answer.file)
        store.setResult({ file: answer.file, made: Date.now() / 1000, current: !bench.outbox.keys().length });
      else text = "The video was not finished; press Make video when you are ready.";
    } catch (error) {
      text = "The video was not finished.";
      if (!this.closed) bench.host.fail(error, () => this.render(), "video");
    }
    store.setTasks({ rendering: false });
    if (this.closed) return;
    this.results.finish(text);
  }
}
