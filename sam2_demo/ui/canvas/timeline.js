// Where we are in the clip: frame slider, play and step buttons, and one lane per object.

import { button, clock, h } from "./dom.js";
import { icon } from "./icons.js";

const LANE = 14;
const THUMB = 16;

export class Timeline {
  constructor(store, act) {
    this.store = store;
    this.act = act;
    const { num_frames: count } = store.clip;
    this.slider = h("input", {
      type: "range", min: 0, max: count - 1, step: 1, value: 0, class: "sam-slider", "aria-label": "Frame",
      oninput: () => act.goto(Number(this.slider.value)),
    });
    this.play = button(icon("play"), () => act.togglePlay(), { "aria-label": "Play", title: "Play or pause (Space)" });
    this.where = h("div", { class: "sam-where" });
    this.lanes = h("canvas", { class: "sam-lanes", "aria-hidden": "true" });
    this.lanes.addEventListener("pointerdown", (event) => this.seek(event));
    this.lanes.addEventListener("pointermove", (event) => event.buttons && this.seek(event));
    const jump = (drawing, name, where) => button(icon(drawing), () => act.goto(where()), { "aria-label": name, title: name });
    this.element = h("section", { class: "sam-timeline" },
      h("div", { class: "sam-row" },
        jump("first", "First frame", () => 0), jump("previous", "Previous frame", () => store.frame - 1), this.play,
        jump("next", "Next frame", () => store.frame + 1), jump("last", "Last frame", () => count - 1),
        this.where),
      this.slider, this.lanes);
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.lanes);
    this.draw();
  }

  close() {
    this.observer.disconnect();
  }

  seek(event) {
    const rect = this.lanes.getBoundingClientRect();
    const share = (event.clientX - rect.left - THUMB / 2) / (rect.width - THUMB);
    this.act.goto(Math.round(share * (this.store.clip.num_frames - 1)));
  }

  setPlaying(playing) {
    this.play.replaceChildren(icon(playing ? "pause" : "play"));
    this.play.setAttribute("aria-label", playing ? "Pause" : "Play");
  }

  draw() {
    const { store } = this;
    const { num_frames: count, frame_rate: rate } = store.clip;
    this.slider.value = store.frame;
    this.slider.setAttribute("aria-valuetext", `frame ${store.frame} of ${count - 1}`);
    this.where.textContent = `frame ${store.frame} of ${count - 1} · ${clock(store.frame / rate)}`;
    this.drawLanes();
  }

  drawLanes() {
    const { store, lanes } = this;
    lanes.style.height = `${Math.max(1, store.objects.length) * LANE}px`;
    const ratio = window.devicePixelRatio || 1;
    const width = lanes.clientWidth;
    lanes.width = Math.max(1, Math.round(width * ratio));
    lanes.height = Math.max(1, Math.round(lanes.clientHeight * ratio));
    const pen = lanes.getContext("2d");
    pen.scale(ratio, ratio);
    const ink = getComputedStyle(lanes);
    const count = store.clip.num_frames;
    const gap = (width - THUMB) / Math.max(1, count - 1);
    const place = (frame) => THUMB / 2 + frame * gap;
    store.objects.forEach((object, row) => {
      const y = row * LANE;
      pen.fillStyle = ink.getPropertyValue("--sam-lane");
      pen.fillRect(THUMB / 2, y + 2, width - THUMB, LANE - 4);
      pen.fillStyle = object.color;
      for (const [frame, track] of store.track(object.object_id)) {
        if (track.area > 0) pen.fillRect(place(frame) - gap / 2, y + 3, Math.max(1, gap + 0.5), LANE - 6);
      }
      pen.fillStyle = ink.color;
      for (const frame of store.promptedFrames(object.object_id)) {
        pen.beginPath();
        pen.arc(place(frame), y + LANE / 2, 4, 0, 7);
        pen.fill();
      }
    });
    pen.fillStyle = ink.color;
    pen.fillRect(place(store.frame) - 0.75, 0, 1.5, lanes.clientHeight);
  }
}
