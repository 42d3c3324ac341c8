// The help sheet: mouse, touch and keys.

import { button, h } from "../dom/dom.js";

const BOTH = [
  ["Click", "this belongs to the object"],
  ["Right-click, Alt + click", "this does not belong to it"],
  ["Drag", "draw a box; drag a point or a corner to move it"],
  ["Click on a point", "delete it"],
  ["Ctrl + wheel, pinch, + − 0", "zoom in, out, fit; the middle button or Move drags the picture"],
  [
    "Arrows, Enter, Backspace",
    "with the picture focused: move the cursor, include, exclude (Shift: faster, Delete: remove a point)",
  ],
  ["Click on a name, a colour", "in the list of objects: change it"],
  ["1 2 3 4 5 6", "include, exclude, box, brush, eraser, move"],
  ["A, X, C", "add an object, next object, clear this frame's prompts"],
  ["P", "preview under the pointer"],
  ["Ctrl + Z, Ctrl + Shift + Z", "undo, redo"],
];
const VIDEO = [
  ["Space, M", "play or pause, sound on or off"],
  ["← →   , .", "one frame (Shift, < >: ten); Home and End"],
  ["T, Esc", "track, stop"],
  ["N", "next frame to check"],
  ["I, O", "mark in, mark out"],
];

export class HelpSheet {
  /** @param {boolean} isVideo */
  constructor(isVideo) {
    const rows = [...BOTH, ...(isVideo ? VIDEO : [])];
    /** @type {HTMLDialogElement} */
    this.element = h(
      "dialog",
      { class: "sam-help", "aria-label": "Help and keys" },
      h("h3", {}, "Mouse, touch and keys"),
      h(
        "table",
        {},
        h(
          "tbody",
          {},
          ...rows.map(([keys, meaning]) => h("tr", {}, h("th", { scope: "row" }, keys), h("td", {}, meaning))),
        ),
      ),
      button("Close", () => this.element.close(), { class: "sam-primary" }),
    );
    this.element.addEventListener("click", (event) => event.target === this.element && this.element.close());
  }

  isOpen() {
    return this.element.open;
  }

  open() {
    this.element.showModal();
  }
}
