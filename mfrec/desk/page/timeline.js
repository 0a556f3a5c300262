// The time line of a clip: where a run begins and ends, who is seen how well, what is damaged, where the key frames are.

import { h } from "./dom.js";
import { t } from "./words.js";

const LANE = 16;
const LABEL = 108;
const FACES = ["#4477aa", "#ee7733", "#228833", "#cc3377", "#66ccee", "#ddcc77"];

/** The colour of a person in the picture and in the time line. */
export const faceColour = (number) => FACES[(number - 1) % FACES.length];

export class Timeline {
  /**
   * @param player whose frames they are.
   * @param span gives [first, last] frame of the run, and which are left out.
   */
  constructor(player, span) {
    this.player = player;
    this.span = span;
    this.found = null;
    this.base = null;
    this.canvas = h("canvas", { class: "timeline", tabindex: 0, role: "slider", "aria-label": t("look.timeline"),
      "aria-valuemin": 0, "aria-valuemax": player.sheet.count - 1, title: t("look.timeline.help") });
    this.element = h("div.timeline-box", {}, this.canvas);
    this._watch = new ResizeObserver(() => this.draw());
    this._watch.observe(this.element);
    let down = false;
    const seek = (event) => {
      const box = this.canvas.getBoundingClientRect();
      const share = (event.clientX - box.left - LABEL) / Math.max(1, box.width - LABEL);
      const frame = Math.floor(Math.max(0, Math.min(0.999999, share)) * player.sheet.count);
      if (frame !== player.frame || player.speed !== 0) player.go(frame);
    };
    const hold = (held) => {
      down = held;
      player.hold(held);
    };
    this.canvas.addEventListener("pointerdown", (event) => { hold(true); this.canvas.setPointerCapture(event.pointerId); seek(event); });
    this.canvas.addEventListener("pointermove", (event) => { if (down) seek(event); });
    for (const name of ["pointerup", "pointercancel"]) this.canvas.addEventListener(name, () => hold(false));
  }

  leave() {
    this._watch.disconnect();
  }

  _lanes() {
    const { sheet } = this.player;
    const lanes = [{ label: t("look.lane.choice"), kind: "span" }];
    for (const person of this.found?.people ?? []) {
      const most = Math.max(...person.seen.map((seen) => seen.quality), 1e-9);
      lanes.push({ label: t("look.lane.faces", { number: person.number }), kind: "bars", colour: faceColour(person.number),
        values: person.seen.map((seen) => [frameOf(seen, sheet), 0.2 + 0.8 * seen.quality / most]) });
    }
    const coding = this.found?.coding ?? [];
    const quantisers = coding.filter((frame) => frame.quantiser !== null);
    if (quantisers.length) {
      const low = Math.min(...quantisers.map((frame) => frame.quantiser));
      const range = Math.max(1, Math.max(...quantisers.map((frame) => frame.quantiser)) - low);
      lanes.push({ label: t("look.lane.quantiser"), kind: "bars", colour: "#8a929a",
        values: quantisers.map((frame) => [frameOf(frame, sheet), 0.1 + 0.9 * (frame.quantiser - low) / range]) });
    }
    const damaged = coding.filter((frame) => frame.damaged);
    if (damaged.length) {
      lanes.push({ label: t("look.lane.damage"), kind: "bars", colour: "#b3261e", values: damaged.map((frame) => [frameOf(frame, sheet), 1]) });
    }
    if (sheet.kind === "video") {
      lanes.push({ label: t("look.lane.keys"), kind: "bars", colour: "#16191d", values: sheet.keys.map((key) => [key, 0.7]) });
    }
    return lanes;
  }

  /** Everything anew. */
  draw() {
    const lanes = this._lanes();
    const { sheet } = this.player;
    const ratio = window.devicePixelRatio || 1;
    const width = Math.max(200, this.element.clientWidth);
    const height = lanes.length * LANE + 6;
    this.across = (width - LABEL) / sheet.count;
    this.base = new OffscreenCanvas(Math.round(width * ratio), Math.round(height * ratio));
    const context = this.base.getContext("2d");
    context.scale(ratio, ratio);
    context.font = `11px ${getComputedStyle(this.canvas).fontFamily}`;
    context.textBaseline = "middle";
    const at = (number) => LABEL + number * this.across;
    lanes.forEach((lane, row) => {
      const top = 3 + row * LANE;
      context.fillStyle = "#59616a";
      context.fillText(lane.label, 0, top + LANE / 2);
      context.fillStyle = "#eceef0";
      context.fillRect(LABEL, top + 1, width - LABEL, LANE - 3);
      if (lane.kind === "span") {
        const { first, last, out } = this.span();
        context.fillStyle = "#9fb7d3";
        context.fillRect(at(first), top + 1, (last - first + 1) * this.across, LANE - 3);
        context.fillStyle = "#b3261e";
        for (const number of out) context.fillRect(at(number), top + 1, Math.max(2, this.across), LANE - 3);
      } else {
        context.fillStyle = lane.colour;
        for (const [number, share] of lane.values) {
          const high = share * (LANE - 3);
          context.fillRect(at(number), top + LANE - 2 - high, Math.max(1, this.across - (this.across > 4 ? 1 : 0)), high);
        }
      }
    });
    this.canvas.width = this.base.width;
    this.canvas.height = this.base.height;
    this.canvas.style.height = `${height}px`;
    this.move();
  }

  /** The line of the frame that is shown; many times a second while a clip plays. */
  move() {
    if (!this.base) return;
    const { frame, sheet } = this.player;
    const context = this.canvas.getContext("2d");
    const ratio = window.devicePixelRatio || 1;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.drawImage(this.base, 0, 0);
    const x = (LABEL + (frame + 0.5) * this.across) * ratio;
    context.fillStyle = "#fff";
    context.fillRect(x - 2 * ratio, 0, 4 * ratio, this.canvas.height);
    context.fillStyle = "#0b63c4";
    context.fillRect(x - ratio, 0, 2 * ratio, this.canvas.height);
    this.canvas.setAttribute("aria-valuenow", frame);
    this.canvas.setAttribute("aria-valuetext", sheet.names[frame]);
  }
}

/** The number of a frame that a look through the clip names. */
export function frameOf(entry, sheet) {
  const number = sheet.kind === "video" ? Number(entry.name.slice(entry.name.lastIndexOf("#") + 1)) : entry.index;
  return Number.isInteger(number) ? number : entry.index;
}
