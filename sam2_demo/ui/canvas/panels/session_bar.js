// The open session: its name, its link, help, another file, and how long it is kept.

import { button, h } from "../dom/dom.js";
import { post } from "../server/server.js";

/** @import { Store } from "../state/store.js" */
/** @import { Host } from "../state/types.js" */
/** @import { HelpSheet } from "./help_sheet.js" */

export class SessionBar {
  /** @param {{ store: Store, host: Host, help: HelpSheet }} parts */
  constructor({ store, host, help }) {
    this.store = store;
    this.host = host;
    this.help = help;
    const { clip } = store;
    const rate = clip.frame_rate.toFixed(2).replace(/\.?0+$/, "");
    const facts = this.store.isVideo
      ? `${clip.width} × ${clip.height}, ${clip.num_frames} frames, ${rate} fps`
      : `${clip.width} × ${clip.height}`;
    this.element = h(
      "div",
      { class: "sam-top" },
      h(
        "div",
        { class: "sam-row" },
        button(this.store.isVideo ? "Other video" : "Other picture", () => this.host.leave(), { class: "sam-grow" }),
        button("Copy link", () => this.copyLink(), { title: "Whoever has this link can open and change this session" }),
        button("?", () => this.help.open(), {
          "aria-label": "Help and keys",
          title: "Help and keys (?)",
          class: "sam-help-button",
        }),
      ),
      h(
        "div",
        { class: "sam-clip" },
        h("strong", { title: clip.name }, clip.name),
        h("span", { class: "sam-quiet" }, facts),
      ),
    );
    this.keep = h(
      "div",
      { class: "sam-quiet sam-keep" },
      this.keepText(),
      " ",
      button("Delete now", () => this.forget(), {
        class: "sam-small",
        title: "Delete this session with its file and results",
      }),
    );
  }

  keepText() {
    const when = this.store.expires ? new Date(this.store.expires * 1000) : null;
    const text = when ? when.toLocaleString([], { dateStyle: "medium", timeStyle: "short" }) : "a time without use";
    return `Saved as you go; deleted after ${text} unless used before.`;
  }

  async copyLink() {
    try {
      await navigator.clipboard.writeText(location.href);
      this.store.setNote("The link to this session is on the clipboard.");
    } catch {
      this.store.setNote("The link to this session is the address of this page.");
    }
  }

  async forget() {
    try {
      await post(`s/${this.store.token}/delete`);
      this.host.leave();
    } catch (error) {
      this.host.fail(error, () => this.forget());
    }
  }
}
