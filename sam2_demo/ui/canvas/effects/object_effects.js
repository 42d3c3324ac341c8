// Effects on and over the objects. Each takes the pen of the picture so far, the scene and a variant 0, 1 or 2.

import {
  blocks,
  blurred,
  effects,
  fill,
  outside,
  pixels,
  place,
  ring,
  unionMask,
  verticalGradient,
  within,
} from "./effect_tools.js";
import { TABLE } from "./table.js";

/** @import { Effects, Pen, Scene } from "../state/types.js" */

const ROWS = TABLE.objects;

/** @type {Effects} */
export const OBJECT_EFFECTS = effects(ROWS, {
  overlay,
  outline,
  cutout,
  erase,
  pixelate,
  blur,
  gradient,
  spotlight,
  burst,
  emoji,
  label: labelBox,
  trail,
});

/**
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {number} kind
 */
function overlay(pen, scene, kind) {
  for (const subject of scene.subjects) {
    pen.globalAlpha = ROWS.overlay.opacity[kind];
    pen.drawImage(subject.mask, 0, 0);
    pen.globalAlpha = 1;
    const line = ROWS.overlay.line[kind];
    if (line) ring(pen, scene, subject, pixels(scene, line), subject.color);
  }
}

/**
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {number} kind
 */
function outline(pen, scene, kind) {
  for (const subject of scene.subjects)
    ring(pen, scene, subject, pixels(scene, ROWS.outline.line[kind]), subject.color);
}

/**
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {number} kind
 */
function cutout(pen, scene, kind) {
  for (const subject of scene.subjects) {
    ring(pen, scene, subject, pixels(scene, ROWS.cutout.line[kind]), kind === 2 ? subject.color : "#ffffff");
    within(pen, scene, subject.mask, (layer) => layer.drawImage(scene.frame, 0, 0, scene.width, scene.height));
  }
}

/**
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {number} kind
 */
function erase(pen, scene, kind) {
  within(pen, scene, unionMask(scene), (layer) => fill(layer, scene, TABLE.flat[kind]));
}

/**
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {number} kind
 */
function pixelate(pen, scene, kind) {
  within(pen, scene, unionMask(scene), (layer) => blocks(layer, scene, ROWS.pixelate.block[kind]));
}

/**
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {number} kind
 */
function blur(pen, scene, kind) {
  within(pen, scene, unionMask(scene), (layer) => blurred(layer, scene, ROWS.blur.sigma[kind]));
}

/**
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {number} kind
 */
function gradient(pen, scene, kind) {
  within(
    pen,
    scene,
    unionMask(scene),
    (layer) => fill(layer, scene, verticalGradient(layer, scene, kind)),
    ROWS.gradient.opacity[kind],
  );
}

/**
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {number} kind
 */
function spotlight(pen, scene, kind) {
  outside(pen, scene, (layer) => fill(layer, scene, "#000000"), ROWS.spotlight.opacity[kind]);
}

/**
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {number} kind
 */
function burst(pen, scene, kind) {
  const count = ROWS.burst.rays[kind];
  const far = 2 * (scene.width + scene.height);
  for (const { bounds, color } of scene.subjects) {
    if (!bounds) continue;
    const x = (bounds[0] + bounds[2]) / 2,
      y = (bounds[1] + bounds[3]) / 2;
    outside(
      pen,
      { ...scene, subjects: scene.everyone },
      (layer) => {
        layer.fillStyle = color;
        layer.beginPath();
        for (let ray = 0; ray < count; ray++) {
          layer.moveTo(x, y);
          for (const half of [0, 0.5]) {
            const angle = ((ray + half) * 2 * Math.PI) / count;
            layer.lineTo(x + far * Math.cos(angle), y + far * Math.sin(angle));
          }
          layer.closePath();
        }
        layer.fill();
      },
      ROWS.burst.opacity[kind],
    );
  }
}

/**
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {number} kind
 */
function emoji(pen, scene, kind) {
  const sprite = scene.stickers?.[kind];
  if (!sprite) return;
  for (const { bounds } of scene.subjects) {
    if (!bounds) continue;
    const [x0, y0, x1, y1] = bounds;
    const side = Math.max(8, Math.round(1.1 * Math.max(x1 - x0, y1 - y0)));
    place(pen, sprite, Math.round((x0 + x1 - side) / 2), Math.round((y0 + y1 - side) / 2), side, side);
  }
}

/**
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {number} kind
 */
function labelBox(pen, scene, kind) {
  const line = pixels(scene, ROWS.label.line[kind]);
  for (const { bounds, color, label } of scene.subjects) {
    if (!bounds) continue;
    const [x0, y0, x1, y1] = bounds;
    if (kind < 2) {
      pen.fillStyle = color;
      pen.fillRect(x0 - line, y0 - line, x1 - x0 + 2 * line, line);
      pen.fillRect(x0 - line, y1, x1 - x0 + 2 * line, line);
      pen.fillRect(x0 - line, y0, line, y1 - y0);
      pen.fillRect(x1, y0, line, y1 - y0);
    }
    if (kind !== 1 && label) {
      const high = Math.max(12, pixels(scene, 30));
      const wide = Math.round((label.width * high) / label.height);
      place(pen, label, Math.max(0, x0 - line), Math.max(0, y0 - line - high), wide, high);
    }
  }
}

/**
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {number} kind
 */
function trail(pen, scene, kind) {
  const line = pixels(scene, ROWS.trail.line[kind]);
  for (const { color, trail: centers } of scene.subjects) {
    const points = centers
      .slice(-ROWS.trail.frames[kind])
      .map(([x, y]) => [Math.round(x * scene.width), Math.round(y * scene.height)]);
    if (!points.length) continue;
    pen.strokeStyle = pen.fillStyle = color;
    pen.lineWidth = line;
    pen.lineJoin = pen.lineCap = "round";
    pen.beginPath();
    for (const [x, y] of points) pen.lineTo(x + 0.5, y + 0.5);
    pen.stroke();
    const [x, y] = points[points.length - 1];
    pen.beginPath();
    pen.arc(x + 0.5, y + 0.5, line + 2.5, 0, 7);
    pen.fill();
  }
}
