// What was done to the masks that everything mode found, kept in this tab so that a reload does not lose it.

/** @import { FoundMasks } from "../masks/found_masks.js" */

/** @param {string} token */
const name = (token) => `sam2-found-${token}`;

/**
 * @param {string} token
 * @param {FoundMasks} found
 */
export function keepEdits(token, found) {
  try {
    sessionStorage.setItem(name(token), JSON.stringify({ search: found.search(), edits: found.edits() }));
  } catch {
    // Full or switched off: they last as long as the page.
  }
}

/**
 * Does them again to masks of the same search.
 * @param {string} token
 * @param {FoundMasks} found
 */
export function bringEdits(token, found) {
  try {
    const { search, edits } = JSON.parse(sessionStorage.getItem(name(token))) || {};
    if (search === found.search()) found.redo(edits);
  } catch {
    // Nothing that can be read was kept.
  }
}
