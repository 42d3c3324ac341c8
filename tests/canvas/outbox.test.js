// Changes on their way to the server: their order, what replaces what, and what a lost server leaves.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Outbox } from "../../sam2_demo/ui/canvas/server/outbox.js";

const lostError = () => Object.assign(new Error("out of reach"), { lost: true });

function box() {
  const told = { busy: [], lost: [] };
  return [
    new Outbox(
      (busy) => told.busy.push(busy),
      (error) => told.lost.push(error),
    ),
    told,
  ];
}

async function sent(changes) {
  const order = [];
  const [outbox] = box();
  outbox.put(null, () => new Promise((done) => setTimeout(done))); // all others wait behind it
  for (const [key, object, what] of changes) outbox.put(key, async () => order.push(what), object);
  await outbox.settled();
  return order.join(" ");
}

test("a newer version replaces one that waits, in its place", async () => {
  assert.equal(
    await sent([
      ["p", 1, "a"],
      ["p", 1, "b"],
      ["view", null, "v"],
      ["view", null, "w"],
    ]),
    "b w",
  );
  assert.equal(
    await sent([
      ["p 1", 1, "a"],
      ["p 2", 2, "x"],
      ["p 1", 1, "b"],
    ]),
    "b x",
  );
});

test("not past the removal of its object", async () => {
  const changes = [
    ["p", 1, "a"],
    [null, 1, "remove"],
    [null, 1, "put"],
    ["p", 1, "b"],
    ["p", 1, "c"],
  ];
  assert.equal(await sent(changes), "a remove put c");
});

test("one at a time", async () => {
  const [outbox, told] = box();
  let running = 0;
  const work = async () => {
    assert.equal(++running, 1);
    await new Promise((done) => setTimeout(done));
    running--;
  };
  for (let k = 0; k < 5; k++) outbox.put(null, work);
  await outbox.settled();
  assert.deepEqual(told.busy, [true, false]);
});

test("what is lost on the way waits at the head until the server is back", async () => {
  const [outbox, told] = box();
  const order = [];
  let there = false;
  const send = (what) => async () => {
    if (!there) throw lostError();
    order.push(what);
  };
  outbox.put("p", send("a"));
  await assert.rejects(outbox.settled());
  outbox.put("q", send("b"));
  await assert.rejects(outbox.settled(), "still lost");
  assert.deepEqual(outbox.keys(), ["p", "q"]);
  assert.equal(told.lost.length, 2);
  there = true;
  await outbox.resume();
  assert.deepEqual(order, ["a", "b"]);
  await outbox.settled();
});

test("a newer version of what was lost takes its place", async () => {
  const [outbox] = box();
  const order = [];
  let fail;
  outbox.put(
    "p",
    () =>
      new Promise((_, reject) => {
        fail = () => reject(lostError());
      }),
  );
  outbox.put("p", async () => order.push("newer"));
  const settled = assert.rejects(outbox.settled());
  fail();
  await settled;
  await outbox.resume();
  assert.deepEqual(order, ["newer"]);
});
