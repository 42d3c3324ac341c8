// What the page knows: prompts, masks, tracks, time, marks and doubtful frames.

import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyPrompt, isEmptyPrompt, Store } from "../../sam2_demo/ui/canvas/state/store.js";

const PALETTE = ["#ff0000", "#00ff00", "#0000ff"];
const object = (id, more = {}) => ({
  object_id: id,
  name: `O${id}`,
  color: PALETTE[0],
  visible: true,
  locked: false,
  ...more,
});
const click = (x, y, label = 1) => ({ points: [[x, y, label]], box: null, mask: null });
const mask = (area, iou = 0.9, state = area ? "seen" : "gone") => ({
  counts: "04",
  area,
  iou,
  score: 1,
  center: [0.5, 0.5],
  state,
});

function clip(more = {}, schedule = () => {}) {
  const size = { width: 100, height: 50, display_width: 100, display_height: 50 };
  const state = { kind: "video", token: "t", palette: PALETTE, objects: [object(1), object(4)], prompts: [] };
  return new Store({ ...state, clip: { ...size, num_frames: 10, frame_rate: 5 }, ...more }, schedule);
}

test("ids are never used again", () => {
  const store = clip();
  assert.equal(store.newObject().object_id, 5);
  store.forgetObject(4);
  assert.equal(store.newObject().object_id, 6);
});

test("prompts belong to a frame and an object; an empty one is none", () => {
  const store = clip();
  store.setPrompt(3, 1, click(5, 6));
  store.setPrompt(0, 1, click(7, 8));
  store.setPrompt(3, 4, click(1, 1));
  assert.deepEqual(store.promptedFrames(1), [0, 3]);
  store.setPrompt(0, 1, emptyPrompt());
  assert.deepEqual(store.promptedFrames(1), [3]);
  assert.ok(isEmptyPrompt(store.prompt(0, 1)));
  assert.deepEqual(store.prompt(3, 4), click(1, 1));
});

test("what a session had is there after opening it", () => {
  const store = clip({
    prompts: [{ frame: 2, object: 1, ...click(9, 9) }],
    tracks: { 1: [[2, 3.5, 0.1, 0.8, [0.2, 0.3], "seen"]] },
  });
  assert.deepEqual(store.prompt(2, 1), click(9, 9));
  assert.deepEqual(store.track(1).get(2), { score: 3.5, area: 0.1, iou: 0.8, center: [0.2, 0.3], state: "seen" });
  assert.equal(store.active, 1);
});

test("a forgotten object leaves nothing behind", () => {
  const store = clip();
  store.setPrompt(0, 1, click(1, 2));
  store.setMasks(0, { 1: mask(0.1), 4: mask(0.2) });
  store.forgetObject(1);
  assert.deepEqual(
    store.objects.map((each) => each.object_id),
    [4],
  );
  assert.equal(store.active, 4);
  assert.equal(store.prompts.size, 0);
  assert.deepEqual(Object.keys(store.masksOn(0)), ["4"]);
  assert.equal(store.tracks.has(1), false);
  store.forgetObject(4);
  assert.equal(store.active, null);
});

test("masks of a frame replace those before, also where an object is gone", () => {
  const store = clip();
  store.setMasks(2, { 1: mask(0.1), 4: mask(0.2) });
  store.setMasks(2, { 4: mask(0.3) });
  assert.equal(store.track(1).has(2), false);
  assert.equal(store.track(4).get(2).area, 0.3);
  assert.ok(store.knowsMasks(2) && store.knowsMasks(3), "no masks are to be fetched of frame 3");
});

test("hidden objects are not shown", () => {
  const store = clip({ objects: [object(1), object(4, { visible: false })] });
  store.setMasks(0, { 1: mask(0.1), 4: mask(0.2) });
  assert.deepEqual(
    store.shownMasks().map(({ object: each }) => each.object_id),
    [1],
  );
});

test("tracked means masks beyond the prompted frames", () => {
  const store = clip();
  store.setPrompt(0, 1, click(1, 1));
  store.setMasks(0, { 1: mask(0.1) });
  assert.equal(store.isTracked(), false);
  store.setMasks(1, { 1: mask(0.1) });
  assert.equal(store.isTracked(), true);
});

test("time and frame, at an even rate and with times of their own", () => {
  const even = clip();
  assert.deepEqual([even.timeOf(3), even.frameAt(0.59), even.frameAt(0.6), even.frameAt(99)], [0.6, 2, 3, 9]);
  const times = [0, 0.1, 0.2, 1, 1.1, 1.2, 2, 3, 4, 5];
  const uneven = clip({ clip: { ...even.clip, times } });
  assert.deepEqual([uneven.timeOf(3), uneven.frameAt(0.5), uneven.frameAt(1), uneven.frameAt(99)], [1, 2, 3, 9]);
});

test("marks count in either order and default to the whole clip", () => {
  const store = clip();
  assert.deepEqual(store.marks(), { first: 0, last: 9 });
  store.view = { mark_in: 7, mark_out: 2 };
  assert.deepEqual(store.marks(), { first: 2, last: 7 });
  store.view = { mark_in: 3, mark_out: null };
  assert.deepEqual(store.marks(), { first: 3, last: 9 });
});

test("frames to check: lost, unsure for the first time, jumping, unless they were prompted", () => {
  const store = clip();
  const areas = [0.1, 0.1, 0, 0.1, 0.1, 0.3, 0.3];
  const states = ["seen", "unsure", "gone", "seen", "unsure", "unsure", "seen"];
  areas.forEach((area, frame) => {
    store.setMasks(frame, { 1: mask(area, 0.9, states[frame]) });
  });
  assert.deepEqual(store.doubtful(1), [1, 2, 4, 5]);
  store.setPrompt(4, 1, click(1, 1));
  assert.deepEqual(store.allDoubtful(), [1, 2, 5]);
});

test("a picture shows the chosen candidates", () => {
  const store = clip({ kind: "picture", candidates: { 1: { chosen: 1, candidates: [mask(0.1), mask(0.4)] } } });
  assert.equal(store.masksHere()[1].area, 0.4);
  assert.equal(store.masksHere()[4], undefined);
});

test("an ambiguous click counts only on its frame and for its object", () => {
  const store = clip();
  store.setAlternatives({ frame: 0, object: 1, chosen: 0, candidates: [mask(0.1)] });
  assert.equal(store.choiceHere().candidates.length, 1);
  store.setFrame(1);
  assert.equal(store.choiceHere(), null);
  store.setFrame(0);
  store.activate(4);
  assert.equal(store.alternatives, null);
});

test("masks that were fetched do not replace newer ones", () => {
  const store = clip();
  store.setMasks(2, { 1: mask(0.1) });
  store.takeMasks({ 2: { 1: mask(0.9) }, 3: { 1: mask(0.2) } });
  assert.deepEqual([store.masksOn(2)[1].area, store.masksOn(3)[1].area], [0.1, 0.2]);
  store.replaceTracks({ 1: [[5, 1, 0.5, 0.9, null]] });
  assert.equal(store.masks.size, 0);
  assert.deepEqual([...store.track(1).keys()], [5]);
});

test("a change of the look outdates the video that was made", () => {
  const store = clip({ result: { file: "v.mp4", made: 1, current: true } });
  store.setView({ overlap: "both" });
  assert.equal(store.result.current, false);
  assert.equal(store.view.overlap, "both");
});

test("what has changed is drawn once, by those who watch it", () => {
  const due = [],
    drawn = [];
  const store = clip({}, (work) => due.push(work));
  store.watch(["objects", "masks"], (topics) => drawn.push(["list", ...topics].join(" ")));
  store.watch(["frame"], () => drawn.push("timeline"));
  store.setObject(1, { name: "cat" });
  store.setMasks(0, { 1: mask(0.1) });
  store.addObject(object(7));
  assert.equal(due.length, 1);
  assert.deepEqual(drawn, []);
  due.shift()();
  assert.deepEqual(drawn, ["list objects masks"]);
  store.setFrame(1);
  due.shift()();
  assert.deepEqual(drawn, ["list objects masks", "timeline"]);
});

test("what changes while it is drawn is drawn the next time; a closed page draws no more", () => {
  const due = [];
  let drawn = 0;
  const store = clip({}, (work) => due.push(work));
  store.watch(["prompts"], () => {
    if (++drawn === 1) store.setPrompt(0, 1, click(1, 1));
  });
  store.redraw.all();
  due.shift()();
  assert.equal(due.length, 1);
  due.shift()();
  assert.equal(drawn, 2);
  store.changed("prompts");
  store.redraw.close();
  due.shift()();
  assert.equal(drawn, 2);
});
