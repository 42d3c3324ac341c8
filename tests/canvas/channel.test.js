// Questions and their answers: numbers, steps, refusals, time limits, and a server that is gone or started anew.

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

globalThis.window = { location: { origin: "http://page", pathname: "/" } };
const { Channel } = await import("../../sam2_demo/ui/canvas/server/channel.js");

let run = "first";
globalThis.fetch = async () => {
  if (run === null) throw new TypeError("refused");
  return new Response(JSON.stringify({ run }));
};
const turns = async () => {
  for (let k = 0; k < 30; k++) await Promise.resolve();
  await new Promise(setImmediate);
};

async function setUp() {
  const asked = [],
    props = { value: null };
  let told = () => {};
  const trigger = (event, question) => asked.push({ event, ...question });
  const channel = new Channel({
    trigger,
    watch: (_, work) => {
      told = work;
    },
    props,
  });
  await turns();
  const answer = (value) => {
    props.value = value;
    told();
  };
  return { asked, channel, answer };
}

beforeEach(() => {
  run = "first";
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
});

test("answers find their questions by number, in any order", async () => {
  const { asked, channel, answer } = await setUp();
  const first = channel.ask("prompt", { frame: 1 }),
    second = channel.ask("prompt", { frame: 2 });
  assert.deepEqual(
    asked.map(({ frame, seq }) => [frame, seq]),
    [
      [1, 1],
      [2, 2],
    ],
  );
  answer({ seq: 2, result: "b" });
  answer({ seq: 1, result: "a" });
  answer({ seq: 1, result: "again" });
  answer({ seq: 99, result: "nobody's" });
  assert.deepEqual(await Promise.all([first, second]), ["a", "b"]);
});

test("refusals come as errors that say whether the server is at fault", async () => {
  const { channel, answer } = await setUp();
  const refused = channel.ask("prompt", {}),
    broken = channel.ask("prompt", {});
  answer({ seq: 1, error: "no such object" });
  answer({ seq: 2, error: "went wrong", unexpected: true });
  await assert.rejects(refused, { message: "no such object", unexpected: false });
  await assert.rejects(broken, { unexpected: true });
});

test("steps are told, and each gives the task its time again", async () => {
  const { channel, answer } = await setUp();
  const steps = [];
  const task = channel.ask("track", {}, { limit: 1000, onStep: (step) => steps.push(step) });
  for (let k = 1; k <= 3; k++) {
    mock.timers.tick(900);
    answer({ seq: 1, step: k });
  }
  answer({ seq: 1, result: "done" });
  assert.equal(await task, "done");
  assert.deepEqual(steps, [1, 2, 3]);
});

test("without an answer the question is lost after its limit", async () => {
  const { channel } = await setUp();
  const lost = assert.rejects(channel.ask("prompt", {}, { limit: 1000 }), { lost: true });
  mock.timers.tick(1001);
  await lost;
});

test("a server out of reach, or another one than was asked, loses the questions that wait", async () => {
  for (const [now, message] of [
    [null, /out of reach/],
    ["second", /started anew/],
  ]) {
    run = "first";
    const { channel } = await setUp();
    const lost = assert.rejects(channel.ask("prompt", {}), { lost: true, message });
    run = now;
    mock.timers.tick(3001);
    await turns();
    await lost;
  }
});
