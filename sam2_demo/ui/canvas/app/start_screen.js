// Nothing is open yet: choose a file, drop one, or take an example.

import { button, h } from "../dom/dom.js";
import { address, get, post, sendFile } from "../server/server.js";
import { chosenModel } from "../state/model_choice.js";

/** @import { Config, Example, SessionState } from "../state/types.js" */

const WORDS = {
  video: { noun: "video", accept: "video/*,image/gif", hint: "MP4, MOV, WebM, MKV, AVI or GIF" },
  picture: { noun: "picture", accept: "image/*,.heic,.heif", hint: "JPEG, PNG, WebP, TIFF and others" },
};

export class StartScreen {
  /**
   * @param {"video" | "picture"} kind
   * @param {Config} config
   * @param {{ opened: (state: SessionState, example?: Example) => void, warn: (text: string, retry?: (() => void) | null) => void }} given
   */
  constructor(kind, config, { opened, warn }) {
    this.kind = kind;
    this.opened = opened;
    this.warn = warn;
    this.busy = false;
    const { noun, accept, hint } = WORDS[kind];
    const limits = config.limits;
    const suffixes = kind === "video" ? `,${config.suffixes.join(",")}` : "";
    /** @type {HTMLInputElement} */
    this.input = h("input", {
      type: "file",
      accept: accept + suffixes,
      class: "sam-file",
      "aria-label": `Choose a ${noun}`,
      onchange: () => this.input.files.length && this.send(this.input.files[0]),
    });
    this.status = h("div", { class: "sam-upload-status", role: "status", "aria-live": "polite" });
    const most =
      kind === "video"
        ? `up to ${limits.max_upload_mb} MB and ${Math.round(limits.max_clip_seconds / 60)} minutes`
        : `up to ${limits.max_upload_mb} MB`;
    this.drop = h(
      "div",
      { class: "sam-drop" },
      h("div", { class: "sam-drop-title" }, `Drop a ${noun} here`),
      button(`Choose a ${noun}`, () => this.input.click(), { class: "sam-primary" }),
      this.input,
      h(
        "div",
        { class: "sam-quiet" },
        `${hint}; ${most}. Kept under a private link, deleted after ${limits.keep_hours} hours without use.`,
      ),
      this.status,
    );
    this.gallery = h("div", { class: "sam-gallery" });
    this.element = h("div", { class: "sam-start" }, this.drop, this.gallery);
    this.listen();
    this.showExamples();
  }

  listen() {
    this.drop.addEventListener("dragover", (event) => {
      event.preventDefault();
      this.drop.classList.add("sam-over");
    });
    this.drop.addEventListener("dragleave", () => this.drop.classList.remove("sam-over"));
    this.drop.addEventListener("drop", (event) => {
      event.preventDefault();
      this.drop.classList.remove("sam-over");
      const file = event.dataTransfer.files[0];
      if (file) this.send(file);
    });
  }

  async showExamples() {
    try {
      /** @type {{ examples: Example[] }} */
      const { examples } = await get("examples");
      const own = examples.filter((example) => example.kind === this.kind);
      if (!own.length) return;
      this.gallery.replaceChildren(
        h("div", { class: "sam-gallery-title" }, "or try one of these"),
        h("div", { class: "sam-cards" }, ...own.map((example) => this.card(example))),
      );
    } catch (error) {
      this.gallery.replaceChildren(
        h("div", { class: "sam-quiet" }, `Examples: ${error.message} `),
        button("Try again", () => this.showExamples(), { class: "sam-small" }),
      );
    }
  }

  /** @param {Example} example */
  card(example) {
    const poster = address(`examples/${encodeURIComponent(example.name)}/poster.jpg`);
    const card = button("", () => this.openExample(example), {
      class: "sam-card",
      "aria-label": `Example: ${example.title}`,
    });
    card.append(h("img", { src: poster, alt: "", loading: "lazy" }), h("span", {}, example.title));
    return card;
  }

  model() {
    const name = chosenModel();
    return name ? `?model=${encodeURIComponent(name)}` : "";
  }

  /** @param {Example} example */
  async openExample(example) {
    await this.whileBusy(`Opening ${example.title} …`, async () => {
      this.opened(await post(`examples/${encodeURIComponent(example.name)}/open${this.model()}`), example);
    });
  }

  /** @param {File} file */
  async send(file) {
    await this.whileBusy(`Uploading ${file.name} …`, async () => {
      const bar = h("progress", { max: 1, value: 0, "aria-label": "Upload" });
      this.status.append(bar);
      const state = await sendFile(`upload/${this.kind}${this.model()}`, file, (share) => {
        bar.value = share;
        if (share >= 1) this.status.replaceChildren(`Reading ${file.name} …`);
      });
      this.opened(state);
    });
    this.input.value = "";
  }

  /**
   * @param {string} text
   * @param {() => Promise<void>} work
   */
  async whileBusy(text, work) {
    if (this.busy) return;
    this.busy = true;
    this.status.replaceChildren(h("span", {}, text));
    try {
      await work();
    } catch (error) {
      this.warn(error.message, error.lost || error.retryAfter ? () => this.whileBusy(text, work) : null);
    } finally {
      this.busy = false;
      this.status.replaceChildren();
    }
  }
}
