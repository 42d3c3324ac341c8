// The person's camera: which there are, starting and stopping it, and what is wrong in words.

export class CameraError extends Error {}

/**
 * What a refusal of the browser means, and what to do.
 * @param {{ name?: string, message?: string }} error
 */
export function inWords(error) {
  /** @type {{ [name: string]: string }} */
  const known = {
    NotAllowedError:
      "The browser was not allowed to use the camera. Press the camera symbol beside the address, allow it for this page, and start again.",
    NotFoundError: "No camera was found. Connect one, or choose another in the list, and start again.",
    NotReadableError: "The camera is in use by another program. Close that program and start again.",
    OverconstrainedError: "The chosen camera is not there any more. Choose another in the list.",
    AbortError: "The camera could not be started. Unplug it, plug it in again, and start again.",
  };
  return known[error.name] || `The camera could not be started: ${error.message || error.name}.`;
}

export class CameraSource {
  /** @param {(text: string) => void} ended  the camera went away by itself */
  constructor(ended) {
    this.ended = ended;
    this.video = document.createElement("video");
    this.video.muted = true;
    this.video.playsInline = true;
    /** @type {MediaStream | null} */
    this.stream = null;
  }

  /**
   * @param {string} device  its id; "user" or "environment" for the front or back one; empty: any
   * @param {number} longSide  of the pictures wished for
   */
  async start(device, longSide) {
    this.stop();
    if (!navigator.mediaDevices?.getUserMedia)
      throw new CameraError(
        "Browsers give the camera only to pages over https or on localhost. Open this page at its https address, or on the computer that runs it at http://localhost.",
      );
    const facing = ["user", "environment"].includes(device);
    /** @type {MediaTrackConstraints} */
    const wanted = { width: { ideal: longSide }, height: { ideal: Math.round((longSide * 3) / 4) } };
    if (facing) wanted.facingMode = { ideal: device };
    else if (device) wanted.deviceId = { exact: device };
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
    } catch (error) {
      throw new CameraError(inWords(error));
    }
    const [track] = this.stream.getVideoTracks();
    track.onended = () => this.ended("The camera was disconnected.");
    this.video.srcObject = this.stream;
    await this.video.play();
  }

  // Front and back by their names where a phone tells no labels.
  async devices() {
    const found = (await navigator.mediaDevices?.enumerateDevices?.()) || [];
    const cameras = found.filter((device) => device.kind === "videoinput" && device.deviceId);
    return [
      ["", "Any camera"],
      ["user", "Front camera"],
      ["environment", "Back camera"],
      ...cameras.map((device, place) => [device.deviceId, device.label || `Camera ${place + 1}`]),
    ];
  }

  get isRunning() {
    return this.stream !== null;
  }

  stop() {
    for (const track of this.stream?.getTracks() || []) {
      track.onended = null;
      track.stop();
    }
    this.stream = null;
    this.video.srcObject = null;
  }
}
