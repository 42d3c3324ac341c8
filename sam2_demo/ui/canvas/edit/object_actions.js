// Adding, changing and removing objects, each of which can be undone. What the server refuses is taken back here, too.

import { get } from "../server/server.js";

/** @import { Host, ObjectInfo, Prompt, SessionState } from "../state/types.js" */
/** @import { Store } from "../state/store.js" */
/** @import { Outbox } from "../server/outbox.js" */
/** @import { History } from "../state/history.js" */
/** @import { Commands } from "../server/commands.js" */
/** @import { PromptEditor } from "./prompt_editor.js" */

/** @typedef {{ counts?: string, prompts?: [frame: number, prompt: Prompt][], color?: string, name?: string, stability?: number }} NewMask */

export class ObjectActions {
  /** @param {{ store: Store, host: Host, outbox: Outbox, history: History, commands: Commands, editor: PromptEditor, reload: () => Promise<void> }} parts */
  constructor({ store, host, outbox, history, commands, editor, reload }) {
    this.store = store;
    this.host = host;
    this.outbox = outbox;
    this.history = history;
    this.commands = commands;
    this.editor = editor;
    this.reload = reload;
    this.followed = new Set(); // ids of removed objects that had been tracked
  }

  // Whether there is room for another object; says so if not.
  hasRoom() {
    const most = this.host.config.limits.max_objects;
    if (this.store.objects.length < most) return true;
    this.host.warn(`There is room for no more than ${most} objects: remove one first.`);
    return false;
  }

  // False if there is no room.
  add() {
    if (!this.hasRoom()) return false;
    this.host.quiet();
    const object = this.store.newObject();
    this.putBack(object, []);
    this.remember(object);
    return true;
  }

  /**
   * Makes the adding of an object a step that can be undone.
   * @param {ObjectInfo} object
   */
  remember(object) {
    this.history.did({
      undo: () => this.drop(object.object_id),
      redo: () => this.putBack(object, []),
    });
  }

  /**
   * New objects, each prompted by a mask on `frame`; one step of undo for all of them. `made`: [{color, name or stability, counts}].
   * @param {number} frame
   * @param {NewMask[]} made
   */
  addMasks(frame, made) {
    const { store } = this;
    /** @type {{ object: ObjectInfo, given: [frame: number, prompt: Prompt][] }[]} */
    const all = [];
    for (const { counts, prompts, color, ...look } of made) {
      const others = [...store.objects, ...all.map(({ object }) => object)];
      all.push({
        object: { ...store.newObject(others, color), ...look },
        given: prompts ?? [[frame, { points: [], box: null, mask: counts ?? null }]],
      });
    }
    const put = () => {
      for (const { object, given } of all) this.putBack(object, given);
    };
    const drop = () => {
      for (const { object } of all) this.drop(object.object_id);
    };
    put();
    this.history.did({ undo: drop, redo: put });
  }

  /**
   * @param {ObjectInfo} object
   * @param {[frame: number, prompt: Prompt][]} prompts
   */
  putBack(object, prompts) {
    const { store } = this;
    const id = object.object_id;
    if (store.object(id)) return; // its removal was refused
    store.addObject(object);
    store.activate(id);
    this.commands.put(
      null,
      () => ({ name: "put_object", object }),
      id,
      () => this.forget(id),
    );
    for (const [frame, prompt] of prompts) this.editor.apply(frame, id, prompt);
    if (this.followed.delete(id) && prompts.length) {
      const text = `${object.name} is back with its prompts, without its other masks: press Track to follow it again.`;
      this.outbox.put(null, () => this.host.tell(text), id); // after the prompts, whose answers close messages
    }
  }

  /** @param {number} id */
  activate(id) {
    if (this.store.active === id) return;
    this.store.activate(id);
  }

  /**
   * @param {number} id
   * @param {Partial<ObjectInfo>} change
   */
  change(id, change) {
    const before = { ...this.store.object(id) },
      after = { ...before, ...change };
    this.history.did({ undo: () => this.set(id, before), redo: () => this.set(id, after) });
    this.set(id, after);
  }

  /**
   * @param {number} id
   * @param {Partial<ObjectInfo>} value
   */
  set(id, value) {
    const { store } = this;
    if (!store.object(id)) return;
    store.setObject(id, value);
    store.outdate();
    this.commands.put(`object ${id}`, () => ({ name: "put_object", object: store.object(id) || value }), id);
  }

  /**
   * Shows one object alone; a second time shows all again.
   * @param {number} id
   */
  solo(id) {
    const { objects } = this.store;
    const alone = objects.every((o) => o.visible === (o.object_id === id));
    const before = objects.map((o) => ({ ...o }));
    const after = objects.map((o) => ({ ...o, visible: alone || o.object_id === id }));
    /** @param {ObjectInfo[]} values */
    const apply = (values) => {
      for (const { object_id: each, visible } of values) this.set(each, { visible });
    };
    apply(after);
    this.history.did({ undo: () => apply(before), redo: () => apply(after) });
  }

  /** @param {number} id */
  remove(id) {
    const { store } = this;
    if (store.tracking) return this.host.warn("Tracking is running: press Stop first.");
    const object = { ...store.object(id) };
    if (object.locked) return this.host.warn(`${object.name} is locked: unlock it first.`);
    /** @type {[number, Prompt][]} */
    const prompts = store.promptedFrames(id).map((frame) => [frame, store.prompt(frame, id)]);
    this.drop(id);
    this.history.did({ undo: () => this.putBack(object, prompts), redo: () => this.drop(id) });
  }

  /** @param {number} id */
  drop(id) {
    const { store } = this;
    if (!store.object(id)) return; // its adding was refused
    if (store.isVideo && store.track(id).size > store.promptedFrames(id).length) this.followed.add(id);
    this.forget(id);
    store.outdate();
    this.commands.put(
      null,
      () => ({ name: "remove_object", object_id: id }),
      id,
      () => this.bringBack(id),
    );
  }

  /** @param {number} id */
  forget(id) {
    const { store } = this;
    store.forgetObject(id);
    for (const name of [...this.editor.accepted.keys()]) {
      if (name.endsWith(`:${id}`)) this.editor.accepted.delete(name);
    }
  }

  /**
   * The server has kept an object that is gone from the page.
   * @param {number} id
   */
  async bringBack(id) {
    const { store } = this;
    try {
      /** @type {SessionState} */
      const state = await get(`s/${store.token}/state`);
      const object = state.objects.find((each) => each.object_id === id);
      this.followed.delete(id);
      if (object && !store.object(id)) {
        store.addObject(object);
        if (store.active === null) store.activate(id);
        for (const { frame, object: owner, ...prompt } of state.prompts) {
          if (owner !== id) continue;
          store.setPrompt(frame, id, prompt);
          this.editor.accepted.set(`${frame}:${id}`, prompt);
        }
        if (state.candidates?.[id]) store.setChoice(id, state.candidates[id]);
      }
      await this.reload();
    } catch (error) {
      this.host.fail(error, () => this.bringBack(id));
    }
  }
}
