// Everything mode: find, watch, filter, inspect, pick, join, delete, download, and make objects of what is picked.

import { button, h } from "../dom/dom.js";
import { Coverage } from "../masks/coverage.js";
import { FoundMasks } from "../masks/found_masks.js";
import { joinMasks, resizeMask } from "../masks/mask_shapes.js";
import { LongTask } from "../server/long_task.js";
import { get } from "../server/server.js";
import { EverythingLayer } from "../stage/everything_layer.js";
import { bringEdits, keepEdits } from "../state/kept_edits.js";
import { FoundActions } from "./found_actions.js";
import { FoundList } from "./found_list.js";
import { LimitSliders } from "./limit_sliders.js";
import { LookAgain } from "./look_again.js";

/** @import { FoundLimits, FoundMask, FoundStep, Host, Progress } from "../state/types.js" */
/** @import { Store } from "../state/store.js" */
/** @import { Outbox } from "../server/outbox.js" */
/** @import { History } from "../state/history.js" */
/** @import { FrameWalk } from "../stage/frame_walk.js" */
/** @import { ObjectActions } from "../edit/object_actions.js" */
/** @import { Runs } from "../app/runs.js" */
/** @import { Stage } from "../stage/stage.js" */
/** @import { Pointer } from "../edit/pointer.js" */

const GRIDS = [
  ["16", "Quick: 16 × 16 points"],
  ["24", "Normal: 24 × 24"],
  ["32", "As published: 32 × 32"],
  ["32+crops", "Fine: 32 × 32 and crops"],
];

export class EverythingPanel {
  /** @param {{ store: Store, host: Host, outbox: Outbox, history: History, walk: FrameWalk, objectActions: ObjectActions, runs: Runs, stage: Stage, pointer: Pointer }} parts */
  constructor({ store, host, outbox, history, walk, objectActions, runs, stage, pointer }) {
    this.store = store;
    this.host = host;
    this.outbox = outbox;
    this.history = history;
    this.walk = walk;
    this.objectActions = objectActions;
    this.runs = runs;
    this.stage = stage;
    this.pointer = pointer;
    /** @type {FoundMasks | null} */
    this.found = null;
    this.running = false;
    this.closed = false;
    /** @type {LongTask | null} */
    this.task = null;
    this.open = false;
    /** @type {EverythingLayer | null} */
    this.layer = null;
    /** @type {FoundLimits | null} */
    this.limits = null;
    /** @type {Coverage | null} */
    this.coverage = null;
    this.makeControls();
    this.makeBody();
    this.toggle = button("Show masks found", () => this.toggled(), { hidden: true, "aria-expanded": "false" });
    this.store.watch(["found", "frame", "tasks", "objects", "masks"], () => this.draw());
    this.element = h(
      "section",
      { class: "sam-panel sam-everything-panel" },
      h("h3", {}, "Everything"),
      h("div", { class: "sam-row" }, this.find, this.stop, this.grid),
      this.bar,
      this.status,
      this.toggle,
      this.body,
    );
  }

  makeControls() {
    this.grid = h(
      "select",
      { "aria-label": "How closely to look" },
      ...GRIDS.map(([value, label]) => h("option", { value, selected: value === "24" }, label)),
    );
    this.find = button("Find everything", () => this.run(), { class: "sam-primary sam-grow" });
    this.stop = button("Stop", () => this.halt(), {
      class: "sam-stop sam-grow",
      hidden: true,
      "aria-label": "Stop looking",
    });
    this.bar = h("progress", { max: 1, value: 0, hidden: true, "aria-label": "Looking for everything" });
    this.status = h("div", { class: "sam-quiet", role: "status", "aria-live": "polite" });
  }

  // What is shown once something was found.
  makeBody() {
    this.sliders = new LimitSliders((name, value) => {
      this.found.limits[name] = value;
      this.changed();
    });
    this.onlyNew = h("input", { type: "checkbox", onchange: () => this.store.changed("found") });
    this.again = this.store.isVideo ? new LookAgain(this, () => this.findNew()) : null;
    this.inspected = h("div", { class: "sam-inspected" });
    this.list = new FoundList({
      pick: (mask) => this.pick(mask),
      inspect: (mask) => this.inspect(mask),
      remove: () => this.actions.remove.click(),
      join: () => this.actions.join.click(),
      color: (mask) => this.layer.color(mask),
    });
    const act = {
      all: () => this.edit(() => this.found.pickAll()),
      none: () => this.edit(() => this.found.picked.clear()),
      join: () => this.joinPicked(),
      remove: () => this.edit(() => this.found.remove(this.found.pickedShown())),
      makeObjects: (/** @type {boolean} */ track) => this.makeObjects(track),
    };
    this.actions = new FoundActions(this.store.token, this.store.isVideo, act, this.again?.every);
    this.body = h(
      "div",
      { class: "sam-everything-body", hidden: true },
      this.sliders.element,
      h(
        "label",
        { class: "sam-tick", title: "Hide masks of which objects have more than half" },
        this.onlyNew,
        " Only what no object covers yet",
      ),
      this.inspected,
      this.list.element,
      this.actions.element,
    );
  }

  // The stage must be on the page before the layer can lie over it.
  begin() {
    this.layer = new EverythingLayer(this.stage, this.pointer, this.store.palette, {
      hover: (mask) => this.inspect(mask),
      toggle: (mask) => mask && this.pick(mask),
    });
    this.restore();
  }

  close() {
    this.closed = true;
    if (this.running) this.task.stop().catch(() => {});
    if (this.again) this.again.closed = true;
    this.layer?.close();
  }

  // --- finding ----------------------------------------------------------------------------------

  async restore() {
    try {
      const { frame, size, masks } = await get(`s/${this.store.token}/everything`);
      if (frame === null || this.found) return;
      this.found = new FoundMasks(frame);
      this.found.take({ found: masks, gone: [], size });
      this.found.start();
      bringEdits(this.store.token, this.found);
      this.store.changed("found");
    } catch (error) {
      this.host.warn(error.message);
    }
  }

  /**
   * Resolves to whether it was stopped. `limits`: thresholds to keep; chosen by what is found without them.
   * @param {FoundLimits | null} [limits]
   */
  async run(limits = null) {
    const { store } = this;
    if (this.running || store.tracking) return true;
    this.store.stopPlaying();
    const before = this.found;
    this.found = new FoundMasks(store.frame);
    this.task = new LongTask(this, "find_everything");
    this.setRunning(true);
    this.setOpen(true);
    this.status.textContent = "Looking …";
    this.limits = limits;
    let text = "",
      stopped = true;
    try {
      const answer = await this.task.run({ frame: store.frame, grid: this.grid.value }, (step) => this.step(step));
      stopped = answer.stopped;
      this.host.quiet("everything");
      if (stopped && !answer.total) text = "Stopped before it began.";
      else if (stopped) text = `Stopped after ${answer.done} of ${answer.total} points; what was found is kept.`;
    } catch (error) {
      if (!this.closed) this.host.warn(error.message, null, "everything");
    }
    if (this.closed) return true;
    this.setRunning(false);
    if (before && !this.task.begun) this.found = before;
    else this.found.start(limits);
    this.status.textContent = text;
    this.changed();
    return stopped;
  }

  // What is new on the frame that is shown, by the thresholds that are set; null if it was stopped.
  async findNew() {
    this.onlyNew.checked = true;
    if ((await this.run({ ...this.found.limits })) || !this.store.knowsMasks(this.found.frame)) return null;
    this.found.coverage = this.cover(this.found);
    return this.found;
  }

  /** @param {FoundStep & Progress} step */
  step(step) {
    if (this.closed) return;
    this.bar.max = step.total;
    this.bar.value = step.done;
    this.found.take(step);
    this.status.textContent = `${step.done} of ${step.total} points`;
    this.store.changed("found");
  }

  async halt() {
    this.stop.disabled = true;
    try {
      await this.task.stop();
    } catch (error) {
      this.host.warn(error.message);
    }
    this.stop.disabled = false;
  }

  /** @param {boolean} running */
  setRunning(running) {
    this.running = running;
    this.find.hidden = running;
    this.stop.hidden = !running;
    this.stop.disabled = false;
    this.grid.disabled = running;
    this.bar.hidden = !running;
    if (running) this.bar.removeAttribute("value");
  }

  toggled() {
    const here = this.found.frame === this.store.frame;
    if (!here) this.walk.goto(this.found.frame);
    this.setOpen(!(this.open && here));
  }

  /** @param {boolean} open */
  setOpen(open) {
    this.open = open;
    this.store.changed("found");
  }

  // Whether what was found is of the frame that is shown.
  get isHere() {
    return this.found?.frame === this.store.frame && !this.store.tracking;
  }

  // Whether masks lie over that frame, where clicks pick them.
  get isShowing() {
    return Boolean(this.open && this.isHere);
  }

  // --- picking and editing ----------------------------------------------------------------------

  /** @param {FoundMask | null} mask */
  inspect(mask) {
    this.layer.hover(mask);
    this.inspected.textContent = mask
      ? this.found.describe(mask)
      : "Point at a mask to see its area and scores; click to pick it.";
  }

  /** @param {FoundMask} mask */
  pick(mask) {
    this.edit(() => this.found.toggle(mask.id));
    this.inspect(mask);
  }

  /**
   * Every change can be taken back with the page's Undo.
   * @param {() => void} change
   */
  edit(change) {
    const { found } = this;
    const before = found.snapshot();
    change();
    const after = found.snapshot();
    /** @param {ReturnType<typeof found.snapshot>} state */
    const put = (state) => {
      found.restore(state);
      this.changed();
    };
    this.history.did({ undo: () => put(before), redo: () => put(after) });
    this.changed();
  }

  changed() {
    keepEdits(this.store.token, this.found);
    this.store.changed("found");
  }

  joinPicked() {
    const masks = this.found.pickedShown();
    if (masks.length < 2) return this.host.warn("Pick two masks or more to join them.");
    this.edit(() =>
      this.found.join(
        masks,
        joinMasks(
          masks.map((mask) => mask.counts),
          this.found.size,
        ),
      ),
    );
  }

  // --- objects ----------------------------------------------------------------------------------

  /** @param {boolean} track */
  async makeObjects(track) {
    const { store, found } = this;
    const masks = found.pickedShown();
    const room = this.host.config.limits.max_objects - store.objects.length;
    if (masks.length > room)
      return this.host.warn(`${masks.length} masks are picked; there is room for ${room} more objects. Pick fewer.`);
    this.addObjects(found, masks);
    this.setOpen(false);
    if (!track) return;
    await this.outbox.settled();
    const again = this.again.isWanted;
    if (!(await this.runs.track("both", !again)) || !again) return;
    const { finished, text } = await this.again.run(found.frame, (seen, fresh) => this.addObjects(seen, fresh, false));
    if (this.again.closed) return;
    this.setOpen(false);
    this.status.textContent = text;
    if (finished) this.runs.render();
  }

  /**
   * In the colours in which they were seen, unless others are much like them, or in the next ones.
   * @param {FoundMasks} found
   * @param {FoundMask[]} masks
   * @param {boolean} [asSeen]
   */
  addObjects(found, masks, asSeen = true) {
    const { store } = this;
    const { clip } = store;
    this.objectActions.addMasks(
      found.frame,
      masks.map((mask) => ({
        ...(asSeen ? { color: this.layer.color(mask) } : {}),
        stability: mask.stability,
        counts: resizeMask(mask.counts, found.size, [clip.display_height, clip.display_width]),
      })),
    );
  }

  /**
   * What objects have on the frame of the masks; remembered, because it is asked for at every drawing.
   * @param {FoundMasks} found
   */
  cover(found) {
    if (!this.onlyNew.checked) return null;
    const { clip, objects } = this.store;
    const masks = this.store.masksOn(found.frame);
    const codes = objects.map((object) => masks[object.object_id]?.counts).filter(Boolean);
    if (!this.coverage?.isOf(codes, found.size))
      this.coverage = new Coverage(codes, [clip.display_height, clip.display_width], found.size);
    return this.coverage;
  }

  // --- drawing ----------------------------------------------------------------------------------

  draw() {
    const { found, store } = this;
    const showing = this.isShowing;
    const busy = store.tracking || Boolean(this.again?.running);
    this.find.disabled = busy;
    this.toggle.hidden = !found || this.running;
    this.toggle.textContent = showing
      ? "Hide masks found"
      : this.isHere
        ? "Show masks found"
        : `Show masks found on frame ${found?.frame}`;
    this.toggle.setAttribute("aria-expanded", String(showing));
    this.body.hidden = !showing;
    if (!this.layer) return;
    if (!showing) return this.layer.show(null, []);
    if (this.running) found.start(this.limits); // more was found since
    found.coverage = this.cover(found);
    const shown = found.shown();
    this.layer.show(found, shown);
    this.sliders.draw(found.limits);
    this.list.draw(found, shown);
    if (!this.layer.hovered) this.inspect(null);
    const picked = found.pickedShown();
    const text = `${shown.length} masks shown of ${found.masks.size} found, ${picked.length} picked.`;
    if (!this.running && !this.status.textContent.startsWith("Stopped")) this.status.textContent = text;
    const state = { running: this.running, busy: this.running || Boolean(this.again?.running) };
    this.actions.draw(found, shown, picked, state);
    this.onlyNew.disabled = state.busy;
    if (this.again) this.again.every.disabled = state.busy;
  }
}
