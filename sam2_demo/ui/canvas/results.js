// What can be taken home: the painted video and masks of a clip, mask, cut-out and overlay of a picture.

import { button, h, seconds } from "./dom.js";
import { address } from "./server.js";

export class VideoResults {
  constructor(store, act) {
    this.store = store;
    this.act = act;
    this.make = button("Make video", () => act.render(), { class: "sam-wide" });
    this.status = h("div", { class: "sam-quiet", role: "status", "aria-live": "polite" });
    this.player = h("div", { class: "sam-player" });
    this.masks = h("a", { class: "sam-link", href: address(`s/${store.token}/files/masks.zip`), download: "" }, "Download masks (PNG, ZIP)");
    this.element = h("section", { class: "sam-panel" }, h("h3", {}, "Result"), this.make, this.status, this.player, this.masks);
    this.draw();
  }

  draw() {
    const any = this.store.objects.some((o) => this.store.track(o.object_id).size);
    this.make.disabled = !any;
    this.masks.hidden = !any;
  }

  progress(done, total, secondsLeft) {
    const bar = h("progress", { max: total, value: done, "aria-label": "Making the video" });
    this.status.replaceChildren(h("span", {}, `Making the video: ${done} of ${total} frames ${seconds(secondsLeft)}`), bar);
  }

  show(file) {
    const stamp = Date.now();
    const source = address(`s/${this.store.token}/files/${file}?v=${stamp}`);
    this.status.replaceChildren();
    this.player.replaceChildren(
      h("video", { controls: true, src: source, preload: "auto", playsinline: true, "aria-label": "The painted video" }),
      h("a", { class: "sam-link sam-strong", href: `${source}&download`, download: "" }, "Download video (MP4)"));
  }

  failed() {
    this.status.replaceChildren();
  }
}

export class PictureResults {
  constructor(store, act) {
    this.store = store;
    this.act = act;
    this.candidates = h("div", { class: "sam-candidates", role: "group", "aria-label": "Candidate masks" });
    this.links = h("div", { class: "sam-links" });
    this.element = h("section", { class: "sam-panel" },
      h("h3", {}, "Candidate masks"), this.candidates, h("h3", {}, "Result"), this.links);
    this.draw();
  }

  draw() {
    const { store } = this;
    const choice = store.choices.get(store.active);
    const found = choice?.candidates || [];
    this.candidates.replaceChildren(...(found.length
      ? found.map((mask, position) => this.candidate(mask, position, choice.chosen))
      : [h("div", { class: "sam-quiet" }, "A single click gets up to three: the whole, a part, a part of that.")]));
    const base = `s/${store.token}/picture`;
    const object = `?object=${store.active}&v=${Date.now()}`;
    const link = (text, path) => h("a", { class: "sam-link", href: address(path), download: "" }, text);
    this.links.replaceChildren(...(found.length
      ? [link("Download mask (PNG)", `${base}/mask.png${object}`), link("Download cut-out (PNG)", `${base}/cutout.png${object}`),
        link("Download overlay (PNG)", `${base}/overlay.png?v=${Date.now()}`)]
      : [h("div", { class: "sam-quiet" }, "Mask, cut-out and overlay appear here.")]));
  }

  candidate(mask, position, chosen) {
    const { store } = this;
    const thumb = h("canvas", { width: 96, height: 64, "aria-hidden": "true" });
    this.act.paintThumb(thumb, mask.counts, store.object(store.active).color);
    const percent = Math.round(mask.iou * 100);
    const card = button("", () => this.act.choose(position), {
      class: `sam-candidate${position === chosen ? " sam-current" : ""}`, "aria-pressed": String(position === chosen),
      "aria-label": `Candidate ${position + 1}, score ${percent} %`,
    });
    card.append(thumb, h("span", {}, `${percent} %`));
    return card;
  }
}
