// An open clip or picture: ties canvas, tools, timeline, objects, tracking and results together.

import { button, h } from "./dom.js";
import { Frames } from "./frames.js";
import { History } from "./history.js";
import { ObjectsPanel } from "./objects_panel.js";
import { Outbox } from "./outbox.js";
import { Player } from "./player.js";
import { Pointer } from "./pointer.js";
import { PictureResults, VideoResults } from "./results.js";
import { address, get } from "./server.js";
import { Stage } from "./stage.js";
import { Store, emptyPrompt, isEmptyPrompt } from "./store.js";
import { Timeline } from "./timeline.js";
import { Toolbar } from "./toolbar.js";
import { TrackPanel } from "./track_panel.js";

const MASK_BLOCK = 40;

export class Workbench {
  constructor(state, host, example) {
    this.host = host;
    this.example = example;
    this.store = new Store(state);
    const { store } = this;
    this.isVideo = store.kind === "video";
    this.frames = new Frames(address(`s/${store.token}/frames`), store.clip.num_frames);
    this.history = new History(() => this.drawTools());
    this.outbox = new Outbox((busy) => this.setBusy(busy));
    this.accepted = new Map(store.prompts);
    this.fetching = new Set();
    this.canvas = h("canvas", { class: "sam-canvas", tabindex: 0, role: "application", "data-tool": "include" });
    this.canvas.setAttribute("aria-label", this.isVideo ? "Video frame: click to select an object" : "Picture: click to select an object");
    this.canvas.style.aspectRatio = `${store.clip.width} / ${store.clip.height}`;
    this.stage = new Stage(this.canvas, store);
    this.pointer = new Pointer(this.stage, store, this);
    this.toolbar = new Toolbar(this.pointer, this.stage, this);
    this.objects = new ObjectsPanel(store, this);
    this.results = this.isVideo ? new VideoResults(store, this) : new PictureResults(store, this);
    this.timeline = this.isVideo ? new Timeline(store, this) : null;
    this.tracking = this.isVideo ? new TrackPanel(this) : null;
    this.player = this.isVideo ? new Player(store, this.frames, this) : null;
    this.build();
  }

  build() {
    const { clip } = this.store;
    this.tip = h("div", { class: "sam-tip", role: "status", "aria-live": "polite" });
    this.spinner = h("div", { class: "sam-spinner", hidden: true, "aria-hidden": "true" });
    const facts = this.isVideo
      ? `${clip.width} × ${clip.height}, ${clip.num_frames} frames, ${clip.frame_rate.toFixed(2).replace(/\.?0+$/, "")} fps`
      : `${clip.width} × ${clip.height}`;
    this.element = h("div", { class: "sam-work" },
      h("div", { class: "sam-top" },
        button(this.isVideo ? "Other video" : "Other picture", () => this.host.leave()),
        h("div", { class: "sam-clip" }, h("strong", {}, clip.name), h("span", { class: "sam-quiet" }, facts))),
      h("div", { class: "sam-main" },
        h("div", { class: "sam-left" }, this.toolbar.element, this.tip,
          h("div", { class: "sam-stage" }, this.canvas, this.spinner), this.timeline?.element),
        h("div", { class: "sam-side" }, this.objects.element, this.tracking?.element, this.results.element)));
  }

  begin() {
    this.goto(0);
    this.drawAll();
  }

  close() {
    this.player?.stop();
    this.stage.close();
    this.timeline?.close();
    this.frames.close();
  }

  // --- frames -----------------------------------------------------------------------------------

  async goto(index, { playing = false } = {}) {
    if (!playing) this.player?.stop();
    const { store } = this;
    store.frame = Math.min(store.clip.num_frames - 1, Math.max(0, index));
    const frame = store.frame;
    this.timeline?.draw();
    this.drawTools();
    this.needMasks(frame);
    try {
      const bitmap = await this.frames.get(frame);
      if (store.frame !== frame) return;
      this.stage.show(bitmap);
      if (!playing) this.frames.ahead(frame, 2);
    } catch (error) {
      this.host.warn(error.message);
    }
  }

  // Masks of tracked frames are fetched in blocks when they are first shown.
  async needMasks(frame) {
    const { store } = this;
    if (!this.isVideo || store.masks.has(frame) || !store.hasMasks(frame)) return;
    const block = Math.floor(frame / MASK_BLOCK);
    if (this.fetching.has(block)) return;
    this.fetching.add(block);
    try {
      const first = block * MASK_BLOCK;
      const { masks } = await get(`s/${store.token}/masks/${first}-${first + MASK_BLOCK - 1}`);
      for (const [index, found] of Object.entries(masks)) {
        if (!store.masks.has(Number(index))) store.masks.set(Number(index), found);
      }
      this.stage.draw();
    } catch (error) {
      this.host.warn(error.message);
    } finally {
      this.fetching.delete(block);
    }
  }

  togglePlay() {
    this.player.toggle();
  }

  // --- prompts: what the pointer meant ----------------------------------------------------------

  point({ x, y }, label) {
    const { store } = this;
    const { width, height } = store.clip;
    const at = [Math.min(width - 1, Math.max(0, x)), Math.min(height - 1, Math.max(0, y)), label];
    const now = this.current();
    this.edit({ ...now, points: [...now.points, at.map((v) => Math.round(v * 100) / 100)] });
  }

  box([x0, y0, x1, y1]) {
    if (x1 - x0 < 2 || y1 - y0 < 2) return this.host.warn("The box has no area: drag from one corner to the opposite one.");
    const box = [x0, y0, x1, y1].map((v) => Math.round(v * 100) / 100);
    this.edit({ ...this.current(), box });
  }

  removePoint(index) {
    const now = this.current();
    this.edit({ ...now, points: now.points.filter((_, position) => position !== index) });
  }

  movePoint(index, at, done) {
    const now = this.current();
    const points = now.points.map((p, k) => (k === index ? [Math.round(at.x * 100) / 100, Math.round(at.y * 100) / 100, p[2]] : p));
    if (done) return this.edit({ ...now, points }, this.beforeMove);
    this.beforeMove ||= now;
    this.store.setPrompt(this.store.frame, this.store.active, { ...now, points });
    this.stage.draw();
  }

  outside() {
    this.host.warn("That click was outside the picture.");
  }

  clear() {
    this.edit(emptyPrompt());
  }

  say(text) {
    this.tip.textContent = text;
  }

  current() {
    return this.store.prompt(this.store.frame, this.store.active);
  }

  edit(after, before = null) {
    const { store } = this;
    if (this.tracking?.running) return this.host.warn("Tracking is running: press Stop first, then correct the mask.");
    if (store.active === null) this.addObject();
    const object = store.active, frame = store.frame;
    const earlier = before || this.current();
    this.beforeMove = null;
    this.applyPrompt(frame, object, after);
    this.history.did({
      undo: () => this.applyPrompt(frame, object, earlier, true),
      redo: () => this.applyPrompt(frame, object, after, true),
    });
  }

  applyPrompt(frame, object, prompt, show = false) {
    const { store } = this;
    if (!store.object(object)) return;
    store.setPrompt(frame, object, prompt);
    if (show) {
      store.active = object;
      if (store.frame !== frame) this.goto(frame);
    }
    this.player?.stop();
    this.drawAll();
    this.outbox.put(`prompt ${frame} ${object}`, () => this.sendPrompt(frame, object));
  }

  async sendPrompt(frame, object) {
    const { store } = this;
    const prompt = store.prompt(frame, object);
    const name = `${frame}:${object}`;
    try {
      const answer = await this.host.ask("prompt", { frame, object_id: object, prompt });
      this.accepted.set(name, prompt);
      this.host.quiet();
      if (this.isVideo) store.setMasks(frame, answer);
      else store.choices.set(object, answer);
    } catch (error) {
      this.host.warn(error.message);
      if (store.object(object) && !this.outbox.holds(`prompt ${frame} ${object}`)) {
        store.setPrompt(frame, object, this.accepted.get(name) || emptyPrompt());
      }
    }
    this.drawAll();
  }

  async choose(position) {
    const { store } = this;
    const object = store.active;
    store.choices.get(object).chosen = position;
    this.drawAll();
    this.outbox.put(`choose ${object}`, () => this.command({ name: "choose", object_id: object, position }));
  }

  // --- objects ----------------------------------------------------------------------------------

  addObject() {
    const object = this.store.newObject();
    this.putBack(object, []);
    this.history.did({
      undo: () => this.dropObject(object.object_id),
      redo: () => this.putBack(object, []),
    });
  }

  putBack(object, prompts) {
    const { store } = this;
    store.objects.push({ ...object });
    store.active = object.object_id;
    this.outbox.put(null, () => this.command({ name: "put_object", object }));
    for (const [frame, prompt] of prompts) this.applyPrompt(frame, object.object_id, prompt);
    this.drawAll();
  }

  activate(id) {
    if (this.store.active === id) return;
    this.store.active = id;
    this.drawAll();
  }

  changeObject(id, change) {
    const object = this.store.object(id);
    const before = { ...object }, after = { ...object, ...change };
    const apply = (value) => {
      if (!this.store.object(id)) return;
      Object.assign(this.store.object(id), value);
      this.outbox.put(`object ${id}`, () => this.command({ name: "put_object", object: this.store.object(id) || value }));
      this.drawAll();
    };
    apply(after);
    this.history.did({ undo: () => apply(before), redo: () => apply(after) });
  }

  removeObject(id) {
    if (this.tracking?.running) return this.host.warn("Tracking is running: press Stop first.");
    const { store } = this;
    const object = { ...store.object(id) };
    const prompts = store.promptedFrames(id).map((frame) => [frame, store.prompt(frame, id)]);
    this.dropObject(id);
    this.history.did({ undo: () => this.putBack(object, prompts), redo: () => this.dropObject(id) });
  }

  dropObject(id) {
    this.store.forgetObject(id);
    for (const name of [...this.accepted.keys()]) if (name.endsWith(`:${id}`)) this.accepted.delete(name);
    this.outbox.put(null, () => this.command({ name: "remove_object", object_id: id }));
    this.drawAll();
  }

  async command(question) {
    try {
      await this.host.ask("command", question);
    } catch (error) {
      this.host.warn(error.message);
    }
  }

  undo() {
    if (!this.tracking?.running) this.history.undo();
  }

  redo() {
    if (!this.tracking?.running) this.history.redo();
  }

  // --- tracking and results ---------------------------------------------------------------------

  async track(direction, start) {
    await this.outbox.settled();
    this.player.stop();
    const { store } = this;
    this.tracking.begin();
    try {
      const end = await this.host.ask("track", { direction, start }, { onStep: (step) => this.tracked(step), limit: 120000 });
      this.tracking.finish(end.stopped ? `Stopped after ${end.done} of ${end.total} frames; what is done is kept.` : "");
      await this.reloadTracks();
      if (!end.stopped) {
        this.goto(start ?? 0);
        this.render();
      }
    } catch (error) {
      this.tracking.finish("");
      this.host.warn(error.message);
      await this.reloadTracks().catch(() => {});
    }
    this.drawAll();
    store.frame = Math.min(store.frame, store.clip.num_frames - 1);
  }

  tracked(step) {
    const { store } = this;
    store.setMasks(step.frame, step.masks);
    this.tracking.progress(step);
    store.frame = step.frame;
    this.timeline.draw();
    if (this.showing) return;
    this.showing = true;
    this.frames.get(step.frame).then((bitmap) => {
      this.showing = false;
      if (!this.tracking.running) return;
      this.stage.show(bitmap);
    }, () => { this.showing = false; });
  }

  // Steps may have been lost on the way here; the server knows what there is.
  async reloadTracks() {
    const { store } = this;
    store.setTracks(await get(`s/${store.token}/tracks`));
    store.masks.clear();
    await this.needMasks(store.frame);
    this.drawAll();
  }

  stop() {
    return this.command0("stop");
  }

  async command0(event) {
    try {
      await this.host.ask(event, {});
    } catch (error) {
      this.host.warn(error.message);
    }
  }

  async render() {
    await this.outbox.settled();
    const began = performance.now();
    this.rendering = true;
    this.drawTools();
    try {
      const { file } = await this.host.ask("make_video", {}, {
        onStep: ({ done, total }) => {
          const left = ((performance.now() - began) / 1000 / done) * (total - done);
          this.results.progress(done, total, left);
        },
        limit: 120000,
      });
      if (file) this.results.show(file);
      else this.results.failed();
    } catch (error) {
      this.results.failed();
      this.host.warn(error.message);
    }
    this.rendering = false;
    this.drawTools();
  }

  // --- drawing ----------------------------------------------------------------------------------

  setBusy(busy) {
    clearTimeout(this.busyTimer);
    if (busy) this.busyTimer = setTimeout(() => { this.spinner.hidden = false; }, 250);
    else this.spinner.hidden = true;
  }

  paintThumb(canvas, counts, color) {
    const pen = canvas.getContext("2d");
    const { width, height } = this.store.clip;
    const scale = Math.min(canvas.width / width, canvas.height / height);
    pen.translate((canvas.width - width * scale) / 2, (canvas.height - height * scale) / 2);
    if (this.stage.bitmap) pen.drawImage(this.stage.bitmap, 0, 0, width * scale, height * scale);
    pen.globalAlpha = 0.65;
    pen.drawImage(this.stage.maskCanvas(counts, color), 0, 0, width * scale, height * scale);
  }

  drawAll() {
    this.objects.draw();
    this.results.draw();
    this.timeline?.draw();
    this.stage.draw();
    this.drawTools();
  }

  drawTools() {
    this.toolbar.draw({
      canUndo: this.history.past.length > 0,
      canRedo: this.history.future.length > 0,
      canClear: this.store.active !== null && !isEmptyPrompt(this.current()),
    });
    this.tracking?.draw({ canTrack: this.store.prompts.size > 0 && !this.rendering });
    this.say(this.nextStep());
  }

  nextStep() {
    const { store } = this;
    if (this.tracking?.running) return "Tracking. Stop keeps what is done.";
    if (!store.prompts.size) return "Click on the thing you want. Right-click on what does not belong to it, drag for a box.";
    if (!this.isVideo) return "More clicks refine the mask; right-click takes parts away. Add object selects another thing.";
    if (!store.isTracked()) return "More clicks refine the mask. Then press Track to follow it through the clip.";
    return "Wrong somewhere? Click on that frame to correct it, then press Track again.";
  }
}
