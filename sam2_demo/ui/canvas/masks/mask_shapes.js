// Masks joined and brought to another size, by painting them, and compared.

import { decodeRuns, encodeCanvas, maskBounds, paintMask } from "./rle.js";

/** @import { Size } from "../state/types.js" */

const ALIKE = 0.3; // IoU: what is shown lacks what overlapping objects took

/**
 * Run lengths of a mask of [height, width] = `size` at another size.
 * @param {string} counts
 * @param {Size} given
 * @param {Size} given
 */
export function resizeMask(counts, [height, width], [newHeight, newWidth]) {
  if (height === newHeight && width === newWidth) return counts;
  const canvas = new OffscreenCanvas(newWidth, newHeight);
  canvas.getContext("2d").drawImage(paintMask(counts, width, height, "#ffffff"), 0, 0, newWidth, newHeight);
  return encodeCanvas(canvas);
}

/**
 * What several masks cover together, with area and bounds.
 * @param {string[]} codes
 * @param {Size} given
 */
export function joinMasks(codes, [height, width]) {
  const canvas = new OffscreenCanvas(width, height);
  const pen = canvas.getContext("2d");
  for (const counts of codes) pen.drawImage(paintMask(counts, width, height, "#ffffff"), 0, 0);
  const data = pen.getImageData(0, 0, width, height).data;
  let area = 0;
  for (let k = 3; k < data.length; k += 4) if (data[k] >= 128) area++;
  const counts = encodeCanvas(canvas);
  return { counts, area, box: maskBounds(counts, height) };
}

/**
 * The IoU of two masks of one size.
 * @param {string} counts
 * @param {string} otherCounts
 */
export function maskIou(counts, otherCounts) {
  const [ends, otherEnds] = [counts, otherCounts].map((each) => {
    let end = 0;
    return decodeRuns(each).map((run) => (end += run));
  });
  let at = 0,
    shared = 0,
    joint = 0;
  for (let i = 0, k = 0; i < ends.length && k < otherEnds.length; ) {
    const next = Math.min(ends[i], otherEnds[k]);
    if (i & k & 1) shared += next - at;
    if ((i | k) & 1) joint += next - at;
    at = next;
    if (ends[i] === at) i++;
    if (otherEnds[k] === at) k++;
  }
  return joint ? shared / joint : 0;
}

/**
 * The place of the mask that is most like another one; -1 if none is.
 * @param {{ counts: string }[]} masks
 * @param {string} counts
 */
export function mostAlike(masks, counts) {
  const ious = masks.map((mask) => maskIou(mask.counts, counts));
  const best = Math.max(...ious);
  return best >= ALIKE ? ious.indexOf(best) : -1;
}
