// Pictures that effects place, made by the server so that files and page show the same ones; kept once loaded.

import { bitmap } from "../server/server.js";

/** @import { ObjectInfo } from "../state/types.js" */

export class Sprites {
  /**
   * @param {string} token
   * @param {() => void} loaded
   */
  constructor(token, loaded) {
    this.base = `s/${token}`;
    this.loaded = loaded;
    this.kept = new Map();
  }

  /**
   * The bitmap at a path below the session, or null while it is on its way (or cannot be had).
   * @param {string} path
   */
  get(path) {
    if (!this.kept.has(path)) {
      if (this.kept.size > 60) this.kept.delete(this.kept.keys().next().value);
      this.kept.set(path, null);
      this.load(path);
    }
    return this.kept.get(path);
  }

  /** @param {string} path */
  async load(path) {
    try {
      this.kept.set(path, await bitmap(`${this.base}/${path}`));
      this.loaded();
    } catch {
      this.kept.delete(path);
    }
  }

  /** @param {ObjectInfo} object */
  label(object) {
    return this.get(`sprites/label.png?object=${object.object_id}&v=${encodeURIComponent(object.name + object.color)}`);
  }

  /**
   * @param {string} text
   * @param {number} kind
   */
  lettering(text, kind) {
    return this.get(`sprites/text.png?text=${encodeURIComponent(text)}&variant=${kind}`);
  }

  /** @param {number} kind */
  sticker(kind) {
    return this.get(`sprites/sticker.png?variant=${kind}`);
  }

  /** @param {number} stamp */
  backdrop(stamp) {
    return this.get(`sprites/backdrop.png?v=${stamp}`);
  }
}
