// The page's socket: questions and answers, a lost connection, and camera pictures one at a time.

import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.window = { location: { origin: "https://page", pathname: "/" } };
const { Socket } = await import("../../sam2_demo/ui/canvas/server/socket.js");
const { LiveLane } = await import("../../sam2_demo/ui/canvas/camera/live_lane.js");
const { inWords } = await import("../../sam2_demo/ui/canvas/camera/camera_source.js");

class Line {
  constructor(url) {
    this.url = url;
    this.readyState = 0;
    this.sent = [];
  }
  accept() {
    this.readyState = 1;
    this.onopen();
  }
  end(reason) {
    this.readyState = 3;
    this.onclose({ reason });
  }
  send(message) {
    this.sent.push(message);
  }
  answer(value) {
    this.onmessage({ data: JSON.stringify(value) });
  }
}

async function setUp(run = "run 1") {
  const lines = [];
  const socket = new Socket(
    (url) => {
      lines.push(new Line(url));
      return lines.at(-1);
    },
    async () => run,
  );
  const opened = socket.open();
  await new Promise(setImmediate);
  return { socket, lines, opened };
}

test("it is opened once, with the server's run", async () => {
  const { socket, lines, opened } = await setUp();
  socket.open();
  await new Promise(setImmediate);
  assert.equal(lines.length, 1);
  assert.equal(lines[0].url, "wss://page/sam2/channel?run=run%201");
  lines[0].accept();
  assert.equal(await opened, true);
  assert.equal(socket.isOpen, true);
});

test("nothing is opened while the server is out of reach", async () => {
  const { lines, opened } = await setUp(null);
  assert.equal(await opened, false);
  assert.equal(lines.length, 0);
});

test("answers find their questions, refusals are told from faults", async () => {
  const { socket, lines } = await setUp();
  lines[0].accept();
  const asked = ["preview", "prompt", "command"].map((event) => socket.ask(event, { token: "t" }));
  assert.deepEqual(
    lines[0].sent.map((text) => JSON.parse(text)),
    ["preview", "prompt", "command"].map((event, k) => ({ token: "t", event, seq: k + 1 })),
  );
  lines[0].answer({ seq: 2, error: "no" });
  lines[0].answer({ seq: 3, error: "fault", unexpected: true });
  lines[0].answer({ seq: 1, result: { counts: "x" } });
  assert.deepEqual(await asked[0], { counts: "x" });
  await assert.rejects(asked[1], { message: "no", unexpected: false });
  await assert.rejects(asked[2], { message: "fault", unexpected: true });
});

test("what waits when the connection goes is lost, and it can be opened again", async () => {
  const { socket, lines } = await setUp();
  lines[0].accept();
  const reasons = [];
  socket.onClose = (reason) => reasons.push(reason);
  const asked = socket.ask("prompt", {});
  lines[0].end("too many messages");
  await assert.rejects(asked, { lost: true });
  await assert.rejects(socket.ask("prompt", {}), { lost: true });
  assert.deepEqual(reasons, ["too many messages"]);
  socket.open();
  await new Promise(setImmediate);
  lines[1].accept();
  assert.equal(socket.isOpen, true);
});

test("a picture is sent with its number and time", async () => {
  const { socket, lines } = await setUp();
  lines[0].accept();
  socket.sendFrame(7, 2.5, new Uint8Array([1, 2, 3]).buffer);
  const view = new DataView(lines[0].sent[0].buffer);
  assert.deepEqual([view.getUint32(0, true), view.getFloat64(4, true), view.byteLength], [7, 2.5, 15]);
});

test("one picture is in flight, none twice, and late answers are passed over", async () => {
  let closed = 0;
  globalThis.OffscreenCanvas = class {
    getContext() {
      return { drawImage() {} };
    }
    async convertToBlob() {
      return { arrayBuffer: async () => new ArrayBuffer(4) };
    }
    transferToImageBitmap() {
      return { close: () => closed++ };
    }
  };
  const sent = [],
    shown = [],
    warned = [];
  const socket = { isOpen: true, sendFrame: (number) => sent.push(number) };
  const lane = new LiveLane(
    socket,
    (each) => shown.push(each.frame),
    (text) => warned.push(text),
  );
  const video = { videoWidth: 1280, videoHeight: 720, currentTime: 1 };
  await Promise.all([lane.take(video, 640), lane.take(video, 640)]);
  assert.deepEqual(sent, [1]);
  video.currentTime = 2;
  await lane.take(video, 640);
  assert.deepEqual(sent, [1]); // the first is still on its way
  lane.receive({ number: 1, result: { frame: 0, masks: {}, anew: true } });
  await lane.take(video, 640);
  await lane.take(video, 640);
  assert.deepEqual(sent, [1, 2]);
  lane.receive({ number: 1, result: { frame: 9, masks: {}, anew: false } });
  assert.deepEqual(shown, [0]);
  lane.receive({ number: 2, error: "too large" });
  assert.deepEqual([warned, closed], [["too large"], 1]);
  await lane.take(video, 640); // the same picture of the camera
  assert.deepEqual(sent, [1, 2]);
});

test("refusals of the browser are said in words", () => {
  assert.match(inWords({ name: "NotAllowedError" }), /allow/);
  assert.match(inWords({ name: "NotFoundError" }), /No camera/);
  assert.match(inWords({ name: "Odd", message: "strange" }), /strange/);
});
