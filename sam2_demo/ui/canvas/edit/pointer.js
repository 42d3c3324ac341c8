// Mouse, pen and finger on the canvas: clicks, boxes, moved and deleted markers, brush strokes, zoom and pan.

/** @import { PromptEditor } from "./prompt_editor.js" */
/** @import { Stage } from "../stage/stage.js" */
/** @import { Store } from "../state/store.js" */
/** @import { Box, Place } from "../state/types.js" */

const DRAG = 5;
const NEAR = 11;

/**
 * @typedef {object} Gesture  what a pressed button or touching fingers are about
 * @property {"pan" | "pinch" | "stroke" | "click" | "corner"} kind
 * @property {number} [x]
 * @property {number} [y]
 * @property {number} [gap]  between two fingers
 * @property {boolean} [erase]
 * @property {Place} [from]
 * @property {Place} [start]
 * @property {Place} [screen]
 * @property {boolean} [negative]
 * @property {number | null} [hit]  the marker that is moved
 * @property {boolean} [moved]
 * @property {Place | null} [corner]  the corner opposite to the one that is moved
 */

export class Pointer {
  /**
   * `act` is told what the person meant: point, box, removePoint, movePoint, removeBox, stroke.
   * @param {Stage} stage
   * @param {Store} store
   * @param {PromptEditor} act
   */
  constructor(stage, store, act) {
    this.stage = stage;
    this.store = store;
    this.act = act;
    this.tool = "include";
    this.size = 24; // brush diameter in screen pixels
    /** @type {Gesture | null} */
    this.gesture = null;
    this.touches = new Map();
    const canvas = stage.canvas;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointercancel", (event) => this.cancel(event));
    canvas.addEventListener("pointerleave", () => this.leave());
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  /** @param {string} name */
  setTool(name) {
    this.tool = name;
    this.firstCorner = null;
    this.stage.cursor = null;
    this.stage.canvas.dataset.tool = name;
    this.store.changed("stage");
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    if (!event.ctrlKey && !event.metaKey && this.stage.zoom === 1 && event.deltaY > 0) return; // let the page scroll
    event.preventDefault();
    this.stage.zoomAt(event, event.deltaY < 0 ? 1.2 : 1 / 1.2);
  }

  /** @param {Place} given */
  inside({ x, y }) {
    const { width, height } = this.store.clip;
    return x >= 0 && y >= 0 && x < width && y < height;
  }

  /** @param {Place} given */
  clamp({ x, y }) {
    const { width, height } = this.store.clip;
    return { x: Math.min(width - 1, Math.max(0, x)), y: Math.min(height - 1, Math.max(0, y)) };
  }

  /** @param {PointerEvent} event */
  down(event) {
    const canvas = this.stage.canvas;
    canvas.focus({ preventScroll: true });
    this.touches.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.touches.size === 2) return this.startPinch();
    if (this.touches.size > 2) return;
    canvas.setPointerCapture(event.pointerId);
    const at = this.stage.toPicture(event);
    if (event.button === 1 || this.tool === "pan") {
      this.gesture = { kind: "pan", x: event.clientX, y: event.clientY };
      return;
    }
    if (this.tool === "brush" || this.tool === "erase") {
      this.gesture = { kind: "stroke", erase: this.tool === "erase" || event.button === 2, from: at };
      this.act.stroke(at, at, this.gesture.erase, this.stage.reach(this.size));
      return;
    }
    const negative = event.button === 2 || event.altKey || this.tool === "exclude";
    const corner = this.cornerAt(at);
    this.gesture = {
      kind: corner ? "corner" : "click",
      start: at,
      screen: { x: event.clientX, y: event.clientY },
      negative,
      hit: this.pointAt(at),
      moved: false,
      corner,
    };
  }

  /** @param {PointerEvent} event */
  move(event) {
    const at = this.stage.toPicture(event);
    if (this.touches.has(event.pointerId)) this.touches.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const gesture = this.gesture;
    this.ring(at);
    if (!gesture) return this.act.hover?.(this.inside(at) ? at : null);
    if (gesture.kind === "pinch") return this.pinch(gesture);
    if (gesture.kind === "pan") {
      this.stage.pan(event.clientX - gesture.x, event.clientY - gesture.y);
      gesture.x = event.clientX;
      gesture.y = event.clientY;
    } else if (gesture.kind === "stroke") {
      this.act.stroke(gesture.from, at, gesture.erase, this.stage.reach(this.size));
      gesture.from = at;
    } else {
      this.drag(gesture, event, at);
    }
  }

  /**
   * @param {Gesture} gesture
   * @param {PointerEvent} event
   * @param {Place} at
   */
  drag(gesture, event, at) {
    const { screen } = gesture;
    gesture.moved ||= Math.hypot(event.clientX - screen.x, event.clientY - screen.y) > DRAG;
    if (!gesture.moved) return;
    if (gesture.hit !== null) {
      this.act.movePoint(gesture.hit, this.clamp(at), false);
    } else {
      const start = gesture.corner || gesture.start;
      this.stage.draft = this.boxBetween(start, at);
      this.store.changed("stage");
    }
  }

  /** @param {PointerEvent} event */
  up(event) {
    this.touches.delete(event.pointerId);
    const gesture = this.gesture;
    if (!gesture) return;
    if (gesture.kind === "pinch") {
      if (this.touches.size === 0) this.gesture = null;
      return;
    }
    this.gesture = null;
    const at = this.stage.toPicture(event);
    if (gesture.kind === "stroke") return this.act.strokeEnd();
    if (gesture.kind === "pan") return;
    this.stage.draft = null;
    if (gesture.moved && gesture.hit !== null) this.act.movePoint(gesture.hit, this.clamp(at), true);
    else if (gesture.moved) this.act.box(this.boxBetween(gesture.corner || gesture.start, at));
    else this.click(gesture, at);
    this.store.changed("stage");
  }

  /**
   * @param {Gesture} gesture
   * @param {Place} at
   */
  click(gesture, at) {
    if (gesture.hit !== null) return this.act.removePoint(gesture.hit);
    if (this.tool === "box") return this.boxClick(at);
    if (this.inside(at)) this.act.point(at, gesture.negative ? 0 : 1);
    else this.act.outside();
  }

  /**
   * With the box tool two clicks make a box as well, for those who cannot drag.
   * @param {Place} at
   */
  boxClick(at) {
    if (!this.firstCorner) {
      this.firstCorner = this.clamp(at);
      this.act.say("Now click the opposite corner of the box.");
      this.stage.cursor = this.firstCorner;
    } else {
      const first = this.firstCorner;
      this.firstCorner = null;
      this.stage.cursor = null;
      this.act.box(this.boxBetween(first, at));
    }
    this.store.changed("stage");
  }

  /**
   * @param {Place} a
   * @param {Place} b
   * @returns {Box}
   */
  boxBetween(a, b) {
    const p = this.clamp(a),
      q = this.clamp(b);
    return [Math.min(p.x, q.x), Math.min(p.y, q.y), Math.max(p.x, q.x), Math.max(p.y, q.y)];
  }

  /** @param {PointerEvent} event */
  cancel(event) {
    this.touches.delete(event.pointerId);
    if (this.gesture?.kind === "stroke") this.act.strokeEnd();
    this.gesture = null;
    this.stage.draft = null;
    this.store.changed("stage");
  }

  leave() {
    this.stage.ring = null;
    this.store.changed("stage");
    this.act.hover?.(null);
  }

  /** @param {Place} at */
  ring(at) {
    const painting = this.tool === "brush" || this.tool === "erase";
    if (!painting && !this.stage.ring) return;
    this.stage.ring = painting ? { ...at, radius: this.stage.reach(this.size) / 2 } : null;
    this.store.changed("stage");
  }

  /**
   * The marker of the active object near a place, newest first; null if there is none.
   * @param {Place} at
   */
  pointAt(at) {
    const { points } = this.store.prompt(this.store.frame, this.store.active);
    const near = this.stage.reach(NEAR);
    for (let index = points.length - 1; index >= 0; index--) {
      if (Math.hypot(points[index][0] - at.x, points[index][1] - at.y) < near) return index;
    }
    return null;
  }

  /**
   * The corner opposite to the grabbed corner of the active object's box.
   * @param {Place} at
   */
  cornerAt(at) {
    const { box } = this.store.prompt(this.store.frame, this.store.active);
    if (!box) return null;
    const near = this.stage.reach(NEAR);
    const [x0, y0, x1, y1] = box;
    for (const [x, y, ox, oy] of [
      [x0, y0, x1, y1],
      [x1, y0, x0, y1],
      [x0, y1, x1, y0],
      [x1, y1, x0, y0],
    ]) {
      if (Math.hypot(x - at.x, y - at.y) < near) return { x: ox, y: oy };
    }
    return null;
  }

  startPinch() {
    this.gesture = { kind: "pinch", ...this.pinchState() };
    this.stage.draft = null;
  }

  pinchState() {
    const [a, b] = [...this.touches.values()];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, gap: Math.hypot(a.x - b.x, a.y - b.y) };
  }

  /** @param {Gesture} gesture */
  pinch(gesture) {
    if (this.touches.size < 2) return;
    const now = this.pinchState();
    this.stage.pan(now.x - gesture.x, now.y - gesture.y);
    this.stage.zoomAt({ clientX: now.x, clientY: now.y }, now.gap / Math.max(1, gesture.gap));
    Object.assign(gesture, now);
  }
}
