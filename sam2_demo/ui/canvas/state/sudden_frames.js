// Where a track changes so suddenly that it is likely to be wrong.

/** @import { TrackEntry } from "./types.js" */

const JUMP = 0.6; // of the logarithm of the area, from one frame to the next

/**
 * Frames on which the object is lost, the tracker becomes unsure of it, or its area jumps.
 * @param {Map<number, TrackEntry>} track
 */
export function suddenFrames(track) {
  const frames = [];
  /** @type {TrackEntry | null} */
  let before = null;
  for (const [frame, now] of [...track].sort((a, b) => a[0] - b[0])) {
    const lost = before && before.area > 0 && now.area === 0;
    const unsure = now.state === "unsure" && before?.state !== "unsure";
    const jump = before && before.area > 0 && now.area > 0 && Math.abs(Math.log(now.area / before.area)) > JUMP;
    if (lost || unsure || jump) frames.push(frame);
    before = now;
  }
  return frames;
}
