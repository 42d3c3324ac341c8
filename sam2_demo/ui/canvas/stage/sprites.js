// Pictures that effects place, made by the server so that files and page show the same ones; kept once loaded.

import { bitmap } from "../server/server.js";

export class Sprites {
  constructor(token, loaded) {
    this.base = `s/${token}`;
    this.loaded = loaded;
    this.kept = new Map();
  }

  // The bitmap at a path below the session, or null while it is on its way (or cannot be had).
  get(path) {
    if (!this.kept.has(path)) {
      if (this.kept.size > 60) this.kept.delete(this.kept.keys().next().value);
      this.kept.set(path, null);
      this.load(path);
    }
    return this.kept.get(path);
  }

  async load(path) {
    try {
      this.kept.set(path, await bitmap(`${this.base}/${path}`));
      this.loaded();
    } catch {
      this.kept.delete(path);
    }
  }

  label(object) {
    return this.get(`sprites/label.png?object=${object.object_id}&v=${encodeURIComponent(object.name + object.color)}`);
  }

  lettering(text, kind) {
    return this.get(`sprites/text.png?text=${encodeURIComponent(text)}&variant=${kind}`);
  }

  sticker(kind) {
    return this.get(`sprites/sticker.png?variant=${kind}`);
  }

  backdrop(stamp) {
    return this.get(`sprites/backdrop.png?v=${stamp}`);
  }
}
