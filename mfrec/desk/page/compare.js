// Two pictures of one result, or of two: beside each other, swiped, blinked, subtracted; and where each pixel came from.

import { get } from "./api.js";
import { choiceRow, command, guarded, h, select, trouble, what } from "./dom.js";
import { differenceOf, layerName, layerPicture, layersOf, summaryOf } from "./layers.js";
import { NotePad } from "./notepad.js";
import { signingPanel } from "./signing.js";
import { desk } from "./state.js";
import { Gaze, View, zoomButtons } from "./view.js";
import { t } from "./words.js";

const MODES = ["beside", "swipe", "blink", "difference"];
const PAGES = { sources: "maps", observed: "maps", uncertainty: "maps", share: "maps", frame: "maps", "reference.png": "maps",
  "reconstruction.png": "index", "evidence.png": "index" };

/** Milliseconds that each picture is seen for while they blink. */
const BLINK = 600;

export async function compareView(number) {
  const done = desk.jobs.filter((job) => job.kind === "reconstruct" && job.state === "done");
  const chosen = done.find((job) => job.number === number) ?? done[0];
  if (!chosen) return { element: h("div.page", {}, h("h1", {}, t("compare.title")), h("p.lede", {}, t("compare.none"))) };
  const sides = { a: { job: chosen, layer: "reference.png" }, b: { job: chosen, layer: "reconstruction.png" } };
  for (const side of Object.values(sides)) side.summary = await summaryOf(side.job.number);
  return new Compare(done, sides).made();
}

class Compare {
  constructor(done, sides) {
    this.done = done;
    this.sides = sides;
    this.mode = "beside";
    this.gain = 4;
    this.cut = 0.5;
    this.phase = "b";
    this.gaze = new Gaze();
    this.views = { a: new View(this.gaze, t("compare.left")), b: new View(this.gaze, t("compare.right")) };
    this.captions = { a: h("figcaption"), b: h("figcaption") };
    this.figures = Object.fromEntries(["a", "b"].map((name) => [name, h("figure.pane", { "data-side": name }, this.views[name].element, this.captions[name])]));
    this.readout = h("div.readout", { "aria-live": "polite" }, h("p.note", {}, t("compare.under.help")));
    this.mismatch = h("p.alarm", { hidden: true });
    this.facts = h("div.stack");
    this.pad = new NotePad(() => this.views.b, () => this.sides.b);
    this._ask = 0;
  }

  made() {
    const { views } = this;
    for (const [name, view] of Object.entries(views)) {
      view.onpoint = (point) => this.point(name, point);
      view.onpress = (event, at) => this.press(event, at);
      view.overlays.push((context, geometry) => this.pad.draw(name, context, geometry));
    }
    views.b.overlays.unshift((context, geometry) => this.drawSwipe(context, geometry));
    this.cutter = h("input", { type: "range", min: 0, max: 100, value: 50, "aria-label": t("compare.cut"), oninput: (event) => {
      this.cut = event.target.value / 100;
      views.b.draw();
    } });
    this.gainer = h("label.inline", {}, t("compare.gain"), select([[null, [1, 2, 4, 8, 16].map((value) => [String(value), `×${value}`])]], "4", (value) => {
      this.gain = Number(value);
      guarded(() => this.draw())();
    }));
    this.modes = choiceRow(t("compare.mode"), MODES.map((mode) => [mode, t(`compare.mode.${mode}`)]), "beside", (mode) => this.setMode(mode));
    const element = h("div.compare", {},
      h("section.viewer", { "aria-label": t("compare.title") },
        h("div.bar-line", {}, this.pick("a"), this.pick("b"), h("span.spacer"), this.modes, this.gainer, this.cutter,
          zoomButtons(views.b, { zoom: t("look.zoom"), fit: t("look.fit") })),
        this.mismatch, h("div.panes", {}, this.figures.a, this.figures.b), this.pad.element),
      h("aside.choices", {}, h("section", {}, h("h2", {}, t("compare.under"), " ", what(t("compare.under"), "maps")), this.readout), this.facts));
    const keys = (event) => this.key(event);
    document.addEventListener("keydown", keys);
    return {
      element,
      shown: () => { this.drawFacts(); this.setMode("beside"); },
      leave: () => { document.removeEventListener("keydown", keys); clearInterval(this._blink); for (const view of Object.values(views)) view.leave(); },
    };
  }

  pick(name) {
    const side = this.sides[name];
    const letter = t(name === "a" ? "compare.left" : "compare.right");
    const place = h("span.pick", {});
    const fill = () => {
      const run = select([[null, this.done.map((job) => [job.number, job.number])]], side.job.number, guarded(async (number) => {
        side.job = this.done.find((job) => job.number === number);
        side.summary = await summaryOf(number);
        if (!layersOf(side.summary).some(([, layers]) => layers.some(([layer]) => layer === side.layer))) side.layer = "reconstruction.png";
        fill();
        place.querySelector("select").focus();
        this.drawFacts();
        await this.draw();
      }), { "aria-label": `${letter}: ${t("compare.run")}` });
      const layer = select(layersOf(side.summary), side.layer, guarded(async (value) => {
        side.layer = value;
        await this.draw();
      }), { "aria-label": `${letter}: ${t("note.picture")}`, "data-pick": name });
      place.replaceChildren(h("b", {}, letter), run, layer);
    };
    fill();
    return place;
  }

  setMode(mode) {
    this.mode = mode;
    const box = this.modes.querySelector(`[value="${mode}"]`);
    box.checked = true;
    this.figures.a.hidden = mode !== "beside";
    this.gainer.hidden = mode !== "difference";
    this.cutter.hidden = mode !== "swipe";
    clearInterval(this._blink);
    this.phase = "b";
    if (mode === "blink") {
      this._blink = setInterval(() => {
        this.phase = this.phase === "a" ? "b" : "a";
        this.put();
      }, BLINK);
    }
    guarded(() => this.draw())();
  }

  async draw() {
    const { a, b } = this.sides;
    try {
      [a.picture, b.picture] = await Promise.all([a, b].map((side) => layerPicture(side.summary, side.layer, side.job.input)));
    } catch (error) {
      trouble(error);
      return;
    }
    const sizes = [a, b].map(({ picture }) => `${picture.width} × ${picture.height}`);
    this.mismatch.hidden = sizes[0] === sizes[1];
    this.mismatch.textContent = t("compare.otherwise", { a: sizes[0], b: sizes[1] });
    this.difference = this.mode === "difference" ? await differenceOf(a.picture, b.picture, this.gain) : null;
    this.put();
  }

  /** The pictures into the views. */
  put() {
    const { a, b } = this.sides;
    if (!a.picture || !b.picture) return;
    const into = (view, picture) => view.show(picture, [picture.width, picture.height]);
    into(this.views.a, a.picture);
    into(this.views.b, this.difference ?? (this.mode === "blink" && this.phase === "a" ? a.picture : b.picture));
    for (const name of ["a", "b"]) this.caption(name);
  }

  caption(name) {
    const words = (side) => [`${t("compare.run")} ${side.job.number}: ${layerName(side.summary, side.layer)} `, stamp(side)];
    const { a, b } = this.sides;
    const page = (side) => what(layerName(side.summary, side.layer), PAGES[side.layer.split(" ")[0]] ?? "maps");
    const parts = this.mode === "difference" ? [`| A − B | × ${this.gain}`] : this.mode === "swipe" ? [...words(a), " | ", ...words(b)]
      : this.mode === "blink" && name === "b" ? words(this.sides[this.phase]) : words(this.sides[name]);
    this.captions[name].replaceChildren(...parts, " ", page(this.mode === "blink" ? this.sides[this.phase] : this.sides[name]));
    this.figures[name].dataset.layer = this.sides[name].layer;
  }

  /** A lies over B up to the line. */
  drawSwipe(context, { zoom, left, top }) {
    const { a } = this.sides;
    if (this.mode !== "swipe" || !a.picture) return;
    const share = Math.round(a.picture.width * this.cut);
    if (share > 0) {
      context.imageSmoothingEnabled = zoom < 1;
      context.drawImage(a.picture, 0, 0, share, a.picture.height, left, top, share * zoom, a.picture.height * zoom);
    }
    context.fillStyle = "#fff";
    context.fillRect(left + share * zoom - 1, top, 2, a.picture.height * zoom);
    context.fillStyle = "#0009";
    context.fillRect(left + share * zoom + 1, top, 1, a.picture.height * zoom);
  }

  press(event, at) {
    if (this.pad.press(event, at)) return true;
    return false;
  }

  /** Both views read the same point. */
  point(name, point) {
    const other = this.views[name === "a" ? "b" : "a"];
    other.point = point;
    other.draw();
    if (this.pad.point(point)) return;
    clearTimeout(this._pause);
    this._pause = setTimeout(guarded(() => this.read(name, point)), 30);
  }

  async read(name, point) {
    this._ask += 1;
    const mine = this._ask;
    const side = this.sides[name];
    const [width, height] = side.summary.size;
    const [x, y] = point;
    if (x < 0 || y < 0 || x >= width || y >= height) {
      this.readout.replaceChildren(h("p.note", {}, t("compare.outside")));
      return;
    }
    const found = await get(desk.paths.pixel(side.job.number, x, y));
    if (mine !== this._ask) return;
    const values = ["a", "b"].map((one) => {
      const rgb = this.sides[one].picture && this.views[one].read(x, y);
      return rgb && !(one === "b" && this.difference) ? h("div", {}, h("dt", {}, layerName(this.sides[one].summary, this.sides[one].layer)), h("dd", {}, rgb.join(" "))) : null;
    });
    const shares = found.frames.map((frame) => h("tr", {},
      h("th.name", { scope: "row" }, swatch(side.summary.colours[frame.position]), frame.name),
      h("td.r", {}, t("compare.percent", { value: Math.round(100 * frame.share) })),
      h("td", {}, h("meter", { min: 0, max: 1, value: frame.share }, ""))));
    this.readout.replaceChildren(
      h("p.where", {}, `x ${x}, y ${y}`, this.views[name].held ? h("span.tag", {}, t("compare.held")) : null),
      h("dl.facts", {}, ...values.filter(Boolean),
        h("div", {}, h("dt", {}, t("compare.observed")), h("dd", {}, t("compare.percent", { value: Math.round(100 * found.observed) }))),
        h("div", {}, h("dt", {}, t("compare.uncertainty")), h("dd", {}, t("compare.grey", { value: found.uncertainty.toFixed(1) })))),
      h("h3", {}, t("compare.shares")),
      shares.length ? h("table.shares", {}, h("tbody", {}, ...shares)) : h("p.note", {}, t("compare.shares.none")));
  }

  drawFacts() {
    const { summary, job } = this.sides.b;
    const legend = summary.used.map((used, position) => h("li", {}, h("button.legend", { type: "button", onclick: guarded(async () => {
      this.sides.b.layer = `share ${position}`;
      document.querySelector('[data-pick="b"]').value = this.sides.b.layer;
      await this.draw();
    }) }, swatch(summary.colours[position]), h("span.name", {}, used.name), h("span.r", {}, used.share === null ? "" : t("compare.percent", { value: Math.round(100 * used.share) })))));
    const away = { target: "_blank", rel: "noopener" };
    const links = [["report.html", "runs.report"], ["report.pdf", "runs.pdf"], ["run.json", "runs.record"], ["consistency.png", "compare.consistency.open"]]
      .filter(([name]) => summary.files.includes(name))
      .map(([name, label]) => h("a.button", { href: desk.paths.file(job.number, name), ...(name === "report.pdf" ? { download: "" } : away) }, t(label)));
    this.facts.replaceChildren(...[
      h("section", {}, h("h2", {}, `${t("compare.run")} ${job.number} `, h("span.tag", { class: `stamp-${summary.stamp.toLowerCase().replace(" ", "-")}` }, summary.stamp)),
        command(job.command), h("div.bar-line", {}, ...links)),
      h("section", {}, h("h3", {}, t("compare.warnings"), " ", what(t("compare.warnings"), "maps", "the-warnings")),
        summary.warnings.length ? h("ul.warnings", {}, ...summary.warnings.map((warning) => h("li", {}, warning))) : h("p.note", {}, t("compare.warnings.none"))),
      h("section", {}, h("h3", {}, t("compare.identity"), " ", what(t("compare.identity"), "maps", "the-figures-at-the-top-of-the-report")), h("p", {}, summary.identity || t("app.unknown"))),
      this.agreement(summary),
      summary.dropped.length ? h("details", {}, h("summary", {}, t("compare.dropped", { count: summary.dropped.length })),
        h("ul.dropped", {}, ...summary.dropped.map((gone) => h("li", {}, h("b.name", {}, gone.name), ` (${gone.stage}): ${gone.reason}`)))) : null,
      signingPanel(job.number),
      h("section", {}, h("h3", {}, t("compare.legend")), h("p.note", {}, [t("compare.used", { used: summary.used.length, dropped: summary.dropped.length }), summary.leading].filter(Boolean).join("; ")), h("ul.legends", {}, ...legend)),
    ].filter(Boolean));
  }

  /** How well each frame is explained by the result, and how well the others predict it without it. */
  agreement({ used, left_out: said }) {
    const number = (text) => h("td.r", {}, text ?? "–");
    const rows = used.map((frame) => h("tr", {}, h("th.name", { scope: "row" }, frame.name),
      number(frame.consistency === null ? null : (255 * frame.consistency).toFixed(1)),
      number(frame.left_out === null ? null : t("compare.times", { value: frame.left_out.toFixed(1) }))));
    const head = ["compare.frame", "compare.explained", "compare.left_out"].map((key) => h("th", { scope: "col" }, t(key)));
    return h("section", {}, h("h3", {}, t("compare.agreement"), " ", what(t("compare.agreement"), "maps", "the-figures-at-the-top-of-the-report")),
      h("p", {}, said || t("app.unknown")),
      h("details", {}, h("summary", {}, t("compare.agreement.frames")), h("p.note", {}, t("compare.agreement.help")), h("table.agreement", {}, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows))));
  }

  key(event) {
    if (event.target.matches("input, textarea, select, dialog *") || event.ctrlKey || event.metaKey || event.altKey) return;
    const view = this.mode === "beside" && event.target === this.views.a.canvas ? this.views.a : this.views.b;
    if (view.key(event)) return;
    const name = view === this.views.a ? "a" : "b";
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (/^[1-4]$/.test(event.key)) {
      this.setMode(MODES[Number(event.key) - 1]);
    } else if (!view.size) {
      return; // the pictures are still on their way
    } else if (moves[event.key] && event.target.tagName === "CANVAS") {
      view.step(...moves[event.key].map((way) => way * (event.shiftKey ? 10 : 1)));
    } else if (event.key === "Enter" && event.target.tagName === "CANVAS") {
      if (!this.pad.press(event, view.point)) {
        const held = !view.held;
        for (const one of Object.values(this.views)) one.held = held;
        if (view.point) guarded(() => this.read(name, view.point))();
      }
    } else {
      return;
    }
    event.preventDefault();
  }
}

const swatch = (colour) => {
  const element = h("i.swatch");
  element.style.background = colour;
  return element;
};

function stamp(side) {
  const label = side.layer === "reconstruction.png" ? side.summary.stamp : ["evidence.png", "reference.png"].includes(side.layer) ? "ENHANCED" : null;
  return label ? h("span.tag", { class: `stamp-${label.toLowerCase().replace(" ", "-")}` }, label) : "";
}
