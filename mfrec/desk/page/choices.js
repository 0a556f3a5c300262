// What is wanted of a run: values of the options of the command line, of which the page knows some better than others.

import { send } from "./api.js";
import { desk } from "./state.js";

/** The choices for one input of a case; they stay in this browser until they are changed. */
export class Choices extends EventTarget {
  constructor(input) {
    super();
    this.input = input;
    this.place = `mfrec ${desk.key} ${input}`;
    this.known = new Map(desk.about.choices.map((choice) => [choice.name, choice]));
    this.wanted = { options: {}, device: "auto", seed: 0, pdf: true, strict: false };
    try {
      const kept = JSON.parse(localStorage.getItem(this.place));
      if (kept) this.wanted = { ...this.wanted, ...kept };
    } catch {
      // What cannot be read was not kept.
    }
    for (const name of Object.keys(this.wanted.options)) if (!this.known.has(name)) delete this.wanted.options[name];
  }

  has(name) {
    return this.known.has(name);
  }

  get(name) {
    return this.wanted.options[name] ?? this.known.get(name)?.default ?? null;
  }

  /** Choose a value; null or the default takes the choice back. */
  set(name, value) {
    const plain = value === null || value === "" || (Array.isArray(value) && !value.length) || value === this.known.get(name).default;
    if (plain) delete this.wanted.options[name];
    else this.wanted.options[name] = value;
    this.changed();
  }

  /** How it is computed: device, seed, pdf, strict. */
  how(name, value) {
    this.wanted[name] = value;
    this.changed();
  }

  replace(wanted) {
    this.wanted = structuredClone(wanted);
    this.changed();
  }

  changed() {
    localStorage.setItem(this.place, JSON.stringify(this.wanted));
    this.dispatchEvent(new Event("change"));
  }

  /** Options that differ from their defaults, as [name, flag, value]. */
  get differences() {
    return Object.entries(this.wanted.options).map(([name, value]) => [name, this.known.get(name).flag, value]);
  }

  /** A parameter of a stage, as it was set; undefined where it was not. */
  parameter(name) {
    const line = (this.get("settings") ?? []).find((setting) => setting.startsWith(`${name}=`));
    return line === undefined ? undefined : line.slice(name.length + 1);
  }

  setParameter(name, value) {
    const others = (this.get("settings") ?? []).filter((setting) => !setting.startsWith(`${name}=`));
    this.set("settings", value === undefined ? others : [...others, `${name}=${value}`]);
  }

  /** The command that does the same, or why it is refused, in the words of mfrec. */
  command(signal) {
    return send("POST", desk.paths.command, { input: this.input, wanted: this.wanted }, signal);
  }

  run() {
    return send("POST", desk.paths.runs, { input: this.input, wanted: this.wanted });
  }
}
