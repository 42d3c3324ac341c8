// Pictures of the camera on their way: one in flight, the newest next, none waits. What comes back is shown with the
// picture that it belongs to.

/** @import { Masks } from "../state/types.js" */
/** @import { FrameAnswer } from "../server/socket.js" */

/** @typedef {{ number: number, bitmap: ImageBitmap, taken: number }} Flying */
/** @typedef {{ bitmap: ImageBitmap, frame: number, masks: Masks, anew: boolean }} Shown */

const QUALITY = 0.85;
const LOST_AFTER = 5000; // milliseconds without an answer
const COUNTED = 20; // answers over which rate and delay are told

export class LiveLane {
  /**
   * @param {{ isOpen: boolean, sendFrame: (number: number, seconds: number, jpeg: ArrayBuffer) => void }} socket
   * @param {(shown: Shown) => void} show
   * @param {(text: string) => void} warn
   */
  constructor(socket, show, warn) {
    this.socket = socket;
    this.show = show;
    this.warn = warn;
    /** @type {Flying | null} */
    this.flying = null;
    this.number = 0;
    this.takenAt = -1;
    this.isTaking = false;
    /** @type {number[]} */
    this.answeredAt = [];
    /** @type {number[]} */
    this.delays = [];
  }

  // Whether the next picture may go.
  get isFree() {
    if (this.flying && performance.now() - this.flying.taken > LOST_AFTER) this.drop();
    return !this.flying && !this.isTaking && this.socket.isOpen;
  }

  drop() {
    this.flying?.bitmap.close();
    this.flying = null;
  }

  /**
   * Takes the picture that the video shows and sends it.
   * @param {HTMLVideoElement} video
   * @param {number} longSide
   */
  async take(video, longSide) {
    if (!this.isFree || !video.videoWidth || video.currentTime === this.takenAt) return;
    this.isTaking = true;
    this.takenAt = video.currentTime; // a picture goes once, however often the screen is drawn
    try {
      const taken = performance.now();
      const scale = Math.min(1, longSide / Math.max(video.videoWidth, video.videoHeight));
      const width = Math.round(video.videoWidth * scale),
        height = Math.round(video.videoHeight * scale);
      const sheet = new OffscreenCanvas(width, height);
      sheet.getContext("2d").drawImage(video, 0, 0, width, height);
      const blob = await sheet.convertToBlob({ type: "image/jpeg", quality: QUALITY });
      const jpeg = await blob.arrayBuffer();
      this.flying = { number: ++this.number, bitmap: sheet.transferToImageBitmap(), taken };
      this.socket.sendFrame(this.number, taken / 1000, jpeg);
    } finally {
      this.isTaking = false;
    }
  }

  /** @param {FrameAnswer} answer */
  receive(answer) {
    const { flying } = this;
    if (!flying || answer.number !== flying.number) return; // of a picture given up
    this.flying = null;
    if (answer.error) {
      flying.bitmap.close();
      this.warn(answer.error);
      return;
    }
    const { frame, masks, anew } = answer.result;
    this.show({ bitmap: flying.bitmap, frame, masks, anew });
    const now = performance.now();
    this.delays = [...this.delays.slice(1 - COUNTED), now - flying.taken];
    this.answeredAt = [...this.answeredAt.slice(1 - COUNTED), now];
  }

  // Pictures a second, and milliseconds from taking one to showing its masks (median); null before there are any.
  pace() {
    const { answeredAt, delays } = this;
    if (answeredAt.length < 2) return null;
    const span = answeredAt[answeredAt.length - 1] - answeredAt[0];
    const sorted = [...delays].sort((a, b) => a - b);
    return { rate: (1000 * (answeredAt.length - 1)) / Math.max(span, 1), delay: sorted[sorted.length >> 1] };
  }

  forget() {
    this.drop();
    this.answeredAt = [];
    this.delays = [];
  }
}
