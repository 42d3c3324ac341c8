// Frames of a clip as bitmaps: fetched when wanted, some ahead, a bounded number kept.

import { bitmap } from "../server/server.js";

const KEPT = 90;

/** @typedef {{ pending: Promise<ImageBitmap>, bitmap: ImageBitmap | null }} Entry */

export class Frames {
  /**
   * `shown` gives the bitmap that is on the stage.
   * @param {string} base
   * @param {number} count
   * @param {() => ImageBitmap | null} shown
   */
  constructor(base, count, shown) {
    this.base = base;
    this.count = count;
    this.shown = shown;
    /** @type {Map<number, Entry>} */
    this.cache = new Map();
  }

  /** @param {number} index */
  get(index) {
    let entry = this.cache.get(index);
    if (entry) {
      this.cache.delete(index);
    } else {
      const pending = this.load(index);
      entry = { pending, bitmap: null };
      pending.then(
        (bitmap) => {
          entry.bitmap = bitmap;
        },
        () => this.cache.delete(index),
      );
    }
    this.cache.set(index, entry);
    this.trim();
    return entry.pending;
  }

  /** @param {number} index */
  ready(index) {
    return this.cache.get(index)?.bitmap ?? null;
  }

  /** @param {number} index */
  load(index) {
    return bitmap(`${this.base}/${index}.jpg`);
  }

  /**
   * @param {number} index
   * @param {number} number
   * @param {number} [step]
   */
  ahead(index, number, step = 1) {
    for (let k = 1; k <= number; k++) {
      const next = index + k * step;
      if (next >= 0 && next < this.count && !this.cache.has(next)) this.get(next).catch(() => {});
    }
  }

  trim() {
    for (const [index, entry] of this.cache) {
      if (this.cache.size <= KEPT) break;
      if (entry.bitmap && entry.bitmap === this.shown()) continue;
      this.cache.delete(index);
      entry.pending.then(
        (bitmap) => bitmap !== this.shown() && bitmap.close(),
        () => {},
      );
    }
  }

  close() {
    for (const entry of this.cache.values())
      entry.pending.then(
        (bitmap) => bitmap.close(),
        () => {},
      );
    this.cache.clear();
  }
}
