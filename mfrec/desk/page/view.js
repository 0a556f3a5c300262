// A picture in a box: un-interpolated unless it is asked for, zoomed in whole steps, moved, and read pixel by pixel.

import { h } from "./dom.js";

/** Screen pixels a picture pixel; below one a picture is shrunk, which interpolates. */
const STEPS = [1 / 8, 1 / 6, 1 / 4, 1 / 3, 1 / 2, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48];

/** Where linked views look: the picture point in the middle, and the zoom; null fits the picture into the box. */
export class Gaze extends EventTarget {
  constructor() {
    super();
    this.zoom = null;
    this.middle = null;
  }

  set(zoom, middle) {
    this.zoom = zoom;
    this.middle = middle;
    this.dispatchEvent(new Event("change"));
  }
}

export class View {
  /**
   * @param gaze shared by linked views.
   * @param label for those who do not see it.
   */
  constructor(gaze, label) {
    this.gaze = gaze;
    this.size = null;
    this.source = null;
    this.smooth = false;
    this.overlays = [];
    this.point = null;
    this.held = false;
    this.onpoint = null;
    this.onpress = null;
    this.canvas = h("canvas", { tabindex: 0, role: "img", "aria-label": label });
    this.element = h("div.view", {}, this.canvas);
    this.samples = null;
    this.exact = true;
    this._redraw = () => this.draw();
    gaze.addEventListener("change", this._redraw);
    this._watch = new ResizeObserver(this._redraw);
    this._watch.observe(this.element);
    this._listen();
  }

  leave() {
    this.gaze.removeEventListener("change", this._redraw);
    this._watch.disconnect();
  }

  /**
   * Show a picture.
   * @param source anything that a canvas draws; null shows nothing.
   * @param size [width, height] of the picture's own grid, which a small source is stretched to.
   * @param exact whether the source's pixels are the picture's, so that they can be read.
   */
  show(source, size, exact = true) {
    this.source = source;
    this.size = size;
    this.samples = null;
    this.exact = exact;
    this.draw();
  }

  /** RGB of a pixel; null where there is none, or only a preview is there. */
  read(x, y) {
    if (!this.source || !this.exact || x < 0 || y < 0 || x >= this.size[0] || y >= this.size[1]) return null;
    if (this.samples === null) {
      const copy = new OffscreenCanvas(...this.size);
      const context = copy.getContext("2d", { willReadFrequently: true });
      context.drawImage(this.source, 0, 0);
      this.samples = context.getImageData(0, 0, ...this.size);
    }
    const at = 4 * (y * this.size[0] + x);
    return [...this.samples.data.slice(at, at + 3)];
  }

  /** Zoom that is drawn, and the picture point at the box's top left corner. */
  geometry() {
    const box = this.element.getBoundingClientRect();
    const ratio = window.devicePixelRatio || 1;
    // The canvas lies on whole screen pixels, wherever the layout puts its box: else rows would be doubled or left out.
    const [x, y] = [box.left, box.top].map((edge) => Math.ceil(edge * ratio - 1e-3) - edge * ratio);
    const [width, height] = [Math.floor(box.width * ratio - x + 1e-3), Math.floor(box.height * ratio - y + 1e-3)];
    const size = this.size ?? [1, 1];
    const fit = Math.min(width / size[0], height / size[1]);
    const zoom = this.gaze.zoom ?? Math.max(...STEPS.filter((step) => step <= fit), STEPS[0]);
    const middle = this.gaze.zoom === null || !this.gaze.middle ? [size[0] / 2, size[1] / 2] : this.gaze.middle;
    // Whole screen pixels, so that every picture pixel is a square of the same size.
    const left = Math.round(width / 2 - middle[0] * zoom);
    const top = Math.round(height / 2 - middle[1] * zoom);
    return { width, height, ratio, zoom, left, top, x, y };
  }

  draw() {
    const { width, height, ratio, zoom, left, top, x, y } = this.geometry();
    if (width < 1 || height < 1) return;
    const { canvas } = this;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    Object.assign(canvas.style, { left: `${x / ratio}px`, top: `${y / ratio}px`, width: `${width / ratio}px`, height: `${height / ratio}px` });
    const context = canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!this.source) return;
    context.imageSmoothingEnabled = this.smooth || zoom < 1;
    // A preview is there to be quick.
    context.imageSmoothingQuality = this.exact ? "high" : "low";
    context.drawImage(this.source, left, top, this.size[0] * zoom, this.size[1] * zoom);
    context.imageSmoothingEnabled = false;
    for (const overlay of this.overlays) overlay(context, { zoom, left, top, ratio, size: this.size });
    if (this.point) this._cross(context, zoom, left, top);
    this.element.dispatchEvent(new Event("drawn"));
  }

  _cross(context, zoom, left, top) {
    const [x, y] = this.point;
    context.lineWidth = 1;
    const side = Math.max(zoom, 3);
    for (const [colour, grow] of [["#000", 1], ["#fff", 0]]) {
      context.strokeStyle = colour;
      context.strokeRect(left + x * zoom - grow - 0.5, top + y * zoom - grow - 0.5, side + 2 * grow + 1, side + 2 * grow + 1);
    }
  }

  /** Picture pixel under a place of the window. */
  pixelAt(clientX, clientY) {
    const box = this.canvas.getBoundingClientRect();
    const { ratio, zoom, left, top } = this.geometry();
    return [Math.floor(((clientX - box.left) * ratio - left) / zoom), Math.floor(((clientY - box.top) * ratio - top) / zoom)];
  }

  /** Place in the box, in CSS pixels, of a picture point. */
  placeOf(x, y) {
    const { ratio, zoom, left, top } = this.geometry();
    return [(left + x * zoom) / ratio, (top + y * zoom) / ratio];
  }

  zoomBy(direction, about = null) {
    const { zoom, left, top, width, height } = this.geometry();
    const at = STEPS.findLastIndex((step) => step <= zoom * 1.001);
    const next = STEPS[Math.max(0, Math.min(STEPS.length - 1, at + direction))];
    const screen = about ?? [width / 2, height / 2];
    const fixed = [(screen[0] - left) / zoom, (screen[1] - top) / zoom];
    this.gaze.set(next, [fixed[0] + (width / 2 - screen[0]) / next, fixed[1] + (height / 2 - screen[1]) / next]);
  }

  fit() {
    this.gaze.set(null, null);
  }

  moveBy(dx, dy) {
    const { zoom, left, top, width, height, ratio } = this.geometry();
    this.gaze.set(zoom, [(width / 2 - left - dx * ratio) / zoom, (height / 2 - top - dy * ratio) / zoom]);
  }

  pointAt(point) {
    this.point = point;
    this.draw();
    this.onpoint?.(point);
  }

  /** Move the cross by so many picture pixels; it begins in the middle, stays on the picture, and is kept in sight. */
  step(dx, dy) {
    const from = this.point ?? this.size.map((side) => Math.floor(side / 2));
    const to = [from[0] + dx, from[1] + dy].map((at, axis) => Math.max(0, Math.min(this.size[axis] - 1, at)));
    const { zoom, left, top, width, height, ratio } = this.geometry();
    const beyond = (begin, room) => Math.min(0, begin) || Math.max(0, begin + zoom - room);
    const [right, down] = [beyond(left + to[0] * zoom, width), beyond(top + to[1] * zoom, height)];
    if (right || down) this.moveBy(-right / ratio, -down / ratio);
    this.pointAt(to);
  }

  _listen() {
    // What lies over the canvas, such as the buttons over faces, takes no more than the press.
    const { canvas, element } = this;
    let drag = null;
    element.addEventListener("wheel", (event) => {
      event.preventDefault();
      const box = canvas.getBoundingClientRect();
      const ratio = window.devicePixelRatio || 1;
      this.zoomBy(event.deltaY < 0 ? 1 : -1, [(event.clientX - box.left) * ratio, (event.clientY - box.top) * ratio]);
    }, { passive: false });
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !this.size) return;
      if (this.onpress?.(event, this.pixelAt(event.clientX, event.clientY))) return;
      drag = [event.clientX, event.clientY];
      canvas.setPointerCapture(event.pointerId);
    });
    element.addEventListener("pointermove", (event) => {
      if (drag) {
        this.moveBy(event.clientX - drag[0], event.clientY - drag[1]);
        drag = [event.clientX, event.clientY];
      } else if (!this.held && this.size) {
        this.pointAt(this.pixelAt(event.clientX, event.clientY));
      }
    });
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { drag = null; });
  }

  /** What the keys of every view do; tells whether this was one of them. */
  key(event) {
    if (event.key === "+" || event.key === "=") this.zoomBy(1);
    else if (event.key === "-") this.zoomBy(-1);
    else if (event.key === "0") this.fit();
    else return false;
    event.preventDefault();
    return true;
  }
}

/** Buttons for the zoom of linked views. */
export function zoomButtons(view, words) {
  const said = h("output.zoom", { "aria-live": "off" });
  const tell = () => {
    const { zoom } = view.geometry();
    said.textContent = zoom >= 1 ? `×${zoom}` : `1:${Math.round(1 / zoom)}`;
  };
  view.element.addEventListener("drawn", tell);
  const button = (text, label, onclick) => h("button", { type: "button", "aria-label": label, title: label, onclick }, text);
  return h("div.group", { role: "group", "aria-label": words.zoom },
    button("−", `${words.zoom} −`, () => view.zoomBy(-1)), said, button("+", `${words.zoom} +`, () => view.zoomBy(1)),
    button(words.fit, words.fit, () => view.fit()));
}
