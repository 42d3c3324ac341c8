// What stands beside the live picture: the objects with their states, and the choice of effects.

import { button, h } from "../dom/dom.js";
import { BACKGROUND_EFFECTS, OBJECT_EFFECTS } from "../effects/effects.js";

/** @import { Effects, Masks, ObjectInfo, View } from "../state/types.js" */

// These need small pictures of a session, which a camera has not.
const NEED_SESSION = ["label", "emoji", "trail", "text", "picture"];

/** @param {Effects} effects */
const offered = (effects) => Object.entries(effects).filter(([name]) => !NEED_SESSION.includes(name));

export class LiveObjects {
  /**
   * @param {{ choose: (id: number | null) => void, remove: (id: number) => void, show: (id: number) => void }} actions
   */
  constructor(actions) {
    this.actions = actions;
    this.list = h("div", { class: "sam-objects", role: "listbox", "aria-label": "Objects of the camera" });
    this.add = button("+ Add object", () => actions.choose(null), { class: "sam-wide" });
    this.element = h("section", { class: "sam-panel" }, h("h3", {}, "Objects"), this.list, this.add);
    this.stamp = "";
    /** @type {Map<number, HTMLElement>} */
    this.states = new Map();
  }

  /**
   * @param {ObjectInfo[]} objects
   * @param {number | null} active
   */
  draw(objects, active) {
    this.add.disabled = active === null;
    this.states.clear();
    if (!objects.length) {
      this.list.replaceChildren(h("div", { class: "sam-quiet" }, "None yet: click on the picture."));
      return;
    }
    this.list.replaceChildren(...objects.map((object) => this.row(object, object.object_id === active)));
  }

  /**
   * @param {ObjectInfo} object
   * @param {boolean} isActive
   */
  row(object, isActive) {
    const { object_id: id, name, visible } = object;
    const state = h("div", { class: "sam-quiet" });
    this.states.set(id, state);
    const swatch = h("span", { class: "sam-swatch", "aria-hidden": "true" });
    swatch.style.background = object.color;
    return h(
      "div",
      {
        class: `sam-object${isActive ? " sam-current" : ""}`,
        role: "option",
        "aria-selected": String(isActive),
        tabindex: 0,
        onclick: () => this.actions.choose(id),
        onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Enter" && this.actions.choose(id),
      },
      swatch,
      h("div", { class: "sam-object-text" }, h("strong", {}, name), state),
      button(visible ? "Hide" : "Show", (event) => this.press(event, () => this.actions.show(id)), {
        class: "sam-small",
      }),
      button("Remove", (event) => this.press(event, () => this.actions.remove(id)), {
        class: "sam-small",
        "aria-label": `Remove ${name}`,
      }),
    );
  }

  /**
   * @param {Event} event
   * @param {() => void} work
   */
  press(event, work) {
    event.stopPropagation();
    work();
  }

  /** @param {Masks} masks */
  drawStates(masks) {
    for (const [id, node] of this.states) {
      const mask = masks[id];
      const words = !mask
        ? "being selected …"
        : mask.score > 0
          ? `in sight, ${(100 * mask.area).toFixed(1)} % of the picture, sure to ${Math.round(100 * mask.iou)} %`
          : "out of sight";
      if (node.textContent !== words) node.textContent = words;
    }
  }
}

export class LiveEffects {
  /** @param {View} view  is changed in place */
  constructor(view) {
    this.view = view;
    this.element = h(
      "section",
      { class: "sam-panel" },
      h("h3", {}, "Effects"),
      this.layer("background", "Background", BACKGROUND_EFFECTS),
      this.layer("objects", "Objects", { ...OBJECT_EFFECTS, none: ["None", [], null] }),
    );
  }

  /**
   * @param {"background" | "objects"} name
   * @param {string} title
   * @param {Effects} effects
   */
  layer(name, title, effects) {
    const variant = h("select", {
      "aria-label": `Live ${title.toLowerCase()} variant`,
      onchange: () => {
        this.view[`${name}_variant`] = Number(variant.value);
      },
    });
    const choice = h("select", {
      "aria-label": `Live ${title.toLowerCase()} effect`,
      onchange: () => {
        this.view[name] = choice.value;
        this.view[`${name}_variant`] = 0;
        drawVariants();
      },
    });
    choice.append(...offered(effects).map(([value, [label]]) => h("option", { value }, label)));
    choice.value = this.view[name];
    const drawVariants = () => {
      const labels = effects[choice.value]?.[1] || [];
      variant.replaceChildren(...labels.map((label, place) => h("option", { value: place }, label)));
      variant.hidden = !labels.length;
    };
    drawVariants();
    return h("div", { class: "sam-layer" }, h("span", {}, title), choice, variant);
  }
}
