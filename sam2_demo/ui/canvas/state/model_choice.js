// Which model this page uses; shared by the model bar and both studios.

let chosen = null;
const watchers = new Set();
const users = new Set(); // open clips and pictures: { lossOf(name), useModel(name) }

export const chosenModel = () => chosen;

// Shows a model as chosen without changing what is open.
export function showModel(name) {
  chosen = name;
  for (const watcher of watchers) watcher(name);
}

export function watchModel(watcher) {
  watchers.add(watcher);
}

export function joinModel(user) {
  users.add(user);
  return () => users.delete(user);
}

// What would be lost by another model, in words; empty if nothing.
export const lossOf = (name) =>
  [...users]
    .map((user) => user.lossOf(name))
    .filter(Boolean)
    .join(" ");

export async function switchModel(name) {
  showModel(name);
  await Promise.all([...users].map((user) => user.useModel(name)));
}
