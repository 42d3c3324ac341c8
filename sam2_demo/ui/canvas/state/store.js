// What the page knows about the open clip or picture. Prompts are in pixels of the original.

import { frameAt, timeOf } from "./clip_time.js";
import { freshColor } from "./palette.js";
import { Redraw } from "./redraw.js";
import { suddenFrames } from "./sudden_frames.js";

/** @import { Alternatives, Choice, MadeVideo, Masks, ObjectInfo, Progress, Prompt, SessionState, TrackEntry, Tracks, View } from "./types.js" */
/** @import { Topic } from "./redraw.js" */

/** @returns {Prompt} */
export const emptyPrompt = () => ({ points: [], box: null, mask: null });
/** @param {Prompt} prompt */
export const isEmptyPrompt = (prompt) => !prompt.points.length && !prompt.box && !prompt.mask;
/**
 * @param {number} frame
 * @param {number} object
 */
const key = (frame, object) => `${frame}:${object}`;

export class Store {
  /**
   * @param {SessionState} state
   * @param {(work: () => void) => void} [schedule]  runs what draws; once an animation frame on a page
   */
  constructor(state, schedule = (work) => requestAnimationFrame(work)) {
    this.redraw = new Redraw(schedule);
    this.kind = state.kind;
    this.token = state.token;
    this.clip = state.clip;
    this.palette = state.palette;
    this.objects = state.objects.map((o) => ({ ...o }));
    /** @type {Map<string, Prompt>} */
    this.prompts = new Map();
    for (const p of state.prompts) {
      this.prompts.set(key(p.frame, p.object), { points: p.points, box: p.box, mask: p.mask });
    }
    /** @type {Map<number, Masks>} */
    this.masks = new Map(); // frame -> {object id: {counts, area, score, iou}}
    this.setChoices(state.candidates);
    /** @type {Map<number, Map<number, TrackEntry>>} */
    this.tracks = new Map(); // object id -> Map(frame -> {score, area})
    this.setTracks(state.tracks || {});
    /** @type {View} */
    this.view = state.view || {};
    this.result = state.result || null;
    /** @type {Alternatives | null} */
    this.alternatives = null; // of the newest single click on a clip
    this.model = state.model;
    this.note = "";
    this.tracking = false;
    this.rendering = false;
    this.lookingAgain = false; // everything mode, for what is new in the rest of a clip
    this.playing = false;
    this.muted = false;
    /** @type {Progress & { seconds_left?: number } | null} */
    this.trackStep = null; // how far it is; null: it has not begun
    this.trackText = ""; // how it ended
    /** @type {Progress | null} */
    this.renderStep = null;
    this.renderText = "";
    this.expires = state.expires || null;
    this.frame = 0;
    this.active = this.objects.length ? this.objects[0].object_id : null;
    this.nextId = 1 + this.objects.reduce((most, o) => Math.max(most, o.object_id), 0);
  }

  get isVideo() {
    return this.kind === "video";
  }

  // Frames follow each other by themselves: what need not keep step waits for the end.
  get isMoving() {
    return this.tracking || this.playing;
  }

  // --- what changes; every change says what it was about ----------------------------------------

  /** @param {Topic[]} topics */
  changed(...topics) {
    this.redraw.changed(...topics);
  }

  /**
   * Draws a part of the page whenever one of the topics has changed, once an animation frame.
   * @param {Topic[]} topics
   * @param {(topics: Set<Topic>) => void} draw
   */
  watch(topics, draw) {
    this.redraw.watch(topics, draw);
  }

  /** @param {number} frame */
  setFrame(frame) {
    this.frame = frame;
    this.changed("frame");
  }

  /** @param {number | null} id */
  activate(id) {
    this.active = id;
    this.alternatives = null;
    this.changed("objects", "masks");
  }

  /** @param {ObjectInfo} object */
  addObject(object) {
    this.objects.push({ ...object });
    this.changed("objects");
  }

  /**
   * @param {number} id
   * @param {Partial<ObjectInfo>} values
   */
  setObject(id, values) {
    Object.assign(this.object(id), values);
    this.changed("objects");
  }

  /**
   * Masks that were fetched; what the page knows already is newer.
   * @param {{ [frame: string]: Masks }} masks
   */
  takeMasks(masks) {
    for (const [frame, found] of Object.entries(masks)) {
      if (!this.masks.has(Number(frame))) this.masks.set(Number(frame), found);
    }
    this.changed("masks");
  }

  /**
   * All that the server knows of tracked frames; their masks are fetched anew.
   * @param {Tracks} tracks
   */
  replaceTracks(tracks) {
    this.setTracks(tracks);
    this.masks.clear();
    this.changed("masks");
  }

  /**
   * @param {number} id
   * @param {Choice} choice
   */
  setChoice(id, choice) {
    this.choices.set(id, choice);
    this.changed("masks");
  }

  /** @param {Alternatives | null} alternatives */
  setAlternatives(alternatives) {
    this.alternatives = alternatives;
    this.changed("masks");
  }

  /** @param {View} change */
  setView(change) {
    this.view = { ...this.view, ...change };
    this.outdate();
    this.changed("view");
  }

  /** @param {MadeVideo} result */
  setResult(result) {
    this.result = result;
    this.changed("result");
  }

  // The video that was made no longer shows what there is.
  outdate() {
    if (this.result) this.result.current = false;
    this.changed("result");
  }

  /**
   * @typedef {"tracking" | "rendering" | "lookingAgain" | "playing" | "muted" | "trackStep" | "trackText" | "renderStep" | "renderText"} Task
   * @param {Partial<Pick<Store, Task>>} now
   */
  setTasks(now) {
    Object.assign(this, now);
    this.changed("tasks");
  }

  stopPlaying() {
    if (this.playing) this.setTasks({ playing: false });
  }

  /** @param {string} text */
  setNote(text) {
    this.note = text;
    this.changed("note");
  }

  // --- objects and prompts ----------------------------------------------------------------------

  /** @param {number} id */
  object(id) {
    return this.objects.find((o) => o.object_id === id);
  }

  /**
   * Its colour is the one that is `wanted` or the palette's next, if that differs clearly from those of the `others`.
   * @param {ObjectInfo[]} [others]
   * @param {string | null} [wanted]
   */
  newObject(others = this.objects, wanted = null) {
    const id = this.nextId++;
    const color = freshColor(
      wanted ? [wanted, ...this.palette] : this.palette,
      others.map((o) => o.color),
    );
    return { object_id: id, name: `Object ${id}`, color, visible: true, locked: false };
  }

  /**
   * @param {number} frame
   * @param {number} object
   */
  prompt(frame, object) {
    return this.prompts.get(key(frame, object)) || emptyPrompt();
  }

  /**
   * @param {number} frame
   * @param {number} object
   * @param {Prompt} prompt
   */
  setPrompt(frame, object, prompt) {
    if (isEmptyPrompt(prompt)) this.prompts.delete(key(frame, object));
    else this.prompts.set(key(frame, object), prompt);
    this.changed("prompts");
  }

  /** @param {number} object */
  promptedFrames(object) {
    const frames = [];
    for (const name of this.prompts.keys()) {
      const [frame, id] = name.split(":").map(Number);
      if (id === object) frames.push(frame);
    }
    return frames.sort((a, b) => a - b);
  }

  /**
   * @param {number} frame
   * @param {Masks} masks
   */
  setMasks(frame, masks) {
    this.masks.set(frame, masks);
    for (const object of this.objects) {
      const mask = masks[object.object_id];
      if (mask)
        this.track(object.object_id).set(frame, {
          score: mask.score,
          area: mask.area,
          iou: mask.iou,
          center: mask.center,
          state: mask.state,
        });
      else this.track(object.object_id).delete(frame);
    }
    this.changed("masks");
  }

  /**
   * object id -> {chosen, candidates}
   * @param {{ [object: string]: Choice }} candidates
   */
  setChoices(candidates) {
    /** @type {Map<number, Choice>} */
    this.choices = new Map(Object.entries(candidates || {}).map(([id, choice]) => [Number(id), choice]));
  }

  /** @param {number} frame */
  timeOf(frame) {
    return timeOf(this.clip, frame);
  }

  /** @param {number} seconds */
  frameAt(seconds) {
    return frameAt(this.clip, seconds);
  }

  /** @param {Tracks} tracks */
  setTracks(tracks) {
    this.tracks.clear();
    for (const [id, entries] of Object.entries(tracks)) {
      this.tracks.set(
        Number(id),
        new Map(
          entries.map(([frame, score, area, iou, center, state]) => [frame, { score, area, iou, center, state }]),
        ),
      );
    }
  }

  /** @param {number} id */
  track(id) {
    if (!this.tracks.has(id)) this.tracks.set(id, new Map());
    return this.tracks.get(id);
  }

  /**
   * Centres of an object up to this frame, as shares of the picture.
   * @param {number} id
   */
  trail(id) {
    return [...this.track(id)]
      .filter(([frame, { center }]) => frame <= this.frame && center)
      .sort((a, b) => a[0] - b[0])
      .map(([, { center }]) => center);
  }

  /** @param {number} frame */
  hasMasks(frame) {
    return this.objects.some((o) => this.track(o.object_id).has(frame));
  }

  isTracked() {
    return this.objects.some((o) => this.track(o.object_id).size > this.promptedFrames(o.object_id).length);
  }

  /** @param {number} id */
  forgetObject(id) {
    this.objects = this.objects.filter((o) => o.object_id !== id);
    for (const name of [...this.prompts.keys()]) {
      if (Number(name.split(":")[1]) === id) this.prompts.delete(name);
    }
    for (const masks of this.masks.values()) delete masks[id];
    this.choices.delete(id);
    this.tracks.delete(id);
    if (this.active === id) this.active = this.objects.length ? this.objects[this.objects.length - 1].object_id : null;
    this.alternatives = null;
    this.changed("objects", "prompts", "masks");
  }

  /**
   * What an ambiguous click on the current object of the frame that is shown may mean.
   * @returns {Choice | null}
   */
  choiceHere() {
    if (!this.isVideo) return this.choices.get(this.active) ?? null;
    const found = this.alternatives;
    return found && found.frame === this.frame && found.object === this.active ? found : null;
  }

  shownMasks() {
    const masks = this.masksHere();
    return this.objects
      .filter((o) => o.visible && masks[o.object_id])
      .map((o) => ({ object: o, mask: masks[o.object_id] }));
  }

  masksHere() {
    return this.masksOn(this.frame);
  }

  /** @param {number} frame */
  masksOn(frame) {
    return this.kind === "picture" ? this.chosenMasks() : this.masks.get(frame) || {};
  }

  /**
   * Whether all masks that there are of a frame have arrived.
   * @param {number} frame
   */
  knowsMasks(frame) {
    return this.kind === "picture" || this.masks.has(frame) || !this.hasMasks(frame);
  }

  // First and last frame between the marks; the whole clip without marks.
  marks() {
    const last = this.clip.num_frames - 1;
    const a = this.view.mark_in ?? 0,
      b = this.view.mark_out ?? last;
    return { first: Math.max(0, Math.min(a, b)), last: Math.min(last, Math.max(a, b)) };
  }

  /**
   * Frames that a person should look at and has not corrected yet.
   * @param {number} id
   */
  doubtful(id) {
    return suddenFrames(this.track(id)).filter((frame) => !this.prompts.has(key(frame, id)));
  }

  allDoubtful() {
    return [...new Set(this.objects.flatMap((o) => this.doubtful(o.object_id)))].sort((a, b) => a - b);
  }

  chosenMasks() {
    /** @type {Masks} */
    const found = {};
    for (const [id, { chosen, candidates }] of this.choices) {
      if (candidates.length) found[id] = candidates[chosen];
    }
    return found;
  }
}
