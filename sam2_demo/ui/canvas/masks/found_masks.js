// What everything mode found: filtered by area and scores, overlapping boxes suppressed, picked, joined, deleted.
// Filtering here gives what the network would give with these thresholds, so it never has to run again.

/** @import { Box, FoundEdits, FoundLimits, FoundMask, FoundStep, Size } from "../state/types.js" */
/** @import { Coverage } from "./coverage.js" */

const BOX_NMS_THRESHOLD = 0.7; // as in masks/overlaps.py
const PUBLISHED = { iou: 0.8, stability: 0.95 };
const LOOSEST = { iou: 0.1, stability: 0.3 };
const ENOUGH = 25;
const STEPS = 40;
const NEW = 0.5; // what share of a mask must be covered by no object for it to be new

/**
 * @param {Box} a
 * @param {Box} b
 */
export function boxIou(a, b) {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  const shared = Math.max(0, width) * Math.max(0, height);
  const joint = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared;
  return joint > 0 ? shared / joint : 0;
}

/**
 * Best predicted IoU first; what overlaps a better one too much goes.
 * @param {FoundMask[]} masks
 */
export function suppress(masks) {
  /** @type {FoundMask[]} */
  const kept = [];
  const best = [...masks].sort((a, b) => b.iou - a.iou || a.id - b.id);
  for (const mask of best) if (kept.every((other) => boxIou(other.box, mask.box) <= BOX_NMS_THRESHOLD)) kept.push(mask);
  return kept;
}

/**
 * @param {FoundMask[]} masks
 * @param {FoundLimits} given
 * @param {number} pixels
 */
export function filtered(masks, { areaMin, areaMax, iou, stability }, pixels) {
  return suppress(
    masks.filter(
      (mask) =>
        mask.iou >= iou &&
        mask.stability >= stability &&
        mask.area >= areaMin * pixels &&
        mask.area <= areaMax * pixels,
    ),
  );
}

/**
 * Models differ in how they score: the strictest thresholds, from the published ones down, that leave enough.
 * @param {FoundMask[]} masks
 * @param {number} pixels
 */
export function startingPoint(masks, pixels) {
  let best = { areaMin: 0.0005, areaMax: 0.6, ...PUBLISHED };
  let most = -1;
  for (let step = 0; step <= STEPS; step++) {
    /** @param {"iou" | "stability"} name */
    const mix = (name) =>
      Math.round((PUBLISHED[name] + (LOOSEST[name] - PUBLISHED[name]) * (step / STEPS)) * 1000) / 1000;
    const limits = { areaMin: 0.0005, areaMax: 0.6, iou: mix("iou"), stability: mix("stability") };
    const count = filtered(masks, limits, pixels).length;
    if (count > most) {
      best = limits;
      most = count;
    }
    if (count >= ENOUGH) break;
  }
  return best;
}

/** @typedef {{ joined: Iterable<[number, FoundMask]>, removed: Iterable<number>, picked: Iterable<number> }} Snapshot */

export class FoundMasks {
  /** @param {number} frame */
  constructor(frame) {
    this.frame = frame;
    /** @type {Size} */
    this.size = [1, 1]; // height and width that the run lengths have
    /** @type {Map<number, FoundMask>} */
    this.masks = new Map(); // as found, by id
    /** @type {Map<number, FoundMask>} */
    this.joined = new Map(); // made by joining, by negative id: {parts: [ids], ...}
    /** @type {Set<number>} */
    this.removed = new Set();
    /** @type {Set<number>} */
    this.picked = new Set();
    this.limits = { areaMin: 0, areaMax: 1, iou: LOOSEST.iou, stability: LOOSEST.stability };
    this.nextJoined = -1;
    /** @type {Coverage | null} */
    this.coverage = null; // of objects, where only what is new is wanted
  }

  get pixels() {
    return this.size[0] * this.size[1];
  }

  /** @param {FoundStep} given */
  take({ found, gone, size }) {
    this.size = size;
    for (const id of gone) this.masks.delete(id);
    for (const mask of found) this.masks.set(mask.id, mask);
  }

  /**
   * With the thresholds given, or with those that leave enough.
   * @param {FoundLimits | null} [limits]
   */
  start(limits = null) {
    this.limits = limits ? { ...limits } : startingPoint([...this.masks.values()], this.pixels);
  }

  /** @param {number} id */
  get(id) {
    return this.masks.get(id) || this.joined.get(id);
  }

  // Parts of a joined mask do not show on their own.
  shown() {
    const parts = new Set(
      [...this.joined.values()].filter((mask) => !this.removed.has(mask.id)).flatMap((mask) => mask.parts),
    );
    /** @param {FoundMask} mask */
    const isNew = (mask) => !this.coverage || 1 - this.coverage.share(mask.counts) >= NEW;
    const single = [...this.masks.values()].filter((mask) => !parts.has(mask.id) && isNew(mask));
    const all = [...filtered(single, this.limits, this.pixels), ...this.joined.values()];
    return all.filter((mask) => !this.removed.has(mask.id)).sort((a, b) => b.area - a.area || a.id - b.id);
  }

  pickedShown() {
    return this.shown().filter((mask) => this.picked.has(mask.id));
  }

  pickAll() {
    for (const mask of this.shown()) this.picked.add(mask.id);
  }

  /** @param {number} id */
  toggle(id) {
    if (!this.picked.delete(id)) this.picked.add(id);
  }

  // What can be taken back: everything that editing changes.
  snapshot() {
    return { joined: new Map(this.joined), removed: new Set(this.removed), picked: new Set(this.picked) };
  }

  /** @param {Snapshot} given */
  restore({ joined, removed, picked }) {
    this.joined = new Map(joined);
    this.removed = new Set(removed);
    this.picked = new Set(picked);
  }

  // Plain values of all that a person changed, thresholds included; `redo` takes them.
  edits() {
    return {
      joined: [...this.joined.values()],
      removed: [...this.removed],
      picked: [...this.picked],
      limits: this.limits,
    };
  }

  /** @param {FoundEdits} given */
  redo({ joined, removed, picked, limits }) {
    this.restore({ joined: joined.map((mask) => [mask.id, mask]), removed, picked });
    this.limits = limits;
    this.nextJoined = Math.min(0, ...this.joined.keys()) - 1;
  }

  // The same text for the same masks of the same frame.
  search() {
    return `${this.frame}: ${[...this.masks.values()].map(({ id, area }) => `${id} ${area}`).sort()}`;
  }

  /** @param {FoundMask[]} masks */
  remove(masks) {
    for (const mask of masks) {
      this.removed.add(mask.id);
      this.picked.delete(mask.id);
    }
  }

  /**
   * `counts`, `area` and `box` are those of the masks together.
   * @param {FoundMask[]} masks
   * @param {{ counts: string, area: number, box: Box }} given
   */
  join(masks, { counts, area, box }) {
    const id = this.nextJoined--;
    const parts = masks.flatMap((mask) => mask.parts || [mask.id]);
    /** @param {"iou" | "stability"} name */
    const least = (name) => Math.min(...masks.map((mask) => mask[name]));
    this.remove(masks.filter((mask) => mask.parts));
    for (const mask of masks) this.picked.delete(mask.id);
    this.joined.set(id, { id, parts, counts, area, box, iou: least("iou"), stability: least("stability") });
    this.picked.add(id);
    return id;
  }

  /**
   * How the server is told which masks are meant: "3,5.7" are mask 3, and 5 and 7 joined.
   * @param {FoundMask[]} masks
   */
  groups(masks) {
    return masks.map((mask) => (mask.parts || [mask.id]).join(".")).join(",");
  }

  /** @param {FoundMask} mask */
  name(mask) {
    return mask.parts ? `Joined mask ${-mask.id}` : `Mask ${mask.id}`;
  }

  /** @param {FoundMask} mask */
  describe(mask) {
    const share = (mask.area / this.pixels) * 100;
    return (
      `${this.name(mask)}: ${share.toFixed(share < 1 ? 2 : 1)} % of the picture, predicted IoU ${mask.iou.toFixed(2)}, ` +
      `stability ${mask.stability.toFixed(2)}`
    );
  }
}
