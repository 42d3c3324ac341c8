// The tools above the picture; everything works with the mouse alone.

import { button, h } from "../dom/dom.js";

/** @import { Workbench } from "../app/workbench.js" */
/** @import { Pointer } from "../edit/pointer.js" */
/** @import { Stage } from "../stage/stage.js" */

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
   * @param {Pointer} pointer
   * @param {Stage} stage
   * @param {Workbench} bench
   */
  constructor(pointer, stage, bench) {
    this.pointer = pointer;
    this.bench = bench;
    const act = bench;
    this.tools = TOOLS.map(([name, label, title]) =>
      button(label, () => this.choose(name), {
        title,
        "data-tool": name,
        "aria-pressed": String(name === pointer.tool),
        class: `sam-tool sam-tool-${name}`,
      }),
    );
    this.undo = button("Undo", () => act.undo(), { title: "Undo (Ctrl+Z)" });
    this.redo = button("Redo", () => act.redo(), { title: "Redo (Ctrl+Shift+Z)" });
    this.clear = button("Clear", () => bench.editor.clear(), {
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
    bench.store.watch(["history", "prompts", "objects", "frame"], () => this.draw());
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
    const { editor } = this.bench;
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
    const { history, editor } = this.bench;
    this.undo.disabled = !history.past.length;
    this.redo.disabled = !history.future.length;
    this.clear.disabled = !editor.hasPrompt();
  }
}
