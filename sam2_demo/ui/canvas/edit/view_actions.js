// How results are shown: effects, overlaps, and the marks between which a clip is tracked.

/** @import { Commands } from "../server/commands.js" */
/** @import { Outbox } from "../server/outbox.js" */
/** @import { View } from "../state/types.js" */
/** @import { Store } from "../state/store.js" */

export class ViewActions {
  /** @param {{ store: Store, commands: Commands, outbox: Outbox, reload: () => Promise<void> }} parts */
  constructor({ store, commands, outbox, reload }) {
    this.store = store;
    this.commands = commands;
    this.outbox = outbox;
    this.reload = reload;
  }

  /** @param {View} change */
  set(change) {
    this.store.setView(change);
    this.commands.put("view", () => ({ name: "put_view", view: this.store.view }));
  }

  /** @param {string} rule */
  async setOverlap(rule) {
    this.set({ overlap: rule });
    await this.outbox.settled();
    await this.reload();
  }

  /** @param {"mark_in" | "mark_out"} name */
  toggleMark(name) {
    const { store } = this;
    this.set({ [name]: store.view[name] === store.frame ? null : store.frame });
  }
}
