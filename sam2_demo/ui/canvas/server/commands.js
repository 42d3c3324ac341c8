// Quick changes that the server is told in order, and what is done on the page when it refuses one.

/** @import { Host, Question } from "../state/types.js" */
/** @import { Outbox } from "./outbox.js" */

/** @typedef {() => void | Promise<void>} Refused  takes back on the page what the server did not do */

export class Commands {
  /** @param {{ host: Host, outbox: Outbox }} parts */
  constructor({ host, outbox }) {
    this.host = host;
    this.outbox = outbox;
  }

  /**
   * Sends a command behind all changes before it; `key` names what it replaces, `object` is what it is about.
   * @param {string | null} key
   * @param {() => Question} question  asked when its turn comes
   * @param {number | null} [object]
   * @param {Refused | null} [refused]
   */
  put(key, question, object = null, refused = null) {
    this.outbox.put(key, () => this.send(question(), object, refused), object);
  }

  /**
   * @param {Question} question
   * @param {number | null} object
   * @param {Refused | null} refused
   */
  async send(question, object, refused) {
    try {
      await this.host.ask("command", question);
    } catch (error) {
      if (error.lost) throw error; // stays in the outbox
      const again = () => this.put(null, () => question, object);
      this.host.warn(error.message, error.unexpected && !refused ? again : null);
      await refused?.();
    }
  }
}
