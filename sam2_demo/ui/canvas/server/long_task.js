// A task of the server that takes its time: asked for when all changes before it have arrived, answered in steps.
// A stop counts whenever it is pressed, also while the task is still on its way.

/** @import { Host, Question } from "../state/types.js" */
/** @import { Outbox } from "./outbox.js" */

export class LongTask {
  /**
   * @param {{ host: Host, outbox: Outbox }} parts
   * @param {string} event
   */
  constructor({ host, outbox }, event) {
    this.host = host;
    this.outbox = outbox;
    this.event = event;
    this.asked = false;
    this.begun = false;
    this.stopped = false;
  }

  /**
   * @param {Question} question
   * @param {(step: any) => void} onStep
   */
  async run(question, onStep) {
    await this.outbox.settled();
    if (this.stopped) return { done: 0, total: 0, stopped: true };
    this.asked = true;
    return this.host.ask(this.event, question, { onStep: (step) => this.step(step, onStep), limit: 120000 });
  }

  /**
   * @param {any} step
   * @param {(step: any) => void} onStep
   */
  step(step, onStep) {
    // A stop that overtook the task has been forgotten at its start.
    if (!this.begun && this.stopped) this.tellStop().catch(() => {});
    this.begun = true;
    onStep(step);
  }

  async stop() {
    this.stopped = true;
    if (this.asked) await this.tellStop();
  }

  tellStop() {
    return this.host.ask("stop", {});
  }
}
