// The list of objects: which one gets the clicks, its name and colour, shown or hidden, removed.

import { button, h } from "./dom.js";

export class ObjectsPanel {
  constructor(store, act) {
    this.store = store;
    this.act = act;
    this.list = h("div", { class: "sam-objects", role: "listbox", "aria-label": "Objects" });
    this.add = button("+ Add object", () => act.addObject(), { class: "sam-wide" });
    this.element = h("section", { class: "sam-panel" }, h("h3", {}, "Objects"), this.list, this.add);
    this.draw();
  }

  draw() {
    const { objects } = this.store;
    if (!objects.length) {
      this.list.replaceChildren(h("div", { class: "sam-quiet" }, "None yet: click on the picture."));
      return;
    }
    this.list.replaceChildren(...objects.map((object) => this.row(object)));
  }

  row(object) {
    const { store, act } = this;
    const active = object.object_id === store.active;
    const count = store.promptedFrames(object.object_id).length;
    const note = store.kind === "video" && count ? `prompts on ${count} frame${count > 1 ? "s" : ""}` : "";
    const name = h("input", {
      class: "sam-name", value: object.name, maxlength: 60, "aria-label": `Name of ${object.name}`, spellcheck: "false",
      onchange: (event) => act.changeObject(object.object_id, { name: event.target.value.trim() || object.name }),
      onfocus: () => act.activate(object.object_id),
    });
    const swatch = h("input", {
      type: "color", class: "sam-swatch", value: object.color, "aria-label": `Colour of ${object.name}`,
      onchange: (event) => act.changeObject(object.object_id, { color: event.target.value }),
    });
    return h("div", {
      class: `sam-object${active ? " sam-current" : ""}${object.visible ? "" : " sam-hidden"}`,
      role: "option", "aria-selected": String(active),
      onclick: (event) => event.target.closest("button, input") || act.activate(object.object_id),
    },
    swatch,
    h("div", { class: "sam-object-text" }, name, h("div", { class: "sam-quiet" }, note)),
    button(object.visible ? "Hide" : "Show", () => act.changeObject(object.object_id, { visible: !object.visible }), {
      class: "sam-small", "aria-label": `${object.visible ? "Hide" : "Show"} ${object.name}`,
    }),
    button("×", () => act.removeObject(object.object_id), { class: "sam-small", "aria-label": `Remove ${object.name}`, title: "Remove" }));
  }
}
