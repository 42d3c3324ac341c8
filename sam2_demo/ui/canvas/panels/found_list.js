// The masks that everything mode shows, as a list to pick from with mouse and keys.

import { h, keepFocus } from "../dom/dom.js";

/** @import { FoundMasks } from "../masks/found_masks.js" */
/** @import { FoundMask } from "../state/types.js" */

const LISTED = 120;

/**
 * @typedef {object} ListActs
 * @property {(mask: FoundMask) => void} pick
 * @property {(mask: FoundMask | null) => void} inspect
 * @property {() => void} remove
 * @property {() => void} join
 * @property {(mask: FoundMask) => string} color
 */

export class FoundList {
  /** @param {ListActs} act */
  constructor(act) {
    this.act = act;
    this.element = h("div", {
      class: "sam-found",
      role: "listbox",
      "aria-multiselectable": "true",
      "aria-label": "Masks found",
      onkeydown: (event) => this.key(event),
    });
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const options = /** @type {HTMLElement[]} */ ([...this.element.children]);
    const place = options.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (event.ctrlKey || event.metaKey || event.altKey || place < 0) return;
    const move = {
      ArrowRight: 1,
      ArrowDown: 1,
      ArrowLeft: -1,
      ArrowUp: -1,
      Home: -place,
      End: options.length - 1 - place,
    }[event.key];
    if (move !== undefined) options[Math.min(options.length - 1, Math.max(0, place + move))].focus();
    else if (event.key === "Delete") this.act.remove();
    else if (event.key.toLowerCase() === "j") this.act.join();
    else if (event.key === " " || event.key === "Enter") options[place].click();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /**
   * @param {FoundMasks} found
   * @param {FoundMask[]} shown
   */
  draw(found, shown) {
    keepFocus(this.element, "mask", () =>
      this.element.replaceChildren(...shown.slice(0, LISTED).map((mask) => this.option(found, mask))),
    );
  }

  /**
   * @param {FoundMasks} found
   * @param {FoundMask} mask
   */
  option(found, mask) {
    const picked = found.picked.has(mask.id);
    const option = h(
      "div",
      {
        class: `sam-found-mask${picked ? " sam-current" : ""}`,
        role: "option",
        tabindex: 0,
        "data-mask": mask.id,
        "aria-selected": String(picked),
        "aria-label": found.describe(mask),
        onclick: () => this.act.pick(mask),
        onfocus: () => this.act.inspect(mask),
        onpointerenter: () => this.act.inspect(mask),
        onpointerleave: () => this.act.inspect(null),
      },
      mask.parts ? `J${-mask.id}` : String(mask.id),
    );
    option.style.setProperty("--sam-mask", this.act.color(mask));
    return option;
  }
}
