// What can be done with the masks that everything mode found: pick, join, delete, make objects, download.

import { button, h } from "../dom/dom.js";
import { address } from "../server/server.js";

/** @import { FoundMasks } from "../masks/found_masks.js" */
/** @import { FoundMask } from "../state/types.js" */

/**
 * @typedef {object} FoundActs
 * @property {() => void} all
 * @property {() => void} none
 * @property {() => void} join
 * @property {() => void} remove
 * @property {(track: boolean) => void} makeObjects
 */

export class FoundActions {
  /**
   * @param {string} token
   * @param {boolean} isVideo
   * @param {FoundActs} act
   * @param {Node | null} again  the choice of looking again, in a clip
   */
  constructor(token, isVideo, act, again) {
    this.token = token;
    this.all = button("Pick all", act.all);
    this.none = button("Pick none", act.none);
    this.join = button("Join", act.join, { title: "Make one mask of those that are picked (J)" });
    this.remove = button("Delete", act.remove, { title: "Delete those that are picked (Delete)" });
    this.objects = button(isVideo ? "Track these" : "Make objects", () => act.makeObjects(isVideo), {
      class: "sam-primary sam-grow",
      title: "Each picked mask becomes an object",
    });
    this.only = isVideo
      ? button("Make objects", () => act.makeObjects(false), {
          title: "Each picked mask becomes an object, tracked later",
        })
      : null;
    /** @param {string} text */
    const link = (text) => h("a", { class: "sam-link sam-grow", download: "" }, text);
    this.links = { coco: link("COCO JSON"), labels: link("Label map (PNG)") };
    this.what = h("span", { class: "sam-quiet" });
    this.element = h(
      "div",
      { class: "sam-everything-actions" },
      h("div", { class: "sam-row" }, this.all, this.none, this.join, this.remove),
      h("div", { class: "sam-row" }, this.objects, this.only),
      again,
      this.what,
      h("div", { class: "sam-row" }, this.links.coco, this.links.labels),
    );
  }

  /**
   * @param {FoundMasks} found
   * @param {FoundMask[]} shown
   * @param {FoundMask[]} picked
   * @param {{ running: boolean, busy: boolean }} state  looking for masks now; or for what is new, again and again
   */
  draw(found, shown, picked, { running, busy }) {
    const none = !picked.length;
    for (const each of [this.none, this.join, this.remove, this.objects, this.only]) {
      if (each) each.disabled = none || busy;
    }
    this.join.disabled ||= picked.length < 2;
    this.all.disabled = !shown.length || busy;
    const meant = none ? shown : picked;
    this.what.textContent = meant.length ? `Download ${none ? "all shown" : "the picked"} (${meant.length}) as` : "";
    for (const [kind, anchor] of Object.entries(this.links)) {
      anchor.hidden = !meant.length || running;
      anchor.href = address(`s/${this.token}/everything/${kind}?masks=${found.groups(meant)}`);
    }
  }
}
