// Which model this page uses; shared by the model bar and both studios.

/** @type {string | null} */
let chosen = null;
/** @type {Set<(name: string) => void>} */
const watchers = new Set();
/**
 * An open clip or picture; `lossOf` says in words what another model would lose.
 * @typedef {{ lossOf: (name: string) => string, useModel: (name: string) => Promise<void> }} ModelUser
 */

/** @type {Set<ModelUser>} */
const users = new Set();

export const chosenModel = () => chosen;

/**
 * Shows a model as chosen without changing what is open.
 * @param {string} name
 */
export function showModel(name) {
  chosen = name;
  for (const watcher of watchers) watcher(name);
}

/** @param {(name: string) => void} watcher */
export function watchModel(watcher) {
  watchers.add(watcher);
}

/** @param {ModelUser} user */
export function joinModel(user) {
  users.add(user);
  return () => users.delete(user);
}

/**
 * What would be lost by another model, in words; empty if nothing.
 * @param {string} name
 */
export const lossOf = (name) =>
  [...users]
    .map((user) => user.lossOf(name))
    .filter(Boolean)
    .join(" ");

/** @param {string} name */
export async function switchModel(name) {
  showModel(name);
  await Promise.all([...users].map((user) => user.useModel(name)));
}
