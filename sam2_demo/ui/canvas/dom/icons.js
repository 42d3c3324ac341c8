// Small drawings for buttons, so that no font needs to have them.

/** @type {{ [name: string]: string }} */
const PATHS = {
  first: "M3 3h2v10H3zM13 3v10L6 8z",
  previous: "M11 3v10L4 8z",
  play: "M4 2.5v11L13 8z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  next: "M5 3v10l7-5z",
  sound: "M2 6v4h3l4 3V3L5 6zM10.5 5.5a3 3 0 0 1 0 5zM10.5 2.5a6 6 0 0 1 0 11v-1.6a4.5 4.5 0 0 0 0-7.8z",
  mute: "M2 6v4h3l4 3V3L5 6zM10.5 6.2l1-1L13 6.7l1.5-1.5 1 1L14 7.7l1.5 1.5-1 1L13 8.7l-1.5 1.5-1-1L12 7.7z",
  last: "M11 3h2v10h-2zM3 3v10l7-5z",
};

/** @param {string} name */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  drawing.setAttribute("viewBox", "0 0 16 16");
  drawing.setAttribute("width", "16");
  drawing.setAttribute("height", "16");
  drawing.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", PATHS[name]);
  path.setAttribute("fill", "currentColor");
  drawing.append(path);
  return drawing;
}
