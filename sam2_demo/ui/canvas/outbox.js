// Changes on their way to the server: one at a time, in order; a newer version of a waiting one replaces it.

export class Outbox {
  constructor(busyChanged) {
    this.waiting = [];
    this.running = null;
    this.busyChanged = busyChanged;
    this.idle = [];
  }

  // `work` is an async function; `key` names what it replaces.
  put(key, work) {
    const index = key === null ? -1 : this.waiting.findIndex((job) => job.key === key);
    if (index >= 0) this.waiting[index].work = work;
    else this.waiting.push({ key, work });
    this.run();
  }

  holds(key) {
    return this.waiting.some((job) => job.key === key);
  }

  async run() {
    if (this.running) return;
    this.busyChanged(true);
    while (this.waiting.length) {
      this.running = this.waiting.shift();
      await this.running.work();
    }
    this.running = null;
    this.busyChanged(false);
    this.idle.splice(0).forEach((resolve) => resolve());
  }

  // Resolves when everything has been sent and answered.
  settled() {
    if (!this.running && !this.waiting.length) return Promise.resolve();
    return new Promise((resolve) => this.idle.push(resolve));
  }
}
