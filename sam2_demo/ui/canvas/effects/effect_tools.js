// What effects are made of: layers cut to masks, rings, blur, blocks, gradients, scaled pictures.

import { TABLE } from "./table.js";

/** @import { Draw, EffectRow, Effects, Pen, Scene, Subject } from "../state/types.js" */

/**
 * The effects of a layer, in the table's order, each with what draws it; a row that nothing draws is an error here.
 * @param {{ [name: string]: EffectRow }} rows
 * @param {{ [name: string]: Draw | null }} drawn
 * @returns {Effects}
 */
export function effects(rows, drawn) {
  return Object.fromEntries(
    Object.entries(rows).map(([name, row]) => {
      if (!Object.hasOwn(drawn, name)) throw new Error(`nothing draws the effect ${name}`);
      return [name, [row.title, row.variants, drawn[name]]];
    }),
  );
}

/**
 * @param {Scene} scene
 * @param {number} reference
 */
export const pixels = (scene, reference) =>
  Math.max(1, Math.round((reference * Math.max(scene.width, scene.height)) / 1280));

/** @type {{ [name: string]: OffscreenCanvas }} */
const scratch = {};

/**
 * @param {string} name
 * @param {number} width
 * @param {number} height
 * @returns {[OffscreenCanvas, OffscreenCanvasRenderingContext2D]}
 */
export function sheet(name, width, height) {
  let canvas = scratch[name];
  if (!canvas || canvas.width !== width || canvas.height !== height)
    canvas = scratch[name] = new OffscreenCanvas(width, height);
  const pen = canvas.getContext("2d");
  pen.globalAlpha = 1;
  pen.globalCompositeOperation = "source-over";
  pen.filter = "none";
  pen.clearRect(0, 0, width, height);
  return [canvas, pen];
}

/** @param {Pen} pen */
export function smooth(pen) {
  pen.imageSmoothingEnabled = true;
  pen.imageSmoothingQuality = "high";
}

/** @param {Scene} scene */
export function unionMask(scene) {
  const [canvas, pen] = sheet("union", scene.width, scene.height);
  for (const { mask } of scene.subjects) pen.drawImage(mask, 0, 0);
  return canvas;
}

/**
 * Draws a layer only where the mask is.
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {OffscreenCanvas} mask
 * @param {(layer: Pen) => void} draw
 * @param {number} [opacity]
 */
export function within(pen, scene, mask, draw, opacity = 1) {
  const [canvas, layer] = sheet("layer", scene.width, scene.height);
  draw(layer);
  layer.filter = "none";
  layer.globalAlpha = 1;
  layer.globalCompositeOperation = "destination-in";
  layer.drawImage(mask, 0, 0);
  pen.globalAlpha = opacity;
  pen.drawImage(canvas, 0, 0);
  pen.globalAlpha = 1;
}

/**
 * Draws a layer only where no object is.
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {(layer: Pen) => void} draw
 * @param {number} opacity
 */
export function outside(pen, scene, draw, opacity) {
  const mask = unionMask(scene);
  const [canvas, layer] = sheet("layer", scene.width, scene.height);
  draw(layer);
  layer.globalCompositeOperation = "destination-out";
  layer.drawImage(mask, 0, 0);
  pen.globalAlpha = opacity;
  pen.drawImage(canvas, 0, 0);
  pen.globalAlpha = 1;
}

/**
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {string | CanvasGradient} style
 */
export function fill(pen, scene, style) {
  pen.fillStyle = style;
  pen.fillRect(0, 0, scene.width, scene.height);
}

/**
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {number} kind
 */
export function verticalGradient(pen, scene, kind) {
  const shades = pen.createLinearGradient(0, 0, 0, scene.height);
  shades.addColorStop(0, TABLE.gradients[kind][0]);
  shades.addColorStop(1, TABLE.gradients[kind][1]);
  return shades;
}

/**
 * The ring of `reach` pixels just outside a mask.
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {Subject} given
 * @param {number} reach
 * @param {string} color
 */
export function ring(pen, scene, { mask, bounds }, reach, color) {
  if (!bounds) return;
  const [canvas, layer] = sheet("ring", scene.width, scene.height);
  const x = bounds[0],
    y = bounds[1],
    w = bounds[2] - x,
    h = bounds[3] - y;
  const steps = reach > 5 ? 32 : 16;
  for (let step = 0; step < steps; step++) {
    const angle = (step * 2 * Math.PI) / steps;
    layer.drawImage(
      mask,
      x,
      y,
      w,
      h,
      x + Math.round(reach * Math.cos(angle)),
      y + Math.round(reach * Math.sin(angle)),
      w,
      h,
    );
  }
  layer.globalCompositeOperation = "destination-out";
  layer.drawImage(mask, 0, 0);
  layer.globalCompositeOperation = "source-in";
  fill(layer, scene, color);
  pen.drawImage(canvas, 0, 0);
}

/**
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {number} reference
 */
export function blurred(pen, scene, reference) {
  const sigma = Math.max(0.3, (reference * Math.max(scene.width, scene.height)) / 1280);
  const border = Math.ceil(3 * sigma);
  const { width, height, frame } = scene;
  // The frame mirrored around itself, so that its edges do not fade.
  const [canvas, wide] = sheet("blur", width + 2 * border, height + 2 * border);
  for (const [sx, ox] of [
    [1, border],
    [-1, border],
    [-1, border + 2 * width],
  ]) {
    for (const [sy, oy] of [
      [1, border],
      [-1, border],
      [-1, border + 2 * height],
    ]) {
      wide.setTransform(sx, 0, 0, sy, ox, oy);
      wide.drawImage(frame, 0, 0, width, height);
    }
  }
  wide.setTransform(1, 0, 0, 1, 0, 0);
  pen.filter = `blur(${sigma}px)`;
  pen.drawImage(canvas, -border, -border);
  pen.filter = "none";
}

/**
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {number} side
 */
export function blocks(pen, scene, side) {
  const { width, height, frame } = scene;
  const block = pixels(scene, side);
  const w = Math.max(1, Math.round(width / block)),
    h = Math.max(1, Math.round(height / block));
  pen.imageSmoothingEnabled = false;
  pen.drawImage(scaled(frame, w, h), 0, 0, width, height);
  pen.imageSmoothingEnabled = true;
}

/**
 * A smaller copy, each pixel the mean over the area that it covers; larger copies are smoothed.
 * @param {ImageBitmap} image
 * @param {number} width
 * @param {number} height
 */
export function scaled(image, width, height) {
  const result = new OffscreenCanvas(width, height);
  const pen = result.getContext("2d");
  if (width > image.width || height > image.height) {
    pen.drawImage(image, 0, 0, width, height);
    return result;
  }
  const source = new OffscreenCanvas(image.width, image.height);
  const reader = source.getContext("2d", { willReadFrequently: true });
  reader.drawImage(image, 0, 0);
  const { data } = reader.getImageData(0, 0, image.width, image.height);
  const columns = averaged(data, image.width, image.height, width, true);
  const rows = averaged(columns, image.height, width, height, false);
  const target = new ImageData(width, height);
  for (let k = 0; k < rows.length; k++) target.data[k] = Math.round(rows[k]);
  pen.putImageData(target, 0, 0);
  return result;
}

/**
 * Means along one axis of RGBA values: `length` of them become `wanted` on each of the lines.
 * @param {ArrayLike<number>} values
 * @param {number} length
 * @param {number} lines
 * @param {number} wanted
 * @param {boolean} alongRows
 */
function averaged(values, length, lines, wanted, alongRows) {
  const step = alongRows ? 4 : 4 * lines,
    stride = alongRows ? 4 * length : 4;
  const outStep = step,
    outStride = alongRows ? 4 * wanted : 4;
  const out = new Float32Array(4 * wanted * lines);
  const ratio = length / wanted;
  for (let k = 0; k < wanted; k++) {
    const start = k * ratio,
      end = Math.min(length, start + ratio);
    for (let j = Math.floor(start); j < end - 1e-6; j++) {
      const weight = (Math.min(end, j + 1) - Math.max(start, j)) / (end - start);
      for (let line = 0; line < lines; line++) {
        const from = line * stride + j * step,
          to = line * outStride + k * outStep;
        for (let c = 0; c < 4; c++) out[to + c] += values[from + c] * weight;
      }
    }
  }
  return out;
}

/**
 * @param {Pen} pen
 * @param {ImageBitmap} sprite
 * @param {number} left
 * @param {number} top
 * @param {number} width
 * @param {number} height
 */
export function place(pen, sprite, left, top, width, height) {
  pen.drawImage(scaled(sprite, width, height), left, top);
}
