// Says which model is in use and what others would give; loads another one with its progress shown.

import { button, h } from "../dom/dom.js";
import { Channel } from "../server/channel.js";
import { get } from "../server/server.js";
import { chosenModel, lossOf, showModel, switchModel, watchModel } from "../state/model_choice.js";

/** @import { Component, ModelInfo } from "../state/types.js" */

/**
 * @param {HTMLElement} element
 * @param {Component} given
 */
export function mount(element, { trigger, watch, props }) {
  new ModelBar(element, new Channel({ trigger, watch, props })).begin();
}

class ModelBar {
  /**
   * @param {HTMLElement} element
   * @param {Channel} channel
   */
  constructor(element, channel) {
    this.channel = channel;
    /** @type {ModelInfo[]} */
    this.models = [];
    this.line = h("div", { class: "sam-model-line" });
    this.list = h("div", { class: "sam-model-list", hidden: true, id: "sam-model-list" });
    this.toggle = button("Change model", () => this.setOpen(Boolean(this.list.hidden)), {
      "aria-expanded": "false",
      "aria-controls": "sam-model-list",
    });
    this.status = h("div", { class: "sam-model-status", role: "status", "aria-live": "polite" });
    element.classList.add("sam-model-bar");
    element.append(h("div", { class: "sam-row" }, this.line, this.toggle), this.status, this.list);
    this.busy = false;
    watchModel(() => this.draw());
  }

  async begin() {
    try {
      this.take(await get("models"), null);
    } catch (error) {
      this.status.replaceChildren(
        `${error.message} `,
        button("Try again", () => this.begin(), { class: "sam-small" }),
      );
    }
  }

  /** @param {boolean} open */
  setOpen(open) {
    this.list.hidden = !open;
    this.toggle.setAttribute("aria-expanded", String(open));
  }

  /**
   * @param {{ models: ModelInfo[], default: string }} given
   * @param {string | null} name
   */
  take({ models, default: preset }, name) {
    this.models = models;
    showModel(name || chosenModel() || preset);
  }

  draw() {
    const current = this.models.find((model) => model.name === chosenModel());
    this.line.replaceChildren(
      h("strong", {}, "Model: "),
      h("span", {}, current ? current.description || current.label : chosenModel()),
      current?.notice ? h("div", { class: "sam-model-notice" }, current.notice) : "",
    );
    this.list.replaceChildren(
      h(
        "p",
        {},
        "Bigger models follow things more faithfully and need more time per frame. They are downloaded once from ",
        "the Hugging Face Hub; to start with one: ",
        h("code", {}, "python app.py --model facebook/sam2.1-hiera-tiny"),
      ),
      h("div", { class: "sam-model-table" }, ...this.models.map((model) => this.row(model))),
    );
  }

  /** @param {ModelInfo} model */
  row(model) {
    const inUse = model.name === chosenModel();
    const facts = [
      model.accuracy ? `J&F ${model.accuracy} on SA-V test` : null,
      model.megabytes && !model.loaded ? `${model.megabytes} MB to download` : null,
      model.licence && !model.loaded ? `licence ${model.licence}` : null,
      model.speed || null,
    ]
      .filter(Boolean)
      .join(" · ");
    const label = inUse ? "In use" : model.loaded ? "Use" : model.megabytes ? "Download and use" : "Use";
    return h(
      "div",
      { class: `sam-model${inUse ? " sam-current" : ""}` },
      h("div", {}, h("strong", {}, model.label), h("div", { class: "sam-quiet" }, facts)),
      button(label, () => this.choose(model), {
        disabled: inUse || this.busy,
        "aria-label": `${label}: ${model.label}`,
      }),
    );
  }

  /**
   * Says first what would be lost.
   * @param {ModelInfo} model
   */
  choose(model) {
    const loss = lossOf(model.name);
    this.setOpen(false);
    this.toggle.focus();
    if (!loss) return this.load(model);
    this.status.replaceChildren(
      h("span", {}, `${loss} `),
      h(
        "span",
        { class: "sam-row" },
        button("Change the model", () => this.load(model), { class: "sam-primary sam-small" }),
        button("Keep this one", () => this.status.replaceChildren(), { class: "sam-small" }),
      ),
    );
    return null;
  }

  /** @param {ModelInfo} model */
  async load(model) {
    const before = chosenModel();
    this.busy = true;
    this.draw();
    this.status.replaceChildren(`Loading ${model.label} …`);
    try {
      if (!model.loaded) {
        const answer = await this.channel.ask(
          "load_model",
          { source: model.name },
          {
            limit: 120000,
            onStep: ({ text, share }) => this.progress(text, share),
          },
        );
        this.take(answer, before);
        model = { ...model, name: answer.name };
      }
      this.status.replaceChildren(`${model.label} takes over …`);
      await switchModel(model.name);
      this.status.textContent = `${model.label} is in use from the next click.`;
    } catch (error) {
      showModel(before);
      this.status.replaceChildren(
        `${error.message} `,
        button("Try again", () => this.load(model), { class: "sam-small" }),
      );
    }
    this.busy = false;
    this.draw();
  }

  /**
   * @param {string} text
   * @param {number | null} share
   */
  progress(text, share) {
    const known = typeof share === "number";
    const bar = known ? h("progress", { max: 1, value: share, "aria-label": text }) : "";
    this.status.replaceChildren(h("span", {}, known ? `${text}: ${Math.round(share * 100)} %` : `${text} …`), bar);
  }
}
