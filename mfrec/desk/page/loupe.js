// The pixels around the pointer, enlarged, with their numbers.

import { h } from "./dom.js";
import { t } from "./words.js";

const SIDE = 9;
const CELL = 22;

export class Loupe {
  constructor() {
    this.canvas = h("canvas.loupe", { width: SIDE * CELL, height: SIDE * CELL, role: "img", "aria-label": t("look.loupe") });
    this.said = h("output.values", {}, t("look.loupe.help"));
    this.element = h("div.loupe-box", {}, this.canvas, this.said);
  }

  /** Show what a view has around a pixel. */
  show(view, point) {
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const middle = point && view.read(...point);
    if (!middle) {
      this.said.textContent = point && view.source && !view.exact ? t("look.quick.help") : t("look.loupe.help");
      return;
    }
    const half = (SIDE - 1) / 2;
    for (let row = 0; row < SIDE; row += 1) {
      for (let column = 0; column < SIDE; column += 1) {
        const rgb = view.read(point[0] + column - half, point[1] + row - half);
        if (!rgb) continue;
        context.fillStyle = `rgb(${rgb.join(" ")})`;
        context.fillRect(column * CELL, row * CELL, CELL, CELL);
      }
    }
    context.strokeStyle = "#000";
    context.strokeRect(half * CELL - 0.5, half * CELL - 0.5, CELL + 1, CELL + 1);
    context.strokeStyle = "#fff";
    context.strokeRect(half * CELL + 0.5, half * CELL + 0.5, CELL - 1, CELL - 1);
    const [r, g, b] = middle;
    this.said.textContent = t("look.pixel", { x: point[0], y: point[1], r, g, b });
  }
}
