// The picture with its masks and markers, drawn on one canvas with zoom and pan.

import { drawEffects, layerOf } from "../effects/effects.js";
import { maskBounds, paintMask } from "../masks/rle.js";
import { paintMarkers } from "./markers.js";
import { Sprites } from "./sprites.js";

/** @import { Store } from "../state/store.js" */
/** @import { Box, Mask, ObjectInfo, Place } from "../state/types.js" */

/** @type {("objects" | "extra")[]} */
const LAYERS = ["objects", "extra"];

export class Stage {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Store} store
   */
  constructor(canvas, store) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.store = store;
    /** @type {ImageBitmap | null} */
    this.bitmap = null;
    this.shownFrame = -1;
    /** @type {OffscreenCanvas | null} */
    this.picture = null;
    this.stamp = "";
    /** @type {ImageBitmap | null} */
    this.stampBitmap = null;
    /** @type {(Place & { radius: number }) | null} */
    this.ring = null; // of the brush
    /** @type {(() => void) | null} */
    this.afterPaint = null;
    this.zoom = 1;
    this.panX = 0;
    this.panY = 0;
    /** @type {Box | null} */
    this.draft = null; // a box being drawn, in original pixels
    /** @type {Place | null} */
    this.cursor = null; // keyboard cursor, in original pixels
    /** @type {OffscreenCanvas | null} */
    this.brush = null; // an OffscreenCanvas at display size while painting
    /** @type {string | null} */
    this.hover = null;
    /** @type {Map<string, OffscreenCanvas>} */
    this.painted = new Map();
    this.spritesLoaded = 0;
    this.sprites = new Sprites(store.token, () => {
      this.spritesLoaded++;
      this.store.changed("stage");
    });
    store.watch(["stage", "picture", "frame", "objects", "prompts", "masks", "view"], () => this.paint());
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(canvas);
    this.resize();
  }

  close() {
    this.observer.disconnect();
    this.bitmap = null;
  }

  resize() {
    const { width, height } = this.canvas.getBoundingClientRect();
    this.ratio = window.devicePixelRatio || 1;
    const w = Math.max(1, Math.round(width * this.ratio)),
      h = Math.max(1, Math.round(height * this.ratio));
    if (this.canvas.width !== w || this.canvas.height !== h) {
      this.canvas.width = w;
      this.canvas.height = h;
    }
    this.store.changed("stage");
  }

  // Canvas pixels per original pixel, and where the original's corner lies.
  view() {
    const { width, height } = this.store.clip;
    const fit = Math.min(this.canvas.width / width, this.canvas.height / height);
    const scale = fit * this.zoom;
    return {
      scale,
      x: (this.canvas.width - width * scale) / 2 + this.panX * this.ratio,
      y: (this.canvas.height - height * scale) / 2 + this.panY * this.ratio,
    };
  }

  /** @param {{ clientX: number, clientY: number }} event */
  toPicture(event) {
    const rect = this.canvas.getBoundingClientRect();
    const view = this.view();
    return {
      x: ((event.clientX - rect.left) * this.ratio - view.x) / view.scale,
      y: ((event.clientY - rect.top) * this.ratio - view.y) / view.scale,
    };
  }

  /**
   * How many original pixels one pixel of the screen covers.
   * @param {number} pixels
   */
  reach(pixels) {
    return (pixels * this.ratio) / this.view().scale;
  }

  /**
   * @param {{ clientX: number, clientY: number }} event
   * @param {number} factor
   */
  zoomAt(event, factor) {
    const before = this.toPicture(event);
    this.zoom = Math.min(16, Math.max(1, this.zoom * factor));
    if (this.zoom === 1) this.panX = this.panY = 0;
    const after = this.toPicture(event);
    const scale = this.view().scale / this.ratio;
    if (this.zoom > 1) this.pan((after.x - before.x) * scale, (after.y - before.y) * scale);
    this.store.changed("stage");
  }

  /** @param {number} factor */
  zoomBy(factor) {
    const rect = this.canvas.getBoundingClientRect();
    this.zoomAt({ clientX: rect.left + rect.width / 2, clientY: rect.top + rect.height / 2 }, factor);
  }

  fit() {
    this.zoom = 1;
    this.panX = this.panY = 0;
    this.store.changed("stage");
  }

  /**
   * @param {number} dx
   * @param {number} dy
   */
  pan(dx, dy) {
    this.panX += dx;
    this.panY += dy;
    this.store.changed("stage");
  }

  /**
   * @param {ImageBitmap} bitmap
   * @param {number} frame
   */
  show(bitmap, frame) {
    this.bitmap = bitmap;
    this.shownFrame = frame;
    this.hover = null;
    this.store.changed("picture");
  }

  /** @param {string | null} counts */
  setHover(counts) {
    this.hover = counts;
    this.store.changed("stage");
  }

  paint() {
    const { context, canvas, store } = this;
    const view = this.view();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!this.bitmap) return;
    const { width, height } = store.clip;
    context.imageSmoothingEnabled = view.scale * (width / store.clip.display_width) < 3;
    context.setTransform(view.scale, 0, 0, view.scale, view.x, view.y);
    context.drawImage(this.composed(), 0, 0, width, height);
    if (this.hover) {
      context.globalAlpha = 0.35;
      context.drawImage(this.maskCanvas(this.hover, "#ffffff"), 0, 0, width, height);
      context.globalAlpha = 1;
    }
    if (this.brush) {
      context.globalAlpha = 0.6;
      context.drawImage(this.brush, 0, 0, width, height);
      context.globalAlpha = 1;
    }
    paintMarkers(this, view);
    this.afterPaint?.();
  }

  /**
   * @param {string} counts
   * @param {string} color
   */
  maskCanvas(counts, color) {
    const name = color + counts;
    let found = this.painted.get(name);
    if (found) this.painted.delete(name);
    else found = paintMask(counts, this.store.clip.display_width, this.store.clip.display_height, color);
    this.painted.set(name, found);
    if (this.painted.size > 24) this.painted.delete(this.painted.keys().next().value);
    return found;
  }

  // The frame with its effects at display size, drawn anew only when something of it changed.
  composed() {
    const { store, bitmap } = this;
    const { display_width: width, display_height: height } = store.clip;
    const shown = store.shownMasks().filter(({ object }) => !this.brush || object.object_id !== store.active);
    const state = [shown.map(({ object, mask }) => [object, mask.counts]), store.view, store.frame, this.spritesLoaded];
    const stamp = JSON.stringify(state);
    if (this.picture && this.stamp === stamp && this.stampBitmap === bitmap) return this.picture;
    this.picture ||= new OffscreenCanvas(width, height);
    drawEffects(this.picture, this.scene(shown, width, height));
    this.stamp = stamp;
    this.stampBitmap = bitmap;
    return this.picture;
  }

  /**
   * @param {{ object: ObjectInfo, mask: Mask }[]} shown
   * @param {number} width
   * @param {number} height
   */
  scene(shown, width, height) {
    const { store, sprites } = this;
    const { view } = store;
    const named = new Set(shown.flatMap(({ object }) => LAYERS.map((layer) => layerOf(object, view, layer)[0])));
    const subjects = shown.map(({ object, mask }) => ({
      ...object,
      mask: this.maskCanvas(mask.counts, object.color),
      bounds: maskBounds(mask.counts, height),
      trail: named.has("trail") ? store.trail(object.object_id) : [],
      label: named.has("label") ? sprites.label(object) : null,
    }));
    const kind = view.background_variant || 0;
    return {
      frame: this.bitmap,
      width,
      height,
      subjects,
      view,
      stickers: named.has("emoji") ? [0, 1, 2].map((k) => sprites.sticker(k)) : null,
      lettering: view.background === "text" ? sprites.lettering(view.text ?? "SAM 2", kind) : null,
      backdrop: view.background === "picture" && view.backdrop ? sprites.backdrop(view.backdrop) : null,
    };
  }

  /**
   * Where several masks lie, with some room around them, in pixels of the display.
   * @param {string[]} codes
   * @returns {Box}
   */
  closeUp(codes) {
    const { display_width: width, display_height: height } = this.store.clip;
    const all = codes.map((counts) => maskBounds(counts, height)).filter(Boolean);
    if (!all.length) return [0, 0, width, height];
    const [x0, y0] = [0, 1].map((k) => Math.min(...all.map((bounds) => bounds[k])));
    const [x1, y1] = [2, 3].map((k) => Math.max(...all.map((bounds) => bounds[k])));
    const room = 0.12 * Math.max(x1 - x0, y1 - y0) + 4;
    return [Math.max(0, x0 - room), Math.max(0, y0 - room), Math.min(width, x1 + room), Math.min(height, y1 + room)];
  }

  /**
   * A part of the picture with a mask over it, the rest of it darkened.
   * @param {HTMLCanvasElement} canvas
   * @param {string} counts
   * @param {string} color
   * @param {Box} given
   */
  paintThumb(canvas, counts, color, [x0, y0, x1, y1]) {
    if (!this.bitmap) return;
    const pen = canvas.getContext("2d");
    const mask = this.maskCanvas(counts, color);
    const w = x1 - x0,
      h = y1 - y0;
    const scale = Math.min(canvas.width / w, canvas.height / h);
    /** @type {Box} */
    const place = [(canvas.width - w * scale) / 2, (canvas.height - h * scale) / 2, w * scale, h * scale];
    const kx = this.bitmap.width / mask.width,
      ky = this.bitmap.height / mask.height;
    pen.drawImage(this.bitmap, x0 * kx, y0 * ky, w * kx, h * ky, ...place);
    pen.fillStyle = "rgba(0, 0, 0, 0.45)";
    pen.fillRect(...place);
    pen.globalAlpha = 0.75;
    pen.drawImage(mask, x0, y0, w, h, ...place);
  }

  /**
   * The object alone, cut to its bounds.
   * @param {HTMLCanvasElement} canvas
   * @param {string} counts
   * @param {string} color
   */
  paintObjectThumb(canvas, counts, color) {
    const mask = this.maskCanvas(counts, color);
    const bounds = maskBounds(counts, mask.height);
    if (!bounds || !this.bitmap) return;
    const [x0, y0, x1, y1] = bounds;
    const w = x1 - x0,
      h = y1 - y0;
    const pen = canvas.getContext("2d");
    const scale = Math.min(canvas.width / w, canvas.height / h);
    /** @type {Box} */
    const place = [(canvas.width - w * scale) / 2, (canvas.height - h * scale) / 2, w * scale, h * scale];
    pen.drawImage(mask, x0, y0, w, h, ...place);
    pen.globalCompositeOperation = "source-in";
    const kx = this.bitmap.width / mask.width,
      ky = this.bitmap.height / mask.height;
    pen.drawImage(this.bitmap, x0 * kx, y0 * ky, w * kx, h * ky, ...place);
  }
}
