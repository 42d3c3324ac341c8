// Masks joined and brought to another size, by painting them.

import { encodeCanvas, maskBounds, paintMask } from "./rle.js";

// Run lengths of a mask of [height, width] = `size` at another size.
export function resizeMask(counts, [height, width], [newHeight, newWidth]) {
  if (height === newHeight && width === newWidth) return counts;
  const canvas = new OffscreenCanvas(newWidth, newHeight);
  canvas.getContext("2d").drawImage(paintMask(counts, width, height, "#ffffff"), 0, 0, newWidth, newHeight);
  return encodeCanvas(canvas);
}

// What several masks cover together, with area and bounds.
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
