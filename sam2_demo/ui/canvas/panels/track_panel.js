// Track and Stop, which way, and how far it is.

import { button, h, seconds } from "../dom/dom.js";

/** @import { TrackStep } from "../state/types.js" */
/** @import { Store } from "../state/store.js" */
/** @import { Runs } from "../app/runs.js" */

const WAYS = [
  ["whole", "Whole clip"],
  ["forward", "Forward from here"],
  ["backward", "Backward from here"],
  ["both", "Both ways from here"],
  ["marks", "Between the marks"],
  ["anew", "All anew"],
];

export class TrackPanel {
  /** @param {{ store: Store, runs: Runs }} parts */
  constructor({ store, runs }) {
    this.store = store;
    this.runs = runs;
    this.way = h(
      "select",
      { "aria-label": "Which way to track" },
      ...WAYS.map(([value, label]) => h("option", { value }, label)),
    );
    this.start = button("Track", () => this.runs.track(this.way.value), { class: "sam-primary sam-grow" });
    this.stop = button("Stop", () => this.halt(), { class: "sam-stop sam-grow", hidden: true });
    this.bar = h("progress", { max: 1, value: 0, hidden: true, "aria-label": "Tracking" });
    this.status = h("div", { class: "sam-quiet", role: "status", "aria-live": "polite" });
    this.store.watch(["prompts", "tasks"], () => this.draw());
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
    const { store } = this;
    const canTrack = store.prompts.size > 0;
    this.start.disabled = !canTrack || store.tracking;
    this.start.title = canTrack ? "" : "Click on an object first";
    this.start.hidden = this.way.disabled = store.tracking;
    this.stop.hidden = this.bar.hidden = !store.tracking;
    this.drawProgress();
  }

  drawProgress() {
    const { tracking, trackStep, trackText } = this.store;
    if (!trackStep || !tracking) this.bar.removeAttribute("value");
    if (!tracking) this.status.textContent = trackText;
    else if (!trackStep) this.status.textContent = "Starting …";
    else {
      const { done, total, seconds_left: left } = trackStep;
      this.bar.max = total;
      this.bar.value = done;
      this.status.textContent = `${done} of ${total} frames${done > 3 && left > 1 ? `, ${seconds(left)} left` : ""}`;
    }
  }

  async halt() {
    this.stop.disabled = true;
    await this.runs.stop();
    this.stop.disabled = false;
  }
}
