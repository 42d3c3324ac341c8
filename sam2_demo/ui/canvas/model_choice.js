// Which model this page uses; shared by the model bar and both studios.

let chosen = null;
const listeners = new Set();

export const chosenModel = () => chosen;

export function chooseModel(name) {
  chosen = name;
  for (const listener of listeners) listener(name);
}

export function onModelChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
