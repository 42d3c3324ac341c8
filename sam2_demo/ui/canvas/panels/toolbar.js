// The tools above the picture; everything works with the mouse alone.

import { button, h } from "../dom/dom.js";

/** @import { Pointer } from "../edit/pointer.js" */
/** @import { Stage } from "../stage/stage.js" */
/** @import { Store } from "../state/store.js" */
/** @import { History } from "../state/history.js" */
/** @import { PromptEditor } from "../edit/prompt_editor.js" */

const TOOLS = [
  ["include", "Include", "Click on what belongs to the object (right-click: what does not)"],
  ["exclude", "Exclude", "Click on what does not belong to the object"],
  ["box", "Box", "Drag a box around the object, or click two corners"],
  ["brush", "Brush", "Paint what belongs to the object"],
  ["erase", "Eraser", "Rub out what does not belong to the object"],
  ["pan", "Move", "Drag the picture when zoomed in"],
];

export class Toolbar {
  /**
   * @param {{ store: Store, history: History, editor: PromptEditor, stage: Stage, pointer: Pointer }} parts
   */
  constructor({ store, history, editor, stage, pointer }) {
    this.store = store;
    this.history = history;
    this.editor = editor;
    this.stage = stage;
    this.pointer = pointer;
    this.pointer = pointer;
    this.tools = TOOLS.map(([name, label, title]) =>
      button(label, () => this.choose(name), {
        title,
        "data-tool": name,
        "aria-pressed": String(name === pointer.tool),
        class: `sam-tool sam-tool-${name}`,
      }),
    );
    this.undo = button("Undo", () => history.undo(), { title: "Undo (Ctrl+Z)" });
    this.redo = button("Redo", () => history.redo(), { title: "Redo (Ctrl+Shift+Z)" });
    this.clear = button("Clear", () => this.editor.clear(), {
      title: "Remove the prompts of the chosen object on this frame",
    });
    this.size = h("input", {
      type: "range",
      min: 4,
      max: 120,
      value: pointer.size,
      class: "sam-size",
      "aria-label": "Brush size",
      hidden: true,
      oninput: () => {
        pointer.size = Number(this.size.value);
      },
    });
    this.preview = button("Preview", () => this.togglePreview(), {
      "aria-pressed": "false",
      title: "Show what a click under the pointer would select (P)",
      class: "sam-tool",
    });
    this.store.watch(["history", "prompts", "objects", "frame", "tasks"], () => this.draw());
    this.element = h(
      "div",
      { class: "sam-toolbar", role: "toolbar", "aria-label": "Prompt tools" },
      h("div", { class: "sam-group" }, ...this.tools, this.size),
      h("div", { class: "sam-group" }, this.undo, this.redo, this.clear, this.preview),
      h(
        "div",
        { class: "sam-group sam-zoom" },
        button("−", () => stage.zoomBy(1 / 1.5), { "aria-label": "Zoom out", title: "Zoom out" }),
        button("Fit", () => stage.fit(), { "aria-label": "Fit the picture", title: "Show the whole picture" }),
        button("+", () => stage.zoomBy(1.5), { "aria-label": "Zoom in", title: "Zoom in" }),
      ),
    );
  }

  togglePreview() {
    const { editor } = this;
    editor.previewOn = !editor.previewOn;
    this.preview.setAttribute("aria-pressed", String(editor.previewOn));
    if (!editor.previewOn) editor.hover(null);
  }

  /** @param {string} name */
  choose(name) {
    this.size.hidden = name !== "brush" && name !== "erase";
    this.pointer.setTool(name);
    for (const tool of this.tools) tool.setAttribute("aria-pressed", String(tool.dataset.tool === name));
  }

  draw() {
    const { history, editor, store } = this;
    this.undo.disabled = !history.past.length || store.tracking;
    this.redo.disabled = !history.future.length || store.tracking;
    this.clear.disabled = !editor.hasPrompt();
  }
}
