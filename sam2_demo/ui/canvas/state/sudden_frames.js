// Where a track changes so suddenly that it is likely to be wrong.

/** @import { TrackEntry } from "./types.js" */

const LOW_IOU = 0.5;
const JUMP = 0.6; // of the logarithm of the area, from one frame to the next

/**
 * Frames on which the object is lost, its predicted IoU falls below 0.5, or its area jumps.
 * @param {Map<number, TrackEntry>} track
 */
export function suddenFrames(track) {
  const frames = [];
  /** @type {TrackEntry | null} */
  let before = null;
  for (const [frame, now] of [...track].sort((a, b) => a[0] - b[0])) {
    const lost = before && before.area > 0 && now.area === 0;
    const low = now.area > 0 && now.iou < LOW_IOU && (!before || before.iou >= LOW_IOU);
    const jump = before && before.area > 0 && now.area > 0 && Math.abs(Math.log(now.area / before.area)) > JUMP;
    if (lost || low || jump) frames.push(frame);
    before = now;
  }
  return frames;
}
