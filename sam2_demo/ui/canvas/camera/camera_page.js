// The camera tab: a camera's pictures, clicked on, followed, changed, recorded, and kept as a clip.

import { button, h } from "../dom/dom.js";
import { pageSocket } from "../server/socket.js";
import { chosenModel, watchModel } from "../state/model_choice.js";
import { freshColor } from "../state/palette.js";
import { CameraSource } from "./camera_source.js";
import { LiveLane } from "./live_lane.js";
import { LiveEffects, LiveObjects } from "./live_panels.js";
import { LiveRecorder } from "./live_recorder.js";
import { LiveView } from "./live_view.js";

/** @import { Component, ObjectInfo, Question } from "../state/types.js" */
/** @import { Said } from "./live_view.js" */

const SIZES = [640, 960, 1280];
const TOLD_EVERY = 500;
const AGAIN_AFTER = 2000;

/**
 * @param {HTMLElement} element
 * @param {Component} given
 */
export function mount(element, { props }) {
  element.classList.add("sam-studio");
  new CameraPage(element, props.value.config);
}

class CameraPage {
  /**
   * @param {HTMLElement} element
   * @param {any} config
   */
  constructor(element, config) {
    this.config = config;
    /** @type {ObjectInfo[]} */
    this.objects = [];
    /** @type {number | null} */
    this.active = null;
    this.lastId = 0;
    this.isStarted = false;
    this.canvas = h("canvas", {
      class: "sam-canvas sam-live",
      role: "img",
      "aria-label": "Live picture: click to select an object",
    });
    this.source = new CameraSource((text) => this.stop(text));
    this.view = new LiveView(this.canvas, (said) => this.say(said));
    this.lane = new LiveLane(
      pageSocket,
      (shown) => this.show(shown),
      (text) => this.warn(text),
    );
    this.recorder = new LiveRecorder(this.canvas);
    this.panel = new LiveObjects({
      choose: (id) => this.choose(id),
      remove: (id) => this.remove(id),
      show: (id) => this.toggle(id),
    });
    this.effects = new LiveEffects(this.view.view);
    this.build(element);
    this.listDevices();
    pageSocket.onFrame = (answer) => this.lane.receive(answer);
    pageSocket.onClose = (reason) => this.lost(reason);
    watchModel((name) => this.useModel(name));
    this.draw();
  }

  /** @param {HTMLElement} element */
  build(element) {
    this.text = h("span", {});
    this.notice = h(
      "div",
      { class: "sam-notice", role: "alert", hidden: true },
      this.text,
      button("×", () => this.quiet(), { class: "sam-close", "aria-label": "Close message" }),
    );
    this.device = h("select", { "aria-label": "Camera", onchange: () => this.isStarted && this.start() });
    this.size = h("select", {
      "aria-label": "Size of the live picture",
      onchange: () => this.isStarted && this.start(),
    });
    this.size.append(...SIZES.map((side) => h("option", { value: side }, `${side} pixels wide`)));
    this.startButton = button("Start camera", () => (this.isStarted ? this.stop() : this.start()), {
      class: "sam-primary",
    });
    this.mirror = button("Mirror", () => this.turnMirror(), { "aria-pressed": "false", class: "sam-tool" });
    this.record = button("Record", () => this.turnRecorder());
    this.keep = button("Keep the last seconds as a clip", () => this.keepClip());
    this.tip = h("span", { role: "status", "aria-live": "polite" });
    this.pace = h("span", { class: "sam-quiet sam-pace" });
    this.download = h("div", { class: "sam-links" });
    element.append(
      this.notice,
      h(
        "div",
        { class: "sam-main sam-camera" },
        h(
          "div",
          { class: "sam-left" },
          h("div", { class: "sam-toolbar" }, this.startButton, this.device, this.size, this.mirror),
          h("div", { class: "sam-tip" }, this.tip, this.pace),
          h("div", { class: "sam-stage" }, this.canvas),
        ),
        h(
          "div",
          { class: "sam-side" },
          this.panel.element,
          this.effects.element,
          h("section", { class: "sam-panel" }, h("h3", {}, "Keep"), this.record, this.keep, this.download),
        ),
      ),
    );
  }

  async listDevices() {
    const chosen = this.device.value;
    const found = await this.source.devices();
    this.device.replaceChildren(...found.map(([value, label]) => h("option", { value }, label)));
    this.device.value = found.some(([value]) => value === chosen) ? chosen : "";
  }

  async start() {
    this.quiet();
    this.tip.textContent = "Starting …";
    try {
      await this.source.start(this.device.value, Number(this.size.value));
    } catch (error) {
      this.stop(error.message);
      return;
    }
    this.listDevices(); // they have names from now on
    await this.begin();
  }

  /**
   * Asks the server for a fresh stream.
   * @param {string} [told]
   */
  async begin(told = "") {
    try {
      if (!(await pageSocket.open()))
        throw new Error(
          "The live connection could not be opened: the server is out of reach, or a proxy between lets no WebSocket through.",
        );
      this.model = (await pageSocket.ask("live_start", { model: chosenModel() })).model;
    } catch (error) {
      this.stop(error.message);
      return;
    }
    if (!this.source.isRunning) return; // it was stopped meanwhile
    if (told && this.objects.length) this.warn(told);
    this.forgetObjects();
    this.lane.forget();
    this.isStarted = true;
    this.draw();
    this.run();
  }

  /** @param {string} name */
  useModel(name) {
    if (this.isStarted && name !== this.model) this.begin("The other model starts anew: click on the objects again.");
  }

  // One picture after another, each as soon as the one before has been answered.
  run() {
    cancelAnimationFrame(this.ticking);
    const tick = () => {
      if (!this.isStarted) return;
      this.lane.take(this.source.video, Number(this.size.value)).catch((error) => this.stop(error.message));
      this.drawPace();
      this.ticking = requestAnimationFrame(tick);
    };
    this.ticking = requestAnimationFrame(tick);
  }

  /** @param {string} [text] */
  stop(text = "") {
    if (this.recorder.isRunning) this.turnRecorder();
    this.isStarted = false;
    this.source.stop();
    this.lane.forget();
    this.view.clear();
    this.forgetObjects();
    if (pageSocket.isOpen) pageSocket.ask("live_stop", {}).catch(() => {});
    if (text) this.warn(text);
    this.draw();
  }

  // The camera goes on; the server's stream is another one then.
  /** @param {string} reason */
  async lost(reason) {
    if (!this.isStarted) return;
    this.isStarted = false;
    this.lane.forget();
    this.warn(
      `${reason ? `The connection was closed: ${reason}.` : "The connection to the server was lost."} The page tries again.`,
    );
    while (this.source.isRunning && !this.isStarted) {
      await new Promise((wait) => setTimeout(wait, AGAIN_AFTER));
      if (this.source.isRunning && (await pageSocket.open())) {
        await this.begin("The server is back. Click on the objects again.");
        return;
      }
    }
  }

  /** @param {import("./live_lane.js").Shown} shown */
  show(shown) {
    if (!this.isStarted) return;
    if (shown.anew && this.objects.length) {
      this.forgetObjects();
      this.warn("The camera's pictures have another size now. Click on the objects again.");
    }
    this.view.objects = this.objects;
    this.view.show(shown);
    this.panel.drawStates(shown.masks);
  }

  /** @param {Said} said */
  async say({ frame, ...prompt }) {
    const isNew = this.active === null;
    const id = isNew ? this.addObject() : this.active;
    try {
      await pageSocket.ask("live_prompt", { frame, object_id: id, prompt: { ...prompt, mask: null } });
      this.quiet();
    } catch (error) {
      if (isNew) this.drop(id);
      this.warn(error.message);
    }
  }

  addObject() {
    const id = ++this.lastId;
    const color = freshColor(
      this.config.palette,
      this.objects.map((object) => object.color),
    );
    this.objects.push({ object_id: id, name: `Object ${id}`, color, visible: true, locked: false });
    this.choose(id);
    return id;
  }

  /** @param {number | null} id */
  choose(id) {
    this.active = id;
    this.draw();
  }

  /** @param {number} id */
  toggle(id) {
    const object = this.objects.find((each) => each.object_id === id);
    object.visible = !object.visible;
    this.draw();
  }

  /** @param {number} id */
  drop(id) {
    this.objects = this.objects.filter((object) => object.object_id !== id);
    if (this.active === id) this.active = null;
    this.draw();
  }

  /** @param {number} id */
  remove(id) {
    this.drop(id);
    pageSocket.ask("live_remove", { object_id: id }).catch((error) => this.warn(error.message));
  }

  forgetObjects() {
    this.objects = [];
    this.active = null;
    this.draw();
  }

  turnMirror() {
    this.view.mirror(!this.view.isMirrored);
    this.mirror.setAttribute("aria-pressed", String(this.view.isMirrored));
  }

  turnRecorder() {
    if (this.recorder.isRunning) this.recorder.stop();
    else
      this.recorder.start((file, name) => {
        const url = URL.createObjectURL(file);
        this.download.replaceChildren(h("a", { class: "sam-link", href: url, download: name }, `Save ${name}`));
      });
    this.draw();
  }

  async keepClip() {
    this.keep.disabled = true;
    try {
      /** @type {Question} */
      const question = { objects: this.objects };
      const { token } = await pageSocket.ask("live_keep", question, 300000);
      const open = () => window.dispatchEvent(new CustomEvent("sam-open", { detail: { kind: "video", token } }));
      this.download.replaceChildren(button("Open the clip in the Video tab", open, { class: "sam-primary" }));
    } catch (error) {
      this.warn(error.message);
    }
    this.draw();
  }

  // --- what is shown ---------------------------------------------------------------------------------

  draw() {
    this.panel.draw(this.objects, this.active);
    this.startButton.textContent = this.isStarted ? "Stop camera" : "Start camera";
    this.startButton.className = this.isStarted ? "sam-stop" : "sam-primary";
    this.record.textContent = this.recorder.isRunning ? "Stop recording" : "Record with effects";
    this.record.disabled = this.keep.disabled = !this.isStarted;
    const next = this.objects.length
      ? "More clicks refine the object; right-click takes parts away. Add object selects another thing."
      : "Click on the thing you want, or drag a box around it.";
    this.tip.textContent = this.isStarted
      ? next
      : "The picture goes to the server of this page only, and is not stored.";
    if (!this.isStarted) this.pace.textContent = "";
  }

  drawPace() {
    const now = performance.now();
    if (now - (this.paceDrawn || 0) < TOLD_EVERY) return;
    this.paceDrawn = now;
    const pace = this.lane.pace();
    this.pace.textContent = pace
      ? `${pace.rate.toFixed(1)} pictures a second, ${Math.round(pace.delay)} ms behind`
      : "";
  }

  /** @param {string} text */
  warn(text) {
    this.text.textContent = text;
    this.notice.hidden = false;
  }

  quiet() {
    this.notice.hidden = true;
  }
}
