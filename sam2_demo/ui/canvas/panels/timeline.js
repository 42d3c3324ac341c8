// Where we are in the clip: filmstrip, frame slider, play and step buttons, marks, and one lane per object.

import { button, clock, h } from "../dom/dom.js";
import { icon } from "../dom/icons.js";
import { Filmstrip } from "./filmstrip.js";

/** @import { Store } from "../state/store.js" */
/** @import { ObjectInfo, Pen } from "../state/types.js" */
/** @import { LaneScale } from "./reference_lane.js" */
/** @import { FrameWalk } from "../stage/frame_walk.js" */
/** @import { ViewActions } from "../edit/view_actions.js" */
/** @import { Player } from "../stage/player.js" */

const LANE = 18;
const THUMB = 16;

export class Timeline {
  /**
   * @param {{ store: Store, walk: FrameWalk, view: ViewActions, player: Player }} parts
   */
  constructor({ store, walk, view, player }) {
    this.store = store;
    this.walk = walk;
    this.view = view;
    this.player = player;
    const { num_frames: count } = store.clip;
    /** @type {HTMLInputElement} */
    this.slider = h("input", {
      type: "range",
      min: 0,
      max: count - 1,
      step: 1,
      value: 0,
      class: "sam-slider",
      "aria-label": "Frame",
      oninput: () => this.walk.goto(Number(this.slider.value)),
    });
    this.play = button(icon("play"), () => player.toggle(), {
      "aria-label": "Play",
      title: "Play or pause (Space)",
    });
    this.sound = store.clip.has_audio
      ? button(icon("sound"), () => this.player.mute(), {
          "aria-label": "Mute",
          "aria-pressed": "false",
          title: "Sound on or off (M)",
        })
      : null;
    this.where = h("div", { class: "sam-where" });
    this.lanes = h("canvas", { class: "sam-lanes", "aria-hidden": "true" });
    this.film = new Filmstrip(store);
    this.check = button("", () => this.walk.nextDoubtful(), {
      class: "sam-check",
      hidden: true,
      title: "Go to the next frame to check (N)",
    });
    this.makeMarks();
    this.listen();
    this.element = this.build();
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.lanes);
    store.watch(["frame", "objects", "prompts", "masks", "view", "tasks"], () => this.draw());
  }

  makeMarks() {
    this.markIn = button("In", () => this.view.toggleMark("mark_in"), {
      title: "Mark in (I): tracking between the marks starts here",
      "aria-pressed": "false",
    });
    this.markOut = button("Out", () => this.view.toggleMark("mark_out"), {
      title: "Mark out (O): tracking between the marks ends here",
      "aria-pressed": "false",
    });
  }

  listen() {
    for (const strip of [this.lanes, this.film.canvas]) {
      strip.addEventListener("pointerdown", (event) => {
        strip.setPointerCapture(event.pointerId);
        this.seek(event);
      });
      strip.addEventListener("pointermove", (event) => event.buttons && this.seek(event));
    }
  }

  build() {
    const { store } = this;
    const last = store.clip.num_frames - 1;
    /** @type {(drawing: string, name: string, where: () => number) => HTMLButtonElement} */
    const jump = (drawing, name, where) =>
      button(icon(drawing), () => this.walk.goto(where()), { "aria-label": name, title: name });
    return h(
      "section",
      { class: "sam-timeline" },
      h(
        "div",
        { class: "sam-row" },
        jump("first", "First frame", () => 0),
        jump("previous", "Previous frame", () => store.frame - 1),
        this.play,
        jump("next", "Next frame", () => store.frame + 1),
        jump("last", "Last frame", () => last),
        this.sound,
        this.markIn,
        this.markOut,
        this.check,
        this.where,
      ),
      this.slider,
      this.film.canvas,
      this.lanes,
    );
  }

  close() {
    this.observer.disconnect();
    this.film.close();
  }

  /** @param {PointerEvent} event */
  seek(event) {
    const rect = this.lanes.getBoundingClientRect();
    const share = (event.clientX - rect.left - THUMB / 2) / (rect.width - THUMB);
    this.walk.goto(Math.round(share * (this.store.clip.num_frames - 1)));
  }

  draw() {
    const { store } = this;
    const { num_frames: count } = store.clip;
    this.slider.value = String(store.frame);
    this.slider.setAttribute("aria-valuetext", `frame ${store.frame} of ${count - 1}`);
    this.where.textContent = `frame ${store.frame} of ${count - 1} · ${clock(store.timeOf(store.frame))}`;
    this.markIn.setAttribute("aria-pressed", String(store.view.mark_in != null));
    this.markOut.setAttribute("aria-pressed", String(store.view.mark_out != null));
    this.drawPlay();
    this.drawSound();
    this.film.draw();
    this.drawLanes();
  }

  drawPlay() {
    const label = this.store.playing ? "Pause" : "Play";
    if (this.play.getAttribute("aria-label") === label) return;
    this.play.replaceChildren(icon(label.toLowerCase()));
    this.play.setAttribute("aria-label", label);
  }

  drawSound() {
    const muted = String(this.store.muted);
    if (!this.sound || this.sound.getAttribute("aria-pressed") === muted) return;
    this.sound.replaceChildren(icon(this.store.muted ? "mute" : "sound"));
    this.sound.setAttribute("aria-pressed", muted);
  }

  drawLanes() {
    const { store, lanes } = this;
    const doubtful = store.tracking ? [] : store.allDoubtful();
    this.check.hidden = !doubtful.length;
    this.check.textContent = `Check these: ${doubtful.length}`;
    lanes.style.height = `${Math.max(1, store.objects.length) * LANE}px`;
    const ratio = window.devicePixelRatio || 1;
    const width = lanes.clientWidth;
    lanes.width = Math.max(1, Math.round(width * ratio));
    lanes.height = Math.max(1, Math.round(lanes.clientHeight * ratio));
    const pen = lanes.getContext("2d");
    pen.scale(ratio, ratio);
    const ink = getComputedStyle(lanes);
    const gap = (width - THUMB) / Math.max(1, store.clip.num_frames - 1);
    /** @param {number} frame */
    const place = (frame) => THUMB / 2 + frame * gap;
    for (const [row, object] of store.objects.entries())
      this.drawLane(pen, object, row * LANE, { width, gap, place, ink });
    this.drawMarks(pen, place, ink);
  }

  /**
   * Visible frames are filled up to their score, pale where unsure; a line along the floor says gone; prompts are dots,
   * frames to check have a bar.
   * @param {Pen} pen
   * @param {ObjectInfo} object
   * @param {number} y
   * @param {LaneScale} given
   */
  drawLane(pen, object, y, { width, gap, place, ink }) {
    const { store } = this;
    pen.fillStyle = ink.getPropertyValue("--sam-lane");
    pen.fillRect(THUMB / 2, y + 2, width - THUMB, LANE - 4);
    pen.fillStyle = object.color;
    for (const [frame, { area, iou, state }] of store.track(object.object_id)) {
      const high = area > 0 ? Math.max(3, (LANE - 4) * Math.min(1, iou)) : 1;
      pen.globalAlpha = state === "unsure" ? 0.4 : 1;
      pen.fillRect(place(frame) - gap / 2, y + LANE - 2 - high, Math.max(1, gap + 0.5), high);
    }
    pen.globalAlpha = 1;
    pen.fillStyle = "#d11f3a";
    for (const frame of store.doubtful(object.object_id)) pen.fillRect(place(frame) - 1.5, y + 1, 3, LANE - 2);
    pen.fillStyle = ink.color;
    pen.strokeStyle = ink.getPropertyValue("--background-fill-primary") || "#ffffff";
    for (const frame of store.promptedFrames(object.object_id)) {
      pen.beginPath();
      pen.arc(place(frame), y + LANE / 2, 4, 0, 7);
      pen.fill();
      pen.stroke();
    }
  }

  /**
   * @param {Pen} pen
   * @param {(frame: number) => number} place
   * @param {CSSStyleDeclaration} ink
   */
  drawMarks(pen, place, ink) {
    const { view } = this.store;
    const high = this.lanes.clientHeight;
    if (view.mark_in != null || view.mark_out != null) {
      const { first, last } = this.store.marks();
      pen.fillStyle = "rgba(29, 95, 209, 0.18)";
      pen.fillRect(place(first), 0, place(last) - place(first), high);
    }
    pen.fillStyle = ink.color;
    pen.fillRect(place(this.store.frame) - 0.75, 0, 1.5, high);
  }
}
