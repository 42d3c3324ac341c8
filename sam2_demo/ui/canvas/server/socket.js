// The page's one WebSocket: quick questions without Gradio's queue, camera pictures up, masks down. Where it cannot be
// opened, questions go the other way (`Channel`), and only the camera does without.

import { address, alive, LostError } from "./server.js";

/** @import { Answer, Question } from "../state/types.js" */

const AGAIN_AFTER = 3000;

/** @typedef {{ number: number, result?: any, error?: string }} FrameAnswer */
/** @typedef {{ resolve: (result: any) => void, reject: (error: Error) => void, timer: number }} Asked */

export class Socket {
  /**
   * @param {(url: string) => WebSocket} connect
   * @param {() => Promise<string | null>} findRun
   */
  constructor(connect = (url) => new WebSocket(url), findRun = alive) {
    this.connect = connect;
    this.findRun = findRun;
    /** @type {WebSocket | null} */
    this.socket = null;
    /** @type {Map<number, Asked>} */
    this.asked = new Map();
    this.number = 0;
    this.closedAt = -Infinity;
    /** @type {Promise<boolean> | null} */
    this.opening = null;
    this.reason = ""; // why it was closed, in the server's words
    /** @type {(answer: FrameAnswer) => void} */
    this.onFrame = () => {};
    /** @type {(reason: string) => void} */
    this.onClose = () => {};
  }

  get isOpen() {
    return this.socket?.readyState === 1;
  }

  // Whether it is open in the end.
  open() {
    if (this.isOpen) return Promise.resolve(true);
    this.opening ||= this.tryOpening().finally(() => {
      this.opening = null;
    });
    return this.opening;
  }

  // Opens it again after a pause; questions meanwhile go the other way.
  openLater() {
    if (!this.isOpen && Date.now() - this.closedAt > AGAIN_AFTER) this.open();
  }

  async tryOpening() {
    const run = await this.findRun();
    if (!run) return false;
    const socket = this.connect(`${address("channel").replace(/^http/, "ws")}?run=${encodeURIComponent(run)}`);
    socket.binaryType = "arraybuffer";
    return new Promise((resolve) => {
      socket.onopen = () => {
        this.socket = socket;
        resolve(true);
      };
      socket.onmessage = ({ data }) => this.receive(JSON.parse(data));
      socket.onclose = ({ reason }) => {
        this.close(socket, reason);
        resolve(false);
      };
    });
  }

  /**
   * @param {WebSocket} socket
   * @param {string} reason
   */
  close(socket, reason) {
    this.closedAt = Date.now();
    if (this.socket !== socket) return;
    this.socket = null;
    this.reason = reason;
    for (const seq of [...this.asked.keys()]) this.fail(seq, new LostError());
    this.onClose(reason);
  }

  /**
   * @param {number} seq
   * @param {Error} error
   */
  fail(seq, error) {
    const asked = this.asked.get(seq);
    this.asked.delete(seq);
    clearTimeout(asked?.timer);
    asked?.reject(error);
  }

  /**
   * @param {string} event
   * @param {Question} question
   * @param {number} [limit]
   */
  ask(event, question, limit = 60000) {
    const seq = ++this.number;
    return new Promise((resolve, reject) => {
      if (!this.isOpen) return reject(new LostError());
      const late = () => this.fail(seq, new LostError("The server did not answer in time."));
      this.asked.set(seq, { resolve, reject, timer: setTimeout(late, limit) });
      this.socket.send(JSON.stringify({ ...question, event, seq }));
    });
  }

  /**
   * A camera's picture; `seconds` on any clock that goes evenly.
   * @param {number} number
   * @param {number} seconds
   * @param {ArrayBuffer} jpeg
   */
  sendFrame(number, seconds, jpeg) {
    const message = new Uint8Array(12 + jpeg.byteLength);
    const head = new DataView(message.buffer);
    head.setUint32(0, number, true);
    head.setFloat64(4, seconds, true);
    message.set(new Uint8Array(jpeg), 12);
    this.socket?.send(message);
  }

  /** @param {any} answer */
  receive(answer) {
    if (answer.number !== undefined) return this.onFrame(answer);
    const asked = this.asked.get(answer.seq);
    if (!asked) return;
    this.asked.delete(answer.seq);
    clearTimeout(asked.timer);
    if (answer.error) asked.reject(Object.assign(new Error(answer.error), { unexpected: answer.unexpected === true }));
    else asked.resolve(answer.result);
  }
}

export const pageSocket = new Socket();
