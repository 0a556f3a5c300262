// Frames one after the other: small quick pictures while somebody moves, the true pixels when they stop.

import { bitmap } from "./api.js";

/** A frame of at most so many pixels is quick enough as it is. */
const SMALL = 640 * 480;

/** Widths that the desk makes small pictures of. */
const WIDTHS = [320, 640, 960, 1280];

/** Milliseconds of rest after which the true pixels are asked for. */
const REST = 160;

/** Small pictures that are kept, and how many are asked for ahead. */
const KEPT = 90;
const AHEAD = 4;

export class Player extends EventTarget {
  /**
   * @param sheet count, size, times and names of the frames.
   * @param address from a frame's number and a width (0 for the true pixels) to its address.
   */
  constructor(sheet, address) {
    super();
    this.sheet = sheet;
    this.address = address;
    this.frame = 0;
    this.speed = 0;
    this.quick = sheet.width * sheet.height > SMALL;
    this.width = WIDTHS[2];
    this.kept = new Map();
    this.shown = null;
    this.drawn = 0;
    this._exact = null;
    this._timer = 0;
    this._playing = 0;
  }

  leave() {
    this.speed = 0;
    this._playing += 1;
    clearTimeout(this._timer);
    this._exact?.abort();
    this._forget();
  }

  /** Small pictures need no more pixels than the screen shows. */
  shownAt(pixels) {
    const width = WIDTHS.find((one) => one >= pixels) ?? WIDTHS.at(-1);
    if (width === this.width) return;
    this.width = width;
    this._forget();
  }

  _forget() {
    for (const picture of this.kept.values()) picture.then((gone) => gone !== this.shown?.picture && gone.close?.(), () => {});
    this.kept.clear();
  }

  /** Seconds of a frame; counted at 25 a second where the file does not say. */
  time(frame) {
    return this.sheet.times[frame] ?? frame / 25;
  }

  /** The frame shown last at or before a time. */
  at(time) {
    let found = 0;
    while (found + 1 < this.sheet.count && this.time(found + 1) <= time + 1e-6) found += 1;
    return found;
  }

  /** Go to a frame and stop there. */
  async go(frame) {
    this.stop();
    await this._show(frame);
  }

  step(by) {
    return this.go(this.frame + by);
  }

  stop() {
    if (this.speed !== 0) {
      this.speed = 0;
      this._playing += 1;
      this.dispatchEvent(new Event("speed"));
    }
  }

  /** Play forwards or backwards; asked again in the same direction, twice as fast. */
  async play(direction) {
    this.speed = Math.sign(this.speed) === direction ? Math.min(8, Math.abs(this.speed) * 2) * direction : direction;
    this.dispatchEvent(new Event("speed"));
    this._playing += 1;
    const mine = this._playing;
    let began = performance.now();
    let from = this.time(this.frame);
    while (mine === this._playing) {
      const next = this.frame + direction;
      if (next < 0 || next >= this.sheet.count) break;
      await this._show(next);
      if (mine !== this._playing) return;
      const due = began + Math.abs(this.time(next) - from) * 1000 / Math.abs(this.speed);
      const rest = due - performance.now();
      if (rest > 0) {
        await new Promise((resolve) => { setTimeout(resolve, rest); });
      } else if (rest < -200) {
        // Behind: every frame is still shown, only later.
        began = performance.now();
        from = this.time(next);
      }
    }
    this.stop();
    this._settle();
  }

  async _show(frame) {
    this.frame = Math.max(0, Math.min(this.sheet.count - 1, frame));
    const wanted = this.frame;
    this._exact?.abort();
    clearTimeout(this._timer);
    this.dispatchEvent(new Event("frame"));
    try {
      const picture = await this._picture(wanted);
      const forward = this.speed < 0 ? -1 : 1;
      for (let ahead = 1; ahead <= AHEAD; ahead += 1) this._picture(wanted + forward * ahead)?.catch(() => {});
      if (wanted === this.frame) this._draw(picture, !this.quick);
    } catch (error) {
      if (wanted === this.frame) this.dispatchEvent(new CustomEvent("trouble", { detail: error }));
    }
    if (this.speed === 0) this._settle();
  }

  _settle() {
    if (!this.quick) return;
    clearTimeout(this._timer);
    this._timer = setTimeout(async () => {
      const wanted = this.frame;
      this._exact = new AbortController();
      try {
        const picture = await bitmap(this.address(wanted, 0), this._exact.signal);
        if (wanted === this.frame && this.speed === 0) this._draw(picture, true);
      } catch (error) {
        if (error.name !== "AbortError") this.dispatchEvent(new CustomEvent("trouble", { detail: error }));
      }
    }, REST);
  }

  _draw(picture, exact) {
    this.shown = { frame: this.frame, picture, exact };
    this.drawn += 1;
    this.dispatchEvent(new Event("picture"));
  }

  /** The quick picture of a frame, asked for once. */
  _picture(frame) {
    if (frame < 0 || frame >= this.sheet.count) return null;
    let picture = this.kept.get(frame);
    if (!picture) {
      picture = bitmap(this.address(frame, this.quick ? this.width : 0));
      picture.catch(() => this.kept.delete(frame));
      this.kept.set(frame, picture);
      if (this.kept.size > KEPT) {
        const oldest = this.kept.keys().next().value;
        this.kept.get(oldest).then((gone) => gone !== this.shown?.picture && gone.close?.(), () => {});
        this.kept.delete(oldest);
      }
    }
    return picture;
  }
}
