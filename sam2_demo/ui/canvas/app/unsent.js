// What could not be sent, kept in this tab so that a reload loses nothing either.

/** @import { ObjectActions } from "../edit/object_actions.js" */
/** @import { PromptEditor } from "../edit/prompt_editor.js" */
/** @import { Outbox } from "../server/outbox.js" */
/** @import { Store } from "../state/store.js" */

/** @param {string} token */
const name = (token) => `sam2-unsent-${token}`;

/** @param {{ store: Store, outbox: Outbox }} parts */
export function keepUnsent({ store, outbox }) {
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
 * @param {{ store: Store, editor: PromptEditor, objectActions: ObjectActions }} parts
 */
export function sendUnsent({ store, editor, objectActions }) {
  let value = null;
  try {
    value = JSON.parse(sessionStorage.getItem(name(store.token)));
  } catch {
    return false;
  }
  forgetUnsent(store.token);
  if (!value?.prompts?.length) return false;
  for (const object of value.objects) if (!store.object(object.object_id)) objectActions.putBack(object, []);
  for (const [frame, object, prompt] of value.prompts) editor.apply(frame, object, prompt);
  return true;
}
