// Frames one after the other: small quick pictures while somebody moves, the true pixels when they stop.

import { bitmap, nearBitmap } from "./api.js";

/** A frame of at most so many pixels is quick enough as it is. */
const SMALL = 640 * 480;

/** Widths that the desk makes small pictures of. */
const WIDTHS = [320, 640, 960, 1280];

/** Milliseconds of rest after which the true pixels are asked for. */
const REST = 160;

/** Small pictures that are kept, and how many are asked for ahead. */
const KEPT = 90;
const AHEAD = 4;

/** Width of the pictures while somebody drags, which the desk makes before; and how many of them are kept. */
const DRAGGED = 640;
const KEPT_DRAGGED = 120;

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
    this.dragged = new Map();
    this.shown = null;
    this.drawn = 0;
    this._exact = null;
    this._timer = 0;
    this._playing = 0;
    this._following = null;
    this._way = 0;
    this._left = false;
    this._held = false;
  }

  leave() {
    this._left = true;
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
    for (const kept of [this.kept, this.dragged]) {
      for (const picture of kept.values()) picture.then((gone) => gone !== this.shown?.picture && gone.close?.(), () => {});
      kept.clear();
    }
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
    if (mine !== this._playing) return;
    this.stop();
    this._settle();
  }

  async _show(frame) {
    const before = this.frame;
    this.frame = Math.max(0, Math.min(this.sheet.count - 1, frame));
    this._way = this.frame - before;
    this._exact?.abort();
    clearTimeout(this._timer);
    this.dispatchEvent(new Event("frame"));
    this._following ??= this._follow();
    await this._following;
    if (this.speed === 0) this._settle();
  }

  /**
   * Draw frames until the wanted one is drawn. While a picture is on its way, only the last frame that was asked for in
   * the meantime comes next: whoever moves faster than pictures come sees as many as there are, and no queue builds up.
   */
  async _follow() {
    let coming = this._wanted();
    while (coming) {
      const { frame, seen } = coming;
      coming = null;
      try {
        const found = await seen;
        // The next one is on its way while this one is decoded and drawn.
        if (frame !== this.frame) coming = this._wanted();
        const picture = await found.picture;
        if (this._left) break;
        this._draw(found.frame, picture, !this.quick);
        if (found.frame === frame) this._askAhead(frame);
      } catch (error) {
        if (frame === this.frame) this.dispatchEvent(new CustomEvent("trouble", { detail: error }));
      }
      if (frame !== this.frame) coming ??= this._wanted();
    }
    this._following = null;
  }

  /** The frame that is wanted now, and what will be seen of it: which frame, and its picture. */
  _wanted() {
    const { frame } = this;
    const seen = this.quick && this._held ? this._near(frame) : Promise.resolve({ frame, picture: this._picture(frame) });
    seen.catch(() => {});
    return { frame, seen };
  }

  /** What is soonest seen of a place: who drags does not wait until the very frame is decoded. */
  async _near(frame) {
    const known = this.kept.get(frame) ?? this.dragged.get(frame);
    if (known) return { frame, picture: known };
    const found = await nearBitmap(this.address(frame, DRAGGED));
    if (this.dragged.has(found.frame)) found.picture.then((double) => double.close(), () => {});
    else {
      found.picture.catch(() => this.dragged.delete(found.frame));
      this._keep(this.dragged, KEPT_DRAGGED, found.frame, found.picture);
    }
    return { frame: found.frame, picture: this.dragged.get(found.frame) };
  }

  /** Who steps or plays wants the next frames in the same direction; who jumps wants nobody knows which. */
  _askAhead(frame) {
    if (this._held || Math.abs(this._way) > 1) return;
    const way = this._way < 0 ? -1 : 1;
    for (let ahead = 1; ahead <= AHEAD; ahead += 1) this._picture(frame + way * ahead)?.catch(() => {});
  }

  /** While somebody drags, only small pictures come, however long the pointer rests. */
  hold(held) {
    this._held = held;
    if (!held && this.speed === 0) this._settle();
  }

  _settle() {
    const there = this.shown?.frame === this.frame;
    if (!this.quick || (there && (this._held || this.shown.exact))) return;
    clearTimeout(this._timer);
    this._timer = setTimeout(async () => {
      const wanted = this.frame;
      const exact = !this._held;
      this._exact = new AbortController();
      try {
        const picture = await (exact ? bitmap(this.address(wanted, 0), this._exact.signal) : this._picture(wanted));
        if (wanted === this.frame && this.speed === 0) this._draw(wanted, picture, exact);
      } catch (error) {
        if (error.name !== "AbortError") this.dispatchEvent(new CustomEvent("trouble", { detail: error }));
      }
    }, REST);
  }

  _draw(frame, picture, exact) {
    this.shown = { frame, picture, exact };
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
      this._keep(this.kept, KEPT, frame, picture);
    }
    return picture;
  }

  _keep(kept, most, frame, picture) {
    kept.set(frame, picture);
    if (kept.size <= most) return;
    const oldest = kept.keys().next().value;
    kept.get(oldest).then((gone) => gone !== this.shown?.picture && gone.close?.(), () => {});
    kept.delete(oldest);
  }
}
