// Addresses on the server and plain requests to them (frames, masks, files, uploads).

const config = window.gradio_config || {};
const root = (config.root || window.location.origin + window.location.pathname).replace(/\/+$/, "");

export function address(path) {
  return `${root}/sam2/${path}`;
}

async function answer(response) {
  let body = null;
  try {
    body = await response.json();
  } catch {
    throw new Error(`the server answered with status ${response.status}`);
  }
  if (!response.ok) throw new Error(body.error || `the server answered with status ${response.status}`);
  return body;
}

export async function get(path) {
  return answer(await fetch(address(path)));
}

export async function post(path) {
  return answer(await fetch(address(path), { method: "POST" }));
}

// Sends a file as it is; `onProgress` gets the share sent, 0 to 1.
export function sendFile(path, file, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address(path));
    request.setRequestHeader("X-File-Name", encodeURIComponent(file.name));
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onerror = () => reject(new Error("the upload was interrupted; check the connection and try again"));
    request.onload = () => {
      let body = {};
      try {
        body = JSON.parse(request.responseText);
      } catch {
        body = { error: `the server answered with status ${request.status}` };
      }
      if (request.status === 200) resolve(body);
      else reject(new Error(body.error || `the server answered with status ${request.status}`));
    };
    request.send(file);
  });
}
