// The choice of effects: behind, on and over the objects, each with its variants; for all objects or for one alone.

import { h } from "../dom/dom.js";
import { BACKGROUND_EFFECTS, OBJECT_EFFECTS } from "../effects/effects.js";
import { sendFile } from "../server/server.js";

/** @import { Effects, Host, View } from "../state/types.js" */
/** @import { Store } from "../state/store.js" */
/** @import { ViewActions } from "../edit/view_actions.js" */
/** @import { ObjectActions } from "../edit/object_actions.js" */

/** @type {Effects} */
const NONE = { none: ["None", [], null] };
/** @type {Effects} */
const AS_ALL = { "": ["As for all objects", [], null] };

/**
 * @typedef {object} Layer
 * @property {"background" | "objects" | "extra"} name
 * @property {Effects} effects
 * @property {string} preset
 * @property {"effect" | "extra" | null} own  what an object's own effect of this layer is called
 * @property {HTMLSelectElement} choice
 * @property {HTMLSelectElement} variant
 * @property {HTMLElement} [element]
 */

export class EffectsPanel {
  /** @param {{ store: Store, host: Host, view: ViewActions, objectActions: ObjectActions }} parts */
  constructor({ store, host, view, objectActions }) {
    this.store = store;
    this.host = host;
    this.view = view;
    this.objectActions = objectActions;
    this.chosen = null; // the object whose own effects are shown; null: those for all
    this.target = h("select", { "aria-label": "Effects for", class: "sam-target", onchange: () => this.choose() });
    this.forWhom = h("label", { class: "sam-layer sam-for" }, h("span", {}, "Apply to"), this.target);
    this.layers = [
      this.layer("background", "Background", BACKGROUND_EFFECTS, "original"),
      this.layer("objects", "Objects", { ...OBJECT_EFFECTS, ...NONE }, "overlay", "effect"),
      this.layer("extra", "On top", { ...NONE, ...OBJECT_EFFECTS }, "none", "extra"),
    ];
    /** @type {HTMLInputElement} */
    this.color = h("input", {
      type: "color",
      class: "sam-swatch",
      "aria-label": "Background colour",
      value: "#00b140",
      onchange: () => this.view.set({ background_color: this.color.value }),
    });
    /** @type {HTMLInputElement} */
    this.text = h("input", {
      class: "sam-text",
      maxlength: 40,
      "aria-label": "Background text",
      value: "SAM 2",
      onchange: () => this.view.set({ text: this.text.value }),
    });
    this.file = h("input", {
      type: "file",
      accept: "image/*",
      "aria-label": "Background picture",
      onchange: () => this.send(),
    });
    const [background, objects, extra] = this.layers.map((layer) => layer.element);
    this.element = h(
      "section",
      { class: "sam-panel sam-effects" },
      h("h3", {}, "Effects"),
      background,
      this.color,
      this.text,
      this.file,
      this.forWhom,
      objects,
      extra,
    );
    this.store.watch(["view", "objects"], () => this.draw());
  }

  /**
   * @param {"background" | "objects" | "extra"} name
   * @param {string} title
   * @param {Effects} effects
   * @param {string} preset
   * @param {"effect" | "extra" | null} [own]
   */
  layer(name, title, effects, preset, own = null) {
    /** @type {Layer} */
    const layer = { name, effects, preset, own, choice: null, variant: null };
    layer.choice = h("select", {
      "aria-label": `${title} effect`,
      onchange: () => this.change(layer, layer.choice.value, 0),
    });
    layer.variant = h("select", {
      "aria-label": `${title} variant`,
      onchange: () => this.change(layer, layer.choice.value, Number(layer.variant.value)),
    });
    layer.element = h("div", { class: "sam-layer" }, h("span", {}, title), layer.choice, layer.variant);
    return layer;
  }

  object() {
    return this.chosen === null ? null : this.store.object(this.chosen) || null;
  }

  choose() {
    this.chosen = this.target.value === "" ? null : Number(this.target.value);
    this.draw();
  }

  /**
   * @param {Layer} given
   * @param {string} value
   * @param {number} variant
   */
  change({ name, own }, value, variant) {
    const object = own && this.object();
    if (object) this.objectActions.change(object.object_id, { [own]: value, [`${own}_variant`]: variant });
    else this.view.set({ [name]: value, [`${name}_variant`]: variant });
  }

  draw() {
    const { view } = this.store;
    this.drawTarget();
    for (const layer of this.layers) this.drawLayer(layer, view);
    this.color.hidden = view.background !== "color";
    this.color.value = view.background_color || "#00b140";
    this.text.hidden = view.background !== "text";
    if (document.activeElement !== this.text) this.text.value = view.text ?? "SAM 2";
    this.file.hidden = view.background !== "picture";
  }

  drawTarget() {
    const { objects } = this.store;
    if (!this.object()) this.chosen = null;
    const names = JSON.stringify(objects.map((o) => [o.object_id, o.name]));
    if (this.target.dataset.of !== names) {
      this.target.replaceChildren(
        h("option", { value: "" }, "all objects"),
        ...objects.map((o) => h("option", { value: o.object_id }, `${o.name} alone`)),
      );
      this.target.dataset.of = names;
    }
    this.target.value = this.chosen === null ? "" : String(this.chosen);
    this.forWhom.hidden = !objects.length;
  }

  /**
   * @param {Layer} given
   * @param {View} view
   */
  drawLayer({ name, effects, preset, own, choice, variant }, view) {
    const object = own ? this.object() : null;
    const offered = object ? { ...AS_ALL, ...effects } : effects;
    const kind = object ? "one" : "all";
    if (choice.dataset.of !== kind) {
      choice.replaceChildren(
        ...Object.entries(offered)
          .sort(([a], [b]) => (a === "" ? -1 : b === "" ? 1 : 0))
          .map(([value, [label]]) => h("option", { value }, label)),
      );
      choice.dataset.of = kind;
    }
    const value = object ? object[own] || "" : view[name];
    choice.value = Object.hasOwn(offered, value) ? value : preset;
    const variants = offered[choice.value][1];
    if (variant.dataset.of !== choice.value) {
      variant.replaceChildren(...variants.map((label, place) => h("option", { value: place }, label)));
      variant.dataset.of = choice.value;
    }
    variant.hidden = !variants.length;
    variant.value = String((object ? object[`${own}_variant`] : view[`${name}_variant`]) || 0);
  }

  async send() {
    const [file] = this.file.files;
    if (!file) return;
    try {
      await sendFile(`s/${this.store.token}/backdrop`, file, () => {});
      this.host.quiet("backdrop");
      this.view.set({ backdrop: Date.now() });
    } catch (error) {
      this.host.warn(error.message, null, "backdrop");
    }
  }
}
