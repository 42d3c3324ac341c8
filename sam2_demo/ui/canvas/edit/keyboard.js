// Everything without a mouse: keys of the open clip or picture, with a cursor on the canvas for placing points.

/** @import { Place } from "../state/types.js" */
/** @import { Store } from "../state/store.js" */
/** @import { Stage } from "../stage/stage.js" */
/** @import { Pointer } from "./pointer.js" */
/** @import { PromptEditor } from "./prompt_editor.js" */
/** @import { ObjectActions } from "./object_actions.js" */
/** @import { Toolbar } from "../panels/toolbar.js" */
/** @import { FrameWalk } from "../stage/frame_walk.js" */
/** @import { ViewActions } from "./view_actions.js" */
/** @import { Player } from "../stage/player.js" */
/** @import { Runs } from "../app/runs.js" */
/** @import { TrackPanel } from "../panels/track_panel.js" */
/** @import { HelpSheet } from "../panels/help_sheet.js" */
/** @import { History } from "../state/history.js" */

/** @type {{ [key: string]: string }} */
const TOOLS = { 1: "include", 2: "exclude", 3: "box", 4: "brush", 5: "erase", 6: "pan" };

/**
 * @typedef {object} KeyboardParts  nearly everything can be done with keys
 * @property {Store} store
 * @property {Stage} stage
 * @property {Pointer} pointer
 * @property {PromptEditor} editor
 * @property {ObjectActions} objectActions
 * @property {Toolbar} toolbar
 * @property {FrameWalk} walk
 * @property {ViewActions} view
 * @property {Player | null} player  of a clip, as the two below
 * @property {Runs | null} runs
 * @property {TrackPanel | null} trackPanel
 * @property {HelpSheet} help
 * @property {History} history
 * @property {HTMLCanvasElement} canvas
 * @property {HTMLElement} element
 */

export class Keyboard {
  /** @param {KeyboardParts} parts */
  constructor(parts) {
    this.store = parts.store;
    this.stage = parts.stage;
    this.pointer = parts.pointer;
    this.editor = parts.editor;
    this.objectActions = parts.objectActions;
    this.toolbar = parts.toolbar;
    this.walk = parts.walk;
    this.view = parts.view;
    this.player = parts.player;
    this.runs = parts.runs;
    this.trackPanel = parts.trackPanel;
    this.help = parts.help;
    this.history = parts.history;
    this.canvas = parts.canvas;
    this.element = parts.element;
    this.element.tabIndex = -1;
    this.element.addEventListener("keydown", (event) => this.down(event));
    this.canvas.addEventListener("blur", () => this.hideCursor());
  }

  /** @param {KeyboardEvent} event */
  down(event) {
    const element = /** @type {HTMLElement} */ (event.target);
    const typing = element.matches("input:not([type=range]), select, textarea");
    if (typing || this.help.isOpen()) return;
    const onButton = element.matches("button, a, video, [role=option]");
    const done =
      this.withModifier(event) ||
      this.canvasKey(event) ||
      (!(onButton && [" ", "Enter"].includes(event.key)) && this.plain(event));
    if (done) event.preventDefault();
  }

  /** @param {KeyboardEvent} event */
  withModifier(event) {
    if (!event.ctrlKey && !event.metaKey) return false;
    const key = event.key.toLowerCase();
    if (key !== "z" && key !== "y") return false;
    if (this.store.tracking) return true;
    if (key === "y" || event.shiftKey) this.history.redo();
    else this.history.undo();
    return true;
  }

  /**
   * On the canvas, arrows move a cursor (with Ctrl or Meta on the timeline); Enter and Backspace place points.
   * @param {KeyboardEvent} event
   */
  canvasKey(event) {
    if (event.target !== this.canvas || event.ctrlKey || event.metaKey) return false;
    /** @type {{ [key: string]: [number, number] }} */
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const way = arrows[event.key];
    const { clip } = this.store;
    if (way) {
      const step = this.stage.reach(event.shiftKey ? 40 : 8);
      const at = this.stage.cursor || { x: clip.width / 2, y: clip.height / 2 };
      this.stage.cursor = this.pointer.clamp({ x: at.x + way[0] * step, y: at.y + way[1] * step });
      this.editor.hover(this.stage.cursor);
      this.store.changed("stage");
      return true;
    }
    const at = this.stage.cursor;
    if (!at) return false;
    if (event.key === "Enter" && this.pointer.tool === "box") this.pointer.boxClick(at);
    else if (event.key === "Enter") this.editor.point(at, event.altKey || this.pointer.tool === "exclude" ? 0 : 1);
    else if (event.key === "Backspace") this.editor.point(at, 0);
    else if (event.key === "Delete") this.deleteAt(at);
    else return false;
    this.stage.cursor ||= at;
    this.store.changed("stage");
    return true;
  }

  /** @param {Place} at */
  deleteAt(at) {
    const hit = this.pointer.pointAt(at);
    if (hit !== null) this.editor.removePoint(hit);
  }

  hideCursor() {
    if (this.pointer.firstCorner) return;
    this.stage.cursor = null;
    this.store.changed("stage");
  }

  /** @param {KeyboardEvent} event */
  plain(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const tool = TOOLS[event.key];
    const work = {
      ...(tool ? { [event.key]: () => this.toolbar.choose(tool) } : {}),
      "?": () => this.help.open(),
      "+": () => this.stage.zoomBy(1.5),
      "=": () => this.stage.zoomBy(1.5),
      "-": () => this.stage.zoomBy(1 / 1.5),
      0: () => this.stage.fit(),
      a: () => this.objectActions.add(),
      c: () => this.editor.clear(),
      x: () => this.nextObject(),
      p: () => this.toolbar.togglePreview(),
      ...(this.store.isVideo ? this.videoKeys(event) : {}),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!work) return false;
    work();
    return true;
  }

  /** @param {KeyboardEvent} event */
  videoKeys(event) {
    const { store } = this;
    const far = event.shiftKey ? 10 : 1;
    const element = /** @type {HTMLElement} */ (event.target);
    const onSlider = element.matches("input[type=range]");
    return {
      " ": () => this.player.toggle(),
      ...(onSlider
        ? {}
        : {
            ArrowLeft: () => this.walk.goto(store.frame - far),
            ArrowRight: () => this.walk.goto(store.frame + far),
            Home: () => this.walk.goto(0),
            End: () => this.walk.goto(store.clip.num_frames - 1),
          }),
      ",": () => this.walk.goto(store.frame - 1),
      ".": () => this.walk.goto(store.frame + 1),
      "<": () => this.walk.goto(store.frame - 10),
      ">": () => this.walk.goto(store.frame + 10),
      t: () => (this.store.tracking ? this.runs.stop() : this.trackPanel.start.click()),
      escape: () => {},
      Escape: () => this.store.tracking && this.runs.stop(),
      m: () => this.player.mute(),
      n: () => this.walk.nextDoubtful(),
      i: () => this.view.toggleMark("mark_in"),
      o: () => this.view.toggleMark("mark_out"),
    };
  }

  nextObject() {
    const { objects, active } = this.store;
    if (!objects.length) return;
    const place = objects.findIndex((o) => o.object_id === active);
    this.objectActions.activate(objects[(place + 1) % objects.length].object_id);
  }
}
