// Everything mode's masks: thresholds, suppression, picking, joining, and edits that outlive a reload.

import assert from "node:assert/strict";
import { test } from "node:test";
import { boxIou, FoundMasks, startingPoint, suppress } from "../../sam2_demo/ui/canvas/masks/found_masks.js";

const found = (id, x, more = {}) => ({
  id,
  counts: `c${id}`,
  area: 100,
  box: [x, 0, x + 10, 10],
  iou: 0.9,
  stability: 0.96,
  ...more,
});

function search(...masks) {
  const all = new FoundMasks(0);
  all.take({ found: masks, gone: [], size: [100, 100] });
  all.start({ areaMin: 0, areaMax: 1, iou: 0.5, stability: 0.5 });
  return all;
}
const ids = (masks) => masks.map((mask) => mask.id);

test("IoU of boxes", () => {
  assert.equal(boxIou([0, 0, 10, 10], [0, 0, 10, 10]), 1);
  assert.equal(boxIou([0, 0, 10, 10], [5, 0, 15, 10]), 50 / 150);
  assert.equal(boxIou([0, 0, 10, 10], [10, 0, 20, 10]), 0);
  assert.equal(boxIou([3, 3, 3, 3], [3, 3, 3, 3]), 0);
});

test("of masks with much the same box the best stays", () => {
  assert.deepEqual(ids(suppress([found(1, 0, { iou: 0.7 }), found(2, 1), found(3, 50)])), [2, 3]);
});

test("thresholds on scores and area", () => {
  const all = search(
    found(1, 0),
    found(2, 20, { iou: 0.4 }),
    found(3, 40, { stability: 0.4 }),
    found(4, 60, { area: 4 }),
  );
  all.limits.areaMin = 0.0005;
  assert.deepEqual(ids(all.shown()), [1]);
});

test("what is gone from the search is gone here", () => {
  const all = search(found(1, 0), found(2, 20));
  all.take({ found: [found(3, 40)], gone: [1], size: [100, 100] });
  assert.deepEqual(ids(all.shown()), [2, 3]);
});

test("thresholds begin as published and are loosened until enough is left", () => {
  const many = Array.from({ length: 30 }, (_, k) => found(k + 1, 20 * k));
  assert.deepEqual(startingPoint(many, 10_000), { areaMin: 0.0005, areaMax: 0.6, iou: 0.8, stability: 0.95 });
  const weak = many.map((mask) => ({ ...mask, iou: 0.5 }));
  const { iou } = startingPoint(weak, 10_000);
  assert.ok(iou <= 0.5 && iou > 0.45, `${iou}`);
});

test("joined masks hide their parts and are named by them", () => {
  const all = search(found(1, 0), found(2, 20, { iou: 0.7 }), found(3, 40));
  for (const id of [1, 2]) all.toggle(id);
  const id = all.join(all.pickedShown(), { counts: "j", area: 200, box: [0, 0, 30, 10] });
  assert.deepEqual(ids(all.shown()), [id, 3]);
  assert.equal(all.get(id).iou, 0.7, "the weakest part's");
  assert.equal(all.groups(all.shown()), "1.2,3");
  const again = all.join([all.get(id), all.get(3)], { counts: "k", area: 300, box: [0, 0, 50, 10] });
  assert.deepEqual(all.get(again).parts, [1, 2, 3]);
  assert.deepEqual(ids(all.shown()), [again]);
});

test("deleted masks stay away, and a snapshot brings them back", () => {
  const all = search(found(1, 0), found(2, 20));
  const before = all.snapshot();
  all.pickAll();
  all.remove([all.get(1)]);
  assert.deepEqual(ids(all.shown()), [2]);
  assert.deepEqual([...all.picked], [2]);
  all.restore(before);
  assert.deepEqual(ids(all.shown()), [1, 2]);
  assert.equal(all.picked.size, 0);
});

test("edits are plain values that do the same again", () => {
  const one = search(found(1, 0), found(2, 20), found(3, 40));
  one.join([one.get(1), one.get(2)], { counts: "j", area: 200, box: [0, 0, 30, 10] });
  one.limits.iou = 0.6;
  const other = search(found(1, 0), found(2, 20), found(3, 40));
  other.redo(JSON.parse(JSON.stringify(one.edits())));
  assert.deepEqual(ids(other.shown()), ids(one.shown()));
  assert.equal(other.limits.iou, 0.6);
  assert.equal(other.search(), one.search());
  assert.equal(other.join([other.get(3)], { counts: "k", area: 1, box: [0, 0, 1, 1] }), -2, "no id twice");
});
