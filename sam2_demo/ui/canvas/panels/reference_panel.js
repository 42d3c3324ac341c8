// Masks from files, and what they are good for: J&F of each object against its reference, and simulated clicks.

import { button, h, keepFocus } from "../dom/dom.js";
import { get } from "../server/server.js";
import { ImportDialog } from "./import_dialog.js";
import { ReferenceLane } from "./reference_lane.js";

/** @import { Host, Prompt, Question, ReferenceInfo } from "../state/types.js" */
/** @import { Imported } from "./import_dialog.js" */
/** @import { Store } from "../state/store.js" */
/** @import { Outbox } from "../server/outbox.js" */
/** @import { FrameWalk } from "../stage/frame_walk.js" */
/** @import { ObjectActions } from "../edit/object_actions.js" */
/** @import { PromptEditor } from "../edit/prompt_editor.js" */

/** @param {number[]} values */
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
/** @param {number} value */
const hundred = (value) => (value * 100).toFixed(1);

/**
 * Objects with their prompts, from one mask or box of an object on a frame after the other.
 * @param {NonNullable<Imported["objects"]>} given
 */
function asObjects(given) {
  /** @type {Map<number, { name: string, prompts: [number, Prompt][] }>} */
  const made = new Map();
  for (const { id, label, frame, counts, box } of given) {
    if (!made.has(id)) made.set(id, { name: label || (box ? `Box ${id}` : `Mask ${id}`), prompts: [] });
    made.get(id)?.prompts.push([frame, { points: [], box: box ?? null, mask: counts ?? null }]);
  }
  return [...made.values()];
}

export class ReferencePanel {
  /** @param {{ store: Store, host: Host, outbox: Outbox, walk: FrameWalk, objectActions: ObjectActions, editor: PromptEditor }} parts */
  constructor({ store, host, outbox, walk, objectActions, editor }) {
    this.store = store;
    this.host = host;
    this.outbox = outbox;
    this.walk = walk;
    this.objectActions = objectActions;
    this.editor = editor;
    /** @type {ReferenceInfo[]} */
    this.references = [];
    /** @type {string | null} */
    this.stamp = null;
    this.dialog = new ImportDialog(this, (answer) => this.imported(answer));
    this.status = h("div", { class: "sam-quiet", role: "status", "aria-live": "polite" });
    this.rows = h("div", { class: "sam-references" });
    this.total = h("div", { class: "sam-reference-total" });
    this.drop = button("Remove the reference", () => this.forget(), { class: "sam-small", hidden: true });
    this.store.watch(["masks", "objects", "frame", "tasks"], () => this.draw());
    this.element = h(
      "section",
      { class: "sam-panel" },
      h("h3", {}, "Masks from a file"),
      button("Import masks …", () => this.dialog.open(), {
        class: "sam-wide",
        title: "As prompts, or as reference to measure against",
      }),
      this.status,
      this.total,
      this.rows,
      this.drop,
      this.dialog.element,
    );
    this.lane = this.store.isVideo ? new ReferenceLane(this.store, (frame) => this.walk.goto(frame)) : null;
  }

  begin() {
    this.load();
  }

  close() {
    clearTimeout(this.timer);
    this.closed = true;
    this.lane?.close();
  }

  /** @param {Imported} given */
  imported({ use, frame, objects, frames, num_frames: all }) {
    if (use === "reference") {
      this.status.textContent = this.store.isVideo
        ? `Reference masks on ${frames} of ${all} frames.`
        : "Reference masks are here.";
      this.stamp = null;
      return this.load();
    }
    const { store } = this;
    const room = this.host.config.limits.max_objects - store.objects.length;
    const made = asObjects(objects);
    if (made.length > room) return this.warn(`The file has ${made.length} objects; there is room for ${room} more.`);
    this.objectActions.addMasks(frame, made);
    const count = (/** @type {number} */ number, /** @type {string} */ what, many = `${what}s`) =>
      `${number} ${number === 1 ? what : many}`;
    const places = [...new Set(objects.map((own) => own.frame))];
    const boxes = objects.filter((own) => own.box).length;
    const what = boxes === objects.length ? count(boxes, "box", "boxes") : count(objects.length, "mask");
    const on = this.store.isVideo
      ? ` on ${places.length === 1 ? `frame ${places[0]}` : `${places.length} frames`}`
      : "";
    const why = boxes ? " The file has boxes instead of masks: each became the prompt of its object." : "";
    this.status.textContent = `${what}${on} became ${count(made.length, "object")}.${why}`;
    if (this.store.isVideo && !places.includes(frame)) this.walk.goto(places[0]);
  }

  // Scores come in parts when there are many; what is asked for again is what changed.
  async load() {
    if (this.loading) {
      this.again = true;
      return;
    }
    this.loading = true;
    try {
      let found;
      do {
        this.again = false;
        await this.outbox.settled();
        found = await get(`s/${this.store.token}/reference`);
        if (this.closed) return;
        this.references = found.references;
        this.drawRows();
      } while (!found.complete || this.again);
    } catch (error) {
      this.warn(error.message);
    } finally {
      this.loading = false;
    }
  }

  // Called whenever something of the page changes; asks for scores when masks did.
  draw() {
    if (!this.references.length) return;
    const { store } = this;
    this.drawLane();
    const masks = store.kind === "picture" ? store.chosenMasks() : null;
    const stamp = JSON.stringify(
      store.objects.map(({ object_id: id, name, color }) => {
        if (masks) return [id, name, color, masks[id]?.counts];
        let sum = 0;
        for (const [frame, { area, iou }] of store.track(id)) sum += (frame + 1) * (area + iou);
        return [id, name, color, store.track(id).size, sum, store.masks.get(store.frame)?.[id]?.counts];
      }),
    );
    if (stamp === this.stamp || this.store.tracking) return;
    this.stamp = stamp;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.load(), 250);
  }

  drawLane() {
    const rows = this.references.filter((each) => this.store.object(each.object));
    this.lane?.draw(rows.map((each) => ({ color: this.store.object(each.object).color, scores: each.scores })));
  }

  drawRows() {
    const { references } = this;
    this.drop.hidden = !references.length;
    keepFocus(this.rows, "reference", () => this.rows.replaceChildren(...references.map((each) => this.row(each))));
    const scored = references.filter((each) => each.scores.length);
    this.total.textContent =
      scored.length > 1 ? `All: J&F ${hundred(mean(scored.map((each) => this.score(each))))}` : "";
    this.drawLane();
  }

  /** @param {ReferenceInfo} given */
  score({ scores }) {
    return mean(scores.map(([, j, f]) => (j + f) / 2));
  }

  /** @param {ReferenceInfo} reference */
  name(reference) {
    return reference.label || `Reference ${reference.id}`;
  }

  /** @param {ReferenceInfo} reference */
  row(reference) {
    const { store } = this;
    const { scores } = reference;
    const name = this.name(reference);
    /** @type {HTMLSelectElement} */
    const pair = h(
      "select",
      {
        "aria-label": `Object measured against ${name}`,
        "data-reference": `pair ${reference.id}`,
        onchange: () => this.pair(reference, pair.value === "" ? null : Number(pair.value)),
      },
      h("option", { value: "" }, "no object"),
      ...store.objects.map((o) => h("option", { value: o.object_id }, o.name)),
    );
    pair.value = store.object(reference.object) ? String(reference.object) : "";
    const here = scores.find(([frame]) => frame === store.frame);
    const jf = scores.length
      ? `J&F ${hundred(this.score(reference))} (J ${hundred(mean(scores.map((s) => s[1])))}, F ${hundred(mean(scores.map((s) => s[2])))})`
      : "not measured yet";
    const many =
      this.store.isVideo && scores.length
        ? ` on ${scores.length} of ${reference.frames.length} frames${here ? `, here ${hundred((here[1] + here[2]) / 2)}` : ""}`
        : "";
    return h(
      "div",
      { class: "sam-reference" },
      h("div", { class: "sam-row" }, h("strong", {}, name), pair),
      h("div", { class: "sam-score" }, jf + many),
      button("Simulate next click", () => this.click(reference), {
        "aria-label": `Simulate the next click for ${name}`,
        "data-reference": `click ${reference.id}`,
        title: "Click at the centre of the largest error on this frame, as in the paper",
      }),
    );
  }

  /** @param {Question} question */
  async ask(question) {
    await this.outbox.settled();
    const answer = await this.host.ask("reference", question);
    this.host.quiet("reference");
    return answer;
  }

  /** @param {string} text */
  warn(text) {
    this.host.warn(text, null, "reference");
  }

  /**
   * @param {ReferenceInfo} reference
   * @param {number | null} object
   */
  async pair(reference, object) {
    try {
      await this.ask({ name: "pair", reference_id: reference.id, object_id: object });
      await this.load();
    } catch (error) {
      this.warn(error.message);
    }
  }

  /** @param {ReferenceInfo} reference */
  async click(reference) {
    const { store } = this;
    const { objectActions: act } = this;
    if (this.clicking || this.store.tracking) return;
    const [nearest] = [...reference.frames].sort((a, b) => Math.abs(a - store.frame) - Math.abs(b - store.frame));
    if (nearest !== store.frame)
      return this.warn(
        `The reference has no mask of frame ${store.frame}; the nearest frame that has one is ${nearest}.`,
      );
    const isNew = !store.object(reference.object);
    if (isNew && !act.hasRoom()) return;
    const made = isNew ? { ...store.newObject(), name: this.name(reference) } : null;
    this.clicking = true;
    let clicked = false;
    try {
      if (made) {
        act.putBack(made, []);
        reference.object = made.object_id;
        await this.ask({ name: "pair", reference_id: reference.id, object_id: made.object_id });
      }
      act.activate(reference.object);
      const { click } = await this.ask({ name: "next_click", frame: store.frame, object_id: reference.object });
      if (!click) {
        this.status.textContent = "Nothing is wrong on this frame.";
      } else {
        const [x, y, label] = click;
        this.status.textContent = `Clicked at ${x}, ${y}: ${label ? "belongs to the object" : "does not belong to it"}.`;
        if (made) act.remember(made);
        clicked = true;
        this.editor.point({ x, y }, label);
        await this.load();
      }
    } catch (error) {
      this.warn(error.message);
    }
    if (made && !clicked) act.drop(made.object_id); // without a click it would stay empty
    this.clicking = false;
  }

  async forget() {
    try {
      await this.ask({ name: "drop" });
      this.references = [];
      this.status.textContent = "";
      this.drawRows();
    } catch (error) {
      this.warn(error.message);
    }
  }
}
