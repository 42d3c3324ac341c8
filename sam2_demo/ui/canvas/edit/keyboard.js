// Everything without a mouse: keys of the open clip or picture, with a cursor on the canvas for placing points.

/** @import { Workbench } from "../app/workbench.js" */
/** @import { Place } from "../state/types.js" */

/** @type {{ [key: string]: string }} */
const TOOLS = { 1: "include", 2: "exclude", 3: "box", 4: "brush", 5: "erase", 6: "pan" };

export class Keyboard {
  /** @param {Workbench} bench */
  constructor(bench) {
    this.bench = bench;
    bench.element.tabIndex = -1;
    bench.element.addEventListener("keydown", (event) => this.down(event));
    bench.canvas.addEventListener("blur", () => this.hideCursor());
  }

  /** @param {KeyboardEvent} event */
  down(event) {
    const { bench } = this;
    const element = /** @type {HTMLElement} */ (event.target);
    const typing = element.matches("input:not([type=range]), select, textarea");
    if (typing || bench.help.isOpen()) return;
    const onButton = element.matches("button, a, video, [role=option]");
    const done =
      this.withModifier(event) ||
      this.canvasKey(event) ||
      (!(onButton && [" ", "Enter"].includes(event.key)) && this.plain(event));
    if (done) event.preventDefault();
  }

  /** @param {KeyboardEvent} event */
  withModifier(event) {
    const { bench } = this;
    if (!event.ctrlKey && !event.metaKey) return false;
    const key = event.key.toLowerCase();
    if ((key === "z" && event.shiftKey) || key === "y") bench.redo();
    else if (key === "z") bench.undo();
    else return false;
    return true;
  }

  /**
   * On the canvas, arrows move a cursor (with Ctrl or Meta on the timeline); Enter and Backspace place points.
   * @param {KeyboardEvent} event
   */
  canvasKey(event) {
    const { bench } = this;
    if (event.target !== bench.canvas || event.ctrlKey || event.metaKey) return false;
    /** @type {{ [key: string]: [number, number] }} */
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const way = arrows[event.key];
    const { clip } = bench.store;
    if (way) {
      const step = bench.stage.reach(event.shiftKey ? 40 : 8);
      const at = bench.stage.cursor || { x: clip.width / 2, y: clip.height / 2 };
      bench.stage.cursor = bench.pointer.clamp({ x: at.x + way[0] * step, y: at.y + way[1] * step });
      bench.editor.hover(bench.stage.cursor);
      bench.store.changed("stage");
      return true;
    }
    const at = bench.stage.cursor;
    if (!at) return false;
    if (event.key === "Enter" && bench.pointer.tool === "box") bench.pointer.boxClick(at);
    else if (event.key === "Enter") bench.editor.point(at, event.altKey || bench.pointer.tool === "exclude" ? 0 : 1);
    else if (event.key === "Backspace") bench.editor.point(at, 0);
    else if (event.key === "Delete") this.deleteAt(at);
    else return false;
    bench.stage.cursor ||= at;
    bench.store.changed("stage");
    return true;
  }

  /** @param {Place} at */
  deleteAt(at) {
    const hit = this.bench.pointer.pointAt(at);
    if (hit !== null) this.bench.editor.removePoint(hit);
  }

  hideCursor() {
    if (this.bench.pointer.firstCorner) return;
    this.bench.stage.cursor = null;
    this.bench.store.changed("stage");
  }

  /** @param {KeyboardEvent} event */
  plain(event) {
    const { bench } = this;
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const tool = TOOLS[event.key];
    const work = {
      ...(tool ? { [event.key]: () => bench.toolbar.choose(tool) } : {}),
      "?": () => bench.help.open(),
      "+": () => bench.stage.zoomBy(1.5),
      "=": () => bench.stage.zoomBy(1.5),
      "-": () => bench.stage.zoomBy(1 / 1.5),
      0: () => bench.stage.fit(),
      a: () => bench.objectActions.add(),
      c: () => bench.editor.clear(),
      x: () => this.nextObject(),
      p: () => bench.toolbar.togglePreview(),
      ...(bench.store.isVideo ? this.videoKeys(event) : {}),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!work) return false;
    work();
    return true;
  }

  /** @param {KeyboardEvent} event */
  videoKeys(event) {
    const { bench } = this;
    const { store } = bench;
    const far = event.shiftKey ? 10 : 1;
    const element = /** @type {HTMLElement} */ (event.target);
    const onSlider = element.matches("input[type=range]");
    return {
      " ": () => bench.togglePlay(),
      ...(onSlider
        ? {}
        : {
            ArrowLeft: () => bench.goto(store.frame - far),
            ArrowRight: () => bench.goto(store.frame + far),
            Home: () => bench.goto(0),
            End: () => bench.goto(store.clip.num_frames - 1),
          }),
      ",": () => bench.goto(store.frame - 1),
      ".": () => bench.goto(store.frame + 1),
      "<": () => bench.goto(store.frame - 10),
      ">": () => bench.goto(store.frame + 10),
      t: () => (bench.store.tracking ? bench.runs.stop() : bench.trackPanel.start.click()),
      escape: () => {},
      Escape: () => bench.store.tracking && bench.runs.stop(),
      m: () => bench.player.mute(),
      n: () => bench.nextDoubtful(),
      i: () => bench.setMark("mark_in"),
      o: () => bench.setMark("mark_out"),
    };
  }

  nextObject() {
    const { objects, active } = this.bench.store;
    if (!objects.length) return;
    const place = objects.findIndex((o) => o.object_id === active);
    this.bench.objectActions.activate(objects[(place + 1) % objects.length].object_id);
  }
}
