// Thumbnails of what an ambiguous click may mean.

import { button, h } from "./dom.js";

export class Candidates {
  constructor(bench) {
    this.bench = bench;
    this.list = h("div", { class: "sam-candidates", role: "group", "aria-label": "Candidate masks" });
    this.element = h("section", { class: "sam-panel" }, h("h3", {}, "Candidate masks"), this.list);
    this.draw();
  }

  choice() {
    const { bench } = this;
    const { store } = bench;
    if (!bench.isVideo) return store.choices.get(store.active);
    const found = bench.alternatives;
    return found && found.frame === store.frame && found.object === store.active ? found : null;
  }

  draw() {
    const choice = this.choice();
    const found = choice?.candidates || [];
    this.element.hidden = this.bench.isVideo && !found.length;
    this.list.replaceChildren(...(found.length
      ? found.map((mask, position) => this.card(mask, position, choice.chosen))
      : [h("div", { class: "sam-quiet" }, "A single click gets up to three: the whole, a part, a part of that.")]));
  }

  card(mask, position, chosen) {
    const { bench } = this;
    const thumb = h("canvas", { width: 96, height: 64, "aria-hidden": "true" });
    bench.stage.paintThumb(thumb, mask.counts, bench.store.object(bench.store.active).color);
    const percent = Math.round(mask.iou * 100);
    const card = button("", () => bench.editor.choose(position), {
      class: `sam-candidate${position === chosen ? " sam-current" : ""}`, "aria-pressed": String(position === chosen),
      "aria-label": `Candidate ${position + 1}, score ${percent} %`,
    });
    card.append(thumb, h("span", {}, `${percent} %`));
    return card;
  }
}
