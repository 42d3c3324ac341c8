// Undo and redo: each entry knows how to take itself back and how to do itself again.

const MOST = 200;

export class History {
  constructor(changed) {
    this.past = [];
    this.future = [];
    this.changed = changed;
  }

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
