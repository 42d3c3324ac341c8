// What pressing, moving and letting go mean: clicks, boxes, moved markers, strokes, pinches.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Pointer } from "../../sam2_demo/ui/canvas/edit/pointer.js";

// A stage of 100 x 50 original pixels, one screen pixel each.
function setUp({ points = [], box = null } = {}) {
  const told = [],
    listeners = {};
  const canvas = {
    dataset: {},
    focus() {},
    setPointerCapture() {},
    addEventListener: (name, work) => {
      listeners[name] = work;
    },
  };
  const stage = {
    canvas,
    zoom: 1,
    draft: null,
    cursor: null,
    ring: null,
    draw() {},
    toPicture: ({ clientX, clientY }) => ({ x: clientX, y: clientY }),
    reach: (pixels) => pixels,
    pan: (dx, dy) => told.push(["pan", dx, dy]),
    zoomAt: (_, factor) => told.push(["zoom", factor]),
  };
  const store = {
    clip: { width: 100, height: 50 },
    frame: 0,
    active: 1,
    changed() {},
    prompt: () => ({ points, box, mask: null }),
  };
  const names = ["point", "box", "removePoint", "movePoint", "stroke", "strokeEnd", "outside", "say"];
  const act = Object.fromEntries(names.map((name) => [name, (...what) => told.push([name, ...what])]));
  const pointer = new Pointer(stage, store, act);
  const send = (name, x, y, more = {}) =>
    listeners[name]({ pointerId: 1, button: 0, clientX: x, clientY: y, preventDefault() {}, ...more });
  return { told, pointer, stage, send };
}

test("a click includes; the right button, Alt and the tool exclude", () => {
  for (const [more, tool, label] of [
    [{}, "include", 1],
    [{ button: 2 }, "include", 0],
    [{ altKey: true }, "include", 0],
    [{}, "exclude", 0],
  ]) {
    const { told, pointer, send } = setUp();
    pointer.setTool(tool);
    send("pointerdown", 20, 30, more);
    send("pointerup", 21, 30, more);
    assert.deepEqual(told, [["point", { x: 21, y: 30 }, label]]);
  }
});

test("a small tremble is a click, a longer way a box within the picture", () => {
  const { told, stage, send } = setUp();
  send("pointerdown", 20, 30);
  send("pointermove", 23, 33);
  assert.equal(stage.draft, null);
  send("pointermove", 80, 10);
  assert.deepEqual(stage.draft, [20, 10, 80, 30]);
  send("pointerup", 140, 10);
  assert.deepEqual(told, [["box", [20, 10, 99, 30]]]);
  assert.equal(stage.draft, null);
});

test("outside the picture nothing is selected", () => {
  const { told, send } = setUp();
  send("pointerdown", -5, 30);
  send("pointerup", -5, 30);
  assert.deepEqual(told, [["outside"]]);
});

test("a click on a marker deletes it, a drag moves it; the newest lies on top", () => {
  const points = [
    [20, 30, 1],
    [22, 30, 0],
  ];
  const one = setUp({ points });
  one.send("pointerdown", 21, 30);
  one.send("pointerup", 21, 30);
  assert.deepEqual(one.told, [["removePoint", 1]]);
  const other = setUp({ points });
  other.send("pointerdown", 21, 30);
  other.send("pointermove", 60, 40);
  other.send("pointerup", 60, 400);
  assert.deepEqual(other.told, [
    ["movePoint", 1, { x: 60, y: 40 }, false],
    ["movePoint", 1, { x: 60, y: 49 }, true],
  ]);
});

test("a corner of the box is dragged against the opposite one", () => {
  const { told, send } = setUp({ box: [20, 10, 60, 40] });
  send("pointerdown", 61, 41);
  send("pointermove", 80, 45);
  send("pointerup", 80, 45);
  assert.deepEqual(told, [["box", [20, 10, 80, 45]]]);
});

test("with the box tool two clicks make a box", () => {
  const { told, pointer, send } = setUp();
  pointer.setTool("box");
  for (const [x, y] of [
    [70, 40],
    [30, 10],
  ]) {
    send("pointerdown", x, y);
    send("pointerup", x, y);
  }
  assert.deepEqual(
    told.filter(([name]) => name !== "say"),
    [["box", [30, 10, 70, 40]]],
  );
});

test("the brush paints while it is pressed; a broken gesture ends its stroke", () => {
  const { told, pointer, send } = setUp();
  pointer.setTool("brush");
  send("pointermove", 5, 5);
  send("pointerdown", 10, 10);
  send("pointermove", 20, 10);
  send("pointercancel", 20, 10);
  send("pointermove", 30, 10);
  assert.deepEqual(
    told.map(([name]) => name),
    ["stroke", "stroke", "strokeEnd"],
  );
  assert.deepEqual(told[1], ["stroke", { x: 10, y: 10 }, { x: 20, y: 10 }, false, 24]);
});

test("two fingers zoom and pan, and select nothing", () => {
  const { told, send } = setUp();
  send("pointerdown", 40, 20);
  send("pointerdown", 60, 20, { pointerId: 2 });
  send("pointermove", 80, 20, { pointerId: 2 });
  send("pointerup", 80, 20, { pointerId: 2 });
  send("pointerup", 40, 20);
  assert.deepEqual(told, [
    ["pan", 10, 0],
    ["zoom", 2],
  ]);
});
