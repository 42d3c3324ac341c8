// What a person has said, drawn over the picture: points, boxes, the keyboard cursor, the ring of the brush.

/** @import { Stage } from "./stage.js" */
/** @import { Box, Transform } from "../state/types.js" */

const MARKER = 7;

/**
 * @param {Stage} stage
 * @param {Transform} view
 */
export function paintMarkers(stage, view) {
  const { context, store } = stage;
  const unit = stage.ratio / view.scale;
  for (const object of store.objects) {
    if (!object.visible) continue;
    const prompt = store.prompt(store.frame, object.object_id);
    const active = object.object_id === store.active;
    context.globalAlpha = active ? 1 : 0.55;
    if (prompt.box) paintBox(stage, prompt.box, object.color, unit, active);
    for (const [x, y, label] of prompt.points) paintPoint(stage, x, y, label, unit);
  }
  context.globalAlpha = 1;
  if (stage.draft) paintBox(stage, stage.draft, store.object(store.active)?.color || "#ffffff", unit, false);
  if (stage.cursor) paintCursor(stage, unit);
  if (stage.ring) paintRing(stage, unit);
}

/**
 * @param {Stage} stage
 * @param {number} x
 * @param {number} y
 * @param {number} label
 * @param {number} unit
 */
function paintPoint(stage, x, y, label, unit) {
  const { context } = stage;
  const radius = MARKER * unit;
  context.beginPath();
  context.arc(x, y, radius, 0, 7);
  context.fillStyle = label ? "#0b8f5a" : "#c8271d";
  context.fill();
  context.lineWidth = 2 * unit;
  context.strokeStyle = "#ffffff";
  context.stroke();
  context.beginPath();
  context.moveTo(x - radius * 0.5, y);
  context.lineTo(x + radius * 0.5, y);
  if (label) {
    context.moveTo(x, y - radius * 0.5);
    context.lineTo(x, y + radius * 0.5);
  }
  context.stroke();
}

/**
 * @param {Stage} stage
 * @param {Box} given
 * @param {string} color
 * @param {number} unit
 * @param {boolean} handles
 */
function paintBox(stage, [x0, y0, x1, y1], color, unit, handles) {
  const { context } = stage;
  context.lineWidth = 4 * unit;
  context.strokeStyle = "rgba(0,0,0,0.55)";
  context.strokeRect(x0, y0, x1 - x0, y1 - y0);
  context.lineWidth = 2 * unit;
  context.strokeStyle = color;
  context.strokeRect(x0, y0, x1 - x0, y1 - y0);
  if (!handles) return;
  context.fillStyle = "#ffffff";
  for (const [x, y] of [
    [x0, y0],
    [x1, y0],
    [x0, y1],
    [x1, y1],
  ]) {
    context.fillRect(x - 4 * unit, y - 4 * unit, 8 * unit, 8 * unit);
  }
}

/**
 * @param {Stage} stage
 * @param {number} unit
 */
function paintCursor(stage, unit) {
  const { context, cursor } = stage;
  for (const width of [4, 2]) {
    context.lineWidth = width * unit;
    context.strokeStyle = width === 4 ? "#000000" : "#ffffff";
    context.beginPath();
    context.moveTo(cursor.x - 14 * unit, cursor.y);
    context.lineTo(cursor.x + 14 * unit, cursor.y);
    context.moveTo(cursor.x, cursor.y - 14 * unit);
    context.lineTo(cursor.x, cursor.y + 14 * unit);
    context.stroke();
  }
}

/**
 * @param {Stage} stage
 * @param {number} unit
 */
function paintRing(stage, unit) {
  const { context, ring } = stage;
  context.lineWidth = 1.5 * unit;
  context.strokeStyle = "#ffffff";
  context.beginPath();
  context.arc(ring.x, ring.y, ring.radius, 0, 7);
  context.stroke();
}
