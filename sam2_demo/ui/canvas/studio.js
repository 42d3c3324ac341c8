// One component: start screen, then the canvas with its tools, timeline, objects and results.

import { Channel } from "./channel.js";
import { h } from "./dom.js";
import { chosenModel } from "./model_choice.js";
import { get } from "./server.js";
import { StartScreen } from "./start_screen.js";
import { Workbench } from "./workbench.js";

export function mount(element, { trigger, watch, props }) {
  const studio = new Studio(element, new Channel({ trigger, watch, props }), props.value.config);
  studio.begin();
  showLinkedTab();
}

// A link to a picture alone opens its tab; tabs may be drawn later than their contents.
function showLinkedTab(tries = 20) {
  const values = new URLSearchParams(location.hash.slice(1));
  if (!values.get("picture") || values.get("video")) return;
  const tab = [...document.querySelectorAll("#pages [role=tab]")].find((each) => each.textContent.trim() === "Image");
  if (tab?.getAttribute("aria-selected") === "true") return;
  tab?.click();
  if (tries > 0) setTimeout(() => showLinkedTab(tries - 1), 150);
}

class Studio {
  constructor(element, channel, config) {
    this.channel = channel;
    this.config = config;
    this.kind = config.kind;
    this.notice = h("div", { class: "sam-notice", role: "alert", hidden: true });
    this.body = h("div", { class: "sam-body" });
    element.classList.add("sam-studio");
    element.append(this.notice, this.body);
    this.workbench = null;
    this.noticeTimer = 0;
  }

  async begin() {
    const token = new URLSearchParams(location.hash.slice(1)).get(this.kind);
    if (token) {
      try {
        const state = await get(`s/${encodeURIComponent(token)}/state`);
        if (state.kind !== this.kind) throw new Error("this link belongs to the other tab");
        return this.open(state);
      } catch (error) {
        this.rememberToken(null);
        this.warn(error.message);
      }
    }
    this.start();
  }

  start() {
    this.workbench?.close();
    this.workbench = null;
    this.rememberToken(null);
    const screen = new StartScreen(this.kind, this.config, {
      opened: (state, example) => this.open(state, example),
      warn: (text) => this.warn(text),
    });
    this.body.replaceChildren(screen.element);
  }

  open(state, example = null) {
    this.quiet();
    this.workbench?.close();
    this.rememberToken(state.token);
    this.workbench = new Workbench(state, {
      ask: (event, question, options) =>
        this.channel.ask(event, { ...question, token: state.token, model: chosenModel() }, options),
      config: this.config,
      warn: (text) => this.warn(text),
      quiet: () => this.quiet(),
      leave: () => this.start(),
    }, example);
    this.body.replaceChildren(this.workbench.element);
    this.workbench.begin();
  }

  rememberToken(token) {
    const values = new URLSearchParams(location.hash.slice(1));
    if (token) values.set(this.kind, token);
    else values.delete(this.kind);
    const text = values.toString();
    history.replaceState(null, "", location.pathname + location.search + (text ? `#${text}` : ""));
  }

  warn(text) {
    clearTimeout(this.noticeTimer);
    const close = h("button", { type: "button", class: "sam-close", "aria-label": "Close message", onclick: () => this.quiet() }, "×");
    this.notice.replaceChildren(h("span", {}, text), close);
    this.notice.hidden = false;
    this.noticeTimer = setTimeout(() => this.quiet(), 15000);
  }

  quiet() {
    clearTimeout(this.noticeTimer);
    this.notice.hidden = true;
  }
}
