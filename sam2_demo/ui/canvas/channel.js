// Questions to Python and their answers: numbered, with a time limit; late answers are dropped.

export class Channel {
  constructor({ trigger, watch, props }) {
    this.trigger = trigger;
    this.number = 0;
    this.waiting = new Map();
    watch("value", () => this.receive(props.value));
  }

  // Resolves with the answer; `onStep` gets the answers before the last one of a running task.
  ask(event, question, { limit = 60000, onStep = null } = {}) {
    const seq = ++this.number;
    return new Promise((resolve, reject) => {
      const entry = { resolve, reject, onStep, limit, timer: 0 };
      this.waiting.set(seq, entry);
      this.arm(seq, entry);
      this.trigger(event, { ...question, seq });
    });
  }

  arm(seq, entry) {
    clearTimeout(entry.timer);
    entry.timer = setTimeout(() => {
      this.waiting.delete(seq);
      entry.reject(new Error("the server did not answer in time; try again"));
    }, entry.limit);
  }

  receive(answer) {
    const entry = answer && this.waiting.get(answer.seq);
    if (!entry) return;
    if (answer.step) {
      this.arm(answer.seq, entry);
      entry.onStep?.(answer.step);
      return;
    }
    clearTimeout(entry.timer);
    this.waiting.delete(answer.seq);
    if (answer.error) entry.reject(new Error(answer.error));
    else entry.resolve(answer.result);
  }
}
