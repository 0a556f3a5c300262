// Marks over a picture, kept as a copy in the case: arrows, regions, text, a scale.

import { send } from "./api.js";
import { choiceRow, field, guarded, h, select } from "./dom.js";
import { desk, linkTo } from "./state.js";
import { t } from "./words.js";

const TOOLS = ["arrow", "box", "text", "scale"];
const PICTURES = ["reconstruction.png", "evidence.png", "reference.png"];
const COLOURS = { yellow: "rgb(255 214 10)", cyan: "rgb(60 220 255)", red: "rgb(255 70 70)", white: "rgb(255 255 255)" };

export class NotePad {
  /**
   * @param view gives the view that is drawn on.
   * @param side gives the run and the layer that it shows.
   */
  constructor(view, side) {
    this.view = view;
    this.side = side;
    this.marks = [];
    this.tool = "arrow";
    this.colour = "yellow";
    this.from = null;
    this.to = null;
    this.words = h("input", { maxlength: 200, autocomplete: "off" });
    this.length = h("input", { type: "number", min: 1, max: 10000, value: 10 });
    this.remark = h("input", { maxlength: 4000, autocomplete: "off" });
    this.said = h("p.note", { role: "status" });
    this.count = h("output", {}, t("note.marks", { count: 0 }));
    const button = (key, onclick, name = "button") => h(name, { type: "button", onclick }, t(key));
    this.element = h("details.notepad", { ontoggle: () => this.redraw() }, h("summary", {}, t("note.title")),
      h("div.stack", {}, h("p.note", {}, t("note.lede")),
        h("div.bar-line", {}, choiceRow(t("note.tool"), TOOLS.map((tool) => [tool, t(`note.tool.${tool}`)]), "arrow", (tool) => { this.tool = tool; this.from = null; }),
          field(t("note.colour"), select([[null, Object.keys(COLOURS).map((name) => [name, t(`note.colour.${name}`)])]], "yellow", (name) => { this.colour = name; })),
          field(t("note.words"), this.words), field(t("note.length"), this.length)),
        h("div.bar-line", {}, this.count, button("note.undo", () => { this.marks.pop(); this.redraw(); }), button("note.clear", () => { this.marks = []; this.redraw(); }),
          h("span.spacer"), field(t("note.remark"), this.remark), button("note.save", guarded(() => this.save()), "button.primary")),
        h("p.note", {}, t("note.place")), this.said));
  }

  get active() {
    return this.element.open && PICTURES.includes(this.side().layer);
  }

  redraw() {
    this.count.textContent = t("note.marks", { count: this.marks.length });
    this.view().draw();
  }

  /** A point was set, by the pointer or by Enter; tells whether it is the pad's. */
  press(event, at) {
    if (!this.active || !at || event.shiftKey) return false;
    const [x, y] = at;
    if (this.tool === "text" || this.tool === "scale") {
      if (this.tool === "scale" || this.words.value.trim()) this.add({ x0: x, y0: y });
      else this.words.focus();
    } else if (this.from === null) {
      this.from = at;
    } else {
      this.add({ x0: this.from[0], y0: this.from[1], x1: x, y1: y });
      this.from = null;
    }
    this.redraw();
    return true;
  }

  point(point) {
    this.to = point;
    if (this.from !== null) this.view().draw();
    return this.from !== null;
  }

  add(place) {
    this.marks.push({ kind: this.tool, colour: this.colour, text: this.tool === "scale" ? "" : this.words.value.trim(),
      length: Math.max(1, this.length.valueAsNumber || 10), ...place });
  }

  draw(name, context, { zoom, left, top }) {
    if (name !== "b" || !this.active) return;
    const going = this.from && this.to ? [{ kind: this.tool, colour: this.colour, text: "", x0: this.from[0], y0: this.from[1], x1: this.to[0], y1: this.to[1] }] : [];
    const scale = this.side().summary.canvas?.scale ?? 1;
    for (const mark of [...this.marks, ...going]) {
      const [x0, y0] = [left + (mark.x0 + 0.5) * zoom, top + (mark.y0 + 0.5) * zoom];
      const [x1, y1] = mark.kind === "scale" ? [x0 + mark.length * scale * zoom, y0] : [left + ((mark.x1 ?? 0) + 0.5) * zoom, top + ((mark.y1 ?? 0) + 0.5) * zoom];
      for (const [colour, width] of [["#000", 4], [COLOURS[mark.colour], 2]]) {
        Object.assign(context, { strokeStyle: colour, lineWidth: width });
        context.beginPath();
        if (mark.kind === "box") {
          context.rect(Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0));
        } else if (mark.kind === "arrow" || mark.kind === "scale") {
          context.moveTo(x0, y0);
          context.lineTo(x1, y1);
          const angle = Math.atan2(y0 - y1, x0 - x1);
          const ends = mark.kind === "arrow" ? [0.45, -0.45].map((turn) => [x1, y1, x1 + 14 * Math.cos(angle + turn), y1 + 14 * Math.sin(angle + turn)])
            : [x0, x1].map((x) => [x, y0 - 6, x, y0 + 6]);
          for (const [ax, ay, bx, by] of ends) {
            context.moveTo(ax, ay);
            context.lineTo(bx, by);
          }
        }
        context.stroke();
      }
      const label = mark.kind === "scale" ? t("note.scale", { length: mark.length }) : mark.text;
      if (label) {
        context.font = "16px sans-serif";
        Object.assign(context, { lineWidth: 4, strokeStyle: "#000", fillStyle: COLOURS[mark.colour] });
        const [x, y] = mark.kind === "box" ? [Math.min(x0, x1), Math.min(y0, y1) - 6] : [x0, mark.kind === "scale" ? y0 + 22 : y0 + 14];
        context.strokeText(label, x, y);
        context.fillText(label, x, y);
      }
    }
  }

  async save() {
    const { job, layer } = this.side();
    const note = await send("POST", desk.paths.notes(job.number), { picture: layer, marks: this.marks, text: this.remark.value.trim() });
    this.said.replaceChildren(h("a", { href: linkTo(desk.key, "notes") }, t("note.saved", { name: note.name })));
    this.marks = [];
    this.redraw();
  }
}
