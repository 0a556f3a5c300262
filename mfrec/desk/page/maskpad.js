// A mask drawn over a frame, by brush or polygon, and the frame that gives a region.

import { send } from "./api.js";
import { choiceRow, field, guarded, h, newId, select, what } from "./dom.js";
import { desk } from "./state.js";
import { t } from "./words.js";

const TINT = [255, 190, 0, 110];

export class MaskPad {
  /**
   * @param view that is drawn on.
   * @param clip the choices, and the name and the grid of the frame that is shown.
   */
  constructor(view, clip) {
    this.view = view;
    this.clip = clip;
    this.region = desk.about.regions.includes("eyes") ? "eyes" : desk.about.regions[0];
    this.tool = "brush";
    this.radius = 3;
    this.points = [];
    this.history = [];
    this.mask = null;
    this.size = null;
    this.open = false;
    this.stroke = false;
    view.overlays.push((context, geometry) => this.paint(context, geometry));
    const button = (key, onclick, name = "button") => h(name, { type: "button", onclick }, t(key));
    this.said = h("p.note", { role: "status" });
    this.body = h("div.stack", {}, h("p.note", {}, t("mask.lede")),
      field(t("mask.region"), select([[null, desk.about.regions.map((name) => [name, name])]], this.region, (name) => { this.region = name; }, { id: newId() })),
      h("div.line", {}, button("mask.source", () => this.takeSource()), what(t("mask.source"), "desk", "regions-by-hand")),
      h("div.line", {}, choiceRow(t("mask.tool"), ["brush", "polygon", "eraser"].map((tool) => [tool, t(`mask.tool.${tool}`)]), "brush", (tool) => { this.tool = tool; this.points = []; this.stroke = false; view.draw(); })),
      field(t("mask.radius"), h("input", { type: "range", min: 0, max: 20, value: this.radius, oninput: (event) => { this.radius = Number(event.target.value); } })),
      h("div.line", {}, button("mask.close", () => this.closePolygon()), button("mask.undo", () => this.undo()), button("mask.clear", () => this.clear())),
      h("div.line", {}, button("mask.use", guarded(() => this.use()), "button.primary")), this.said);
  }

  /** The pad is in sight, so the pointer draws. */
  show(open) {
    this.open = open;
    this.stroke = false;
    // The buttons over the faces would be in the way of the brush.
    this.view.element.classList.toggle("drawing", open);
    this.view.draw();
  }

  takeSource() {
    const others = (this.clip.choices.get("source") ?? []).filter((pair) => !pair.startsWith(`${this.region}=`));
    this.clip.choices.set("source", [...others, `${this.region}=${this.clip.frameName()}`]);
  }

  /** Begin a mask on the grid that is shown, if none of that size is there. */
  _begin() {
    const size = this.view.size;
    if (this.mask && size[0] === this.size[0] && size[1] === this.size[1]) return;
    this.size = [...size];
    this.mask = new Uint8Array(size[0] * size[1]);
    this.history = [];
  }

  _remember() {
    this.history.push(this.mask.slice());
    if (this.history.length > 30) this.history.shift();
  }

  press(event, at) {
    if (!this.open || !this.view.size || event.shiftKey) return false;
    this._begin();
    if (this.tool === "polygon") {
      this.points.push(at);
      this.view.draw();
      return true;
    }
    this._remember();
    this._dab(at, at);
    let last = at;
    const { canvas } = this.view;
    canvas.setPointerCapture(event.pointerId);
    const move = (moved) => {
      const here = this.view.pixelAt(moved.clientX, moved.clientY);
      this._dab(last, here);
      last = here;
    };
    canvas.addEventListener("pointermove", move);
    canvas.addEventListener("pointerup", () => canvas.removeEventListener("pointermove", move), { once: true });
    return true;
  }

  /** The cross was moved, or Enter was pressed there: a corner, or a stroke that begins or ends. */
  cross(pressed, before, at) {
    if (!this.open || !this.view.size) return;
    this._begin();
    if (this.tool === "polygon") {
      if (pressed) this.points.push(at);
      this.view.draw();
      return;
    }
    if (pressed) {
      this.stroke = !this.stroke;
      if (this.stroke) this._remember();
    }
    if (this.stroke) this._dab(before ?? at, at);
  }

  /** Paint discs from one pixel to another. */
  _dab([x0, y0], [x1, y1]) {
    const steps = Math.max(1, Math.abs(x1 - x0), Math.abs(y1 - y0));
    const value = this.tool === "eraser" ? 0 : 1;
    const [width, height] = this.size;
    for (let step = 0; step <= steps; step += 1) {
      const cx = Math.round(x0 + ((x1 - x0) * step) / steps);
      const cy = Math.round(y0 + ((y1 - y0) * step) / steps);
      for (let y = Math.max(0, cy - this.radius); y <= Math.min(height - 1, cy + this.radius); y += 1) {
        for (let x = Math.max(0, cx - this.radius); x <= Math.min(width - 1, cx + this.radius); x += 1) {
          if ((x - cx) ** 2 + (y - cy) ** 2 <= (this.radius + 0.3) ** 2) this.mask[y * width + x] = value;
        }
      }
    }
    this.view.draw();
  }

  /** Fill the polygon: pixels whose centre lies inside (even-odd rule). */
  closePolygon() {
    if (this.points.length < 3) return;
    this._begin();
    this._remember();
    const [width, height] = this.size;
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        let inside = false;
        this.points.forEach(([ax, ay], index) => {
          const [bx, by] = this.points.at(index - 1);
          if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
        });
        if (inside) this.mask[y * width + x] = 1;
      }
    }
    this.points = [];
    this.view.draw();
  }

  undo() {
    if (this.points.length) this.points.pop();
    else if (this.history.length) this.mask = this.history.pop();
    this.view.draw();
  }

  clear() {
    if (!this.mask) return;
    this._remember();
    this.mask.fill(0);
    this.points = [];
    this.view.draw();
  }

  paint(context, { zoom, left, top }) {
    if (!this.open) return;
    if (this.mask && this.size[0] === this.view.size[0] && this.size[1] === this.view.size[1]) {
      const tint = new ImageData(...this.size);
      this.mask.forEach((value, at) => { if (value) tint.data.set(TINT, 4 * at); });
      const layer = new OffscreenCanvas(...this.size);
      layer.getContext("2d").putImageData(tint, 0, 0);
      context.drawImage(layer, left, top, this.size[0] * zoom, this.size[1] * zoom);
    }
    if (this.points.length) {
      context.strokeStyle = "rgb(255 190 0)";
      context.lineWidth = 2;
      context.beginPath();
      for (const [x, y] of this.points) context.lineTo(left + (x + 0.5) * zoom, top + (y + 0.5) * zoom);
      context.stroke();
    }
  }

  /** Keep the mask in the case, and choose it; it lies on the frame that is shown, which becomes the reference. */
  async use() {
    if (!this.mask) return;
    const runs = [0];
    let value = 0;
    for (const pixel of this.mask) {
      if (pixel !== value) {
        runs.push(0);
        value = pixel;
      }
      runs[runs.length - 1] += 1;
    }
    const [width, height] = this.size;
    const { path } = await send("POST", desk.paths.masks, { region: this.region, width, height, runs });
    const others = (this.clip.choices.get("mask") ?? []).filter((pair) => !pair.startsWith(`${this.region}=`));
    this.clip.choices.wanted.options.reference = this.clip.frameName();
    this.clip.choices.set("mask", [...others, `${this.region}=${path}`]);
    this.said.textContent = t("mask.used", { path });
  }
}
