// What can be taken home: the painted video and masks of a clip, mask, cut-out and overlay of a picture.

import { button, h, seconds } from "./dom.js";
import { address } from "./server.js";

// Masks in one of the formats that the server knows.
class MaskDownload {
  constructor(store, formats) {
    this.base = `s/${store.token}/masks-as`;
    this.format = h("select", { "aria-label": "Format of the masks", onchange: () => this.point() },
      ...formats.map(([name, title]) => h("option", { value: name }, title)));
    this.link = h("a", { class: "sam-link", download: "" }, "Download masks");
    this.element = h("div", { class: "sam-masks" }, h("span", { class: "sam-quiet" }, "Masks as"), this.format, this.link);
    this.point();
  }

  point() {
    this.link.href = address(`${this.base}/${this.format.value}`);
  }
}

export class VideoResults {
  constructor(bench) {
    this.store = bench.store;
    const { store } = bench;
    this.bench = bench;
    this.make = button("Make video", () => bench.runs.render(), { class: "sam-grow" });
    this.stop = button("Stop", () => bench.runs.stop(), { class: "sam-stop", "aria-label": "Stop making the video", hidden: true });
    this.note = h("div", { class: "sam-quiet", hidden: true }, "This video was made before your last changes.");
    this.status = h("div", { class: "sam-quiet", role: "status", "aria-live": "polite" });
    this.player = h("div", { class: "sam-player" });
    this.masks = h("a", { class: "sam-link", href: address(`s/${store.token}/files/masks.zip`), download: "" }, "Download masks (PNG, ZIP)");
    this.other = new MaskDownload(store, bench.config.formats);
    this.element = h("section", { class: "sam-panel" }, h("h3", {}, "Result"),
      h("div", { class: "sam-row" }, this.make, this.stop), this.status, this.player, this.note, this.masks, this.other.element);
    if (store.result) this.show();
    this.draw();
  }

  draw() {
    const any = this.store.objects.some((o) => this.store.track(o.object_id).size);
    this.make.disabled = !any || Boolean(this.bench.runs?.rendering || this.bench.runs?.tracking);
    this.note.hidden = !this.store.result || this.store.result.current;
    this.masks.hidden = !any;
    this.other.element.hidden = !any;
  }

  progress(done, total, secondsLeft) {
    const bar = h("progress", { max: total, value: done, "aria-label": "Making the video" });
    this.status.replaceChildren(h("span", {}, `Making the video: ${done} of ${total} frames, ${seconds(secondsLeft)} left`), bar);
  }

  begin() {
    this.stop.hidden = false;
    this.status.textContent = "Making the video …";
  }

  finish(text) {
    this.stop.hidden = true;
    this.status.textContent = text;
    if (!text) this.show();
    this.draw();
  }

  // The video that was made last, also after a reload.
  show() {
    const { file, made } = this.store.result;
    const source = address(`s/${this.store.token}/files/${file}?v=${Math.round(made * 1000)}`);
    this.player.replaceChildren(
      h("video", { controls: true, src: source, preload: "metadata", playsinline: true, "aria-label": "The painted video" }),
      h("a", { class: "sam-link sam-strong", href: `${source}&download`, download: "" }, "Download video (MP4)"));
  }
}

export class PictureResults {
  constructor(bench) {
    this.store = bench.store;
    this.links = h("div", { class: "sam-links" });
    this.other = new MaskDownload(this.store, bench.config.formats.filter(([name]) => name !== "alpha"));
    this.element = h("section", { class: "sam-panel" }, h("h3", {}, "Result"), this.links, this.other.element);
    this.draw();
  }

  draw() {
    const { store } = this;
    const choice = store.choices.get(store.active);
    const found = choice?.candidates || [];
    this.other.element.hidden = !store.choices.size;
    const base = `s/${store.token}/picture`;
    const object = `?object=${store.active}&v=${Date.now()}`;
    const link = (text, path) => h("a", { class: "sam-link", href: address(path), download: "" }, text);
    this.links.replaceChildren(...(found.length
      ? [link("Download mask (PNG)", `${base}/mask.png${object}`), link("Download cut-out (PNG)", `${base}/cutout.png${object}`),
        link("Download overlay (PNG)", `${base}/overlay.png?v=${Date.now()}`)]
      : [h("div", { class: "sam-quiet" }, "Mask, cut-out and overlay appear here.")]));
  }
}
