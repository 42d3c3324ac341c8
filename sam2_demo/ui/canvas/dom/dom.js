// Builds page elements. Text always goes in as text, never as markup.

/**
 * Values of `on...` are listeners; null, undefined and false leave an attribute out.
 * @typedef {string | number | boolean | null | undefined | ((event: any) => unknown)} Attribute
 * @typedef {{ [name: string]: Attribute }} Attributes
 */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} attributes
 * @param {(Node | string | null | undefined)[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") node.className = String(value);
    else if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else if (name in node && typeof value === "boolean") Object.assign(node, { [name]: value });
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/**
 * @param {string | Node} label
 * @param {(event: any) => unknown} onclick
 * @param {Attributes} [attributes]
 */
export function button(label, onclick, attributes = {}) {
  return h("button", { type: "button", onclick, ...attributes }, label);
}

/** @param {number} value */
export function seconds(value) {
  if (!Number.isFinite(value)) return "";
  if (value < 60) return `${Math.max(1, Math.ceil(value))} s`;
  return `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
}

/** @param {number} value */
export function clock(value) {
  const minutes = Math.floor(value / 60);
  return `${minutes}:${(value - minutes * 60).toFixed(2).padStart(5, "0")}`;
}

/**
 * Redraws a list without taking the focus from the keyboard: what had it is found again by its data attribute.
 * @param {HTMLElement} list
 * @param {string} name
 * @param {() => void} redraw
 */
export function keepFocus(list, name, redraw) {
  const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset[name] : undefined;
  redraw();
  if (focused !== undefined) /** @type {HTMLElement} */ (list.querySelector(`[data-${name}="${focused}"]`))?.focus();
}
