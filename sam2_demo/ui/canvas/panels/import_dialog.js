// Takes masks from a file: as prompts of their frames, or as reference to measure against.

import { button, h } from "../dom/dom.js";
import { sendFile } from "../server/server.js";

/** @import { Box } from "../state/types.js" */
/** @import { Store } from "../state/store.js" */
/** @import { Outbox } from "../server/outbox.js" */

/**
 * @typedef {object} Imported  what was asked for and what the server made of the file
 * @property {string} use  "prompts" or "reference"
 * @property {number} frame
 * @property {{ id: number, label: string, frame: number, counts?: string, box?: Box }[]} [objects]
 * @property {number} [frames]
 * @property {number} [num_frames]
 */

export class ImportDialog {
  /**
   * `done` gets what was asked for and what the server made of the file.
   * @param {{ store: Store, outbox: Outbox }} parts
   * @param {(answer: Imported) => void} done
   */
  constructor({ store, outbox }, done) {
    this.store = store;
    this.outbox = outbox;
    this.done = done;
    this.makeChoices();
    this.file = h("input", {
      type: "file",
      accept: ".png,.zip,.json,.txt,.csv,.webm",
      "aria-label": "File of masks",
      onchange: () => {
        this.videoRow.hidden = true;
        this.video.value = "";
        this.draw();
      },
    });
    // Asked for once a file turns out to hold several.
    this.video = h("input", { type: "text", "aria-label": "Video in the file", maxlength: 200 });
    this.videoRow = h("label", { hidden: true }, "Video in the file: ", this.video);
    this.go = button("Import", () => this.send(), { class: "sam-primary", disabled: true });
    this.status = h("div", { class: "sam-quiet", role: "status", "aria-live": "polite" });
    this.problem = h("div", { class: "sam-notice", role: "alert", hidden: true });
    const { width, height } = this.store.clip;
    /** @type {HTMLDialogElement} */
    this.element = h(
      "dialog",
      { class: "sam-help sam-import", "aria-label": "Import masks" },
      h("h3", {}, "Import masks"),
      h(
        "p",
        {},
        `Label map (PNG), zip of DAVIS, SA-V, MOTS or per-object PNGs or of YOLO labels, SA-V JSON, COCO JSON with run lengths, MOTS text, CSV table with masks, or WebM video with alpha; masks of ${width} × ${height} pixels.`,
      ),
      this.file,
      h(
        "div",
        { class: "sam-choice", role: "radiogroup", "aria-label": "Use the masks as" },
        this.prompts,
        this.reference,
      ),
      this.problem,
      this.videoRow,
      this.status,
      h(
        "div",
        { class: "sam-row" },
        this.go,
        button("Close", () => this.element.close()),
      ),
    );
    this.element.addEventListener("keydown", (event) => event.stopPropagation());
  }

  makeChoices() {
    const where = this.store.isVideo ? "prompts on their frames (a label map: on this one)" : "objects";
    const name = `masks-${this.store.token}`;
    /** @type {(value: string, text: string, checked: boolean) => HTMLElement} */
    const choice = (value, text, checked) =>
      h("label", {}, h("input", { type: "radio", name, value, checked }), ` ${text}`);
    this.prompts = choice(
      "prompts",
      `As ${where}: each mask becomes an object, and can be tracked and corrected`,
      true,
    );
    this.reference = choice(
      "reference",
      `As reference${this.store.isVideo ? " for the whole clip" : ""}: what is right, to measure J&F and to simulate clicks`,
      false,
    );
  }

  open() {
    this.problem.hidden = true;
    this.status.textContent = "";
    this.draw();
    this.element.showModal();
  }

  draw() {
    this.go.disabled = !this.file.files.length;
  }

  async send() {
    const [file] = this.file.files;
    const use = this.reference.querySelector("input").checked ? "reference" : "prompts";
    const frame = this.store.frame;
    this.go.disabled = true;
    this.problem.hidden = true;
    this.status.textContent = `Reading ${file.name} …`;
    try {
      await this.outbox.settled();
      const video = encodeURIComponent(this.video.value.trim());
      const address = `s/${this.store.token}/import-masks?use=${use}&frame=${frame}&video=${video}`;
      const answer = await sendFile(address, file, () => {});
      this.element.close();
      this.file.value = "";
      this.videoRow.hidden = true;
      this.video.value = "";
      this.done({ use, frame, ...answer });
    } catch (error) {
      this.problem.textContent = error.message;
      this.problem.hidden = false;
      this.videoRow.hidden = !/ holds frames of \d+ videos: /.test(error.message);
    }
    this.status.textContent = "";
    this.draw();
  }
}
