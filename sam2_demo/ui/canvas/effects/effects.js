// Draws a frame with its effects; rendering/effects.py paints the same ones into files. Sizes are for a long side of 1280.

import { BACKGROUND_EFFECTS } from "./background_effects.js";
import { unionMask, within } from "./effect_tools.js";
import { OBJECT_EFFECTS } from "./object_effects.js";
import { TABLE } from "./table.js";

/** @import { ObjectInfo, Pen, Scene, View } from "../state/types.js" */

export { BACKGROUND_EFFECTS, OBJECT_EFFECTS };

/** @param {number | undefined} value */
const variant = (value) => ([0, 1, 2].includes(value) ? value : 0);

/**
 * The name and variant of an object's effect on a layer ("objects" or "extra"): its own, or the one for all.
 * @param {ObjectInfo} object
 * @param {View} view
 * @param {"objects" | "extra"} layer
 */
export function layerOf(object, view, layer) {
  const own = layer === "objects" ? "effect" : "extra";
  if (object[own]) return [object[own], variant(object[`${own}_variant`])];
  return [view[layer] || (layer === "objects" ? "overlay" : "none"), variant(view[`${layer}_variant`])];
}

/**
 * scene: { frame, width, height, subjects, backdrop, lettering, stickers, view }; a subject is { mask, color, bounds,
 * trail, label } and what its object says of effects.
 * @param {OffscreenCanvas | HTMLCanvasElement} canvas
 * @param {Scene} scene
 */
export function drawEffects(canvas, scene) {
  const { view } = scene;
  const pen = canvas.getContext("2d");
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.globalAlpha = 1;
  pen.globalCompositeOperation = "source-over";
  pen.filter = "none";
  pen.drawImage(scene.frame, 0, 0, scene.width, scene.height);
  const background = BACKGROUND_EFFECTS[view.background]?.[2];
  if (background) {
    background(pen, scene, variant(view.background_variant));
    within(pen, scene, unionMask(scene), (layer) => layer.drawImage(scene.frame, 0, 0, scene.width, scene.height));
  }
  drawLayer(pen, scene, "objects");
  drawLayer(pen, scene, "extra");
}

/**
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {"objects" | "extra"} layer
 */
function drawLayer(pen, scene, layer) {
  const groups = new Map();
  for (const subject of scene.subjects) {
    const [name, kind] = layerOf(subject, scene.view, layer);
    const group = `${name} ${kind}`;
    if (!groups.has(group)) groups.set(group, { name, kind, subjects: [] });
    groups.get(group).subjects.push(subject);
  }
  // Light and rays come first: they fall around objects, other effects onto them.
  /** @param {{ name: string }} group */
  const rank = ({ name }) => (Object.hasOwn(OBJECT_EFFECTS, name) && TABLE.objects[name].around ? 0 : 1);
  for (const { name, kind, subjects } of [...groups.values()].sort((a, b) => rank(a) - rank(b))) {
    const draw = Object.hasOwn(OBJECT_EFFECTS, name) && OBJECT_EFFECTS[name][2];
    if (draw) draw(pen, { ...scene, subjects, everyone: scene.subjects }, kind);
  }
}
