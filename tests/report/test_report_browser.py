"""The report in a real browser: what an analyst does with it, and that nothing else happens.

Needs a Chromium on PATH (``apt-get install chromium``); skipped only where there is none.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from headless import ARGUMENTS, CHROMIUM, until
from PIL import Image
from report_case import NASTY, reconstruction

from mfrec.imageio import to_uint8
from mfrec.report import write_report
from mfrec.report.content import visible
from mfrec.types import Reconstruction

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH")


@dataclass
class Seen:
    """One open report, and everything that it said or asked for."""

    page: Any
    case: Reconstruction
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def middle_of(self, selector: str, x: float, y: float) -> tuple[float, float]:
        """Screen position of pixel ``(x, y)`` of a map."""
        self.page.locator(selector).scroll_into_view_if_needed()
        box = self.page.locator(selector).bounding_box()
        height, width = self.case.uncertainty.shape
        return box["x"] + (x + 0.5) / width * box["width"], box["y"] + (y + 0.5) / height * box["height"]

    def readout(self) -> str:
        return self.page.locator("#readout").inner_text()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Reconstruction]:
    """A report about frames with hostile names, with an evidence picture that differs from the result."""
    base = reconstruction(names=NASTY, stamp="RESTORED", subjects=2)
    case = Reconstruction(
        np.clip(base.image + 0.1, 0, 1), base.evidence, base.reference, base.weight, base.observed, base.uncertainty,
        base.consistency, base.track, base.stamp, base.record,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("report") / "with <b> & #spaces %41"
    folder.mkdir()
    return write_report(case, folder)[0], case


@pytest.fixture
def seen(browser: Any, report: tuple[Path, Reconstruction]) -> Iterator[Seen]:
    """The report, opened; whatever a test does, nothing may be complained about and nothing fetched."""
    path, case = report
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    view = Seen(page, case)
    page.on("console", lambda message: view.complaints.append(message.text))
    page.on("pageerror", lambda error: view.complaints.append(str(error)))
    page.on("dialog", lambda dialog: view.complaints.append(f"dialog {dialog.message}"))
    page.on("request", lambda request: view.requests.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]")
    yield view
    assert page.evaluate("window.broken") is None, "a file name ran as a script"
    context.close()
    assert view.complaints == []
    outside = [url for url in view.requests if not url.startswith(("data:", "blob:")) and url != path.as_uri()]
    assert outside == []


def test_the_line_follows_pointer_and_keyboard_and_uncovers_the_reference(seen: Seen) -> None:
    page, case = seen.page, seen.case
    page.locator("#compare").scroll_into_view_if_needed()
    box = page.locator("#compare").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 90, steps=4)
    page.mouse.up()
    assert float(page.locator("#cut").input_value()) == pytest.approx(80, abs=1)
    page.locator("#cut").focus()
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    assert float(page.locator("#cut").input_value()) == pytest.approx(78, abs=1)

    page.locator("#cut").evaluate("(e) => { e.value = 70; e.dispatchEvent(new Event('input')); }")
    page.locator('[data-zoom="compare"] input[value="2"]').check(force=True)
    box = page.locator("#left").bounding_box()
    assert (box["width"], box["height"]) == (256, 256), "two screen pixels a picture pixel"
    clip = {"x": round(box["x"]), "y": round(box["y"]), "width": 256, "height": 256}
    shot = np.asarray(Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB"))
    for picture, part in ((case.reference, np.s_[:40, :88]), (case.image, np.s_[:40, 92:])):
        hard = to_uint8(picture)[part].repeat(2, axis=0).repeat(2, axis=1)
        assert np.array_equal(shot[:80, 2 * (part[1].start or 0) : 2 * (part[1].stop or 128)], hard)


@pytest.mark.parametrize("zoom", [1, 3, 4])
def test_zoom_is_a_whole_number_of_screen_pixels(browser: Any, report: tuple[Path, Reconstruction], zoom: int) -> None:
    for ratio in (1, 2):
        context = browser.new_context(viewport={"width": 1280, "height": 900}, device_scale_factor=ratio)
        page = context.new_page()
        page.goto(report[0].as_uri())
        page.wait_for_selector("html[data-ready]")
        page.locator(f'[data-zoom="maps"] input[value="{zoom}"]').check(force=True)
        width = page.locator("#map-sources img").bounding_box()["width"]
        assert width * ratio == pytest.approx(128 * zoom)
        context.close()


def test_a_picture_wider_than_its_box_opens_whole(browser: Any, tmp_path: Path) -> None:
    wide = write_report(reconstruction(3, side=150), tmp_path)[0]  # 600 px, four maps and a list beside each other
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(wide.as_uri())
    page.wait_for_selector("html[data-ready]")
    assert page.locator('[data-zoom="maps"] input[value="fit"]').is_checked()
    assert not page.locator('[data-zoom="compare"] .fit-choice').is_visible(), "here ×1 fits"
    hidden = "(boxes) => boxes.map((box) => box.scrollWidth - box.clientWidth)"
    assert page.locator(".panel .scroll").evaluate_all(hidden) == [0] * 4
    page.locator("#map-sources").scroll_into_view_if_needed()
    box = page.locator("#map-sources").bounding_box()
    page.mouse.move(box["x"] + box["width"] - 1, box["y"] + 5)
    assert page.locator("#readout").inner_text().startswith(("x 599", "x 598", "x 597"))
    page.locator('[data-zoom="maps"] input[value="1"]').check(force=True)
    assert max(page.locator(".panel .scroll").evaluate_all(hidden)) > 100
    page.close()


def test_the_pointer_names_the_frame_under_it(seen: Seen) -> None:
    case = seen.case
    for selector, x, y in (("#map-sources", 30, 90), ("#map-result", 100, 70), ("#map-uncertainty", 64, 40)):
        seen.page.mouse.move(*seen.middle_of(selector, x, y))
        text = seen.readout()
        assert f"x {x}, y {y}" in text
        order = np.argsort(-case.weight[:, y, x])
        lines = [line.strip() for line in text.replace("\t", "\n").split("\n") if line.strip()]
        shares = [line for line in lines if line.endswith(" %") and line[:-2].isdigit()]
        names = seen.page.locator("#readout td .name bdi").all_inner_texts()
        assert names[0] == visible(NASTY[order[0]])
        assert abs(int(shares[0][:-2]) - case.weight[order[0], y, x] * 100) <= 1.2
        assert f"± {case.uncertainty[y, x] * 255:.1f} grey levels" in text
    seen.page.mouse.move(*seen.middle_of("#map-observed", 60, 1))
    assert "No frame saw this pixel" in seen.readout()


def test_the_maps_work_from_the_keyboard(seen: Seen) -> None:
    page = seen.page
    page.locator("#map-sources").focus()
    assert "x 64, y 64" in seen.readout()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    assert "x 65, y 74" in seen.readout()
    page.keyboard.press("Enter")
    page.mouse.move(*seen.middle_of("#map-result", 10, 100))
    assert "x 65, y 74" in seen.readout(), "held"
    page.locator("#map-sources").focus()
    page.keyboard.press("Escape")
    page.mouse.move(*seen.middle_of("#map-result", 10, 100))
    assert "x 10, y 100" in seen.readout()


def test_one_frame_alone_is_shown_with_its_own_shares(seen: Seen) -> None:
    page, case = seen.page, seen.case
    button = page.locator('#legend button[data-frame="4"]')
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert "Share of frame 4" in page.locator("#map-sources-title").inner_text()
    shown = page.locator("#share").evaluate(
        "(c) => Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).filter((_, i) => i % 4 === 0)"
    )
    assert np.abs(np.array(shown).reshape(128, 128) / 255 - case.weight[4]).max() < 0.003
    button.click()
    assert page.locator("#share").is_hidden()


def test_the_evidence_picture_can_take_the_results_place(seen: Seen) -> None:
    page = seen.page
    assert "RESTORED" in page.locator("#right-name").inner_text()
    page.locator('[data-pick="right"] input[value="evidence"]').check(force=True)
    assert "ENHANCED" in page.locator("#right-name").inner_text()
    assert page.locator('.over[data-right="evidence"]').is_visible()
    assert page.locator('.over[data-right="image"]').is_hidden()


def test_an_original_opens_at_true_pixels_with_its_name_and_hash(seen: Seen) -> None:
    page = seen.page
    page.locator(".thumb").nth(1).focus()
    page.keyboard.press("Enter")
    until(page, "document.getElementById('original-picture').style.width !== ''")
    assert page.locator("#original-name").inner_text() == visible(NASTY[1])
    assert page.locator("#original-sha").inner_text() == seen.case.track.observations[1].frame.sha256
    page.locator('[data-zoom="original"] input[value="4"]').check(force=True)
    assert page.locator("#original-picture").bounding_box()["width"] == pytest.approx(32 * 4)
    page.keyboard.press("Escape")
    assert not page.locator("#original").is_visible()


def test_the_label_stays_in_sight_and_nothing_is_wider_than_the_window(seen: Seen) -> None:
    page = seen.page
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    assert page.locator("nav .tag").inner_text() == "RESTORED"
    box = page.locator("nav .tag").bounding_box()
    assert 0 <= box["y"] < 60
    for width in (1280, 760, 400):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_paper_shows_both_pictures_whole(seen: Seen) -> None:
    page = seen.page
    page.emulate_media(media="print")
    left, right = (page.locator(selector).bounding_box() for selector in ("#left", "#right"))
    assert left["width"] == pytest.approx(right["width"]) and right["x"] >= left["x"] + left["width"]
    assert page.locator("#cut").is_hidden()
    assert page.locator(".stamp strong").is_visible()


def test_without_a_script_everything_is_still_there(browser: Any, report: tuple[Path, Reconstruction]) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(report[0].as_uri())
    left, right = (page.locator(selector).bounding_box() for selector in ("#left", "#right"))
    assert right["x"] >= left["x"] + left["width"]
    assert page.locator(".over figcaption").first.is_visible()
    context.close()
