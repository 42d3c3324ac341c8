// How much of a mask other masks have already.

import { decodeRuns, paintMask } from "./rle.js";

/** @import { Size } from "../state/types.js" */

export class Coverage {
  /**
   * `codes` are run lengths of [height, width] = `from`; asked about are masks of [height, width] = `size`.
   * @param {string[]} codes
   * @param {Size} from
   * @param {Size} size
   */
  constructor(codes, from, size) {
    this.codes = codes;
    this.size = size;
    const [height, width] = size;
    // Turned, because run lengths have columns first.
    const turned = new OffscreenCanvas(height, width);
    const pen = turned.getContext("2d");
    pen.setTransform(0, 1, 1, 0, 0, 0);
    for (const counts of codes) pen.drawImage(paintMask(counts, from[1], from[0], "#ffffff"), 0, 0, width, height);
    const { data } = pen.getImageData(0, 0, height, width);
    this.before = new Uint32Array(height * width + 1); // covered pixels before each one
    for (let k = 0; k < height * width; k++) this.before[k + 1] = this.before[k] + Number(data[4 * k + 3] >= 128);
  }

  /**
   * @param {string[]} codes
   * @param {Size} size
   */
  isOf(codes, size) {
    return (
      `${size}` === `${this.size}` &&
      codes.length === this.codes.length &&
      codes.every((counts, k) => counts === this.codes[k])
    );
  }

  /**
   * The share of a mask that is covered, in 0 to 1.
   * @param {string} counts
   */
  share(counts) {
    let start = 0,
      area = 0,
      covered = 0;
    decodeRuns(counts).forEach((run, index) => {
      if (index & 1) {
        area += run;
        covered += this.before[start + run] - this.before[start];
      }
      start += run;
    });
    return area ? covered / area : 1;
  }
}
