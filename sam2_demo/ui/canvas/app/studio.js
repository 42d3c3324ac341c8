// One component: start screen, then the canvas with its tools, timeline, objects and results.

import { button, h } from "../dom/dom.js";
import { Channel } from "../server/channel.js";
import { get, RefusedError } from "../server/server.js";
import { showModel } from "../state/model_choice.js";
import { Connection } from "./connection.js";
import { StartScreen } from "./start_screen.js";
import { Workbench } from "./workbench.js";

/** @import { Component, Config, Example, ServerError, SessionState } from "../state/types.js" */

const TOLD_FOR = 15000;
const AGAIN_AFTER = 5; // seconds; a busy server may say another time

/**
 * @param {HTMLElement} element
 * @param {Component} given
 */
export function mount(element, { trigger, watch, props }) {
  const studio = new Studio(element, new Channel({ trigger, watch, props }), props.value.config);
  studio.begin();
  showLinkedTab();
}

/**
 * A link to a picture alone opens its tab; tabs may be drawn later than their contents.
 * @param {number} [tries]
 */
function showLinkedTab(tries = 20) {
  const values = new URLSearchParams(location.hash.slice(1));
  if (!values.get("picture") || values.get("video")) return;
  const tabs = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("#pages [role=tab]")]);
  const tab = tabs.find((each) => each.textContent.trim() === "Image");
  if (tab?.getAttribute("aria-selected") === "true") return;
  tab?.click();
  if (tries > 0) setTimeout(() => showLinkedTab(tries - 1), 150);
}

class Studio {
  /**
   * @param {HTMLElement} element
   * @param {Channel} channel
   * @param {Config} config
   */
  constructor(element, channel, config) {
    this.channel = channel;
    this.config = config;
    this.kind = config.kind;
    this.notice = h("div", { class: "sam-notice", role: "alert", hidden: true });
    this.body = h("div", { class: "sam-body" });
    element.classList.add("sam-studio");
    this.connection = new Connection(() => (this.workbench ? this.workbench.resume() : this.begin()));
    element.append(this.connection.element, this.notice, this.body);
    this.workbench = null;
    window.addEventListener("sam-open", (event) => this.openKept(event));
    this.noticeTimer = 0;
    this.again = 0;
  }

  // Opens the session of the link. The link stays in the address bar until a person leaves the session: the server may
  // be busy, broken or started with other data, and without its link nobody finds the session again.
  async begin() {
    clearTimeout(this.again);
    const token = new URLSearchParams(location.hash.slice(1)).get(this.kind);
    if (token) {
      try {
        this.body.replaceChildren(h("div", { class: "sam-opening", role: "status" }, "Opening the session …"));
        const state = await get(`s/${encodeURIComponent(token)}/state`, 600000);
        if (state.kind !== this.kind) throw new RefusedError(404, "this link belongs to the other tab");
        return this.open(state);
      } catch (error) {
        if (error.lost) return this.connection.lost(error);
        if (!error.gone) return this.wait(error);
        this.warn(error.message);
      }
    }
    return this.start();
  }

  /**
   * The session is there, but cannot be opened now: the page tries again by itself.
   * @param {ServerError} error
   */
  wait(error) {
    const seconds = error.retryAfter || AGAIN_AFTER;
    const text = `The session cannot be opened just now: ${error.message}. Its link stays in the address bar, and the page tries again every ${seconds} seconds.`;
    this.body.replaceChildren(
      h(
        "div",
        { class: "sam-opening", role: "status" },
        h("p", {}, text),
        button("Try again now", () => this.begin(), { class: "sam-primary" }),
        " ",
        button("Leave this session", () => this.leave()),
      ),
    );
    this.again = setTimeout(() => this.begin(), 1000 * seconds);
  }

  /**
   * A clip that was kept of the camera.
   * @param {any} event
   */
  openKept({ detail: { kind, token } }) {
    if (kind !== this.kind) return;
    this.rememberToken(token);
    const tabs = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("#pages [role=tab]")]);
    tabs.find((tab) => tab.textContent.trim() === "Video")?.click();
    this.begin();
  }

  leave() {
    clearTimeout(this.again);
    this.rememberToken(null);
    this.close();
    this.start();
  }

  start() {
    this.workbench?.close();
    this.workbench = null;
    const screen = new StartScreen(this.kind, this.config, {
      opened: (state, example) => this.open(state, example),
      warn: (text, retry) => this.warn(text, retry),
    });
    this.body.replaceChildren(screen.element);
  }

  /**
   * @param {SessionState} state
   * @param {Example} [example]
   */
  open(state, example = null) {
    clearTimeout(this.again);
    this.close();
    this.workbench?.close();
    this.rememberToken(state.token);
    if (state.model) showModel(state.model);
    this.workbench = new Workbench(
      state,
      {
        ask: (event, question, options) => this.channel.ask(event, { ...question, token: state.token }, options),
        config: this.config,
        warn: (text, retry, about) => this.warn(text, retry, about),
        tell: (text) => this.tell(text),
        lost: (error) => this.connection.lost(error),
        fail: (error, retry, about) =>
          error.lost ? this.connection.lost(error) : this.warn(error.message, retry, about),
        quiet: (about) => this.quiet(about),
        leave: () => this.leave(),
      },
      example,
    );
    this.body.replaceChildren(this.workbench.element);
    this.workbench.begin();
    if (state.notice) this.warn(state.notice);
  }

  /** @param {string} token */
  rememberToken(token) {
    const values = new URLSearchParams(location.hash.slice(1));
    if (token) values.set(this.kind, token);
    else values.delete(this.kind);
    const text = values.toString();
    history.replaceState(null, "", location.pathname + location.search + (text ? `#${text}` : ""));
  }

  /**
   * The message stays until it is closed or until what it is about goes well: a long task by its name; otherwise clicks
   * and what is done to objects. `retry` does again what failed.
   * @param {string} text
   * @param {(() => void) | null} [retry]
   * @param {string} [about]
   */
  warn(text, retry = null, about = "") {
    clearTimeout(this.noticeTimer);
    this.about = about;
    const again =
      retry &&
      button(
        "Try again",
        () => {
          this.close();
          retry();
        },
        { class: "sam-small" },
      );
    const close = h(
      "button",
      { type: "button", class: "sam-close", "aria-label": "Close message", onclick: () => this.close() },
      "×",
    );
    this.notice.replaceChildren(h("span", {}, text), again || "", close);
    this.notice.hidden = false;
  }

  /**
   * What is no error goes away by itself.
   * @param {string} text
   */
  tell(text) {
    this.warn(text);
    this.noticeTimer = setTimeout(() => this.close(), TOLD_FOR);
  }

  /** @param {string} [about] */
  quiet(about = "") {
    if (this.about === about) this.close();
  }

  close() {
    clearTimeout(this.noticeTimer);
    this.notice.hidden = true;
  }
}
