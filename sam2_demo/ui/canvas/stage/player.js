// Plays the clip on the canvas from its frames, with its sound; drops frames rather than slowing down.

import { h } from "../dom/dom.js";
import { address } from "../server/server.js";

/** @import { Frames } from "./frames.js" */
/** @import { Store } from "../state/store.js" */
/** @import { Host, ServerError } from "../state/types.js" */
/** @import { FrameWalk } from "./frame_walk.js" */
/** @import { Stage } from "./stage.js" */

const AHEAD = 24;
const LATE = 0.4; // seconds that pictures may lag before the sound waits for them

export class Player {
  /**
   * @param {{ store: Store, frames: Frames, walk: FrameWalk, host: Host, stage: Stage }} parts
   */
  constructor({ store, frames, walk, host, stage }) {
    this.store = store;
    this.frames = frames;
    this.walk = walk;
    this.host = host;
    this.stage = stage;
    this.timer = 0;
    this.time = 0; // seconds of the clip
    /** @type {HTMLAudioElement | null} */
    this.sound = null;
    store.watch(["tasks"], () => this.halt());
  }

  toggle() {
    if (this.store.playing) this.stop();
    else this.start();
  }

  mute() {
    this.store.setTasks({ muted: !this.store.muted });
    if (this.sound) this.sound.muted = this.store.muted;
  }

  // The sound is fetched when it is first wanted.
  openSound() {
    const { store } = this;
    if (this.sound || !store.clip.has_audio) return;
    this.sound = h("audio", { class: "sam-sound", preload: "auto", src: address(`s/${store.token}/sound`) });
    this.sound.muted = store.muted;
    this.sound.addEventListener("error", () => {
      this.sound = null;
      store.setNote("The sound of this clip cannot be played here; the picture can.");
    });
    this.stage.canvas.after(this.sound);
  }

  start() {
    const { store } = this;
    const last = store.clip.num_frames - 1;
    if (last < 1) return;
    this.openSound();
    cancelAnimationFrame(this.timer); // of a run that was ended in this very frame
    store.setTasks({ playing: true });
    this.time = store.timeOf(store.frame >= last ? 0 : store.frame);
    this.end = store.timeOf(last) + 1 / store.clip.frame_rate;
    this.before = performance.now();
    this.frames.ahead(store.frameAt(this.time) - 1, AHEAD);
    this.play();
    this.timer = requestAnimationFrame((now) => this.tick(now));
  }

  // Lets the sound go on from where the picture is.
  play() {
    if (!this.sound) return;
    if (Math.abs(this.sound.currentTime - this.time) > 0.05) this.sound.currentTime = this.time;
    this.sound.play().catch(() => {});
  }

  stop() {
    this.store.stopPlaying();
    this.halt();
  }

  // Others end playing by what they do to the store.
  halt() {
    if (this.store.playing || !this.timer) return;
    cancelAnimationFrame(this.timer);
    this.timer = 0;
    this.sound?.pause();
  }

  close() {
    this.stop();
    this.sound?.removeAttribute("src");
    this.sound?.remove();
  }

  /**
   * The sound's clock where it runs, else the computer's.
   * @param {number} elapsed
   */
  now(elapsed) {
    const { sound } = this;
    const runs = sound && !sound.paused && !sound.ended && sound.readyState >= 3;
    return runs && Math.abs(sound.currentTime - this.time) < 1 ? sound.currentTime : this.time + elapsed;
  }

  /** @param {number} now */
  tick(now) {
    if (!this.store.playing) return this.halt();
    if (!this.stage.canvas.offsetParent) return this.stop(); // another tab of the page is shown
    const { store, frames } = this;
    const wanted = this.now((now - this.before) / 1000);
    const index = store.frameAt(wanted);
    if (frames.ready(index)) {
      this.time = wanted;
      if (index !== store.frame) this.walk.goto(index, { playing: true });
      if (this.sound?.paused && wanted < this.sound.duration) this.play();
      if (wanted >= this.end) return this.stop();
    } else {
      if (wanted - this.time > LATE) this.sound?.pause();
      frames.get(index).catch((/** @type {ServerError} */ error) => {
        this.stop();
        this.host.fail(error);
      });
    }
    this.before = now;
    frames.ahead(index, AHEAD);
    this.timer = requestAnimationFrame((then) => this.tick(then));
  }
}
