// Which frame is shown when: by the frame rate, or by times of their own.

/** @import { Clip } from "./types.js" */

/**
 * Seconds at which a frame is shown.
 * @param {Clip} clip
 * @param {number} frame
 */
export function timeOf({ times, frame_rate: rate }, frame) {
  return times ? times[frame] : frame / rate;
}

/**
 * The frame that is shown at a time.
 * @param {Clip} clip
 * @param {number} seconds
 */
export function frameAt({ times, frame_rate: rate, num_frames: count }, seconds) {
  if (!times) return Math.max(0, Math.min(count - 1, Math.floor(seconds * rate + 1e-3)));
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (times[middle] <= seconds + 1e-3) low = middle;
    else high = middle - 1;
  }
  return low;
}
