// Says that the server is out of reach, looks for it, and tells when it is back.

import { button, h } from "../dom/dom.js";
import { alive } from "../server/server.js";

/** @import { ServerError } from "../state/types.js" */

const EVERY = 2000;

export class Connection {
  /** @param {() => void} back */
  constructor(back) {
    this.back = back;
    this.isLost = false;
    this.text = h("span", {});
    this.retry = button("Try again now", () => this.look(), { class: "sam-small" });
    this.element = h("div", { class: "sam-notice sam-lost", role: "alert", hidden: true }, this.text, this.retry);
  }

  /** @param {ServerError} error */
  lost(error) {
    this.text.textContent = `${error.message} What you did is kept on this page and is sent as soon as the server is back.`;
    this.element.hidden = false;
    if (this.isLost) return;
    this.isLost = true;
    this.timer = setTimeout(() => this.look(), EVERY);
  }

  async look() {
    clearTimeout(this.timer);
    if (!this.isLost || this.looking) return;
    this.looking = true;
    this.retry.disabled = true;
    const there = await alive();
    this.looking = false;
    this.retry.disabled = false;
    if (!there) {
      this.timer = setTimeout(() => this.look(), EVERY);
      return;
    }
    this.isLost = false;
    this.element.hidden = true;
    this.back();
  }
}
