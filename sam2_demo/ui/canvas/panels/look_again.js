// Looks for what is new every few seconds of a clip, and tracks it: the paper's automatic masklets, on the page.

import { h } from "../dom/dom.js";

/** @import { FoundMasks } from "../masks/found_masks.js" */
/** @import { FoundMask, Host } from "../state/types.js" */
/** @import { Store } from "../state/store.js" */
/** @import { FrameWalk } from "../stage/frame_walk.js" */
/** @import { Runs } from "../app/runs.js" */

const TRIES = 300;
const EVERY = [
  ["0", "and do not look again"],
  ["1", "and look again every second"],
  ["2", "and look again every 2 seconds"],
  ["5", "and look again every 5 seconds"],
];

export class LookAgain {
  /**
   * `find` looks on the frame that is shown; it resolves to what it found, null if it was stopped.
   * @param {{ store: Store, host: Host, walk: FrameWalk, runs: Runs }} parts
   * @param {() => Promise<FoundMasks | null>} find
   */
  constructor({ store, host, walk, runs }, find) {
    this.store = store;
    this.host = host;
    this.walk = walk;
    this.runs = runs;
    this.find = find;
    this.running = false;
    this.closed = false;
    this.every = h(
      "select",
      {
        "aria-label": "Looking again",
        title: "Everything that no object covers there is tracked, too, with the thresholds that are set here",
      },
      ...EVERY.map(([value, label]) => h("option", { value }, label)),
    );
  }

  /** @param {boolean} running */
  setRunning(running) {
    this.running = running;
    this.store.setTasks({ lookingAgain: running });
  }

  get isWanted() {
    return this.every.value !== "0";
  }

  /** @param {number} first */
  frames(first) {
    const { store } = this;
    const every = Number(this.every.value),
      frames = [];
    const last = store.clip.num_frames - 1,
      end = store.timeOf(last);
    for (let at = store.timeOf(first) + every, before = first; at < end + every / 2; at += every) {
      const frame = store.frameAt(at); // the one that is shown then; a still may last for several looks
      if (frame > before) frames.push(frame);
      before = Math.max(before, frame);
    }
    return frames;
  }

  /**
   * Masks come in blocks, which may be under way already.
   * @param {number} frame
   */
  async masksOf(frame) {
    for (let tries = 0; tries < TRIES && !this.closed; tries++) {
      await this.walk.needMasks(frame);
      if (this.store.knowsMasks(frame)) return true;
      await new Promise((done) => setTimeout(done, 100));
    }
    return false;
  }

  /**
   * `add` makes objects of masks found; resolves to whether it came to its end and what can be said then.
   * @param {number} first
   * @param {(found: FoundMasks, taken: FoundMask[]) => void} add
   */
  async run(first, add) {
    this.setRunning(true);
    let made = 0,
      looked = 0,
      text = "",
      finished = false;
    try {
      const frames = this.frames(first);
      finished = !frames.length;
      for (const frame of frames) {
        await this.walk.goto(frame);
        if (!(await this.masksOf(frame))) break;
        const found = await this.find();
        if (!found || this.closed) break;
        looked++;
        const masks = found.shown();
        const room = this.host.config.limits.max_objects - this.store.objects.length;
        const taken = masks.sort((a, b) => b.iou * b.stability - a.iou * a.stability).slice(0, room);
        if (taken.length) {
          add(found, taken);
          made += taken.length;
          if (!(await this.runs.track("both", false)) || this.closed) break;
        }
        if (taken.length < masks.length)
          text = ` There is room for no more than ${this.host.config.limits.max_objects} objects.`;
        finished = frame === frames.at(-1) || Boolean(text);
        if (text) break;
      }
    } finally {
      this.setRunning(false);
    }
    if (!this.closed) await this.walk.goto(first);
    return {
      finished,
      text: `Looked again on ${looked} frame${looked === 1 ? "" : "s"}: ${made} new object${made === 1 ? "" : "s"}.${text}`,
    };
  }
}
