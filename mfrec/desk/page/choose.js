// The panel beside the clip: what is wanted, what it changes, and the command that does the same.

import { choiceRow, command, field, guarded, h, newId, say, select, what } from "./dom.js";
import { desk, linkTo } from "./state.js";
import { t } from "./words.js";

/** Options that the panel has a place of its own for; all others are listed under "Further options". */
const OWN = new Set(["recipe", "reference", "subject", "box", "scale", "crop", "settings", "start", "end", "without", "source", "mask"]);

/** Milliseconds after a change before the command is asked for. */
const PAUSE = 150;

export class ChoicePanel {
  /**
   * @param choices what is wanted.
   * @param clip the player, the people that were found, the recipes that are offered, and what takes frames in and out.
   */
  constructor(choices, clip) {
    this.choices = choices;
    this.clip = clip;
    this.body = h("div.stack");
    this.changes = h("ul.changes");
    this.command = command("");
    this.wrong = h("p.alarm", { role: "alert", hidden: true });
    this.start = h("button.primary.large", { type: "button", onclick: guarded(() => this._run()) }, t("choose.run"));
    this.queued = h("p.note", { role: "status" });
    this.element = h("aside.choices", { "aria-label": t("choose.title") },
      h("h2", {}, t("choose.title")), this.body,
      h("section", {}, h("h3", {}, t("choose.changed")), this.changes),
      h("div.foot", {}, h("h3", { title: t("choose.command.help") }, t("choose.command"), " ",
        h("button.plain", { type: "button", onclick: guarded(() => this._copy()) }, t("choose.copy"))),
      this.command, this.wrong, h("div.inline", {}, this.start, this.queued)));
    this.open = new Set();
    this._pause = 0;
    choices.addEventListener("change", () => this.draw());
    this.draw();
  }

  draw() {
    const active = document.activeElement;
    const focused = active?.dataset?.keep;
    this.body.replaceChildren(this._who(), this._when(), this._recipe(), this._shape(), this._byHand(), this._further(), this._parameters(), this._how());
    if (focused) this.body.querySelector(`[data-keep="${focused}"]`)?.focus();
    else if (this.body.contains(active)) active.focus(); // what lies on the pad is there again, but nothing keeps the focus on the way
    this._changes();
    clearTimeout(this._pause);
    this._pause = setTimeout(() => this._ask(), PAUSE);
  }

  async _ask() {
    this._asking?.abort();
    this._asking = new AbortController();
    try {
      const said = await this.choices.command(this._asking.signal);
      this.wrong.textContent = said.refused ?? "";
      this.wrong.hidden = !said.refused;
      this.start.disabled = Boolean(said.refused);
      if (said.refused) return;
      this.text = said.command;
      const shown = command(this.text);
      this.command.replaceWith(shown);
      this.command = shown;
    } catch (error) {
      if (error.name === "AbortError") return;
      this.wrong.textContent = error.message;
      this.wrong.hidden = false;
      this.start.disabled = true;
    }
  }

  async _copy() {
    await navigator.clipboard.writeText(this.text);
    say(t("choose.copied"));
  }

  async _run() {
    const focused = document.activeElement === this.start;
    this.start.disabled = true;
    try {
      const job = await this.choices.run();
      this.queued.replaceChildren(h("a", { href: linkTo(desk.key, "runs") }, t("choose.queued", { number: job.number })));
      say(t("choose.queued", { number: job.number }));
    } finally {
      this.start.disabled = false;
      if (focused) this.start.focus();
    }
  }

  _who() {
    const { choices } = this;
    const people = this.clip.people();
    const rows = [["auto", t("choose.who.auto")], ...people.map((person) => [String(person.number),
      `${t("look.person", { number: person.number })} (${t("look.person.facts", { frames: person.frames, side: Math.round(person.side) })})`])];
    const chosen = this.clip.chosenPerson();
    if (!rows.some(([value]) => value === chosen)) rows.push([chosen, choices.get("box") ?? t("look.person", { number: chosen })]);
    return field(t("choose.who"), select([[null, rows]], chosen, (value) => this.clip.follow(value), { "data-keep": "subject" }));
  }

  _when() {
    const { choices, clip } = this;
    const reference = choices.get("reference");
    const chosen = reference === "auto" ? t("choose.reference.auto") : reference;
    const button = (label, name, onclick, properties = {}) =>
      h("button", { type: "button", "data-keep": name, onclick, ...properties }, label);
    const rows = [h("div.line", {}, h("span.label", { title: t("choose.reference.help") }, t("choose.reference"), " ", what(t("choose.reference"), "index")),
      h("output.name", {}, chosen), h("span.ends", {},
        button(t("choose.reference.this"), "reference", () => clip.makeReference()),
        reference === "auto" ? null : button(t("choose.auto"), "reference-auto", () => choices.set("reference", "auto"))))];
    if (clip.player.sheet.kind === "video") {
      for (const [name, label, empty] of [["start", t("choose.from"), t("choose.begin")], ["end", t("choose.to"), t("choose.end")]]) {
        const value = choices.get(name);
        rows.push(h("div.line", {}, h("span.label", {}, label), h("output", {}, value === null ? empty : t("look.time", { time: value })),
          h("span.ends", {}, button(t("choose.here"), name, () => clip.cut(name), { "aria-label": `${label}: ${t("choose.here")}` }),
            value === null ? null : button(t("choose.clear"), `${name}-clear`, () => choices.set(name, null), { "aria-label": `${label}: ${t("choose.clear")}` }))));
      }
    }
    if (choices.has("without")) {
      const out = clip.leftOut();
      rows.push(h("div.line", {}, h("span.label", {}, t("choose.left_out")), h("output", {}, choices.get("without") || t("app.none")),
        h("span.spacer"), button(t(out.has(clip.player.frame) ? "choose.take_back" : "choose.leave"), "without", () => clip.leave())));
    }
    return h("section", {}, h("h3", {}, t("choose.when")), ...rows);
  }

  _recipe() {
    const { choices } = this;
    const chosen = choices.get("recipe");
    const name = newId();
    return h("fieldset.options", {}, h("legend", {}, t("choose.recipe"), " ", what(t("choose.recipe"), "index", "which-of-the-two-pictures")),
      ...this.clip.recipes.map((recipe) => h("label", {},
        h("input", { type: "radio", name, value: recipe.name, checked: recipe.name === chosen, "data-keep": `recipe-${recipe.name}`,
          onchange: () => choices.set("recipe", recipe.name) }),
        h("span", {}, h("b", {}, recipe.name), " ", h("span.tag", { class: `stamp-${recipe.stamp.toLowerCase().replace(" ", "-")}` }, recipe.stamp),
          h("small", {}, t(`choose.recipe.${recipe.name}`))))));
  }

  _shape() {
    const { choices } = this;
    const scale = select([[null, ["auto", "1", "2", "3", "4", "5", "6", "8"].map((value) => [value, value === "auto" ? t("choose.scale.auto") : `×${value}`])]],
      String(choices.get("scale")), (value) => choices.set("scale", value), { "data-keep": "scale" });
    return h("div.pair", {}, field(t("choose.scale"), scale, t("choose.scale.help")),
      choiceRow(t("choose.crop"), ["auto", "face", "frame"].map((value) => [value, t(`choose.crop.${value}`)]), choices.get("crop"),
        (value) => choices.set("crop", value)));
  }

  /** Which frame gives a region, and where that lies. */
  _byHand() {
    const { pad } = this.clip;
    if (!pad) return "";
    const element = this._details("hand", t("mask.title"), [pad.body]);
    element.addEventListener("toggle", () => pad.show(element.open));
    return element;
  }

  /** Every option that has no place of its own, from what the command line says of it. */
  _further() {
    const { choices } = this;
    const rows = [...choices.known.values()].filter((choice) => !OWN.has(choice.name)).map((choice) => {
      const value = choices.get(choice.name);
      const keep = { "data-keep": choice.name };
      let control;
      if (choice.kind === "switch") {
        control = h("input", { type: "checkbox", checked: Boolean(value), ...keep, onchange: (event) => choices.set(choice.name, event.target.checked) });
      } else if (choice.kind === "file") {
        const files = desk.case.inputs.filter((input) => input.kind === "pictures" && !input.in_place).flatMap((input) => input.files.map((file) => [file.path, `${input.number}: ${file.name}`]));
        control = select([[null, [["", t("app.none")], ...files]]], value ?? "", (path) => choices.set(choice.name, path), keep);
      } else if (choice.kind === "list" || choice.kind === "files") {
        control = h("textarea", { rows: 2, value: (value ?? []).join("\n"), ...keep,
          onchange: (event) => choices.set(choice.name, event.target.value.split("\n").map((line) => line.trim()).filter(Boolean)) });
      } else {
        const number = choice.kind !== "text";
        control = h("input", { type: number ? "number" : "text", step: choice.kind === "whole" ? 1 : "any", value: value ?? "", autocomplete: "off", ...keep,
          onchange: (event) => choices.set(choice.name, number ? (Number.isNaN(event.target.valueAsNumber) ? null : event.target.valueAsNumber) : event.target.value.trim()) });
      }
      return field(choice.flag, control, choice.help);
    });
    return this._details("further", t("choose.more"), rows);
  }

  /** Every parameter of the recipe's stages: its meaning, its range, its value. */
  _parameters() {
    const { choices } = this;
    const recipe = this.clip.recipes.find((one) => one.name === choices.get("recipe"));
    const stages = recipe.stages.map((stage) => h("section.stage", {},
      h("h4", {}, stage.name, stage.learned ? h("span.tag.stamp-restored", {}, t("choose.learned")) : null), h("p.note", {}, stage.summary),
      ...stage.parameters.map((parameter) => {
        const set = choices.parameter(parameter.name);
        const change = (value) => choices.setParameter(parameter.name, value === "" || value === String(parameter.value) ? undefined : value);
        const closed = parameter.options.length && !parameter.number;
        const control = closed
          ? select([[null, parameter.options.map((option) => [option, option])]], set ?? String(parameter.value), change, { "data-keep": parameter.name })
          : h("input", { value: set ?? "", placeholder: shortened(parameter.value), autocomplete: "off", "data-keep": parameter.name,
            onchange: (event) => change(event.target.value.trim()) });
        const range = [parameter.range, ...(closed ? [] : parameter.options)].filter(Boolean).join(", ");
        const about = [parameter.meaning, range, t("choose.default", { value: shortened(parameter.value) })].filter(Boolean).join(" · ");
        const made = field(parameter.name.split(".")[1], control, about);
        made.classList.toggle("changed", set !== undefined);
        return made;
      })));
    return this._details("parameters", t("choose.parameters"), stages);
  }

  _how() {
    const { choices } = this;
    const { wanted } = choices;
    const box = (name, label) => h("label.check", {}, h("input", { type: "checkbox", checked: wanted[name], "data-keep": name,
      onchange: (event) => choices.how(name, event.target.checked) }), h("span", {}, label));
    const seed = h("input", { type: "number", min: 0, step: 1, value: wanted.seed, "data-keep": "seed",
      onchange: (event) => choices.how("seed", Math.max(0, event.target.valueAsNumber || 0)) });
    return this._details("how", t("choose.how"), [box("pdf", t("choose.pdf")), box("strict", t("choose.strict")),
      field(t("choose.device"), select([[null, ["auto", "cpu", "cuda"].map((value) => [value, value])]], wanted.device,
        (value) => choices.how("device", value), { "data-keep": "device" })), field(t("choose.seed"), seed)]);
  }

  _details(name, title, children) {
    const element = h("details", { open: this.open.has(name), ontoggle: () => {
      if (element.open) this.open.add(name);
      else this.open.delete(name);
    } }, h("summary", {}, title), h("div.stack", {}, ...children));
    return element;
  }

  _changes() {
    const { choices } = this;
    const rows = choices.differences.flatMap(([name, flag, value]) => (Array.isArray(value) ? value : [value]).map((item) => {
      const label = value === true ? flag : `${flag} ${item}`;
      const undo = () => choices.set(name, Array.isArray(value) ? value.filter((other) => other !== item) : null);
      return h("li", {}, h("code", {}, label), h("button.plain", { type: "button", "aria-label": t("choose.undo", { flag: label }), title: t("choose.undo", { flag: label }), onclick: undo }, "×"));
    }));
    const undone = [...this.changes.querySelectorAll("button")].indexOf(document.activeElement);
    this.changes.replaceChildren(...(rows.length ? rows : [h("li.none", {}, t("choose.unchanged"))]));
    if (undone >= 0) (this.changes.querySelectorAll("button")[Math.min(undone, rows.length - 1)] ?? this.start).focus();
  }
}

const shortened = (value) => typeof value === "number" && !Number.isInteger(value) ? String(Number(value.toPrecision(4))) : String(value);
