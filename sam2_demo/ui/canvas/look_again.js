// Looks for what is new every few seconds of a clip, and tracks it: the paper's automatic masklets, on the page.

import { h } from "./dom.js";

const EVERY = [["0", "and do not look again"], ["1", "and look again every second"], ["2", "and look again every 2 seconds"], ["5", "and look again every 5 seconds"]];

export class LookAgain {
  // `find` looks on the frame that is shown; it resolves to what it found, null if it was stopped.
  constructor(bench, find) {
    this.bench = bench;
    this.find = find;
    this.running = false;
    this.every = h("select", {
      "aria-label": "Looking again", title: "Everything that no object covers there is tracked, too, with the thresholds that are set here",
    }, ...EVERY.map(([value, label]) => h("option", { value }, label)));
  }

  get isWanted() {
    return this.every.value !== "0";
  }

  frames(first) {
    const { store } = this.bench;
    const every = Number(this.every.value), frames = [];
    for (let at = store.timeOf(first) + every, last = first; ; at += every) {
      const frame = store.frameAt(at);
      if (frame <= last || store.timeOf(frame) < at - every / 2) return frames; // past the end
      frames.push(frame);
      last = frame;
    }
  }

  // `add` makes objects of masks found; resolves to what can be said at the end.
  async run(first, add) {
    const { bench } = this;
    this.running = true;
    let made = 0, looked = 0, text = "";
    try {
      for (const frame of this.frames(first)) {
        await bench.goto(frame);
        await bench.needMasks(frame);
        const found = await this.find();
        if (!found) break;
        looked++;
        const masks = found.shown();
        const room = bench.config.limits.max_objects - bench.store.objects.length;
        const taken = masks.sort((a, b) => b.iou * b.stability - a.iou * a.stability).slice(0, room);
        if (taken.length) {
          add(found, taken);
          made += taken.length;
          if (!await bench.runs.track("both", false)) break;
        }
        if (taken.length < masks.length) {
          text = ` There is room for no more than ${bench.config.limits.max_objects} objects.`;
          break;
        }
      }
    } finally {
      this.running = false;
    }
    await bench.goto(first);
    return `Looked again on ${looked} frame${looked === 1 ? "" : "s"}: ${made} new object${made === 1 ? "" : "s"}.${text}`;
  }
}
