// Effects behind, on and over the objects of a frame; rendering/effects.py paints the same ones into files.
// Each takes the pen of the picture so far, the scene and a variant 0, 1 or 2. Sizes are for a long side of 1280.

const FLAT = ["#ffffff", "#000000", "#00b140"];
const GRADIENTS = [["#ff5e62", "#ffc371"], ["#2193b0", "#6dd5ed"], ["#833ab4", "#fd1d1d"]];

export const OBJECT_EFFECTS = {
  overlay: ["Overlay", ["Normal", "Strong", "No outline"], overlay],
  outline: ["Outline", ["Thin", "Medium", "Thick"], outline],
  cutout: ["Cut-out", ["Thin edge", "Thick edge", "Coloured edge"], cutout],
  erase: ["Erase", ["White", "Black", "Green"], erase],
  pixelate: ["Pixelate", ["Fine", "Medium", "Coarse"], pixelate],
  blur: ["Blur", ["Little", "Medium", "Strong"], blur],
  gradient: ["Gradient", ["Sunset", "Sea", "Neon"], gradient],
  spotlight: ["Spotlight", ["Dim", "Dark", "Night"], spotlight],
  burst: ["Burst", ["Wide rays", "Rays", "Fine rays"], burst],
  emoji: ["Sticker", ["Smile", "Heart", "Star"], emoji],
  label: ["Label, box", ["Both", "Box", "Label"], labelBox],
  trail: ["Trail", ["Short", "Long", "Whole way"], trail],
};
export const BACKGROUND_EFFECTS = {
  original: ["Original", [], null],
  erase: ["Erase", ["White", "Black", "Green"], backgroundErase],
  blur: ["Blur", ["Little", "Medium", "Strong"], backgroundBlur],
  pixelate: ["Pixelate", ["Fine", "Medium", "Coarse"], backgroundPixelate],
  desaturate: ["Desaturate", ["Grey", "Half", "Sepia"], backgroundDesaturate],
  darken: ["Darken", ["A little", "Much", "Almost black"], backgroundDarken],
  gradient: ["Gradient", ["Sunset", "Sea", "Neon"], backgroundGradient],
  outline: ["Edges", ["White on black", "Black on white", "In colour"], backgroundOutline],
  text: ["Text", ["Yellow", "Blue", "Orange"], backgroundText],
  color: ["Colour", [], backgroundColor],
  picture: ["Picture", [], backgroundPicture],
};

// scene: { frame, width, height, subjects: [{ mask, color, bounds, trail, label }], backdrop, lettering, stickers, view }
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
  OBJECT_EFFECTS[view.objects || "overlay"]?.[2](pen, scene, variant(view.objects_variant));
  OBJECT_EFFECTS[view.extra]?.[2](pen, scene, variant(view.extra_variant));
}

const variant = (value) => ([0, 1, 2].includes(value) ? value : 0);
const pixels = (scene, reference) => Math.max(1, Math.round((reference * Math.max(scene.width, scene.height)) / 1280));

// --- on and over objects ------------------------------------------------------------------------

function overlay(pen, scene, kind) {
  for (const subject of scene.subjects) {
    pen.globalAlpha = [0.45, 0.75, 0.45][kind];
    pen.drawImage(subject.mask, 0, 0);
    pen.globalAlpha = 1;
    if (kind < 2) ring(pen, scene, subject, pixels(scene, 3), subject.color);
  }
}

function outline(pen, scene, kind) {
  for (const subject of scene.subjects) ring(pen, scene, subject, pixels(scene, [3, 6, 12][kind]), subject.color);
}

function cutout(pen, scene, kind) {
  for (const subject of scene.subjects) {
    ring(pen, scene, subject, pixels(scene, [5, 11, 11][kind]), kind === 2 ? subject.color : "#ffffff");
    within(pen, scene, subject.mask, (layer) => layer.drawImage(scene.frame, 0, 0, scene.width, scene.height));
  }
}

function erase(pen, scene, kind) {
  within(pen, scene, unionMask(scene), (layer) => fill(layer, scene, FLAT[kind]));
}

function pixelate(pen, scene, kind) {
  within(pen, scene, unionMask(scene), (layer) => blocks(layer, scene, kind));
}

function blur(pen, scene, kind) {
  within(pen, scene, unionMask(scene), (layer) => blurred(layer, scene, kind));
}

function gradient(pen, scene, kind) {
  within(pen, scene, unionMask(scene), (layer) => fill(layer, scene, verticalGradient(layer, scene, kind)), 0.75);
}

function spotlight(pen, scene, kind) {
  outside(pen, scene, (layer) => fill(layer, scene, "#000000"), [0.55, 0.75, 0.92][kind]);
}

function burst(pen, scene, kind) {
  const count = [12, 18, 28][kind];
  const far = 2 * (scene.width + scene.height);
  for (const { bounds, color } of scene.subjects) {
    if (!bounds) continue;
    const x = (bounds[0] + bounds[2]) / 2, y = (bounds[1] + bounds[3]) / 2;
    outside(pen, scene, (layer) => {
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
    }, 0.6);
  }
}

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

function labelBox(pen, scene, kind) {
  const line = pixels(scene, 3);
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

function trail(pen, scene, kind) {
  const line = pixels(scene, 4);
  for (const { color, trail: centers } of scene.subjects) {
    const points = centers.slice(-[30, 90, 100000][kind]).map(([x, y]) => [Math.round(x * scene.width), Math.round(y * scene.height)]);
    if (!points.length) continue;
    pen.strokeStyle = pen.fillStyle = color;
    pen.lineWidth = line;
    pen.lineJoin = pen.lineCap = "round";
    pen.beginPath();
    points.forEach(([x, y], index) => (index ? pen.lineTo(x + 0.5, y + 0.5) : pen.moveTo(x + 0.5, y + 0.5)));
    pen.stroke();
    const [x, y] = points[points.length - 1];
    pen.beginPath();
    pen.arc(x + 0.5, y + 0.5, line + 2.5, 0, 7);
    pen.fill();
  }
}

// --- behind objects -----------------------------------------------------------------------------

function backgroundErase(pen, scene, kind) {
  fill(pen, scene, FLAT[kind]);
}

function backgroundBlur(pen, scene, kind) {
  blurred(pen, scene, kind);
}

function backgroundPixelate(pen, scene, kind) {
  blocks(pen, scene, kind);
}

function backgroundDesaturate(pen, scene, kind) {
  pen.filter = ["grayscale(1)", "grayscale(0.5)", "sepia(1)"][kind];
  pen.drawImage(scene.frame, 0, 0, scene.width, scene.height);
  pen.filter = "none";
}

function backgroundDarken(pen, scene, kind) {
  pen.globalAlpha = 1 - [0.6, 0.35, 0.12][kind];
  fill(pen, scene, "#000000");
  pen.globalAlpha = 1;
}

function backgroundGradient(pen, scene, kind) {
  pen.globalAlpha = 0.8;
  fill(pen, scene, verticalGradient(pen, scene, kind));
  pen.globalAlpha = 1;
}

function backgroundOutline(pen, scene, kind) {
  const { width, height } = scene;
  const image = pen.getImageData(0, 0, width, height);
  const { data } = image;
  const luma = new Float32Array(width * height);
  for (let k = 0; k < luma.length; k++) luma[k] = 0.2126 * data[4 * k] + 0.7152 * data[4 * k + 1] + 0.0722 * data[4 * k + 2];
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

function backgroundText(pen, scene) {
  const sprite = scene.lettering;
  if (!sprite) return;
  const unit = Math.max(scene.width, scene.height) / 1280;
  const wide = Math.max(1, Math.round(sprite.width * unit)), high = Math.max(1, Math.round(sprite.height * unit));
  const tile = scaled(sprite, wide, high);
  for (let y = 0; y < scene.height; y += high) for (let x = 0; x < scene.width; x += wide) pen.drawImage(tile, x, y);
}

function backgroundColor(pen, scene) {
  fill(pen, scene, scene.view.background_color || "#00b140");
}

function backgroundPicture(pen, scene) {
  const { backdrop, width, height } = scene;
  if (!backdrop) return;
  const scale = Math.max(width / backdrop.width, height / backdrop.height);
  const w = Math.max(1, Math.min(backdrop.width, Math.round(width / scale))), h = Math.max(1, Math.min(backdrop.height, Math.round(height / scale)));
  smooth(pen);
  pen.drawImage(backdrop, Math.floor((backdrop.width - w) / 2), Math.floor((backdrop.height - h) / 2), w, h, 0, 0, width, height);
}

// --- shared -------------------------------------------------------------------------------------

const scratch = {};

function sheet(name, width, height) {
  let canvas = scratch[name];
  if (!canvas || canvas.width !== width || canvas.height !== height) canvas = scratch[name] = new OffscreenCanvas(width, height);
  const pen = canvas.getContext("2d");
  pen.globalAlpha = 1;
  pen.globalCompositeOperation = "source-over";
  pen.filter = "none";
  pen.clearRect(0, 0, width, height);
  return [canvas, pen];
}

function smooth(pen) {
  pen.imageSmoothingEnabled = true;
  pen.imageSmoothingQuality = "high";
}

function unionMask(scene) {
  const [canvas, pen] = sheet("union", scene.width, scene.height);
  for (const { mask } of scene.subjects) pen.drawImage(mask, 0, 0);
  return canvas;
}

// Draws a layer only where the mask is.
function within(pen, scene, mask, draw, opacity = 1) {
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

// Draws a layer only where no object is.
function outside(pen, scene, draw, opacity) {
  const mask = unionMask(scene);
  const [canvas, layer] = sheet("layer", scene.width, scene.height);
  draw(layer);
  layer.globalCompositeOperation = "destination-out";
  layer.drawImage(mask, 0, 0);
  pen.globalAlpha = opacity;
  pen.drawImage(canvas, 0, 0);
  pen.globalAlpha = 1;
}

function fill(pen, scene, style) {
  pen.fillStyle = style;
  pen.fillRect(0, 0, scene.width, scene.height);
}

function verticalGradient(pen, scene, kind) {
  const shades = pen.createLinearGradient(0, 0, 0, scene.height);
  shades.addColorStop(0, GRADIENTS[kind][0]);
  shades.addColorStop(1, GRADIENTS[kind][1]);
  return shades;
}

// The ring of `reach` pixels just outside a mask.
function ring(pen, scene, { mask, bounds }, reach, color) {
  if (!bounds) return;
  const [canvas, layer] = sheet("ring", scene.width, scene.height);
  const x = bounds[0], y = bounds[1], w = bounds[2] - x, h = bounds[3] - y;
  const steps = reach > 5 ? 32 : 16;
  for (let step = 0; step < steps; step++) {
    const angle = (step * 2 * Math.PI) / steps;
    layer.drawImage(mask, x, y, w, h, x + Math.round(reach * Math.cos(angle)), y + Math.round(reach * Math.sin(angle)), w, h);
  }
  layer.globalCompositeOperation = "destination-out";
  layer.drawImage(mask, 0, 0);
  layer.globalCompositeOperation = "source-in";
  fill(layer, scene, color);
  pen.drawImage(canvas, 0, 0);
}

function blurred(pen, scene, kind) {
  const sigma = Math.max(0.3, ([6, 12, 24][kind] * Math.max(scene.width, scene.height)) / 1280);
  const border = Math.ceil(3 * sigma);
  const { width, height, frame } = scene;
  // The frame mirrored around itself, so that its edges do not fade.
  const [canvas, wide] = sheet("blur", width + 2 * border, height + 2 * border);
  for (const [sx, ox] of [[1, border], [-1, border], [-1, border + 2 * width]]) {
    for (const [sy, oy] of [[1, border], [-1, border], [-1, border + 2 * height]]) {
      wide.setTransform(sx, 0, 0, sy, ox, oy);
      wide.drawImage(frame, 0, 0, width, height);
    }
  }
  wide.setTransform(1, 0, 0, 1, 0, 0);
  pen.filter = `blur(${sigma}px)`;
  pen.drawImage(canvas, -border, -border);
  pen.filter = "none";
}

function blocks(pen, scene, kind) {
  const { width, height, frame } = scene;
  const block = pixels(scene, [14, 28, 48][kind]);
  const w = Math.max(1, Math.round(width / block)), h = Math.max(1, Math.round(height / block));
  pen.imageSmoothingEnabled = false;
  pen.drawImage(scaled(frame, w, h), 0, 0, width, height);
  pen.imageSmoothingEnabled = true;
}

// A smaller copy, each pixel the mean over the area that it covers; larger copies are smoothed.
function scaled(image, width, height) {
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

// Means along one axis of RGBA values: `length` of them become `wanted` on each of the lines.
function averaged(values, length, lines, wanted, alongRows) {
  const step = alongRows ? 4 : 4 * lines, stride = alongRows ? 4 * length : 4;
  const outStep = step, outStride = alongRows ? 4 * wanted : 4;
  const out = new Float32Array(4 * wanted * lines);
  const ratio = length / wanted;
  for (let k = 0; k < wanted; k++) {
    const start = k * ratio, end = Math.min(length, start + ratio);
    for (let j = Math.floor(start); j < end - 1e-6; j++) {
      const weight = (Math.min(end, j + 1) - Math.max(start, j)) / (end - start);
      for (let line = 0; line < lines; line++) {
        const from = line * stride + j * step, to = line * outStride + k * outStep;
        for (let c = 0; c < 4; c++) out[to + c] += values[from + c] * weight;
      }
    }
  }
  return out;
}

function place(pen, sprite, left, top, width, height) {
  pen.drawImage(scaled(sprite, width, height), left, top);
}
