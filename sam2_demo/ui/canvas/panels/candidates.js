// Thumbnails of what an ambiguous click may mean.

import { button, h } from "../dom/dom.js";

/** @import { Box, Choice, Mask } from "../state/types.js" */
/** @import { Store } from "../state/store.js" */
/** @import { Stage } from "../stage/stage.js" */
/** @import { PromptEditor } from "../edit/prompt_editor.js" */

export class Candidates {
  /** @param {{ store: Store, stage: Stage, editor: PromptEditor }} parts */
  constructor({ store, stage, editor }) {
    this.store = store;
    this.stage = stage;
    this.editor = editor;
    this.list = h("div", { class: "sam-candidates", role: "group", "aria-label": "Candidate masks" });
    this.element = h("section", { class: "sam-panel" }, h("h3", {}, "Candidate masks"), this.list);
    this.store.watch(["masks", "frame", "objects", "picture"], () => this.draw());
  }

  draw() {
    const choice = this.store.choiceHere();
    const found = choice?.candidates || [];
    this.element.hidden = this.store.isVideo && !found.length;
    const words = this.words(found);
    const around = found.length ? this.stage.closeUp(found.map((mask) => mask.counts)) : null;
    this.list.replaceChildren(
      ...(found.length
        ? found.map((_, position) => this.card(choice, position, { word: words[position], around }))
        : [h("div", { class: "sam-quiet" }, "A single click gets up to three: the whole, a part, a part of that.")]),
    );
  }

  /**
   * The larger of several masks is the whole, the smaller ones are parts of it.
   * @param {Mask[]} found
   */
  words(found) {
    const order = found.map((_, place) => place).sort((a, b) => found[b].area - found[a].area);
    const names = found.length === 3 ? ["Whole", "Part", "Subpart"] : found.length === 2 ? ["Whole", "Part"] : [""];
    return found.map((_, place) => names[order.indexOf(place)]);
  }

  /**
   * @param {Choice} choice
   * @param {number} position
   * @param {{ word: string, around: Box | null }} given
   */
  card(choice, position, { word, around }) {
    const mask = choice.candidates[position],
      isChosen = position === choice.chosen;
    const thumb = h("canvas", { width: 168, height: 120, "aria-hidden": "true" });
    this.stage.paintThumb(thumb, mask.counts, this.store.object(this.store.active).color, around);
    const percent = Math.round(mask.iou * 100);
    const card = button("", () => this.editor.choose(choice, position), {
      class: `sam-candidate${isChosen ? " sam-current" : ""}`,
      "aria-pressed": String(isChosen),
      "aria-label": `Candidate ${position + 1}, score ${percent} %`,
    });
    card.append(thumb, h("span", {}, `${word} ${percent} %`.trim()));
    return card;
  }
}
