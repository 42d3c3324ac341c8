// Masks compared by their run lengths alone.

import assert from "node:assert/strict";
import { test } from "node:test";
import { maskIou, mostAlike } from "../../sam2_demo/ui/canvas/masks/mask_shapes.js";
import { encodeRuns } from "../../sam2_demo/ui/canvas/masks/rle.js";

const mask = (...runs) => encodeRuns(runs);

test("the IoU counts shared and joint pixels", () => {
  assert.equal(maskIou(mask(10, 10, 80), mask(10, 10, 80)), 1);
  assert.equal(maskIou(mask(10, 10, 80), mask(15, 10, 75)), 5 / 15);
  assert.equal(maskIou(mask(0, 50, 50), mask(50, 50)), 0);
  assert.equal(maskIou(mask(0, 10, 20, 10, 60), mask(5, 30, 65)), 10 / 40);
});

test("two empty masks have nothing in common", () => {
  assert.equal(maskIou(mask(100), mask(100)), 0);
});

test("the IoU is the same both ways", () => {
  const [one, other] = [mask(3, 20, 7, 30, 40), mask(0, 12, 9, 50, 29)];
  assert.equal(maskIou(one, other), maskIou(other, one));
});

test("the most alike is found, and none where all differ", () => {
  const candidates = [mask(0, 100), mask(10, 20, 70), mask(10, 30, 60)].map((counts) => ({ counts }));
  assert.equal(mostAlike(candidates, mask(10, 28, 62)), 2);
  assert.equal(mostAlike(candidates.slice(1), mask(90, 10)), -1);
});
