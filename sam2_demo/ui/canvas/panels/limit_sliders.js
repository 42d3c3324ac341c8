// The thresholds of everything mode, as sliders.

import { h } from "../dom/dom.js";

/** @import { FoundLimits } from "../state/types.js" */

/**
 * @typedef {(value: number) => number} Scale
 * @typedef {[name: keyof FoundLimits, label: string, show: (value: number) => string, toValue: Scale, fromValue: Scale]} Limit
 */

/** @param {number} share */
const percent = (share) => `${(share * 100).toFixed(share < 0.0995 ? 2 : 0)} %`;
/** @param {number} value */
const plain = (value) => value.toFixed(2);
/**
 * Areas span decades, so their sliders are logarithmic: 0 to 100 are 0.01 % to 100 % of the picture.
 * @param {number} place
 */
const toArea = (place) => (place <= 0 ? 0 : 10 ** (place / 25 - 4));
/** @param {number} share */
const fromArea = (share) => (share <= 0 ? 0 : Math.max(0, Math.min(100, Math.round((Math.log10(share) + 4) * 25))));
/** @type {Scale} */
const toScore = (place) => place / 100;
/** @type {Scale} */
const fromScore = (value) => Math.round(value * 100);
/** @type {Limit[]} */
const LIMITS = [
  ["iou", "Predicted IoU from", plain, toScore, fromScore],
  ["stability", "Stability from", plain, toScore, fromScore],
  ["areaMin", "Area from", percent, toArea, fromArea],
  ["areaMax", "Area up to", percent, toArea, fromArea],
];

export class LimitSliders {
  /** @param {(name: keyof FoundLimits, value: number) => void} changed */
  constructor(changed) {
    this.changed = changed;
    this.sliders = LIMITS.map((limit) => this.slider(limit));
    this.element = h("div", { class: "sam-limits" }, ...this.sliders.map((each) => each.element));
  }

  /** @param {Limit} given */
  slider([name, label, show, toValue, fromValue]) {
    const value = h("output", {});
    /** @type {HTMLInputElement} */
    const input = h("input", {
      type: "range",
      min: 0,
      max: 100,
      step: 1,
      "aria-label": label,
      oninput: () => this.changed(name, toValue(Number(input.value))),
    });
    /** @param {FoundLimits} limits */
    const draw = (limits) => {
      const now = limits[name];
      if (document.activeElement !== input) input.value = String(fromValue(now));
      value.textContent = show(now);
      input.setAttribute("aria-valuetext", show(now));
    };
    return { element: h("label", {}, h("span", {}, label), input, value), draw };
  }

  /** @param {FoundLimits} limits */
  draw(limits) {
    for (const slider of this.sliders) slider.draw(limits);
  }
}
