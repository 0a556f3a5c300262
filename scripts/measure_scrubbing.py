"""Pictures a second while somebody scrubs a Full HD clip in the desk, beside a run of it.

``python scripts/measure_scrubbing.py`` makes a clip of 1,200 frames of public-domain pictures with noise, H.264 with a
key frame every two seconds. A real Chromium (on PATH, with the package ``playwright``) opens it in ``mfrec desk``,
starts a run of it, and drags over the time line while the run works: over the whole clip, back, and once more, over a
fifth of it and back, with an arrow key held, and once more after a rest in which the desk has made pictures of every
frame. A picture counts when it is another one than that drawn before it. Beside each figure: what the desk and the
browser spent on a picture in processor milliseconds, the milliseconds that its parts took, and how many processes
wanted a processor meanwhile (``/proc/loadavg``).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import skimage.data
from desk_in_browser import desk_in_browser
from playwright.sync_api import Page

WIDTH, HEIGHT, FRAMES = 1920, 1080, 1200

SCENE = 150
"""Frames that are coded; the clip shows them again and again."""

REST = 40
"""Seconds in which the desk makes small pictures of the whole clip, beside a run that takes most of the processors."""

WATCH = """
window.seen = { drawn: 0, others: 0, asked: [], decoded: [] };
const canvas = CanvasRenderingContext2D.prototype, draw = canvas.drawImage;
let last = null;
canvas.drawImage = function (source, ...rest) {
  if (source instanceof ImageBitmap && this.canvas.closest?.('.view')) {
    window.seen.drawn += 1;
    if (source !== last) window.seen.others += 1;
    last = source;
  }
  return draw.call(this, source, ...rest);
};
const make = window.createImageBitmap;
window.createImageBitmap = async (...given) => {
  const began = performance.now(), made = await make.call(window, ...given);
  window.seen.decoded.push(performance.now() - began);
  return made;
};
const ask = window.fetch;
window.fetch = async (...given) => {
  const began = performance.now(), answer = await ask.call(window, ...given);
  window.seen.asked.push(performance.now() - began);
  return answer;
};
"""
"""Counts what is drawn in the view of a page, and how long a picture was waited for and decoded."""


def make_clip(path: Path) -> None:
    """A face that moves over a background that moves, with the noise of a camera."""
    rng = np.random.default_rng(0)
    wide = cv2.resize(skimage.data.coffee(), (WIDTH + 380, HEIGHT + 220), interpolation=cv2.INTER_CUBIC)
    face = cv2.resize(skimage.data.astronaut()[:300, 70:370], (500, 500))
    noise = [rng.normal(0, 4, (HEIGHT, WIDTH, 3)).astype(np.int16) for _ in range(4)]
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"crf": "23", "preset": "veryfast", "g": "50"}
        packets = []
        for number in range(SCENE):
            image = wide[number // 2 :, number:][:HEIGHT, :WIDTH].astype(np.int16)
            image[300:800, 200 + 4 * number :][:, :500] = face
            image = np.clip(image + noise[number % 4], 0, 255).astype(np.uint8)
            packets += stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24"))
        packets += stream.encode()
        parts = []
        for again in range(FRAMES // SCENE):
            for packet in packets:
                assert packet.pts is not None and packet.dts is not None
                part, later = av.Packet(bytes(packet)), int(again * Fraction(SCENE, 25) / packet.time_base)
                part.time_base, part.stream, part.is_keyframe = packet.time_base, stream, packet.is_keyframe
                part.pts, part.dts = packet.pts + later, packet.dts + later
                parts.append(part)
        out.mux(parts)


def processor(root: int) -> dict[int, tuple[str, float]]:
    """Name and processor seconds of every process under another one."""
    children: dict[int, list[tuple[int, str, float]]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                head, _, rest = (entry / "stat").read_text().rpartition(")")
            except OSError:
                continue
            parts = rest.split()
            seconds = (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")
            children.setdefault(int(parts[1]), []).append((int(entry.name), head.partition("(")[2], seconds))
    found: dict[int, tuple[str, float]] = {}
    todo = [root]
    while todo:
        for number, name, seconds in children.get(todo.pop(), []):
            found[number] = name, seconds
            todo.append(number)
    return found


def spent(before: dict[int, tuple[str, float]], after: dict[int, tuple[str, float]], process: int | str) -> float:
    """Processor milliseconds between two looks: of a process, or of all whose name has such a part."""
    return 1e3 * sum(
        now - before.get(number, ("", 0.0))[1]
        for number, (name, now) in after.items()
        if (process in name if isinstance(process, str) else process == number)
    )


def measured(page: Page, desk: int, name: str, work: Callable[[], None]) -> float:
    """Pictures a second of some work, said with where the time went."""
    page.wait_for_timeout(REST * 1000 if "rest" in name else 1200)
    page.evaluate("() => { Object.assign(window.seen, { drawn: 0, others: 0, asked: [], decoded: [] }); }")
    before, began = processor(os.getpid()), time.perf_counter()
    work()
    seen, took, after = page.evaluate("window.seen"), time.perf_counter() - began, processor(os.getpid())
    count, rate = max(1, seen["others"]), seen["others"] / took
    asked, decoded = (statistics.median(seen[key] or [0.0]) for key in ("asked", "decoded"))
    cost = [spent(before, after, process) / count for process in (desk, "chrom")]
    print(
        f"{name}: {seen['others']} pictures ({seen['drawn']} drawn) in {took:.1f} s = {rate:.1f} a second; one cost "
        f"the desk {cost[0]:.0f} ms and the browser {cost[1]:.0f} ms of a processor; {len(seen['asked'])} asked for, "
        f"which came after {asked:.0f} ms and were decoded in {decoded:.0f} ms; "
        f"load {Path('/proc/loadavg').read_text().split()[0]}",
        flush=True,
    )
    return rate


def drag(page: Page, start: float, end: float, seconds: float) -> Callable[[], None]:
    """Drag over the time line, from one share of it to another, as evenly as a hand does."""

    def work() -> None:
        box = page.locator("canvas.timeline").bounding_box()
        assert box is not None
        left, wide, y = box["x"] + 108, box["width"] - 108, box["y"] + box["height"] / 2
        page.mouse.move(left + start * wide, y)
        page.mouse.down()
        began = time.perf_counter()
        while (passed := time.perf_counter() - began) < seconds:
            page.mouse.move(left + (start + (end - start) * passed / seconds) * wide, y)
            page.wait_for_timeout(10)
        page.mouse.up()

    return work


def held(page: Page, key: str, seconds: float) -> Callable[[], None]:
    """Hold a key down; a keyboard repeats it 30 times a second."""

    def work() -> None:
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            page.keyboard.down(key)
            page.wait_for_timeout(30)
        page.keyboard.up(key)

    return work


def main() -> None:
    """Measure, and say it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", type=Path, help="a clip of Full HD; one is made where there is none of that name")
    parser.add_argument("--alone", action="store_true", help="no run beside it")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = given.clip or Path(folder) / "clip.mp4"
        if not clip.exists():
            make_clip(clip)
        with desk_in_browser(Path(folder) / "cases", "--disable-gpu") as (address, desk, browser):
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(120_000)
            page.add_init_script(WATCH)
            scrub(page, desk, address, clip, alone=given.alone)


def scrub(page: Page, desk: int, address: str, clip: Path, *, alone: bool) -> None:
    """Go to the clip, begin a run of it, and scrub."""

    def asked(method: str, path: str, body: Any = None) -> Any:
        headers = {"Origin": address.partition("/?")[0], "Content-Type": "application/json"}
        answer = page.request.fetch(
            f"{headers['Origin']}{path}", method=method, headers=headers, data=body and json.dumps(body)
        )
        assert answer.ok, answer.text()
        return answer.json()

    page.goto(address)
    base = f"/api/cases/{asked('POST', '/api/cases', {'title': 'Scrubbing'})['key']}"
    asked("POST", f"{base}/inputs-in-place", {"path": str(clip.resolve())})
    if not alone:
        asked("POST", f"{base}/runs", {"input": "01", "wanted": {"options": {"recipe": "restore"}}})
        while asked("GET", base)["jobs"][0]["state"] == "waiting":
            page.wait_for_timeout(200)
    page.goto(f"{address.partition('/?')[0]}/#/case/{base.rpartition('/')[2]}/look")
    page.get_by_text("true pixels").wait_for()
    figures = [
        measured(page, desk, name, work)
        for name, work in (
            ("over the clip in 5 s", drag(page, 0.05, 0.95, 5)),
            ("back", drag(page, 0.95, 0.05, 5)),
            ("over it once more", drag(page, 0.05, 0.95, 5)),
            ("over a fifth of it in 5 s", drag(page, 0.5, 0.7, 5)),
            ("and back", drag(page, 0.7, 0.5, 5)),
            ("an arrow key", held(page, "ArrowRight", 5)),
            (f"after a rest of {REST} s over the clip", drag(page, 0.05, 0.95, 5)),
            ("back", drag(page, 0.95, 0.05, 5)),
        )
    ]
    states = [] if alone else [job["state"] for job in asked("GET", base)["jobs"]]
    print(f"least {min(figures):.1f} a second; the run is {states[0] if states else 'not asked for'}")
    if not alone:
        asked("POST", f"{base}/jobs/0001/cancel")
        while asked("GET", base)["jobs"][0]["state"] == "running":
            page.wait_for_timeout(200)


if __name__ == "__main__":
    main()
