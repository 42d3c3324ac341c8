// Undo and redo.

import assert from "node:assert/strict";
import { test } from "node:test";
import { History } from "../../sam2_demo/ui/canvas/state/history.js";

function diary() {
  const done = [];
  const history = new History(() => done.push("changed"));
  const step = (name) => ({ undo: () => done.push(`undo ${name}`), redo: () => done.push(`redo ${name}`) });
  return { done, history, step, acts: () => done.filter((what) => what !== "changed") };
}

test("steps are taken back last first, and done again first first", () => {
  const { history, step, acts } = diary();
  for (const name of ["a", "b"]) history.did(step(name));
  history.undo();
  history.undo();
  assert.equal(history.undo(), null, "nothing is left");
  history.redo();
  history.redo();
  assert.equal(history.redo(), null);
  assert.deepEqual(acts(), ["undo b", "undo a", "redo a", "redo b"]);
});

test("what was taken back is gone once something else is done", () => {
  const { history, step, acts } = diary();
  history.did(step("a"));
  history.undo();
  history.did(step("b"));
  assert.equal(history.redo(), null);
  history.undo();
  assert.deepEqual(acts(), ["undo a", "undo b"]);
});

test("no more than 200 steps are kept", () => {
  const { history, step } = diary();
  for (let k = 0; k < 205; k++) history.did(step(k));
  let count = 0;
  while (history.undo()) count++;
  assert.equal(count, 200);
});

test("every change is told", () => {
  const { done, history, step } = diary();
  history.did(step("a"));
  history.undo();
  history.redo();
  assert.equal(done.filter((what) => what === "changed").length, 3);
});
