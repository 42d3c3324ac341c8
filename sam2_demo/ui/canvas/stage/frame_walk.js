// The way from frame to frame: what is shown is fetched, with its masks.

import { get } from "../server/server.js";

/** @import { Host } from "../state/types.js" */
/** @import { Store } from "../state/store.js" */
/** @import { Frames } from "./frames.js" */
/** @import { Stage } from "./stage.js" */

const MASK_BLOCK = 40;

export class FrameWalk {
  /** @param {{ store: Store, host: Host, frames: Frames, stage: Stage }} parts */
  constructor({ store, host, frames, stage }) {
    this.store = store;
    this.host = host;
    this.frames = frames;
    this.stage = stage;
    /** @type {Promise<ImageBitmap> | null} */
    this.arriving = null;
    /** @type {Set<number>} */
    this.fetching = new Set(); // blocks of masks that are on their way
  }

  /**
   * @param {number} index
   * @param {{ playing?: boolean }} given
   */
  async goto(index, { playing = false } = {}) {
    const { store } = this;
    if (!playing) store.stopPlaying();
    const frame = Math.min(store.clip.num_frames - 1, Math.max(0, index));
    store.setFrame(frame);
    this.needMasks(frame);
    try {
      // What is passed while another frame is on its way is not asked for.
      if (!this.frames.ready(frame)) await this.arriving?.catch(() => {});
      if (store.frame !== frame) return;
      this.arriving = this.frames.get(frame);
      const bitmap = await this.arriving;
      if (store.frame !== frame) return;
      this.stage.show(bitmap, frame);
      this.host.quiet("frame");
      if (!playing) this.frames.ahead(frame, 2);
    } catch (error) {
      this.host.fail(error, () => this.goto(frame), "frame");
    }
  }

  /**
   * Masks of tracked frames are fetched in blocks when they are first shown.
   * @param {number} frame
   */
  async needMasks(frame) {
    const { store } = this;
    if (!store.isVideo || store.masks.has(frame) || !store.hasMasks(frame)) return;
    const block = Math.floor(frame / MASK_BLOCK);
    if (this.fetching.has(block)) return;
    this.fetching.add(block);
    try {
      const first = block * MASK_BLOCK;
      for (const range of [`${frame}-${frame}`, `${first}-${first + MASK_BLOCK - 1}`]) {
        store.takeMasks((await get(`s/${store.token}/masks/${range}`, 60000)).masks);
      }
    } catch (error) {
      this.host.fail(error, () => this.needMasks(frame), "frame");
    } finally {
      this.fetching.delete(block);
    }
  }

  nextDoubtful() {
    const frames = this.store.allDoubtful();
    if (frames.length) this.goto(frames.find((frame) => frame > this.store.frame) ?? frames[0]);
  }
}
