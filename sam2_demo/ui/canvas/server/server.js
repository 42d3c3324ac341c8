// Addresses on the server and plain requests to them (frames, masks, files, uploads); every one has a time limit.

/** @type {{ root?: string }} */
const config = Reflect.get(window, "gradio_config") || {};
const root = (config.root || window.location.origin + window.location.pathname).replace(/\/+$/, "");
const STALLED = 60000;

/** @type {string | null} */
let run = null; // what the server called itself when it was last heard of

/** @param {string} path */
export function address(path) {
  return `${root}/sam2/${path}`;
}

// The server is out of reach or forgot the question: trying again later is worth while.
export class LostError extends Error {
  /**
   * @param {string} [text]
   * @param {boolean} [isLate]
   */
  constructor(text = "The server is out of reach.", isLate = false) {
    super(text);
    this.lost = true;
    this.isLate = isLate; // no refusal: there was no answer in time
  }
}

/**
 * A fetch that ends in time; `LostError` without an answer.
 * @param {string} path
 * @param {RequestInit} [options]
 * @param {number} [limit]
 */
export async function request(path, options = {}, limit = 20000) {
  try {
    return await fetch(address(path), { ...options, signal: AbortSignal.timeout(limit) });
  } catch (error) {
    if (error.name === "TimeoutError") throw new LostError("The server did not answer in time.", true);
    throw new LostError();
  }
}

// An answer that is a refusal. `gone`: what was asked for does not exist (any more), so that asking again is in vain;
// `retryAfter`: seconds after which the server may be less busy, where it says so.
export class RefusedError extends Error {
  /**
   * @param {number} status
   * @param {string | undefined} text
   * @param {string | null} retryAfter
   */
  constructor(status, text, retryAfter = null) {
    super(text || `the server answered with status ${status}`);
    this.status = status;
    this.gone = status === 404;
    this.retryAfter = Number(retryAfter) > 0 ? Number(retryAfter) : null;
  }
}

/** @param {Response} response */
async function answer(response) {
  /** @type {any} */
  let body = null;
  try {
    body = await response.json();
  } catch {
    // A proxy answers in words of its own; the status says enough.
  }
  if (response.ok && body) return body;
  throw new RefusedError(response.status, body?.error, response.headers.get("Retry-After"));
}

/**
 * @param {string} path
 * @param {number} [limit]
 */
export async function get(path, limit) {
  return answer(await request(path, {}, limit));
}

/**
 * @param {string} path
 * @param {number} [limit]
 */
export async function post(path, limit = 120000) {
  return answer(await request(path, { method: "POST" }, limit));
}

/**
 * @param {string} path
 * @returns {Promise<ImageBitmap>}
 */
export async function bitmap(path) {
  const response = await request(path);
  if (!response.ok) await answer(response);
  return createImageBitmap(await response.blob());
}

// The name of the server's run: another one after a restart; null while it is out of reach. A server that computes
// with all its cores may answer late: it is still the one last heard of, and questions have time limits of their own.
export async function alive() {
  try {
    run = (await get("alive", 5000)).run;
    return run;
  } catch (error) {
    return error.isLate ? run : null;
  }
}

export const knownRun = () => run;

/**
 * Sends a file as it is; `onProgress` gets the share sent, 0 to 1.
 * @param {string} path
 * @param {File} file
 * @param {(share: number) => void} onProgress
 */
export function sendFile(path, file, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let stalled = 0;
    /** @param {number} limit */
    const patience = (limit) => {
      clearTimeout(stalled);
      stalled = setTimeout(() => {
        request.abort();
        reject(new LostError("The upload has stopped moving; check the connection and try again."));
      }, limit);
    };
    request.open("POST", address(path));
    request.setRequestHeader("X-File-Name", encodeURIComponent(file.name));
    request.upload.onprogress = (event) => {
      patience(STALLED);
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    };
    request.upload.onload = () => patience(10 * STALLED); // the server reads the file now
    request.onerror = () => reject(new LostError("The upload was interrupted; check the connection and try again."));
    request.onload = () => {
      /** @type {any} */
      let body = null;
      try {
        body = JSON.parse(request.responseText);
      } catch {
        // A proxy answers in words of its own; the status says enough.
      }
      if (request.status === 200 && body) resolve(body);
      else reject(new RefusedError(request.status, body?.error, request.getResponseHeader("Retry-After")));
    };
    request.onloadend = () => clearTimeout(stalled);
    patience(STALLED);
    request.send(file);
  });
}
