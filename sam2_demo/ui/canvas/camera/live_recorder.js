// Records what is seen, effects included, in the browser; nothing of it goes to the server.

const KINDS = ["video/mp4;codecs=avc1.42E01E", "video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm"];

export class LiveRecorder {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    /** @type {MediaRecorder | null} */
    this.recorder = null;
  }

  get isRunning() {
    return this.recorder !== null;
  }

  /** @param {(file: Blob, name: string) => void} done */
  start(done) {
    const kind = KINDS.find((each) => MediaRecorder.isTypeSupported(each));
    const recorder = new MediaRecorder(this.canvas.captureStream(30), { mimeType: kind, videoBitsPerSecond: 6e6 });
    /** @type {Blob[]} */
    const parts = [];
    recorder.ondataavailable = ({ data }) => data.size && parts.push(data);
    recorder.onstop = () => {
      const type = recorder.mimeType.split(";")[0];
      for (const track of recorder.stream.getTracks()) track.stop();
      done(new Blob(parts, { type }), `camera.${type.endsWith("mp4") ? "mp4" : "webm"}`);
    };
    recorder.start(1000);
    this.recorder = recorder;
  }

  stop() {
    if (this.recorder && this.recorder.state !== "inactive") this.recorder.stop();
    this.recorder = null;
  }
}
