// What can be taken home: the painted video and masks of a clip, mask, cut-out and overlay of a picture.

import { button, h, seconds } from "../dom/dom.js";
import { LongTask } from "../server/long_task.js";
import { address } from "../server/server.js";

/** @import { Host, Progress } from "../state/types.js" */
/** @import { Store } from "../state/store.js" */
/** @import { Outbox } from "../server/outbox.js" */
/** @import { Runs } from "../app/runs.js" */

const DOWNLOAD = "Download masks of all objects";

/**
 * How far a file is, for people: what, a bar, and the time that is left.
 * @param {string} what
 * @param {Progress} given
 * @param {number} began
 */
function progressOf(what, { done, total }, began) {
  const left = ((performance.now() - began) / 1000 / done) * (total - done);
  const bar = h("progress", { max: total, value: done || null, "aria-label": what });
  const text = done ? `${what}: ${done} of ${total} frames, ${seconds(left)} left` : `${what} …`;
  return [h("span", {}, text), bar];
}

// Masks in one of the formats that the server knows. Some take their time, so the file is made first, then fetched.
class MaskDownload {
  /**
   * @param {{ store: Store, host: Host, outbox: Outbox }} parts
   * @param {[name: string, title: string][]} formats
   */
  constructor({ store, host, outbox }, formats) {
    this.store = store;
    this.host = host;
    this.outbox = outbox;
    this.format = h(
      "select",
      { "aria-label": "Format of the masks" },
      ...formats.map(([name, title]) => h("option", { value: name, selected: name === "png" }, title)),
    );
    this.start = button(DOWNLOAD, () => this.download());
    this.status = h("div", { class: "sam-quiet", role: "status", "aria-live": "polite" });
    this.element = h(
      "div",
      { class: "sam-masks" },
      h("span", { class: "sam-quiet" }, "Masks as"),
      this.format,
      this.start,
      this.status,
    );
  }

  async download() {
    const began = performance.now();
    /** @param {Progress} step */
    const show = (step) => this.status.replaceChildren(...progressOf("Making the file", step, began));
    let text = "";
    this.setBusy(true);
    show({ done: 0, total: 1 });
    try {
      const { file } = await new LongTask(this, "make_masks").run({ format: this.format.value }, show);
      this.host.quiet("masks");
      h("a", { href: address(`s/${this.store.token}/files/${file}`), download: "" }).click();
    } catch (error) {
      text = "The file was not finished.";
      if (this.element.isConnected) this.host.fail(error, () => this.download(), "masks");
    }
    this.setBusy(false);
    this.status.textContent = text;
  }

  /** @param {boolean} busy */
  setBusy(busy) {
    this.start.disabled = busy;
    this.start.textContent = busy ? "The file is being made …" : DOWNLOAD;
    this.format.disabled = busy;
  }
}

export class VideoResults {
  /** @param {{ store: Store, host: Host, outbox: Outbox, runs: Runs }} parts */
  constructor({ store, host, outbox, runs }) {
    this.store = store;
    this.host = host;
    this.outbox = outbox;
    this.runs = runs;
    this.make = button("Make video", () => this.runs.render(), { class: "sam-grow" });
    this.stop = button("Stop", () => this.runs.stop(), {
      class: "sam-stop",
      "aria-label": "Stop making the video",
      hidden: true,
    });
    this.note = h("div", { class: "sam-quiet", hidden: true }, "This video was made before your last changes.");
    this.status = h("div", { class: "sam-quiet", role: "status", "aria-live": "polite" });
    this.player = h("div", { class: "sam-player" });
    this.masks = new MaskDownload(this, this.host.config.formats);
    this.element = h(
      "section",
      { class: "sam-panel" },
      h("h3", {}, "Result"),
      h("div", { class: "sam-row" }, this.make, this.stop),
      this.status,
      this.player,
      this.note,
      this.masks.element,
    );
    this.shown = 0; // when the video that is shown was made
    this.began = 0; // when making one was begun
    this.store.watch(["masks", "objects", "result", "tasks"], () => this.draw());
  }

  draw() {
    const any = this.store.objects.some((o) => this.store.track(o.object_id).size);
    this.make.disabled = !any || this.store.rendering || this.store.tracking;
    this.note.hidden = !this.store.result || this.store.result.current;
    this.masks.element.hidden = !any;
    this.drawProgress();
    this.show();
  }

  drawProgress() {
    const { rendering, renderStep, renderText } = this.store;
    if (rendering) this.began ||= performance.now();
    else this.began = 0;
    this.stop.hidden = !rendering;
    if (!rendering) this.status.textContent = renderText;
    else
      this.status.replaceChildren(...progressOf("Making the video", renderStep || { done: 0, total: 1 }, this.began));
  }

  // The video that was made last, also after a reload.
  show() {
    const { file, made } = this.store.result || { file: "", made: 0 };
    if (made === this.shown) return;
    this.shown = made;
    const source = address(`s/${this.store.token}/files/${file}?v=${Math.round(made * 1000)}`);
    this.player.replaceChildren(
      h("video", {
        controls: true,
        src: source,
        preload: "metadata",
        playsinline: true,
        "aria-label": "The painted video",
      }),
      h("a", { class: "sam-link sam-strong", href: `${source}&download`, download: "" }, "Download video (MP4)"),
    );
  }
}

export class PictureResults {
  /** @param {{ store: Store, host: Host, outbox: Outbox }} parts */
  constructor({ store, host, outbox }) {
    this.store = store;
    this.host = host;
    this.outbox = outbox;
    this.links = h("div", { class: "sam-links" });
    this.masks = new MaskDownload(
      this,
      this.host.config.formats.filter(([name]) => name !== "alpha"),
    );
    this.element = h("section", { class: "sam-panel" }, h("h3", {}, "Result"), this.links, this.masks.element);
    this.store.watch(["masks", "objects"], () => this.draw());
  }

  draw() {
    const any = Object.keys(this.store.chosenMasks()).length > 0;
    this.masks.element.hidden = !any;
    this.links.replaceChildren(
      ...(any
        ? [
            ...this.ofCurrent(),
            this.link("Download overlay of all objects (PNG)", "overlay.png?", "Objects that are hidden are left out"),
          ]
        : [h("div", { class: "sam-quiet" }, "Mask, cut-out and overlay appear here.")]),
    );
  }

  // What concerns the current object alone.
  ofCurrent() {
    const { store } = this;
    const object = store.object(store.active);
    if (!store.chosenMasks()[store.active])
      return [h("div", { class: "sam-quiet" }, `${object.name} has no mask yet: click on it.`)];
    const query = `?object=${store.active}&`;
    return [
      this.link(`Download mask of ${object.name} (PNG)`, `mask.png${query}`),
      this.link(`Download cut-out of ${object.name} (PNG)`, `cutout.png${query}`),
    ];
  }

  /**
   * @param {string} text
   * @param {string} path
   * @param {string | null} [title]
   */
  link(text, path, title = null) {
    return h(
      "a",
      { class: "sam-link", href: address(`s/${this.store.token}/picture/${path}v=${Date.now()}`), download: "", title },
      text,
    );
  }
}
