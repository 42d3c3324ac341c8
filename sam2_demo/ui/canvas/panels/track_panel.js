// Track and Stop, which way, and how far it is.

import { button, h, seconds } from "../dom/dom.js";

/** @import { Workbench } from "../app/workbench.js" */
/** @import { TrackStep } from "../state/types.js" */

const WAYS = [
  ["whole", "Whole clip"],
  ["forward", "Forward from here"],
  ["backward", "Backward from here"],
  ["both", "Both ways from here"],
  ["marks", "Between the marks"],
  ["anew", "All anew"],
];

export class TrackPanel {
  /** @param {Workbench} bench */
  constructor(bench) {
    this.bench = bench;
    this.way = h(
      "select",
      { "aria-label": "Which way to track" },
      ...WAYS.map(([value, label]) => h("option", { value }, label)),
    );
    this.start = button("Track", () => bench.runs.track(this.way.value), { class: "sam-primary sam-grow" });
    this.stop = button("Stop", () => this.halt(), { class: "sam-stop sam-grow", hidden: true });
    this.bar = h("progress", { max: 1, value: 0, hidden: true, "aria-label": "Tracking" });
    this.status = h("div", { class: "sam-quiet", role: "status", "aria-live": "polite" });
    bench.store.watch(["prompts", "tasks"], () => this.draw());
    this.element = h(
      "section",
      { class: "sam-panel" },
      h("h3", {}, "Track"),
      h("div", { class: "sam-row" }, this.start, this.stop, this.way),
      this.bar,
      this.status,
    );
  }

  draw() {
    const { store } = this.bench;
    const canTrack = store.prompts.size > 0;
    this.start.disabled = !canTrack || store.tracking;
    this.start.title = canTrack ? "" : "Click on an object first";
  }

  begin() {
    this.start.hidden = true;
    this.stop.hidden = false;
    this.stop.disabled = false;
    this.bar.hidden = false;
    this.bar.removeAttribute("value");
    this.status.textContent = "Starting …";
    this.way.disabled = true;
  }

  /** @param {TrackStep} given */
  progress({ done, total, seconds_left: left }) {
    this.bar.max = total;
    this.bar.value = done;
    this.status.textContent = `${done} of ${total} frames${done > 3 && left > 1 ? `, ${seconds(left)} left` : ""}`;
  }

  async halt() {
    this.stop.disabled = true;
    await this.bench.runs.stop();
    this.stop.disabled = false;
  }

  /** @param {string} text */
  finish(text) {
    this.start.hidden = false;
    this.stop.hidden = true;
    this.bar.hidden = true;
    this.way.disabled = false;
    this.status.textContent = text;
  }
}
