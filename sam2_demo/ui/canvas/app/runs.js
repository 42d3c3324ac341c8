// Long tasks of a clip: tracking and making the video.

import { LongTask } from "../server/long_task.js";
import { get } from "../server/server.js";

/** @import { Host, Question, TrackStep } from "../state/types.js" */
/** @import { Store } from "../state/store.js" */
/** @import { Outbox } from "../server/outbox.js" */
/** @import { FrameWalk } from "../stage/frame_walk.js" */
/** @import { Frames } from "../stage/frames.js" */
/** @import { Stage } from "../stage/stage.js" */

export class Runs {
  /** @param {{ store: Store, host: Host, outbox: Outbox, walk: FrameWalk, frames: Frames, stage: Stage }} parts */
  constructor({ store, host, outbox, walk, frames, stage }) {
    this.store = store;
    this.host = host;
    this.outbox = outbox;
    this.walk = walk;
    this.frames = frames;
    this.stage = stage;
    this.showing = false;
    this.closed = false;
    this.tasks = new Set(); // asked for or about to be
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
    const { store } = this;
    if (thenRender && store.lookingAgain) {
      this.host.warn("Looking again is under way: press Stop first.");
      return false;
    }
    const from = store.frame,
      question = this.question(way);
    let text = "",
      finished = false,
      complete = false;
    store.stopPlaying();
    store.setTasks({ tracking: true, trackStep: null });
    this.received = 0;
    try {
      const answer = await this.run("track", question, (step) => this.step(step));
      this.host.quiet("track");
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
      if (!this.closed) this.host.fail(error, () => this.track(way, thenRender), "track");
    }
    store.setTasks({ tracking: false, trackText: text });
    if (this.closed) return false;
    if (!complete) await this.reload();
    const whole = way === "whole" || way === "anew";
    this.walk.goto(!finished ? store.frame : whole ? 0 : from);
    if (!finished) return false;
    if (thenRender && !store.result?.current) this.render();
    return true;
  }

  /** @param {TrackStep} step */
  step(step) {
    const { store } = this;
    if (!store.tracking || this.closed) return;
    this.received++;
    store.outdate();
    store.setMasks(step.frame, step.masks);
    store.setTasks({ trackStep: step });
    store.setFrame(step.frame);
    if (this.showing) return;
    this.showing = true;
    this.frames.get(step.frame).then(
      (bitmap) => {
        this.showing = false;
        if (store.tracking) this.stage.show(bitmap, step.frame);
      },
      () => {
        this.showing = false;
      },
    );
  }

  // Steps may have been lost on the way here; the server knows what there is.
  async reload() {
    const { store } = this;
    try {
      store.replaceTracks(await get(`s/${store.token}/tracks`));
      await this.walk.needMasks(store.frame);
    } catch (error) {
      this.host.fail(error, () => this.reload());
    }
  }

  /**
   * As `LongTask.run`.
   * @param {string} event
   * @param {Question} question
   * @param {(step: any) => void} onStep
   */
  async run(event, question, onStep) {
    const task = new LongTask(this, event);
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
      this.host.fail(error, () => this.stop());
    }
  }

  async render() {
    const { store } = this;
    store.setTasks({ rendering: true, renderStep: null });
    let text = "";
    try {
      const answer = await this.run("make_video", {}, (step) => store.setTasks({ renderStep: step }));
      this.host.quiet("video");
      if (answer.file)
        store.setResult({ file: answer.file, made: Date.now() / 1000, current: !this.outbox.keys().length });
      else text = "The video was not finished; press Make video when you are ready.";
    } catch (error) {
      text = "The video was not finished.";
      if (!this.closed) this.host.fail(error, () => this.render(), "video");
    }
    store.setTasks({ rendering: false, renderText: text });
  }
}
