"""Pictures of the desk for the documentation: ``python scripts/make_desk_pictures.py docs/``.

Films the public-domain portrait, works on it in a real Chromium (on PATH, with the package ``playwright``), and writes
``desk-cases.png``, ``desk-case.png``, ``desk-look.png``, ``desk-runs.png``, ``desk-compare.png``, ``desk-notes.png``,
``desk-surveys.png`` and ``desk-survey.png``, the page of a participant.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from desk_in_browser import desk_in_browser
from playwright.sync_api import Browser

from mfrec.camera.film import astronaut, draw_shoot, film

ROOT = Path(__file__).resolve().parent.parent

WIDTH, HEIGHT = 1360, 860


def main(out: Path) -> None:
    """Write the pictures into a folder."""
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "till-2.mp4"
        clip.write_bytes(film(astronaut(), draw_shoot(frames=24, size=96, seed=4)).clip)
        with desk_in_browser(Path(folder) / "cases", "--force-color-profile=srgb") as (address, _, browser):
            take(browser, address, clip, out)


def take(browser: Browser, address: str, clip: Path, out: Path) -> None:
    """Go through the desk as an analyst would, and photograph each page."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    page.set_default_timeout(600_000)

    def shoot(name: str, shown: Any = page) -> None:
        shown.wait_for_timeout(600)
        shown.screenshot(path=out / f"desk-{name}.png")

    page.goto(address)
    page.get_by_label("Title").fill("Shop, till 2")
    for label, text in (("Case number", "2026-0142"), ("Exhibit", "AB/7"), ("Analyst", "A. N. Alyst")):
        page.get_by_label(label).fill(text)
    page.get_by_role("button", name="Make the case").click()
    page.locator("#content[data-ready=case]").wait_for()
    page.get_by_role("link", name="mfrec desk").click()
    page.locator("#content[data-ready=cases]").wait_for()
    shoot("cases")
    page.get_by_role("link", name="Shop, till 2").click()
    page.locator("input[type=file]").set_input_files(clip)
    page.locator(".input").wait_for()
    shoot("case")
    page.locator(".input").get_by_role("link", name="Look and choose").click()
    page.get_by_role("button", name="Find everybody in it").click()
    page.get_by_role("button", name="Face of person 1").click()
    for _ in range(7):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("r")
    point(page, ".view canvas", 0.5, 0.45)
    shoot("look")
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("radio", name=re.compile("^evidence")).check()
    page.wait_for_timeout(600)
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("link", name="Run 0003 is queued.").click()
    page.locator("article[data-number='0002'] progress[value]").wait_for()
    shoot("runs")
    page.locator("article[data-number='0002'][data-state='done']").get_by_role("link", name="Compare").click()
    page.locator("figure[data-side=b] canvas").wait_for()
    page.wait_for_timeout(1000)
    point(page, "figure[data-side=b] canvas", 0.5, 0.5)
    shoot("compare")
    mark(page)
    page.locator(".note-card img").wait_for()
    shoot("notes")
    page.get_by_role("link", name="Survey", exact=True).click()
    for name in ("result", "reference, bicubic"):
        page.get_by_label(name, exact=True).check()
    page.get_by_role("button", name="Make the survey").click()
    with page.context.expect_page() as opening:
        page.get_by_role("link", name="Page for the next person").click()
    theirs = opening.value
    theirs.locator("figure img").last.wait_for()
    theirs.set_viewport_size({"width": 940, "height": 760})
    shoot("survey", theirs)
    theirs.get_by_label("highest quality").first.check()
    for figure in theirs.locator("figure").all():
        figure.get_by_label("4", exact=True).check()
    theirs.get_by_role("button", name="Keep my answer").click()
    theirs.locator("#content[data-ready=thanks]").wait_for()
    theirs.close()
    for name in ("Anna", "Ben"):
        page.get_by_label("Name or initials").fill(name)
        page.get_by_role("button", name="Make a link").click()
        page.get_by_label(f"Link for {name}").wait_for()
    page.get_by_role("button", name="Count").click()
    page.get_by_text("intervals of 95").wait_for()
    shoot("surveys")
    # A run would outlive the desk, and its folder is about to go.
    page.get_by_role("link", name="Runs", exact=True).click()
    page.locator("#content[data-ready=runs]").wait_for()
    cancel = page.get_by_role("button", name="Cancel")
    if cancel.count():
        cancel.click()
    for state in ("waiting", "running"):
        page.locator(f"article[data-state='{state}']").wait_for(state="detached")


def mark(page: Any) -> None:
    """Draw on a copy of the result: a region and an arrow, with their words."""
    page.get_by_text("Draw on a copy").click()
    for kind, words, start, end in (
        ("region", "seen in 5 frames", (0.6, 0.42), (0.72, 0.56)),
        ("arrow", "reflection", (0.3, 0.25), (0.42, 0.4)),
    ):
        page.get_by_role("radio", name=kind).check()
        page.get_by_label("Text of the mark").fill(words)
        for corner in (start, end):
            point(page, "figure[data-side=b] canvas", *corner)
            page.mouse.down()
            page.mouse.up()
    page.get_by_role("button", name="Save the copy").click()
    page.get_by_text("Saved as notes/").click()


def point(page: Any, selector: str, across: float, down: float) -> None:
    """Put the pointer on an element."""
    box = page.locator(selector).bounding_box()
    page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs")
