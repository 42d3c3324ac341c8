// Run lengths as pycocotools writes them, decoded and encoded again. test_canvas.py keeps the vectors true.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decodeRuns, encodeRuns, maskBounds } from "../../sam2_demo/ui/canvas/masks/rle.js";

const vectors = JSON.parse(readFileSync(new URL("run_length_vectors.json", import.meta.url), "utf8"));

test("there are vectors of every kind", () => {
  assert.ok(vectors.length >= 20);
  assert.ok(vectors.some(({ box }) => box === null));
  assert.ok(
    vectors.some(({ runs }) => Math.max(...runs) > 100_000),
    "runs of several characters",
  );
});

for (const { name, size, counts, runs, box } of vectors) {
  test(`${name} is read and written as Python does`, () => {
    assert.deepEqual(decodeRuns(counts), runs);
    assert.equal(encodeRuns(runs), counts);
  });

  test(`${name} has its bounds`, () => {
    assert.deepEqual(maskBounds(counts, size[0]), box);
  });
}
