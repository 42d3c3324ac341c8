// An open clip or picture: ties canvas, tools, timeline, objects, tracking and results together.

import { button, h } from "../dom/dom.js";
import { Keyboard } from "../edit/keyboard.js";
import { ObjectActions } from "../edit/object_actions.js";
import { Pointer } from "../edit/pointer.js";
import { PromptEditor } from "../edit/prompt_editor.js";
import { Candidates } from "../panels/candidates.js";
import { EffectsPanel } from "../panels/effects_panel.js";
import { EverythingPanel } from "../panels/everything_panel.js";
import { HelpSheet } from "../panels/help_sheet.js";
import { ObjectsPanel } from "../panels/objects_panel.js";
import { ReferencePanel } from "../panels/reference_panel.js";
import { PictureResults, VideoResults } from "../panels/results.js";
import { SessionBar } from "../panels/session_bar.js";
import { Timeline } from "../panels/timeline.js";
import { Toolbar } from "../panels/toolbar.js";
import { TrackPanel } from "../panels/track_panel.js";
import { Outbox } from "../server/outbox.js";
import { get } from "../server/server.js";
import { Frames } from "../stage/frames.js";
import { Player } from "../stage/player.js";
import { Stage } from "../stage/stage.js";
import { History } from "../state/history.js";
import { joinModel } from "../state/model_choice.js";
import { Store } from "../state/store.js";
import { Runs } from "./runs.js";
import { forgetUnsent, keepUnsent, sendUnsent } from "./unsent.js";

/** @import { Example, Host, Question, ServerError, SessionState, View } from "../state/types.js" */
/** @import { Topic } from "../state/redraw.js" */

const MASK_BLOCK = 40;

export class Workbench {
  /**
   * @param {SessionState} state
   * @param {Host} host
   * @param {Example} example
   */
  constructor(state, host, example) {
    this.host = host;
    this.example = example;
    this.config = host.config;
    this.store = new Store(state);
    const { store } = this;
    this.isVideo = store.isVideo;
    this.frames = new Frames(`s/${store.token}/frames`, store.clip.num_frames, () => this.stage.bitmap);
    this.history = new History(() => store.changed("history"));
    this.outbox = new Outbox(
      (busy) => this.setBusy(busy),
      (error) => this.lost(error),
    );
    this.leaveModel = joinModel(this);
    this.leaving = () => this.outbox.keys().length && keepUnsent(this);
    window.addEventListener("pagehide", this.leaving);
    this.editor = new PromptEditor(this);
    this.objectActions = new ObjectActions(this);
    this.fetching = new Set();
    this.canvas = h("canvas", { class: "sam-canvas", tabindex: 0, role: "application", "data-tool": "include" });
    this.canvas.setAttribute(
      "aria-label",
      this.isVideo ? "Video frame: click to select an object" : "Picture: click to select an object",
    );
    this.canvas.style.aspectRatio = `${store.clip.width} / ${store.clip.height}`;
    this.stage = new Stage(this.canvas, store);
    this.pointer = new Pointer(this.stage, store, this.editor);
    this.toolbar = new Toolbar(this.pointer, this.stage, this);
    this.objects = new ObjectsPanel(this);
    this.candidates = new Candidates(this);
    this.effects = new EffectsPanel(this);
    this.results = this.isVideo ? new VideoResults(this) : new PictureResults(this);
    this.timeline = this.isVideo ? new Timeline(store, this) : null;
    this.runs = this.isVideo ? new Runs(this) : null;
    this.trackPanel = this.isVideo ? new TrackPanel(this) : null;
    this.player = this.isVideo ? new Player(store, this.frames, this) : null;
    this.everything = new EverythingPanel(this);
    this.reference = new ReferencePanel(this);
    this.help = new HelpSheet(this.isVideo);
    this.session = new SessionBar(this);
    this.build();
    this.keyboard = new Keyboard(this);
  }

  build() {
    this.tipText = h("span", { role: "status", "aria-live": "polite" });
    this.tryIt = button("Show me", () => this.trySuggestion(), {
      class: "sam-small",
      hidden: true,
      title: "Select what this example is about",
    });
    const topics = /** @type {Topic[]} */ (["note", "prompts", "masks", "frame", "tasks", "found", "objects"]);
    this.store.watch(topics, (changed) => this.drawTip(changed));
    this.tip = h("div", { class: "sam-tip" }, this.tipText, this.tryIt);
    this.spinner = h("div", { class: "sam-spinner", hidden: true, "aria-hidden": "true" });
    this.element = h(
      "div",
      { class: "sam-work" },
      h(
        "div",
        { class: "sam-main" },
        this.session.element,
        h(
          "div",
          { class: "sam-left" },
          this.toolbar.element,
          this.tip,
          h("div", { class: "sam-stage" }, this.canvas, this.spinner),
          this.timeline?.element,
        ),
        h(
          "div",
          { class: "sam-side" },
          this.objects.element,
          this.trackPanel?.element,
          this.candidates.element,
          this.everything.element,
          this.reference.element,
        ),
        h("div", { class: "sam-below" }, this.effects.element, this.results.element, this.session.keep),
      ),
      this.help.element,
    );
  }

  // An example comes with a prompt that works: shown as a marker to press.
  suggestion() {
    const { store } = this;
    const given = (this.example?.prompts || []).filter((p) => (p.frame_index || 0) === store.frame);
    return store.prompts.size ? null : given[0] || null;
  }

  trySuggestion() {
    const { store } = this;
    for (const [index, prompt] of (this.example?.prompts || []).entries()) {
      if ((prompt.frame_index || 0) !== store.frame) continue;
      if ((index > 0 || store.active === null) && !this.objectActions.add()) return;
      if (prompt.object) this.objectActions.set(store.active, { name: prompt.object });
      const labels = prompt.point_labels || [];
      this.editor.edit({
        points: (prompt.points || []).map(([x, y], k) => [x, y, labels[k] ?? 1]),
        box: prompt.box || null,
        mask: null,
      });
    }
  }

  begin() {
    this.everything.begin();
    this.reference.begin();
    this.goto(0);
    this.store.redraw.all();
    if (sendUnsent(this)) this.say("What had not been sent before is sent now.");
  }

  close() {
    this.leaveModel();
    this.runs?.close();
    window.removeEventListener("pagehide", this.leaving);
    this.player?.close();
    this.everything.close();
    this.reference.close();
    this.store.redraw.close();
    this.stage.close();
    this.timeline?.close();
    this.frames.close();
  }

  // --- the server and its model ------------------------------------------------------------------

  /** @param {ServerError} error */
  lost(error) {
    keepUnsent(this);
    this.host.lost(error);
  }

  // The server is back: send what waits, fetch what it has.
  async resume() {
    const { store } = this;
    await this.outbox.resume();
    if (this.outbox.stalled) return;
    forgetUnsent(store.token);
    this.goto(store.frame);
    await this.runs?.reload();
  }

  /** @param {string} name */
  lossOf(name) {
    if (!this.isVideo || name === this.store.model || !this.store.isTracked()) return "";
    return "Another model cannot go on from these masks: those of tracked frames are dropped, clicks and boxes stay.";
  }

  /** @param {string} name */
  async useModel(name) {
    if (name === this.store.model) return;
    const { store } = this;
    await this.outbox.settled();
    await this.host.ask("command", { name: "use_model", model: name }, { limit: 600000 });
    const state = await get(`s/${store.token}/state`);
    this.store.model = state.model;
    store.outdate();
    store.setChoices(state.candidates);
    store.replaceTracks(state.tracks || {});
    await this.needMasks(store.frame);
  }

  // --- frames -----------------------------------------------------------------------------------

  /**
   * @param {number} index
   * @param {{ playing?: boolean }} given
   */
  async goto(index, { playing = false } = {}) {
    if (!playing) this.player?.stop();
    const { store } = this;
    const frame = Math.min(store.clip.num_frames - 1, Math.max(0, index));
    store.setFrame(frame);
    this.needMasks(frame);
    try {
      // What is passed while another frame is on its way is not asked for.
      if (!this.frames.ready(frame)) await this.arriving?.catch(() => {});
      if (store.frame !== frame) return;
      this.arriving = this.frames.get(frame);
      const bitmap = await this.arriving;
      if (store.frame !== frame) return;
      this.stage.show(bitmap, frame);
      this.host.quiet("frame");
      if (playing) return;
      this.frames.ahead(frame, 2);
    } catch (error) {
      this.host.fail(error, () => this.goto(frame), "frame");
    }
  }

  /**
   * Masks of tracked frames are fetched in blocks when they are first shown.
   * @param {number} frame
   */
  async needMasks(frame) {
    const { store } = this;
    if (!this.isVideo || store.masks.has(frame) || !store.hasMasks(frame)) return;
    const block = Math.floor(frame / MASK_BLOCK);
    if (this.fetching.has(block)) return;
    this.fetching.add(block);
    try {
      const first = block * MASK_BLOCK;
      for (const [from, to] of [
        [frame, frame],
        [first, first + MASK_BLOCK - 1],
      ]) {
        const { masks } = await get(`s/${store.token}/masks/${from}-${to}`, 60000);
        store.takeMasks(masks);
      }
    } catch (error) {
      this.host.fail(error, () => this.needMasks(frame), "frame");
    } finally {
      this.fetching.delete(block);
    }
  }

  togglePlay() {
    this.player.toggle();
  }

  /**
   * `refused` takes back on the page what the server did not do.
   * @param {Question} question
   * @param {(() => void | Promise<void>) | null} [refused]
   */
  async command(question, refused = null) {
    try {
      await this.host.ask("command", question);
    } catch (error) {
      if (error.lost) throw error; // stays in the outbox
      const again = () => this.outbox.put(null, () => this.command(question), question.object?.object_id ?? null);
      this.host.warn(error.message, error.unexpected && !refused ? again : null);
      await refused?.();
    }
  }

  /** @param {View} change */
  setView(change) {
    this.store.setView(change);
    this.outbox.put("view", () => this.command({ name: "put_view", view: this.store.view }));
  }

  /** @param {string} rule */
  async setOverlap(rule) {
    this.setView({ overlap: rule });
    await this.outbox.settled();
    await this.runs.reload();
  }

  /** @param {"mark_in" | "mark_out"} name */
  setMark(name) {
    const { store } = this;
    this.setView({ [name]: store.view[name] === store.frame ? null : store.frame });
  }

  nextDoubtful() {
    const frames = this.store.allDoubtful();
    if (frames.length) this.goto(frames.find((frame) => frame > this.store.frame) ?? frames[0]);
  }

  undo() {
    if (!this.store.tracking) this.history.undo();
  }

  redo() {
    if (!this.store.tracking) this.history.redo();
  }

  /**
   * Stands until something else changes what is to be done next.
   * @param {string} text
   */
  say(text) {
    this.store.setNote(text);
  }

  // --- drawing ----------------------------------------------------------------------------------

  /** @param {boolean} busy */
  setBusy(busy) {
    clearTimeout(this.busyTimer);
    if (busy)
      this.busyTimer = setTimeout(() => {
        this.spinner.hidden = false;
      }, 250);
    else this.spinner.hidden = true;
  }

  /** @param {Set<Topic>} topics */
  drawTip(topics) {
    const text = (topics.has("note") && this.store.note) || this.nextStep();
    if (this.tipText.textContent !== text) this.tipText.textContent = text; // or it would be read out again
    this.tryIt.hidden = !this.suggestion() || this.everything.isShowing;
  }

  nextStep() {
    const { store } = this;
    if (this.store.tracking) return "Tracking. Stop keeps what is done.";
    if (this.everything.isShowing)
      return "Click on a mask to pick it, again to leave it out. To select things with clicks of your own, press Hide masks found.";
    if (!store.prompts.size)
      return "Click on the thing you want. Right-click on what does not belong to it, drag for a box.";
    if (!this.isVideo)
      return "More clicks refine the mask; right-click takes parts away. Add object selects another thing.";
    if (!store.isTracked()) return "More clicks refine the mask. Then press Track to follow it through the clip.";
    return "Wrong somewhere? Click on that frame to correct it, then press Track again.";
  }
}
