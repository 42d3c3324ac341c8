// An open clip or picture: ties canvas, tools, timeline, objects, tracking and results together.

import { button, h } from "../dom/dom.js";
import { Keyboard } from "../edit/keyboard.js";
import { ObjectActions } from "../edit/object_actions.js";
import { Pointer } from "../edit/pointer.js";
import { PromptEditor } from "../edit/prompt_editor.js";
import { ViewActions } from "../edit/view_actions.js";
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
import { Commands } from "../server/commands.js";
import { Outbox } from "../server/outbox.js";
import { get } from "../server/server.js";
import { FrameWalk } from "../stage/frame_walk.js";
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

export class Workbench {
  /**
   * @param {SessionState} state
   * @param {Host} host
   * @param {Example} example
   */
  constructor(state, host, example) {
    this.host = host;
    this.example = example;
    this.store = new Store(state);
    const { store } = this;
    this.history = new History(() => store.changed("history"));
    this.outbox = new Outbox(
      (busy) => this.setBusy(busy),
      (error) => this.lost(error),
    );
    this.commands = new Commands(this);
    this.leaveModel = joinModel(this);
    this.leaving = () => this.outbox.keys().length && keepUnsent(this);
    window.addEventListener("pagehide", this.leaving);
    this.canvas = this.makeCanvas();
    this.stage = new Stage(this.canvas, store);
    this.frames = new Frames(`s/${store.token}/frames`, store.clip.num_frames, () => this.stage.bitmap);
    this.walk = new FrameWalk(this);
    this.addObject = () => this.objectActions.add();
    this.reload = async () => this.runs?.reload();
    this.editor = new PromptEditor(this);
    this.objectActions = new ObjectActions(this);
    this.view = new ViewActions(this);
    this.pointer = new Pointer(this.stage, store, this.editor);
    this.runs = store.isVideo ? new Runs(this) : null;
    this.player = store.isVideo ? new Player(this) : null;
    this.makePanels();
    this.build();
    this.keyboard = new Keyboard(this);
  }

  makeCanvas() {
    const { clip, isVideo } = this.store;
    const what = isVideo ? "Video frame" : "Picture";
    const canvas = h("canvas", {
      class: "sam-canvas",
      tabindex: 0,
      role: "application",
      "data-tool": "include",
      "aria-label": `${what}: click to select an object`,
    });
    canvas.style.aspectRatio = `${clip.width} / ${clip.height}`;
    return canvas;
  }

  // What is drawn first is told first of changes.
  makePanels() {
    const { isVideo } = this.store;
    this.toolbar = new Toolbar(this);
    this.objects = new ObjectsPanel(this);
    this.candidates = new Candidates(this);
    this.effects = new EffectsPanel(this);
    this.results = isVideo ? new VideoResults(this) : new PictureResults(this);
    this.timeline = isVideo ? new Timeline(this) : null;
    this.trackPanel = isVideo ? new TrackPanel(this) : null;
    this.everything = new EverythingPanel(this);
    this.reference = new ReferencePanel(this);
    if (this.reference.lane) this.timeline?.element.append(this.reference.lane.canvas);
    this.help = new HelpSheet(isVideo);
    this.session = new SessionBar(this);
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
    this.walk.goto(0);
    this.store.redraw.all();
    if (sendUnsent(this)) this.store.setNote("What had not been sent before is sent now.");
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
    this.walk.goto(store.frame);
    await this.runs?.reload();
  }

  /** @param {string} name */
  lossOf(name) {
    if (!this.store.isVideo || name === this.store.model || !this.store.isTracked()) return "";
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
    await this.walk.needMasks(store.frame);
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
    if (!this.store.isVideo)
      return "More clicks refine the mask; right-click takes parts away. Add object selects another thing.";
    if (!store.isTracked()) return "More clicks refine the mask. Then press Track to follow it through the clip.";
    return "Wrong somewhere? Click on that frame to correct it, then press Track again.";
  }
}
