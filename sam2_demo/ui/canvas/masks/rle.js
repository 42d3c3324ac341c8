// COCO compressed run lengths <-> pictures. Columns come first in the code, so masks are painted transposed.

/** @import { Box } from "../state/types.js" */

/** @param {string} counts */
export function decodeRuns(counts) {
  const runs = [];
  let position = 0;
  while (position < counts.length) {
    let value = 0,
      shift = 0,
      more = true;
    while (more) {
      const code = counts.charCodeAt(position++) - 48;
      value |= (code & 31) << shift;
      shift += 5;
      more = (code & 32) !== 0;
      if (!more && code & 16) value |= -1 << shift;
    }
    if (runs.length > 2) value += runs[runs.length - 2];
    runs.push(value);
  }
  return runs;
}

/** @param {number[]} runs */
export function encodeRuns(runs) {
  let text = "";
  runs.forEach((run, index) => {
    let value = index > 2 ? run - runs[index - 2] : run;
    let more = true;
    while (more) {
      let code = value & 31;
      value >>= 5;
      more = code & 16 ? value !== -1 : value !== 0;
      if (more) code |= 32;
      text += String.fromCharCode(code + 48);
    }
  });
  return text;
}

/**
 * A canvas of width x height, opaque in `color` (#rrggbb) where the mask is, clear elsewhere.
 * @param {string} counts
 * @param {number} width
 * @param {number} height
 * @param {string} color
 */
export function paintMask(counts, width, height, color) {
  const turned = new OffscreenCanvas(height, width);
  const picture = new ImageData(height, width);
  const pixels = new Uint32Array(picture.data.buffer);
  const red = parseInt(color.slice(1, 3), 16),
    green = parseInt(color.slice(3, 5), 16);
  const blue = parseInt(color.slice(5, 7), 16);
  const packed = ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  let start = 0;
  decodeRuns(counts).forEach((run, index) => {
    if (index & 1) pixels.fill(packed, start, start + run);
    start += run;
  });
  turned.getContext("2d").putImageData(picture, 0, 0);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.setTransform(0, 1, 1, 0, 0, 0);
  context.drawImage(turned, 0, 0);
  context.resetTransform(); // the brush goes on painting on this canvas
  return canvas;
}

/**
 * The run lengths of a painted canvas: every pixel that is at least half opaque belongs to the mask.
 * @param {OffscreenCanvas | HTMLCanvasElement} canvas
 */
export function encodeCanvas(canvas) {
  const { width, height } = canvas;
  const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  const runs = [];
  let previous = 0,
    length = 0;
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      const value = data[(y * width + x) * 4 + 3] >= 128 ? 1 : 0;
      if (value !== previous) {
        runs.push(length);
        length = 0;
        previous = value;
      }
      length++;
    }
  }
  runs.push(length);
  return encodeRuns(runs);
}

/**
 * [x0, y0, x1, y1] of a mask whose columns have `height` pixels, end exclusive; null for an empty one.
 * @param {string} counts
 * @param {number} height
 * @returns {Box | null}
 */
export function maskBounds(counts, height) {
  let start = 0,
    x0 = Infinity,
    x1 = -1,
    y0 = Infinity,
    y1 = -1;
  decodeRuns(counts).forEach((run, index) => {
    if (index & 1 && run > 0) {
      const last = start + run - 1;
      const first = Math.floor(start / height),
        final = Math.floor(last / height);
      x0 = Math.min(x0, first);
      x1 = Math.max(x1, final);
      y0 = Math.min(y0, first === final ? start % height : 0);
      y1 = Math.max(y1, first === final ? last % height : height - 1);
    }
    start += run;
  });
  return x1 < 0 ? null : [x0, y0, x1 + 1, y1 + 1];
}
