// The live picture with its masks and effects, and the pointer on it: clicks, right clicks, boxes.

import { drawEffects } from "../effects/effects.js";
import { maskBounds, paintMask } from "../masks/rle.js";

/** @import { Box, Click, ObjectInfo, Subject, View } from "../state/types.js" */
/** @import { Shown } from "./live_lane.js" */

const DRAG = 5; // pixels of the screen from which a click is a box
const MARKED_FOR = 700; // milliseconds

/** @typedef {{ points: Click[], box: Box | null, frame: number }} Said */

export class LiveView {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {(said: Said) => void} say
   */
  constructor(canvas, say) {
    this.canvas = canvas;
    this.say = say;
    /** @type {Shown | null} */
    this.shown = null;
    /** @type {ObjectInfo[]} */
    this.objects = [];
    /** @type {View} */
    this.view = { background: "original", objects: "overlay" };
    this.isMirrored = false;
    /** @type {{ x: number, y: number, label: number, at: number }[]} */
    this.marks = [];
    /** @type {{ x: number, y: number, screenX: number, screenY: number, frame: number } | null} */
    this.down = null;
    /** @type {Box | null} */
    this.draft = null;
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.release(event));
    canvas.addEventListener("pointercancel", () => this.forgetDrag());
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  /** @param {Shown} shown */
  show(shown) {
    if (this.shown && this.shown.bitmap !== shown.bitmap) this.shown.bitmap.close();
    this.shown = shown;
    this.paint();
  }

  /** @param {boolean} isMirrored */
  mirror(isMirrored) {
    this.isMirrored = isMirrored;
    this.canvas.style.transform = isMirrored ? "scaleX(-1)" : "";
  }

  paint() {
    const { canvas, shown } = this;
    if (!shown) return;
    const { bitmap, masks } = shown;
    const { width, height } = bitmap;
    if (canvas.width !== width || canvas.height !== height) {
      Object.assign(canvas, { width, height });
      canvas.style.aspectRatio = `${width} / ${height}`;
    }
    /** @type {Subject[]} */
    const subjects = this.objects
      .filter((object) => object.visible && masks[object.object_id])
      .map((object) => {
        const { counts } = masks[object.object_id];
        const mask = paintMask(counts, width, height, object.color);
        /** @type {Subject} */
        const subject = { ...object, mask, bounds: maskBounds(counts, height), trail: [], label: null };
        return subject;
      });
    drawEffects(canvas, { frame: bitmap, width, height, subjects, view: this.view });
    this.paintMarks();
  }

  paintMarks() {
    const pen = this.canvas.getContext("2d");
    const now = performance.now();
    this.marks = this.marks.filter(({ at }) => now - at < MARKED_FOR);
    pen.lineWidth = Math.max(2, this.canvas.width / 320);
    for (const { x, y, label } of this.marks) {
      pen.beginPath();
      pen.arc(x, y, 4 * pen.lineWidth, 0, 2 * Math.PI);
      pen.strokeStyle = label ? "#ffffff" : "#ff4d42";
      pen.stroke();
    }
    if (this.draft) {
      const [x0, y0, x1, y1] = this.draft;
      pen.strokeStyle = "#ffffff";
      pen.strokeRect(x0, y0, x1 - x0, y1 - y0);
    }
  }

  /** @param {PointerEvent} event */
  place(event) {
    const { width, height } = this.canvas;
    const rect = this.canvas.getBoundingClientRect();
    const scale = Math.min(rect.width / width, rect.height / height); // object-fit: contain
    const x = (event.clientX - rect.left - (rect.width - width * scale) / 2) / scale;
    const y = (event.clientY - rect.top - (rect.height - height * scale) / 2) / scale;
    const inside = (/** @type {number} */ value, /** @type {number} */ most) => Math.min(Math.max(value, 0), most);
    return { x: inside(this.isMirrored ? width - x : x, width), y: inside(y, height) };
  }

  // The click belongs to the picture that was seen when the button went down.
  /** @param {PointerEvent} event */
  press(event) {
    if (!this.shown || this.shown.frame < 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.down = {
      ...this.place(event),
      screenX: event.clientX,
      screenY: event.clientY,
      frame: this.shown.frame,
    };
  }

  /** @param {PointerEvent} event */
  isDrag(event) {
    return Math.hypot(event.clientX - this.down.screenX, event.clientY - this.down.screenY) >= DRAG;
  }

  /** @param {PointerEvent} event */
  move(event) {
    if (!this.down || !this.isDrag(event)) return;
    const { x, y } = this.place(event);
    this.draft = [
      Math.min(x, this.down.x),
      Math.min(y, this.down.y),
      Math.max(x, this.down.x),
      Math.max(y, this.down.y),
    ];
  }

  /** @param {PointerEvent} event */
  release(event) {
    const { down } = this;
    if (!down) return;
    if (this.isDrag(event)) this.move(event);
    const box = this.draft;
    this.forgetDrag();
    if (box) {
      if (box[2] - box[0] > 1 && box[3] - box[1] > 1) this.say({ points: [], box, frame: down.frame });
      return;
    }
    const label = event.button === 2 || event.shiftKey || event.altKey ? 0 : 1;
    this.marks.push({ x: down.x, y: down.y, label, at: performance.now() });
    this.say({ points: [[down.x, down.y, label]], box: null, frame: down.frame });
  }

  forgetDrag() {
    this.down = null;
    this.draft = null;
  }

  clear() {
    this.shown?.bitmap.close();
    this.shown = null;
    this.canvas.getContext("2d").clearRect(0, 0, this.canvas.width, this.canvas.height);
  }
}
