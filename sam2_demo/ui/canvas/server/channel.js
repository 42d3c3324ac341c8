// Questions to Python and their answers: numbered, with a time limit; late answers are dropped.

import { alive, knownRun, LostError } from "./server.js";
import { pageSocket } from "./socket.js";

/** @import { Answer, AskOptions, Component, Question, ServerError } from "../state/types.js" */

const LOOK_AFTER = 3000;
const QUICK = ["prompt", "preview", "alternatives", "command"]; // go by the socket while it is open

/**
 * @typedef {object} Waiting  a question on its way
 * @property {(result: any) => void} resolve
 * @property {(error: Error) => void} reject
 * @property {((step: any) => void) | null} onStep
 * @property {number} limit  milliseconds between answers
 * @property {number} timer
 * @property {string | null} run  the server's run that was asked
 */

export class Channel {
  /** @param {Component} given */
  constructor({ trigger, watch, props }) {
    this.trigger = trigger;
    this.number = 0;
    /** @type {Map<number, Waiting>} */
    this.waiting = new Map();
    this.looking = 0;
    watch("value", () => this.receive(props.value));
    this.socket = props.value?.config?.channel ? pageSocket : null;
    if (this.socket) this.socket.open();
    else alive();
  }

  /**
   * Resolves with the answer; `onStep` gets the answers before the last one of a running task.
   * @param {string} event
   * @param {Question} question
   * @param {AskOptions} given
   */
  ask(event, question, { limit = 60000, onStep = null } = {}) {
    if (this.socket?.isOpen && QUICK.includes(event)) return this.socket.ask(event, question, limit);
    this.socket?.openLater();
    const seq = ++this.number;
    return new Promise((resolve, reject) => {
      const entry = { resolve, reject, onStep, limit, timer: 0, run: knownRun() };
      this.waiting.set(seq, entry);
      this.arm(seq, entry);
      this.lookAfter();
      this.trigger(event, { ...question, seq });
    });
  }

  /**
   * @param {number} seq
   * @param {Waiting} entry
   */
  arm(seq, entry) {
    clearTimeout(entry.timer);
    entry.timer = setTimeout(() => this.give(seq, new LostError("The server did not answer in time.")), entry.limit);
  }

  /**
   * @param {number} seq
   * @param {ServerError} error
   */
  give(seq, error) {
    const entry = this.waiting.get(seq);
    this.waiting.delete(seq);
    clearTimeout(entry?.timer);
    entry?.reject(error);
  }

  // While questions wait, the server is asked whether it is still there, and still the one that was asked.
  lookAfter() {
    if (this.looking) return;
    this.looking = setTimeout(async () => {
      const asked = [...this.waiting];
      const run = asked.length ? await alive() : null;
      this.looking = 0;
      for (const [seq, entry] of asked) {
        if (!run) this.give(seq, new LostError());
        else if (entry.run && entry.run !== run) this.give(seq, new LostError("The server was started anew."));
      }
      if (this.waiting.size) this.lookAfter();
    }, LOOK_AFTER);
  }

  /** @param {Answer} answer */
  receive(answer) {
    const entry = answer && this.waiting.get(answer.seq);
    if (!entry) return;
    if (answer.step) {
      this.arm(answer.seq, entry);
      entry.onStep?.(answer.step);
      return;
    }
    clearTimeout(entry.timer);
    this.waiting.delete(answer.seq);
    if (answer.error) entry.reject(Object.assign(new Error(answer.error), { unexpected: answer.unexpected === true }));
    else entry.resolve(answer.result);
  }
}
