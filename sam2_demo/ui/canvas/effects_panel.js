// The choice of effects: behind, on and over the objects, each with its variants.

import { h } from "./dom.js";
import { BACKGROUND_EFFECTS, OBJECT_EFFECTS } from "./effects.js";
import { sendFile } from "./server.js";

export class EffectsPanel {
  constructor(bench) {
    this.bench = bench;
    this.store = bench.store;
    const none = { none: ["None", [], null] };
    this.layers = [
      this.layer("background", "Background", BACKGROUND_EFFECTS, "original"),
      this.layer("objects", "Objects", { ...OBJECT_EFFECTS, none: ["None", [], null] }, "overlay"),
      this.layer("extra", "On top", { ...none, ...OBJECT_EFFECTS }, "none"),
    ];
    this.color = h("input", {
      type: "color", class: "sam-swatch", "aria-label": "Background colour", value: "#00b140",
      onchange: () => bench.setView({ background_color: this.color.value }),
    });
    this.text = h("input", {
      class: "sam-text", maxlength: 40, "aria-label": "Background text", value: "SAM 2", onchange: () => bench.setView({ text: this.text.value }),
    });
    this.file = h("input", { type: "file", accept: "image/*", "aria-label": "Background picture", onchange: () => this.send() });
    this.element = h("section", { class: "sam-panel sam-effects" }, h("h3", {}, "Effects"),
      ...this.layers.map((layer) => layer.element), this.color, this.text, this.file);
    this.draw();
  }

  layer(name, title, effects, preset) {
    const choice = h("select", { "aria-label": `${title} effect`, onchange: () => this.bench.setView({ [name]: choice.value, [`${name}_variant`]: 0 }) },
      ...Object.entries(effects).map(([value, [label]]) => h("option", { value }, label)));
    const variant = h("select", { "aria-label": `${title} variant`, onchange: () => this.bench.setView({ [`${name}_variant`]: Number(variant.value) }) });
    const element = h("div", { class: "sam-layer" }, h("span", {}, title), choice, variant);
    return { name, effects, preset, choice, variant, element };
  }

  draw() {
    const { view } = this.store;
    for (const { name, effects, preset, choice, variant } of this.layers) {
      choice.value = effects[view[name]] ? view[name] : preset;
      const variants = effects[choice.value][1];
      if (variant.dataset.of !== choice.value) {
        variant.replaceChildren(...variants.map((label, value) => h("option", { value }, label)));
        variant.dataset.of = choice.value;
      }
      variant.hidden = !variants.length;
      variant.value = String(view[`${name}_variant`] || 0);
    }
    this.color.hidden = view.background !== "color";
    this.color.value = view.background_color || "#00b140";
    this.text.hidden = view.background !== "text";
    if (document.activeElement !== this.text) this.text.value = view.text ?? "SAM 2";
    this.file.hidden = view.background !== "picture";
  }

  async send() {
    const [file] = this.file.files;
    if (!file) return;
    try {
      await sendFile(`s/${this.store.token}/backdrop`, file, () => {});
      this.bench.setView({ backdrop: Date.now() });
    } catch (error) {
      this.bench.host.warn(error.message);
    }
  }
}
