// J&F over time, one lane per reference that is measured: filled up to the score, on the frames that have one.

import { h } from "../dom/dom.js";

/** @import { Store } from "../state/store.js" */
/** @import { Pen, ReferenceInfo } from "../state/types.js" */

const LANE = 34;
const EDGE = 16; // as on the timeline's slider

/**
 * @typedef {{ color: string, scores: ReferenceInfo["scores"] }} Row
 * @typedef {{ width: number, gap: number, place: (frame: number) => number, ink: CSSStyleDeclaration }} LaneScale
 */

export class ReferenceLane {
  /**
   * @param {Store} store
   * @param {(frame: number) => void} seek
   */
  constructor(store, seek) {
    this.store = store;
    this.canvas = h("canvas", {
      class: "sam-lanes sam-reference-lanes",
      role: "img",
      "aria-label": "J&F over time",
      hidden: true,
    });
    /** @param {PointerEvent} event */
    const go = (event) => {
      const rect = this.canvas.getBoundingClientRect();
      const share = (event.clientX - rect.left - EDGE / 2) / (rect.width - EDGE);
      seek(Math.round(share * (store.clip.num_frames - 1)));
    };
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      go(event);
    });
    this.canvas.addEventListener("pointermove", (event) => event.buttons && go(event));
    this.observer = new ResizeObserver(() => this.draw(this.rows || []));
    this.observer.observe(this.canvas);
  }

  close() {
    this.observer.disconnect();
  }

  /**
   * `rows` are {color, scores: [[frame, J, F]]}.
   * @param {Row[]} rows
   */
  draw(rows) {
    const { canvas, store } = this;
    this.rows = rows;
    canvas.hidden = !rows.length;
    if (!rows.length) return;
    canvas.style.height = `${rows.length * LANE}px`;
    const ratio = window.devicePixelRatio || 1,
      width = canvas.clientWidth;
    if (!width) return;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(rows.length * LANE * ratio);
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const ink = getComputedStyle(canvas);
    const gap = (width - EDGE) / Math.max(1, store.clip.num_frames - 1);
    /** @param {number} frame */
    const place = (frame) => EDGE / 2 + frame * gap;
    for (const [index, row] of rows.entries()) this.drawRow(pen, row, index * LANE, { width, gap, place, ink });
    pen.fillStyle = ink.color;
    pen.fillRect(place(store.frame) - 0.75, 0, 1.5, rows.length * LANE);
  }

  /**
   * @param {Pen} pen
   * @param {Row} given
   * @param {number} y
   * @param {LaneScale} given
   */
  drawRow(pen, { color, scores }, y, { width, gap, place, ink }) {
    const high = LANE - 4;
    pen.fillStyle = ink.getPropertyValue("--sam-lane");
    pen.fillRect(EDGE / 2, y + 2, width - EDGE, high);
    pen.fillStyle = color;
    for (const [frame, j, f] of scores) {
      const tall = Math.max(1.5, (high * (j + f)) / 2);
      pen.globalAlpha = 0.45;
      pen.fillRect(place(frame) - gap / 2, y + 2 + high - tall, Math.max(2, gap + 0.5), tall);
      pen.globalAlpha = 1;
      pen.fillRect(place(frame) - gap / 2, y + 2 + high - tall, Math.max(2, gap + 0.5), 2);
    }
    pen.strokeStyle = ink.color;
    pen.globalAlpha = 0.35;
    pen.setLineDash([3, 4]);
    pen.beginPath();
    pen.moveTo(EDGE / 2, y + 2 + high / 2);
    pen.lineTo(width - EDGE / 2, y + 2 + high / 2);
    pen.stroke();
    pen.setLineDash([]);
    pen.globalAlpha = 1;
  }
}
