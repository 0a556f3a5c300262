// Look at a clip frame by frame, point at the person, and say what is wanted.

import { get, send } from "./api.js";
import { Choices } from "./choices.js";
import { ChoicePanel } from "./choose.js";
import { choiceRow, guarded, h, select, trouble, what } from "./dom.js";
import { Loupe } from "./loupe.js";
import { MaskPad } from "./maskpad.js";
import { Player } from "./player.js";
import { desk, linkTo, progressOf, recipesOffered } from "./state.js";
import { faceColour, frameOf, Timeline } from "./timeline.js";
import { Gaze, View, zoomButtons } from "./view.js";
import { t } from "./words.js";

export async function lookView(number) {
  const inputs = desk.case.inputs;
  const given = inputs.find((input) => input.number === number) ?? inputs[0];
  if (!given) {
    return { element: h("div.page", {}, h("h1", {}, t("look.title")), h("p.lede", {}, t("case.none")), h("p", {}, h("a", { href: linkTo(desk.key) }, t("case.tab.case")))) };
  }
  const [sheet, recipes] = await Promise.all([get(desk.paths.input(given.number, "clip")), recipesOffered()]);
  return new Look(given, sheet, recipes).made();
}

class Look {
  constructor(given, sheet, recipes) {
    this.given = given;
    this.sheet = sheet;
    this.found = null;
    this.facts = null;
    this.codec = "none";
    this.player = new Player(sheet, (frame, width) => desk.paths.frame(given.number, frame, width));
    this.choices = new Choices(given.number);
    this.view = new View(new Gaze(), given.name);
    this.loupe = new Loupe();
    this.crossed = false;
    this.timeline = new Timeline(this.player, () => this.span());
    this.pad = this.choices.has("mask") ? new MaskPad(this.view, { choices: this.choices, frameName: () => this.frameName() }) : null;
    this.view.onpress = (event, at) => this.pad?.press(event, at) ?? false;
    this.panel = new ChoicePanel(this.choices, {
      recipes,
      pad: this.pad,
      player: this.player,
      people: () => this.found?.people ?? [],
      chosenPerson: () => this.chosenPerson(),
      follow: (number) => this.follow(number),
      makeReference: () => this.choices.set("reference", this.frameName()),
      cut: (name) => this.cut(name),
      leave: () => this.leaveOut(),
      leftOut: () => this.leftOut(),
    });
    this.faces = h("div.faces");
    this.view.element.append(this.faces);
    this.where = h("output.where", { title: t("look.frame.help") });
    this.state = h("span.tag", {});
    this.about = h("dl.facts");
    this.search = h("div.search", { "aria-live": "polite", tabindex: -1 });
    this.warnings = h("ul.warnings", { "aria-label": t("compare.warnings"), hidden: true });
  }

  made() {
    const { player, view } = this;
    player.addEventListener("picture", () => this.drawPicture());
    player.addEventListener("frame", () => this.drawFrame());
    player.addEventListener("speed", () => { this.playing.textContent = t(player.speed === 0 ? "look.play" : "look.stop"); });
    player.addEventListener("trouble", (event) => trouble(event.detail));
    view.onpoint = (point) => this.loupe.show(view, point);
    view.element.addEventListener("drawn", () => {
      this.placeFaces();
      if (view.size) player.shownAt(Math.max(...view.size) * view.geometry().zoom);
    });
    view.overlays.push((context, geometry) => this.drawCodec(context, geometry));
    this.choices.addEventListener("change", () => { this.timeline.draw(); this.drawFrame(); });
    desk.watchers.add((jobs) => this.watch(jobs));

    const button = (label, onclick, properties = {}) => h("button", { type: "button", onclick, ...properties }, label);
    this.playing = button(t("look.play"), () => this.toggle());
    const smooth = h("label.check", {}, h("input", { type: "checkbox", onchange: (event) => {
      view.smooth = event.target.checked;
      view.element.classList.toggle("smooth", view.smooth);
      view.draw();
      this.drawState();
    } }), h("span", {}, t("look.smooth")));
    const codec = choiceRow(t("look.codec"), ["none", "quantisers", "copied"].map((value) => [value, t(`look.codec.${value}`)]), "none",
      (value) => { this.codec = value; view.draw(); this.drawState(); });
    this.cross = h("label.check", { title: t("look.cross.help") }, h("input", { type: "checkbox", onchange: (event) => this.steer(event.target.checked) }),
      h("span", {}, t("look.cross")));
    const pick = select([[null, desk.case.inputs.map((input) => [input.number, `${input.number}: ${input.name}`])]], this.given.number,
      (value) => { location.hash = linkTo(desk.key, "look", value); }, { "aria-label": t("look.input") });
    const element = h("div.look", {},
      h("section.viewer", { "aria-label": t("look.title") },
        h("div.bar-line", {}, h("h1.small", {}, pick), this.where, this.state, h("span.spacer"),
          zoomButtons(view, { zoom: t("look.zoom"), fit: t("look.fit") }), this.cross, smooth),
        view.element,
        h("div.bar-line.transport", {},
          button("|◀", () => player.go(0), { "aria-label": t("look.first"), title: t("look.first") }),
          button("◀", () => player.step(-1), { "aria-label": t("look.back"), title: t("look.back") }),
          this.playing,
          button("▶", () => player.step(1), { "aria-label": t("look.on"), title: t("look.on") }),
          button("▶|", () => player.go(this.sheet.count - 1), { "aria-label": t("look.last"), title: t("look.last") }),
          this.sheet.kind === "video" ? [button(t("look.in"), () => this.cut("start")), button(t("look.out"), () => this.cut("end"))] : null,
          h("span.spacer"), this.search),
        this.warnings,
        this.timeline.element,
        h("div.under", {}, this.loupe.element, h("section", {}, h("div.bar-line", {}, h("h3", {}, t("look.facts"), " ", what(t("look.facts"), "desk", "look")), h("span.spacer"), this.sheet.kind === "video" ? codec : null), this.about))),
      this.panel.element);
    // Wherever the focus is: keys are for the clip unless something is being written.
    const keys = (event) => this.key(event);
    document.addEventListener("keydown", keys);
    return {
      element,
      leave: () => { document.removeEventListener("keydown", keys); player.leave(); view.leave(); this.timeline.leave(); },
      shown: () => { this.watch(desk.jobs, true); player.go(this.span().first); view.canvas.focus({ preventScroll: true }); },
    };
  }

  frameName(frame = this.player.frame) {
    // A separated field has a name of its own; the first of the two shows the moment that is seen here.
    return this.sheet.names[frame] + (this.choices.get("deinterlace") && this.sheet.kind === "video" ? "a" : "");
  }

  /** The frames of the run, as far as the choices say. */
  span() {
    const start = this.choices.get("start");
    const end = this.choices.get("end");
    const first = start === null ? 0 : this.firstFrom(start);
    const last = end === null ? this.sheet.count - 1 : this.player.at(end + 1e-3);
    return { first, last: Math.max(first, last), out: this.leftOut() };
  }

  firstFrom(time) {
    const before = this.player.at(time - 1e-3);
    return this.player.time(before) >= time - 1e-3 ? before : Math.min(this.sheet.count - 1, before + 1);
  }

  cut(name) {
    const time = Number(this.player.time(this.player.frame).toFixed(3));
    const other = name === "start" ? "end" : "start";
    const opposite = this.choices.get(other);
    if (opposite !== null && (name === "start" ? opposite < time : opposite > time)) this.choices.set(other, null);
    this.choices.set(name, name === "start" && this.player.frame === 0 ? null : time);
  }

  /** Frames that are left out by hand: "12,15-18". */
  leftOut() {
    const text = this.choices.has("without") ? String(this.choices.get("without") ?? "") : "";
    const out = new Set();
    for (const part of text.split(",").map((piece) => piece.trim()).filter(Boolean)) {
      const [from, to = from] = part.split("-").map(Number);
      for (let frame = from; frame <= to && frame - from < 100000; frame += 1) out.add(frame);
    }
    return out;
  }

  /** Follow somebody: by the box of the face at a moment, which means the same person whatever else is chosen. */
  follow(number, frame = null) {
    const person = (this.found?.people ?? []).find((one) => String(one.number) === number);
    const at = frame ?? person?.best[0];
    const [box, time] = [person?.at.get(at), this.sheet.times[at]];
    const { options } = this.choices.wanted;
    delete options.subject;
    delete options.box;
    if (box && typeof time === "number") options.box = `${box.map((side) => Math.round(side)).join(",")}@${time.toFixed(3)}`;
    else if (number !== "auto") options.subject = number;
    this.choices.changed();
  }

  /** The number of the person that is followed; the box itself where it is nobody's that was found. */
  chosenPerson() {
    const box = this.choices.get("box");
    if (!box) return String(this.choices.get("subject"));
    const [place, moment] = box.split("@");
    const frame = this.player.at(Number(moment));
    const owner = (this.found?.people ?? []).find((person) => person.at.get(frame)?.map((side) => Math.round(side)).join(",") === place);
    return owner ? String(owner.number) : box;
  }

  leaveOut() {
    if (!this.choices.has("without")) return;
    const out = this.leftOut();
    if (!out.delete(this.player.frame)) out.add(this.player.frame);
    const sorted = [...out].sort((a, b) => a - b);
    const parts = [];
    for (const frame of sorted) {
      const last = parts.at(-1);
      if (last && last[1] === frame - 1) last[1] = frame;
      else parts.push([frame, frame]);
    }
    this.choices.set("without", parts.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(","));
  }

  /** Whether the arrow keys move a cross over the picture, which the loupe reads and a mask is drawn by, or the frames. */
  steer(crossed) {
    this.crossed = crossed;
    this.cross.querySelector("input").checked = crossed;
    if (crossed && this.view.size) this.view.step(0, 0);
    this.view.canvas.focus({ preventScroll: true });
  }

  /** A key for the cross; tells whether this was one. */
  crossKey(event) {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const { view } = this;
    if (!this.crossed || !view.size || event.target !== view.canvas) return false;
    const before = view.point;
    if (ways[event.key]) view.step(...ways[event.key].map((way) => way * (event.shiftKey ? 10 : 1)));
    else if (event.key !== "Enter") return false;
    this.pad?.cross(event.key === "Enter", before, view.point);
    event.preventDefault();
    return true;
  }

  toggle() {
    if (this.player.speed === 0) guarded(() => this.player.play(1))();
    else this.player.go(this.player.frame);
  }

  drawFrame() {
    const { player, sheet } = this;
    const time = sheet.times[player.frame];
    this.where.textContent = [t("look.frame", { number: player.frame, last: sheet.count - 1 }),
      time === null ? null : t("look.time", { time: time.toFixed(3) }), sheet.kind === "video" ? null : sheet.names[player.frame]].filter(Boolean).join(" · ");
    this.timeline.move();
    this.drawState();
    if (this.choices.has("without")) {
      const button = this.panel.body.querySelector('[data-keep="without"]');
      if (button) button.textContent = t(this.leftOut().has(player.frame) ? "choose.take_back" : "choose.leave");
    }
  }

  drawPicture() {
    const { picture, exact, frame } = this.player.shown;
    const size = exact ? [picture.width, picture.height] : [this.sheet.width, this.sheet.height];
    this.facts = null;
    this.about.replaceChildren(); // what is said there is of the frame that is seen, or nothing
    this.view.show(picture, size, exact);
    this.loupe.show(this.view, this.view.point);
    this.drawState();
    this.placeFaces();
    if (exact && this.player.speed === 0) this.readFacts(frame);
  }

  drawState() {
    const { shown, frame, speed } = this.player;
    // Until a frame has come, the picture in the view is still another's.
    const late = speed === 0 && shown?.frame !== frame;
    const state = late && shown ? "near" : late ? "coming" : shown?.exact ? "exact" : "quick";
    const parts = [t(`look.${state}`, { number: shown?.frame })];
    if (this.view.smooth) parts.push(t("look.smooth.on"));
    if (this.codec !== "none" && this.facts && !this.facts.codec?.[this.codec]) parts.push(t("look.codec.lacking"));
    this.state.textContent = parts.join(", ");
    this.state.title = t(`look.${state}.help`);
    this.state.classList.toggle("faint", state !== "exact");
  }

  async readFacts(frame) {
    try {
      const facts = await get(desk.paths.input(this.given.number, `frames/${frame}/facts`));
      if (frame !== this.player.frame) return;
      this.facts = facts;
    } catch {
      return;
    }
    const { facts } = this;
    const copied = facts.codec?.copied?.flat();
    const rows = [["kind", facts.codec?.kind || null], ["quantiser", facts.quantiser?.toFixed(1)], ["jpeg", facts.jpeg?.toFixed(1)],
      ["copied", copied ? `${Math.round(100 * copied.filter(Boolean).length / copied.length)} %` : null],
      ["damaged", t(facts.damaged ? "look.yes" : "look.no")], ["notes", facts.notes.join("; ") || t("app.none")]];
    this.about.replaceChildren(...rows.filter(([, value]) => value !== null && value !== undefined).map(([name, value]) =>
      h("div", {}, h("dt", {}, t(`look.fact.${name}`)), h("dd", {}, value))));
    this.drawState();
    this.view.draw();
  }

  drawCodec(context, { zoom, left, top }) {
    const codec = this.facts?.codec;
    const rows = this.codec === "none" ? null : codec?.[this.codec];
    if (!rows) return;
    const [width, height] = codec.block;
    const values = rows.flat().filter((value) => value !== null);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    rows.forEach((line, row) => line.forEach((value, column) => {
      if (value === null) return;
      const x = left + (codec.origin[0] + column * width) * zoom;
      const y = top + (codec.origin[1] + row * height) * zoom;
      const share = this.codec === "copied" ? value : (value - low) / Math.max(1, high - low);
      context.fillStyle = this.codec === "copied" ? `rgb(0 90 255 / ${0.4 * share})` : `rgb(255 ${Math.round(210 * (1 - share))} 0 / 0.35)`;
      context.fillRect(x, y, width * zoom, height * zoom);
      context.strokeStyle = "rgb(0 0 0 / 0.35)";
      context.strokeRect(Math.round(x) + 0.5, Math.round(y) + 0.5, Math.round(width * zoom), Math.round(height * zoom));
      if (this.codec === "quantisers" && width * zoom >= 30) {
        context.fillStyle = "#000";
        context.font = "11px sans-serif";
        context.fillText(String(Math.round(value)), x + 4, y + 13);
      }
    }));
  }

  /** Buttons over the faces of the frame that is shown; the same ones as long as they can be, or no press would end on one. */
  placeFaces() {
    const frame = this.player.shown?.frame;
    const chosen = this.chosenPerson();
    for (const person of this.found?.people ?? []) {
      const box = person.at.get(frame);
      const button = this.faceButton(person.number);
      button.hidden = !box;
      if (!box) continue;
      const [x, y] = this.view.placeOf(box[0], box[1]);
      const [right, bottom] = this.view.placeOf(box[0] + box[2], box[1] + box[3]);
      button.setAttribute("aria-pressed", String(person.number) === chosen);
      Object.assign(button.style, { left: `${x}px`, top: `${y}px`, width: `${right - x}px`, height: `${bottom - y}px` });
    }
  }

  faceButton(number) {
    const known = this.faces.querySelector(`[data-person="${number}"]`);
    if (known) return known;
    const label = t("look.face", { number });
    const button = h("button.face", { type: "button", "data-person": number, "aria-label": label, title: label,
      onclick: () => { this.follow(String(number), this.player.shown.frame); this.placeFaces(); this.view.canvas.focus(); } }, h("span", {}, number));
    button.style.setProperty("--face", faceColour(number));
    this.faces.append(button);
    return button;
  }

  /** Jobs have changed: is somebody looking for people in this input, and what was found? */
  watch(jobs, first = false) {
    const job = jobs.find((one) => one.kind === "people" && one.input === this.given.number);
    const key = job ? `${job.number} ${job.state}` : "";
    if (job?.state === "done" && key !== this._known) guarded(() => this.readPeople())();
    this._known = key;
    const busy = job?.state === "waiting" || job?.state === "running";
    if (this.search.contains(document.activeElement)) this.search.focus(); // the button is gone with what is said next
    const look = h("button", { type: "button", title: t("look.people.help"), onclick: guarded(() => send("POST", desk.paths.input(this.given.number, "people"))) }, t("look.people"));
    if (busy) this.search.replaceChildren(h("span.note", {}, t("look.people.busy", { progress: progressOf(job) })));
    else if (job?.state === "failed") this.search.replaceChildren(h("span.alarm", {}, job.message), look);
    else if (!this.found && (first || job?.state !== "done")) this.search.replaceChildren(look);
  }

  async readPeople() {
    const { found } = await get(desk.paths.input(this.given.number, "people"));
    if (!found) return;
    for (const person of found.people) person.at = new Map(person.seen.map((seen) => [frameOf(seen, this.sheet), seen.box]));
    this.found = found;
    this.faces.replaceChildren();
    const count = found.people.length;
    const people = count === 1 ? t("look.people.one") : t("look.people.many", { count });
    this.warnings.replaceChildren(...(found.warnings ?? []).map((warning) => h("li", {}, warning)));
    this.warnings.hidden = !found.warnings?.length;
    this.search.replaceChildren(h("span.note", {}, count ? t("look.people.found", { people, count: found.frames }) : t("look.people.none", { count: found.frames })));
    this.timeline.found = found;
    this.timeline.draw();
    this.placeFaces();
    this.panel.draw();
  }

  key(event) {
    if (event.target.matches("input, textarea, select, dialog *") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.view.key(event) || this.crossKey(event)) return;
    const { player } = this;
    const step = event.shiftKey ? 10 : 1;
    const keys = {
      ArrowLeft: () => player.step(-step),
      ArrowRight: () => player.step(step),
      Home: () => player.go(0),
      End: () => player.go(this.sheet.count - 1),
      j: () => player.play(-1),
      k: () => player.go(player.frame),
      l: () => player.play(1),
      i: () => this.sheet.kind === "video" && this.cut("start"),
      o: () => this.sheet.kind === "video" && this.cut("end"),
      r: () => this.choices.set("reference", this.frameName()),
      x: () => this.leaveOut(),
      c: () => this.steer(!this.crossed),
    };
    if (event.key === " " && !event.target.matches("button, a, summary")) keys[" "] = () => this.toggle();
    const work = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!work) return;
    event.preventDefault();
    guarded(work)();
  }
}
