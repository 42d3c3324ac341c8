// What could not be sent, kept in this tab so that a reload loses nothing either.

/** @import { Workbench } from "./workbench.js" */

/** @param {string} token */
const name = (token) => `sam2-unsent-${token}`;

/** @param {Workbench} bench */
export function keepUnsent(bench) {
  const { store, outbox } = bench;
  const prompts = outbox
    .keys()
    .filter((key) => key.startsWith("prompt "))
    .map((key) => key.split(" ").slice(1).map(Number));
  const value = {
    objects: store.objects,
    prompts: prompts.map(([frame, object]) => [frame, object, store.prompt(frame, object)]),
  };
  try {
    sessionStorage.setItem(name(store.token), JSON.stringify(value));
  } catch {
    // Full or switched off: the page itself still has everything.
  }
}

/** @param {string} token */
export function forgetUnsent(token) {
  try {
    sessionStorage.removeItem(name(token));
  } catch {
    // Nothing was kept then.
  }
}

/**
 * Does again what was kept; true if there was something.
 * @param {Workbench} bench
 */
export function sendUnsent(bench) {
  const { store } = bench;
  let value = null;
  try {
    value = JSON.parse(sessionStorage.getItem(name(store.token)));
  } catch {
    return false;
  }
  forgetUnsent(store.token);
  if (!value?.prompts?.length) return false;
  for (const object of value.objects) if (!store.object(object.object_id)) bench.objectActions.putBack(object, []);
  for (const [frame, object, prompt] of value.prompts) bench.editor.apply(frame, object, prompt);
  return true;
}
