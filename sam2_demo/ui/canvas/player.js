// Plays the clip on the canvas from its frames, dropping frames rather than slowing down.

const AHEAD = 24;

export class Player {
  constructor(store, frames, act) {
    this.store = store;
    this.frames = frames;
    this.act = act;
    this.timer = 0;
    this.playing = false;
  }

  toggle() {
    if (this.playing) this.stop();
    else this.start();
  }

  start() {
    const { store } = this;
    const last = store.clip.num_frames - 1;
    if (last < 1) return;
    this.playing = true;
    this.act.timeline.setPlaying(true);
    this.position = store.frame >= last ? 0 : store.frame;
    this.before = performance.now();
    this.frames.ahead(Math.floor(this.position) - 1, AHEAD);
    this.timer = requestAnimationFrame((now) => this.tick(now));
  }

  stop() {
    if (!this.playing) return;
    this.playing = false;
    cancelAnimationFrame(this.timer);
    this.act.timeline.setPlaying(false);
  }

  tick(now) {
    if (!this.playing) return;
    const { store, frames } = this;
    const last = store.clip.num_frames - 1;
    const wanted = this.position + ((now - this.before) / 1000) * store.clip.frame_rate;
    const index = Math.min(last, Math.floor(wanted));
    if (frames.ready(index)) {
      this.position = wanted;
      if (index !== store.frame) this.act.goto(index, { playing: true });
      if (wanted >= last + 1) return this.stop();
    } else {
      frames.get(index).catch(() => this.stop());
    }
    this.before = now;
    frames.ahead(index, AHEAD);
    this.timer = requestAnimationFrame((then) => this.tick(then));
  }
}
