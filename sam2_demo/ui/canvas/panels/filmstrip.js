// Small pictures along the clip; they load one after the other and only as many as fit.

import { h } from "../dom/dom.js";
import { bitmap } from "../server/server.js";

/** @import { Store } from "../state/store.js" */

const HEIGHT = 40;

export class Filmstrip {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    this.canvas = h("canvas", { class: "sam-film", "aria-hidden": "true" });
    this.pictures = new Map();
    this.closed = false;
    this.loading = false;
    this.width = 0;
  }

  close() {
    this.closed = true;
    for (const picture of this.pictures.values()) picture.close();
    this.pictures.clear();
  }

  draw() {
    const width = this.canvas.clientWidth;
    if (!width || width === this.width) return;
    this.width = width;
    this.paint();
    this.load();
  }

  // The frames whose pictures stand side by side.
  frames() {
    const { clip } = this.store;
    const wide = Math.max(24, Math.round((HEIGHT * clip.width) / clip.height));
    const count = Math.max(1, Math.min(40, Math.ceil(this.width / wide)));
    return Array.from({ length: count }, (_, k) => Math.floor(((k + 0.5) / count) * clip.num_frames));
  }

  async load() {
    if (this.loading) return;
    this.loading = true;
    while (!this.closed) {
      const missing = this.frames().find((frame) => !this.pictures.has(frame));
      if (missing === undefined) break;
      try {
        this.pictures.set(missing, await bitmap(`s/${this.store.token}/thumbs/${missing}.jpg`));
      } catch {
        break;
      }
      this.paint();
    }
    this.loading = false;
  }

  paint() {
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(this.width * ratio);
    this.canvas.height = Math.round(HEIGHT * ratio);
    const pen = this.canvas.getContext("2d");
    const frames = this.frames();
    const wide = this.canvas.width / frames.length;
    frames.forEach((frame, place) => {
      const picture = this.pictures.get(frame);
      if (!picture) return;
      // Covers its place: the picture's middle where the place is narrower.
      const scale = Math.max(wide / picture.width, this.canvas.height / picture.height);
      const w = wide / scale,
        h = this.canvas.height / scale;
      pen.drawImage(
        picture,
        (picture.width - w) / 2,
        (picture.height - h) / 2,
        w,
        h,
        place * wide,
        0,
        wide,
        this.canvas.height,
      );
    });
  }
}
