// The list of objects: which one gets the clicks, its name, colour and picture, shown, alone, locked, removed.

import { button, h } from "../dom/dom.js";

/** @import { ObjectInfo } from "../state/types.js" */
/** @import { Store } from "../state/store.js" */
/** @import { Stage } from "../stage/stage.js" */
/** @import { ViewActions } from "../edit/view_actions.js" */
/** @import { ObjectActions } from "../edit/object_actions.js" */

export class ObjectsPanel {
  /** @param {{ store: Store, stage: Stage, view: ViewActions, objectActions: ObjectActions }} parts */
  constructor({ store, stage, view, objectActions }) {
    this.store = store;
    this.stage = stage;
    this.view = view;
    this.objectActions = objectActions;
    this.revealed = "";
    this.list = h("div", { class: "sam-objects", role: "listbox", "aria-label": "Objects" });
    this.add = button("+ Add object", () => this.objectActions.add(), { class: "sam-wide" });
    /** @type {HTMLSelectElement} */
    this.overlap = h(
      "select",
      {
        "aria-label": "Where objects overlap",
        onchange: () => this.view.setOverlap(this.overlap.value),
      },
      h("option", { value: "score" }, "Overlaps: surer object wins"),
      h("option", { value: "both" }, "Overlaps: show both"),
    );
    this.element = h(
      "section",
      { class: "sam-panel" },
      h("h3", {}, "Objects"),
      this.list,
      this.add,
      this.store.isVideo ? this.overlap : null,
    );
    this.store.watch(["objects", "prompts", "masks", "view", "frame", "picture", "tasks"], () => this.draw());
  }

  draw() {
    const { objects } = this.store;
    if (this.store.isMoving) return; // rows with pictures are too much for every frame
    // A name that is being typed must survive redrawing.
    if (this.list.contains(document.activeElement) && document.activeElement.classList.contains("sam-name")) return;
    this.overlap.hidden = objects.length < 2;
    this.overlap.value = this.store.view.overlap || "score";
    if (!objects.length) {
      this.list.replaceChildren(h("div", { class: "sam-quiet" }, "None yet: click on the picture."));
      return;
    }
    this.list.replaceChildren(...objects.map((object) => this.row(object)));
    this.reveal();
  }

  // Another current object, or one whose note made it taller, comes into sight. The list alone moves: the picture on
  // the page must stay where it is.
  reveal() {
    const { list, store } = this;
    const stamp = `${store.active} ${this.note(store.active)}`;
    if (this.revealed === stamp) return;
    this.revealed = stamp;
    const row = list.querySelector(".sam-current");
    if (!row) return;
    const seen = list.getBoundingClientRect(),
      place = row.getBoundingClientRect();
    list.scrollTop += Math.min(0, place.top - seen.top) + Math.max(0, place.bottom - seen.bottom);
  }

  /** @param {ObjectInfo} object */
  row(object) {
    const { store } = this;
    const act = this.objectActions;
    const id = object.object_id;
    const active = id === store.active;
    return h(
      "div",
      {
        class: `sam-object${active ? " sam-current" : ""}${object.visible ? "" : " sam-hidden"}`,
        role: "option",
        "aria-selected": String(active),
        tabindex: 0,
        onclick: (event) => event.target.closest("button, input") || act.activate(id),
        onkeydown: (event) => event.target === event.currentTarget && event.key === "Enter" && act.activate(id),
      },
      this.thumbnail(object),
      this.details(object),
    );
  }

  /** @param {ObjectInfo} object */
  details(object) {
    const act = this.objectActions;
    const id = object.object_id;
    /** @type {(text: string, label: string, work: () => void, pressed?: boolean) => HTMLButtonElement} */
    const small = (text, label, work, pressed) =>
      button(text, work, {
        class: "sam-small",
        "aria-label": `${label} ${object.name}`,
        title: label,
        "aria-pressed": pressed === undefined ? null : String(pressed),
      });
    const [swatch, name] = this.fields(object);
    return h(
      "div",
      { class: "sam-object-text" },
      h(
        "div",
        { class: "sam-object-head" },
        swatch,
        name,
        small("×", "Remove", () => act.remove(id)),
      ),
      h(
        "div",
        { class: "sam-object-tools" },
        small(object.visible ? "Hide" : "Show", object.visible ? "Hide" : "Show", () =>
          act.change(id, { visible: !object.visible }),
        ),
        small("Solo", "Show only", () => act.solo(id)),
        small(object.locked ? "Unlock" : "Lock", object.locked ? "Unlock" : "Lock", () =>
          act.change(id, { locked: !object.locked }),
        ),
        h("span", { class: "sam-quiet" }, this.note(id)),
      ),
    );
  }

  /** @param {ObjectInfo} object */
  fields(object) {
    const act = this.objectActions;
    const id = object.object_id;
    const name = h("input", {
      class: "sam-name",
      value: object.name,
      maxlength: 60,
      "aria-label": `Name of ${object.name}`,
      title: "Click to change the name",
      spellcheck: "false",
      onchange: (event) => {
        const text = event.target.value.trim() || object.name;
        event.target.blur();
        act.change(id, { name: text });
      },
      onkeydown: (event) => event.key === "Enter" && event.target.blur(),
    });
    const swatch = h("input", {
      type: "color",
      class: "sam-swatch",
      value: object.color,
      "aria-label": `Colour of ${object.name}`,
      onchange: (event) => act.change(id, { color: event.target.value }),
    });
    return [swatch, name];
  }

  /** @param {number} id */
  note(id) {
    const count = this.store.promptedFrames(id).length;
    return this.store.kind === "video" && count ? `prompts on ${count} frame${count > 1 ? "s" : ""}` : "";
  }

  /**
   * The object as it is on this frame, or the last picture of it.
   * @param {ObjectInfo} object
   */
  thumbnail(object) {
    const thumb = h("canvas", { class: "sam-thumb", width: 72, height: 72, "aria-hidden": "true" });
    const mask = this.store.masksHere()[object.object_id];
    if (mask && mask.area > 0) this.stage.paintObjectThumb(thumb, mask.counts, object.color);
    return thumb;
  }
}
