// The masks of everything mode over the picture: drawn in one go from their run lengths, hovered and picked.

import { h } from "../dom/dom.js";
import { decodeRuns, paintMask } from "../masks/rle.js";

/** @import { Pointer } from "../edit/pointer.js" */
/** @import { FoundMasks } from "../masks/found_masks.js" */
/** @import { Stage } from "./stage.js" */
/** @import { FoundMask, Pen } from "../state/types.js" */

const OUTLINE = 0xffffffff;

export class EverythingLayer {
  /**
   * `act` is told what is pointed at (hover) and clicked on (toggle).
   * @param {Stage} stage
   * @param {Pointer} pointer
   * @param {string[]} palette
   * @param {{ hover: (mask: FoundMask | null) => void, toggle: (mask: FoundMask | null) => void }} act
   */
  constructor(stage, pointer, palette, act) {
    this.stage = stage;
    this.palette = palette;
    this.act = act;
    /** @type {FoundMasks | null} */
    this.found = null;
    /** @type {FoundMask[]} */
    this.shown = [];
    /** @type {OffscreenCanvas | null} */
    this.picture = null;
    /** @type {Uint16Array | null} */
    this.labels = null;
    /** @type {string | null} */
    this.hoverCounts = null; // what `hoverPicture` shows
    /** @type {OffscreenCanvas | null} */
    this.hoverPicture = null;
    /** @type {FoundMask | null} */
    this.hovered = null;
    this.canvas = h("canvas", { class: "sam-everything", hidden: true, "aria-hidden": "true" });
    this.canvas.addEventListener("pointermove", (event) => this.act.hover(this.at(event)));
    this.canvas.addEventListener("pointerleave", () => this.act.hover(null));
    this.canvas.addEventListener("click", (event) => this.act.toggle(this.at(event)));
    this.canvas.addEventListener("wheel", (event) => pointer.wheel(event), { passive: false });
    stage.canvas.after(this.canvas);
    stage.afterPaint = () => this.paint();
  }

  /** @param {FoundMask} mask */
  color(mask) {
    const place = mask.id > 0 ? mask.id - 1 : 5 - mask.id;
    return this.palette[place % this.palette.length];
  }

  /**
   * `shown` are sorted by size, so that small masks lie on top and can be pointed at.
   * @param {FoundMasks | null} found
   * @param {FoundMask[]} shown
   */
  show(found, shown) {
    const stamp = found && JSON.stringify([found.size, shown.map((mask) => [mask.id, found.picked.has(mask.id)])]);
    const same = stamp && stamp === this.stamp && found === this.found;
    this.found = found;
    this.shown = shown;
    this.stamp = stamp;
    if (same) return this.paint();
    this.picture = found && shown.length ? this.draw(found, shown) : null;
    if (this.hovered && !shown.includes(this.hovered)) this.hovered = null;
    this.paint();
  }

  /**
   * @param {FoundMasks} found
   * @param {FoundMask[]} shown
   */
  draw(found, shown) {
    const [height, width] = found.size;
    const picture = new ImageData(height, width); // columns first, as in the run lengths
    const pixels = new Uint32Array(picture.data.buffer);
    this.labels = new Uint16Array(height * width);
    shown.forEach((mask, index) => {
      const color = this.color(mask);
      const [red, green, blue] = [1, 3, 5].map((k) => parseInt(color.slice(k, k + 2), 16));
      const alpha = found.picked.has(mask.id) ? 200 : 105;
      const packed = ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
      let start = 0;
      decodeRuns(mask.counts).forEach((run, k) => {
        if (k & 1) {
          pixels.fill(packed, start, start + run);
          this.labels.fill(index + 1, start, start + run);
        }
        start += run;
      });
    });
    const { labels } = this;
    for (let k = 0; k < labels.length - height; k++) {
      if (labels[k] !== labels[k + 1] && (k + 1) % height) pixels[k] = OUTLINE;
      else if (labels[k] !== labels[k + height]) pixels[k] = OUTLINE;
    }
    const turned = new OffscreenCanvas(height, width);
    turned.getContext("2d").putImageData(picture, 0, 0);
    const canvas = new OffscreenCanvas(width, height);
    const pen = canvas.getContext("2d");
    pen.setTransform(0, 1, 1, 0, 0, 0);
    pen.drawImage(turned, 0, 0);
    return canvas;
  }

  /** @param {PointerEvent} event */
  at(event) {
    if (!this.picture) return null;
    const { clip } = this.stage.store;
    const { x, y } = this.stage.toPicture(event);
    if (x < 0 || y < 0 || x >= clip.width || y >= clip.height) return null;
    const [height, width] = this.found.size;
    const column = Math.floor((x * width) / clip.width),
      row = Math.floor((y * height) / clip.height);
    return this.shown[this.labels[column * height + row] - 1] || null;
  }

  /** @param {FoundMask | null} mask */
  hover(mask) {
    if (this.hovered === mask) return;
    this.hovered = mask;
    this.paint();
  }

  paint() {
    const { canvas, stage } = this;
    canvas.hidden = !this.found;
    if (!this.found) return;
    canvas.width = stage.canvas.width;
    canvas.height = stage.canvas.height;
    canvas.style.width = `${stage.canvas.clientWidth}px`;
    canvas.style.height = `${stage.canvas.clientHeight}px`;
    if (!this.picture) return;
    const view = stage.view();
    const { width, height } = stage.store.clip;
    const pen = canvas.getContext("2d");
    pen.setTransform(view.scale, 0, 0, view.scale, view.x, view.y);
    pen.drawImage(this.picture, 0, 0, width, height);
    if (this.hovered) this.paintHovered(pen, width, height);
  }

  /**
   * @param {Pen} pen
   * @param {number} width
   * @param {number} height
   */
  paintHovered(pen, width, height) {
    const [rows, columns] = this.found.size;
    if (this.hoverCounts !== this.hovered.counts) {
      this.hoverCounts = this.hovered.counts;
      this.hoverPicture = paintMask(this.hovered.counts, columns, rows, "#ffffff");
    }
    const unit = (2 * this.stage.ratio) / this.stage.view().scale;
    pen.globalAlpha = 0.25;
    for (const [dx, dy] of [
      [-unit, 0],
      [unit, 0],
      [0, -unit],
      [0, unit],
    ])
      pen.drawImage(this.hoverPicture, dx, dy, width, height);
    pen.globalAlpha = 0.45;
    pen.drawImage(this.hoverPicture, 0, 0, width, height);
    pen.globalAlpha = 1;
  }

  close() {
    this.stage.afterPaint = null;
  }
}
