// The open session: its name, its link, help, another file, and how long it is kept.

import { button, h } from "../dom/dom.js";
import { post } from "../server/server.js";

/** @import { Workbench } from "../app/workbench.js" */

export class SessionBar {
  /** @param {Workbench} bench */
  constructor(bench) {
    this.bench = bench;
    this.store = bench.store;
    const { clip } = bench.store;
    const rate = clip.frame_rate.toFixed(2).replace(/\.?0+$/, "");
    const facts = bench.isVideo
      ? `${clip.width} × ${clip.height}, ${clip.num_frames} frames, ${rate} fps`
      : `${clip.width} × ${clip.height}`;
    this.element = h(
      "div",
      { class: "sam-top" },
      h(
        "div",
        { class: "sam-row" },
        button(bench.isVideo ? "Other video" : "Other picture", () => bench.host.leave(), { class: "sam-grow" }),
        button("Copy link", () => this.copyLink(), { title: "Whoever has this link can open and change this session" }),
        button("?", () => bench.help.open(), {
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
      this.bench.say("The link to this session is on the clipboard.");
    } catch {
      this.bench.say("The link to this session is the address of this page.");
    }
  }

  async forget() {
    const { bench } = this;
    try {
      await post(`s/${this.store.token}/delete`);
      bench.host.leave();
    } catch (error) {
      bench.host.fail(error, () => this.forget());
    }
  }
}
