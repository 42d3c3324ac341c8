// Adding, changing and removing objects, each of which can be undone.

export class ObjectActions {
  constructor(bench) {
    this.bench = bench;
    this.store = bench.store;
  }

  add() {
    const object = this.store.newObject();
    this.putBack(object, []);
    this.bench.history.did({
      undo: () => this.drop(object.object_id),
      redo: () => this.putBack(object, []),
    });
  }

  // New objects, each prompted by a mask on `frame`; one step of undo for all of them. `made`: [{color, name or stability, counts}].
  addMasks(frame, made) {
    const all = made.map(({ counts, ...look }) => ({
      object: { ...this.store.newObject(), ...look }, prompt: { points: [], box: null, mask: counts },
    }));
    const put = () => all.forEach(({ object, prompt }) => this.putBack(object, [[frame, prompt]]));
    put();
    this.bench.history.did({ undo: () => all.forEach(({ object }) => this.drop(object.object_id)), redo: put });
  }

  putBack(object, prompts) {
    const { store, bench } = this;
    store.objects.push({ ...object });
    store.active = object.object_id;
    bench.outbox.put(null, () => bench.command({ name: "put_object", object }));
    for (const [frame, prompt] of prompts) bench.editor.apply(frame, object.object_id, prompt);
    bench.drawAll();
  }

  activate(id) {
    if (this.store.active === id) return;
    this.store.active = id;
    this.bench.alternatives = null;
    this.bench.drawAll();
  }

  change(id, change) {
    const before = { ...this.store.object(id) }, after = { ...before, ...change };
    this.bench.history.did({ undo: () => this.set(id, before), redo: () => this.set(id, after) });
    this.set(id, after);
  }

  set(id, value) {
    const { store, bench } = this;
    const object = store.object(id);
    if (!object) return;
    Object.assign(object, value);
    bench.outdate();
    bench.outbox.put(`object ${id}`, () => bench.command({ name: "put_object", object: store.object(id) || value }));
    bench.drawAll();
  }

  // Shows one object alone; a second time shows all again.
  solo(id) {
    const { objects } = this.store;
    const alone = objects.every((o) => o.visible === (o.object_id === id));
    const before = objects.map((o) => ({ ...o }));
    const after = objects.map((o) => ({ ...o, visible: alone || o.object_id === id }));
    const apply = (values) => values.forEach((o) => this.set(o.object_id, { visible: o.visible }));
    apply(after);
    this.bench.history.did({ undo: () => apply(before), redo: () => apply(after) });
  }

  remove(id) {
    const { store, bench } = this;
    if (bench.runs?.tracking) return bench.host.warn("Tracking is running: press Stop first.");
    const object = { ...store.object(id) };
    if (object.locked) return bench.host.warn(`${object.name} is locked: unlock it first.`);
    const prompts = store.promptedFrames(id).map((frame) => [frame, store.prompt(frame, id)]);
    this.drop(id);
    bench.history.did({ undo: () => this.putBack(object, prompts), redo: () => this.drop(id) });
  }

  drop(id) {
    const { store, bench } = this;
    store.forgetObject(id);
    bench.outdate();
    for (const name of [...bench.editor.accepted.keys()]) {
      if (name.endsWith(`:${id}`)) bench.editor.accepted.delete(name);
    }
    bench.alternatives = null;
    bench.outbox.put(null, () => bench.command({ name: "remove_object", object_id: id }));
    bench.drawAll();
  }
}
