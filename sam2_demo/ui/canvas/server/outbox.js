// Changes on their way to the server: one at a time, in order; a newer version of a waiting one replaces it, unless
// more about the same object waits behind that.
// What is lost on the way stays at the head until `resume`.

/** @import { ServerError } from "../state/types.js" */

/**
 * @typedef {{ key: string | null, work: () => unknown, object: number | null }} Job
 */

export class Outbox {
  /**
   * @param {(busy: boolean) => void} busyChanged
   * @param {(error: ServerError) => void} lost
   */
  constructor(busyChanged, lost) {
    /** @type {Job[]} */
    this.waiting = [];
    /** @type {Job | null} */
    this.running = null;
    /** @type {ServerError | null} */
    this.stalled = null;
    this.busyChanged = busyChanged;
    this.lost = lost;
    /** @type {{ resolve: (nothing?: undefined) => void, reject: (error: ServerError) => void }[]} */
    this.idle = [];
  }

  /**
   * `work` is an async function; `key` names what it replaces; `object` is the id of what it is about, if anything.
   * @param {string | null} key
   * @param {() => unknown} work
   * @param {number | null} [object]
   */
  put(key, work, object = null) {
    const index = key === null ? -1 : this.waiting.findLastIndex((job) => job.key === key);
    const isOvertaken = object !== null && this.waiting.slice(index + 1).some((job) => job.object === object);
    if (index >= 0 && !isOvertaken) this.waiting[index].work = work;
    else this.waiting.push({ key, work, object });
    if (this.stalled) this.lost(this.stalled);
    this.run();
  }

  /** @param {string} key */
  holds(key) {
    return this.waiting.some((job) => job.key === key);
  }

  keys() {
    return [this.running, ...this.waiting].filter((job) => job?.key).map((job) => job.key);
  }

  async run() {
    if (this.running || this.stalled) return;
    this.busyChanged(true);
    while (this.waiting.length && !this.stalled) {
      const job = this.waiting.shift();
      this.running = job;
      try {
        await job.work();
      } catch (error) {
        if (job.key === null || !this.holds(job.key)) this.waiting.unshift(job);
        this.stalled = error;
      }
      this.running = null;
    }
    this.busyChanged(false);
    if (this.stalled) this.lost(this.stalled);
    for (const { resolve, reject } of this.idle.splice(0)) this.stalled ? reject(this.stalled) : resolve();
  }

  resume() {
    this.stalled = null;
    return this.run();
  }

  // Resolves when everything has been sent and answered; fails while the server is out of reach.
  settled() {
    if (this.stalled) return Promise.reject(this.stalled);
    if (!this.running && !this.waiting.length) return Promise.resolve();
    return new Promise((resolve, reject) => this.idle.push({ resolve, reject }));
  }
}
