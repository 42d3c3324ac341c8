// Effects behind the objects. Each takes the pen of the picture so far, the scene and a variant 0, 1 or 2.

import { blocks, blurred, effects, fill, scaled, smooth, verticalGradient } from "./effect_tools.js";
import { TABLE } from "./table.js";

/** @import { Effects, Pen, Scene } from "../state/types.js" */

const ROWS = TABLE.background;

/** @type {Effects} */
export const BACKGROUND_EFFECTS = effects(ROWS, {
  original: null,
  erase: backgroundErase,
  blur: backgroundBlur,
  pixelate: backgroundPixelate,
  desaturate: backgroundDesaturate,
  darken: backgroundDarken,
  gradient: backgroundGradient,
  outline: backgroundOutline,
  text: backgroundText,
  color: backgroundColor,
  picture: backgroundPicture,
});

/**
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {number} kind
 */
function backgroundErase(pen, scene, kind) {
  fill(pen, scene, TABLE.flat[kind]);
}

/**
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {number} kind
 */
function backgroundBlur(pen, scene, kind) {
  blurred(pen, scene, ROWS.blur.sigma[kind]);
}

/**
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {number} kind
 */
function backgroundPixelate(pen, scene, kind) {
  blocks(pen, scene, ROWS.pixelate.block[kind]);
}

/**
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {number} kind
 */
function backgroundDesaturate(pen, scene, kind) {
  pen.filter = ["grayscale(1)", "grayscale(0.5)", "sepia(1)"][kind];
  pen.drawImage(scene.frame, 0, 0, scene.width, scene.height);
  pen.filter = "none";
}

/**
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {number} kind
 */
function backgroundDarken(pen, scene, kind) {
  pen.globalAlpha = 1 - ROWS.darken.light[kind];
  fill(pen, scene, "#000000");
  pen.globalAlpha = 1;
}

/**
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {number} kind
 */
function backgroundGradient(pen, scene, kind) {
  pen.globalAlpha = ROWS.gradient.opacity[kind];
  fill(pen, scene, verticalGradient(pen, scene, kind));
  pen.globalAlpha = 1;
}

/**
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {number} kind
 */
function backgroundOutline(pen, scene, kind) {
  const { width, height } = scene;
  const image = pen.getImageData(0, 0, width, height);
  const { data } = image;
  const luma = new Float32Array(width * height);
  for (let k = 0; k < luma.length; k++)
    luma[k] = 0.2126 * data[4 * k] + 0.7152 * data[4 * k + 1] + 0.0722 * data[4 * k + 2];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const k = y * width + x;
      const inner = x > 0 && y > 0 && x < width - 1 && y < height - 1;
      const edge = inner ? Math.abs(luma[k + 1] - luma[k - 1]) + Math.abs(luma[k + width] - luma[k - width]) : 0;
      const strength = Math.min(255, 2 * edge);
      for (let c = 0; c < 3; c++) {
        data[4 * k + c] = kind === 2 ? (data[4 * k + c] * strength) / 255 : kind === 0 ? strength : 255 - strength;
      }
    }
  }
  pen.putImageData(image, 0, 0);
}

/**
 * @param {Pen} pen
 * @param {Scene} scene
 */
function backgroundText(pen, scene) {
  const sprite = scene.lettering;
  if (!sprite) return;
  const unit = Math.max(scene.width, scene.height) / 1280;
  const wide = Math.max(1, Math.round(sprite.width * unit)),
    high = Math.max(1, Math.round(sprite.height * unit));
  const tile = scaled(sprite, wide, high);
  for (let y = 0; y < scene.height; y += high) for (let x = 0; x < scene.width; x += wide) pen.drawImage(tile, x, y);
}

/**
 * @param {Pen} pen
 * @param {Scene} scene
 */
function backgroundColor(pen, scene) {
  fill(pen, scene, scene.view.background_color || "#00b140");
}

/**
 * @param {Pen} pen
 * @param {Scene} scene
 */
function backgroundPicture(pen, scene) {
  const { backdrop, width, height } = scene;
  if (!backdrop) return;
  const scale = Math.max(width / backdrop.width, height / backdrop.height);
  const w = Math.max(1, Math.min(backdrop.width, Math.round(width / scale))),
    h = Math.max(1, Math.min(backdrop.height, Math.round(height / scale)));
  smooth(pen);
  pen.drawImage(
    backdrop,
    Math.floor((backdrop.width - w) / 2),
    Math.floor((backdrop.height - h) / 2),
    w,
    h,
    0,
    0,
    width,
    height,
  );
}
