// Who draws what: parts of the page watch topics, and each draws once an animation frame, however much has changed.

/**
 * frame: which one is shown; picture: its bitmap; objects: their list, looks, and which one gets the clicks;
 * masks: also scores and candidates; result: the video that was made; tasks: tracking, making the video, playing;
 * found: everything mode; stage: zoom, pointer, brush; note: a word to the person.
 * @typedef {"frame" | "picture" | "objects" | "prompts" | "masks" | "view" | "result" | "tasks" | "history" | "found" | "stage" | "note"} Topic
 */

export class Redraw {
  /** @param {(work: () => void) => void} schedule  runs the work before the next picture is shown */
  constructor(schedule) {
    this.schedule = schedule;
    /** @type {{ topics: Topic[], draw: (topics: Set<Topic>) => void }[]} */
    this.watchers = [];
    /** @type {Set<Topic>} */
    this.pending = new Set();
    this.closed = false;
  }

  /**
   * @param {Topic[]} topics
   * @param {(topics: Set<Topic>) => void} draw  is told which topics have changed
   */
  watch(topics, draw) {
    this.watchers.push({ topics, draw });
  }

  /** @param {Topic[]} topics */
  changed(...topics) {
    if (!this.pending.size && !this.closed) this.schedule(() => this.draw());
    for (const topic of topics) this.pending.add(topic);
  }

  // What changes while it is drawn is drawn the next time.
  draw() {
    const topics = this.pending;
    this.pending = new Set();
    if (this.closed) return;
    for (const watcher of this.watchers) {
      if (watcher.topics.some((topic) => topics.has(topic))) watcher.draw(topics);
    }
  }

  // What belongs to every part of a page that is shown for the first time.
  all() {
    this.changed(...new Set(this.watchers.flatMap((watcher) => watcher.topics)));
  }

  close() {
    this.closed = true;
  }
}
