// Undo and redo: each entry knows how to take itself back and how to do itself again.

/** @import { Step } from "./types.js" */

const MOST = 200;

export class History {
  /** @param {() => void} changed */
  constructor(changed) {
    /** @type {Step[]} */
    this.past = [];
    /** @type {Step[]} */
    this.future = [];
    this.changed = changed;
  }

  /** @param {Step} entry */
  did(entry) {
    this.past.push(entry);
    if (this.past.length > MOST) this.past.shift();
    this.future = [];
    this.changed();
  }

  undo() {
    const entry = this.past.pop();
    if (!entry) return null;
    this.future.push(entry);
    entry.undo();
    this.changed();
    return entry;
  }

  redo() {
    const entry = this.future.pop();
    if (!entry) return null;
    this.past.push(entry);
    entry.redo();
    this.changed();
    return entry;
  }

  clear() {
    this.past = [];
    this.future = [];
    this.changed();
  }
}
