// What the pointer and the keyboard mean becomes prompts: applied at once, sent in order, taken back on refusal.

import { mostAlike } from "../masks/mask_shapes.js";
import { encodeCanvas, paintMask } from "../masks/rle.js";
import { emptyPrompt, isEmptyPrompt } from "../state/store.js";

/** @import { Box, Choice, Click, Host, Place, Prompt } from "../state/types.js" */
/** @import { Store } from "../state/store.js" */
/** @import { Outbox } from "../server/outbox.js" */
/** @import { History } from "../state/history.js" */
/** @import { Commands } from "../server/commands.js" */
/** @import { Stage } from "../stage/stage.js" */
/** @import { FrameWalk } from "../stage/frame_walk.js" */

/** @param {number} value */
const round = (value) => Math.round(value * 100) / 100;

export class PromptEditor {
  /** @param {{ store: Store, host: Host, outbox: Outbox, history: History, commands: Commands, stage: Stage, walk: FrameWalk, addObject: () => boolean }} parts */
  constructor({ store, host, outbox, history, commands, stage, walk, addObject }) {
    this.store = store;
    this.host = host;
    this.outbox = outbox;
    this.history = history;
    this.commands = commands;
    this.stage = stage;
    this.walk = walk;
    this.addObject = addObject;
    this.accepted = new Map(this.store.prompts);
    this.beforeMove = null;
    this.suggesting = 0;
    this.previewing = false;
    this.previewAsked = null;
    this.previewOn = false;
    this.stroking = false;
  }

  current() {
    return this.store.prompt(this.store.frame, this.store.active);
  }

  /**
   * @param {Place} given
   * @param {0 | 1} label
   */
  point({ x, y }, label) {
    const { width, height } = this.store.clip;
    /** @type {Click} */
    const at = [round(Math.min(width - 1, Math.max(0, x))), round(Math.min(height - 1, Math.max(0, y))), label];
    const now = this.current();
    this.edit({ ...now, points: [...now.points, at] });
  }

  /** @param {Box} corners */
  box(corners) {
    const [x0, y0, x1, y1] = corners;
    if (x1 - x0 < 2 || y1 - y0 < 2)
      return this.host.warn("The box has no area: drag from one corner to the opposite one.");
    this.edit({ ...this.current(), box: /** @type {Box} */ (corners.map(round)) });
  }

  /** @param {number} index */
  removePoint(index) {
    const now = this.current();
    this.edit({ ...now, points: now.points.filter((_, position) => position !== index) });
  }

  /**
   * @param {number} index
   * @param {Place} at
   * @param {boolean} done
   */
  movePoint(index, at, done) {
    const now = this.current();
    /** @type {Click[]} */
    const points = now.points.map((p, k) => (k === index ? [round(at.x), round(at.y), p[2]] : p));
    if (done) return this.edit({ ...now, points }, this.beforeMove);
    this.beforeMove ||= now;
    this.store.setPrompt(this.store.frame, this.store.active, { ...now, points });
    this.store.changed("stage");
  }

  outside() {
    this.host.warn("That click was outside the picture.");
  }

  clear() {
    this.edit(emptyPrompt());
  }

  /** @param {string} text */
  say(text) {
    this.store.setNote(text);
  }

  // --- brush ------------------------------------------------------------------------------------

  /**
   * A stroke starts from the mask that is shown, so that the brush mends what the model made.
   * @param {Place} from
   * @param {Place} to
   * @param {boolean} erase
   * @param {number} diameter
   */
  stroke(from, to, erase, diameter) {
    const { stage } = this;
    if (!this.mayEdit()) return;
    if (this.store.active === null) this.addObject();
    if (!stage.brush) stage.brush = this.brushLayer();
    this.stroking = true;
    const { clip } = this.store;
    const scale = clip.display_width / clip.width;
    const pen = stage.brush.getContext("2d");
    pen.globalCompositeOperation = erase ? "destination-out" : "source-over";
    pen.lineWidth = Math.max(1, diameter * scale);
    pen.lineCap = "round";
    pen.strokeStyle = this.store.object(this.store.active).color;
    pen.beginPath();
    pen.moveTo(from.x * scale, from.y * scale);
    pen.lineTo(to.x * scale + 0.01, to.y * scale);
    pen.stroke();
    this.store.changed("stage");
  }

  brushLayer() {
    const { display_width: width, display_height: height } = this.store.clip;
    const mask = this.store.masksHere()[this.store.active];
    if (mask) return paintMask(mask.counts, width, height, this.store.object(this.store.active).color);
    return new OffscreenCanvas(width, height);
  }

  strokeEnd() {
    const { stage } = this;
    this.stroking = false;
    if (!stage.brush) return;
    const counts = encodeCanvas(stage.brush);
    const { display_width: width, display_height: height } = this.store.clip;
    const nothing = counts === encodeCanvas(new OffscreenCanvas(width, height));
    this.edit(nothing ? emptyPrompt() : { points: [], box: null, mask: counts });
  }

  // --- sending ----------------------------------------------------------------------------------

  mayEdit() {
    if (this.store.tracking) {
      this.host.warn("Tracking is running: press Stop first, then correct the mask.");
      return false;
    }
    const object = this.store.object(this.store.active);
    if (object?.locked) {
      this.host.warn(`${object.name} is locked: unlock it in the list of objects first.`);
      return false;
    }
    return true;
  }

  /**
   * @param {Prompt} after
   * @param {Prompt | null} [before]
   */
  edit(after, before = null) {
    const { store } = this;
    if (!this.mayEdit()) {
      this.stage.brush = null;
      store.changed("stage");
      return;
    }
    if (store.active === null) this.addObject();
    const object = store.active,
      frame = store.frame;
    const earlier = before || this.current();
    this.beforeMove = null;
    this.apply(frame, object, after);
    this.history.did({
      undo: () => this.apply(frame, object, earlier, true),
      redo: () => this.apply(frame, object, after, true),
    });
  }

  /**
   * @param {number} frame
   * @param {number} object
   * @param {Prompt} prompt
   * @param {boolean} [show]
   */
  apply(frame, object, prompt, show = false) {
    const { store } = this;
    if (!store.object(object)) return;
    store.setPrompt(frame, object, prompt);
    store.setAlternatives(null);
    if (show) {
      store.activate(object);
      if (store.frame !== frame) this.walk.goto(frame);
    }
    store.outdate();
    this.store.stopPlaying();
    this.outbox.put(`prompt ${frame} ${object}`, () => this.send(frame, object), object);
  }

  /**
   * @param {number} frame
   * @param {number} object
   */
  async send(frame, object) {
    const { store } = this;
    const prompt = store.prompt(frame, object);
    const name = `${frame}:${object}`;
    try {
      const answer = await this.host.ask("prompt", { frame, object_id: object, prompt });
      this.accepted.set(name, prompt);
      this.host.quiet();
      if (store.isVideo) store.setMasks(frame, answer);
      else store.setChoice(object, answer);
      if (store.isVideo) this.suggestLater(frame, object, prompt);
    } catch (error) {
      if (error.lost) throw error;
      if (error.unexpected) {
        this.host.warn(error.message, () => this.apply(frame, object, store.prompt(frame, object)));
        return;
      }
      this.host.warn(error.message);
      if (store.object(object) && !this.outbox.holds(`prompt ${frame} ${object}`)) {
        store.setPrompt(frame, object, this.accepted.get(name) || emptyPrompt());
      }
    }
    // A new stroke may have begun while the answer was on its way.
    if (!this.stroking && !this.outbox.holds(`prompt ${frame} ${object}`)) this.stage.brush = null;
    store.changed("stage");
  }

  // --- other meanings of a single click, and previews -------------------------------------------

  /**
   * @param {number} frame
   * @param {number} object
   * @param {Prompt} prompt
   */
  suggestLater(frame, object, prompt) {
    clearTimeout(this.suggesting);
    const single = prompt.points.length === 1 && prompt.points[0][2] === 1 && !prompt.box && !prompt.mask;
    if (single) this.suggesting = setTimeout(() => this.suggest(frame, object, prompt), 350);
  }

  /**
   * @param {number} frame
   * @param {number} object
   * @param {Prompt} prompt
   */
  async suggest(frame, object, prompt) {
    const { store } = this;
    try {
      const answer = await this.host.ask("alternatives", { frame, prompt });
      if (store.prompt(frame, object) !== prompt) return;
      const shown = store.masksOn(frame)[object];
      const chosen = shown ? mostAlike(answer.candidates, shown.counts) : -1;
      store.setAlternatives({ ...answer, chosen, frame, object });
    } catch (error) {
      this.host.fail(error);
    }
  }

  /**
   * `choice` is what the candidate belongs to; it counts only while that is shown.
   * @param {Choice} choice
   * @param {number} position
   */
  choose(choice, position) {
    const { store } = this;
    if (store.choiceHere() !== choice) return;
    if (store.isVideo) {
      if (!this.mayEdit()) return;
      const kept = { ...store.alternatives, chosen: position };
      this.edit({ points: [], box: null, mask: choice.candidates[position].counts });
      store.setAlternatives(kept);
      return;
    }
    const object = store.active;
    store.setChoice(object, { ...choice, chosen: position });
    this.commands.put(`choose ${object}`, () => ({ name: "choose", object_id: object, position }), object);
  }

  /** @param {Place | null} at */
  hover(at) {
    this.previewAsked = this.previewOn && at && !this.store.tracking ? { ...at, frame: this.store.frame } : null;
    if (!this.previewAsked) {
      if (this.stage.hover) this.stage.setHover(null);
      return;
    }
    this.preview();
  }

  // One question at a time, always for the newest place.
  async preview() {
    if (this.previewing) return;
    this.previewing = true;
    while (this.previewAsked) {
      const asked = this.previewAsked;
      try {
        const { counts } = await this.host.ask("preview", { frame: asked.frame, x: asked.x, y: asked.y });
        if (this.previewAsked && this.store.frame === asked.frame) this.stage.setHover(counts);
      } catch (error) {
        this.host.fail(error);
        this.previewAsked = null;
      }
      if (this.previewAsked === asked) break;
    }
    this.previewing = false;
  }

  hasPrompt() {
    return this.store.active !== null && !isEmptyPrompt(this.current());
  }
}
