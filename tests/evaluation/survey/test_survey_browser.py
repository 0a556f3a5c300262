"""The survey in a real browser: a participant answers everything, saves, and the table comes out right.

Needs a Chromium on PATH (``apt-get install chromium``); skipped only where there is none.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from headless import until

from mfrec.evaluation.survey.answers import collect
from mfrec.evaluation.survey.page import KEY, PAGE, write_survey
from mfrec.imageio import png_bytes

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH")

METHODS = {"bicubic": 40, "evidence": 120, "restore": 200}
"""Method to the grey level of all its pictures, by which the test finds them as a person would: by looking."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("survey")
    for method, grey in METHODS.items():
        (root / "results" / method).mkdir(parents=True)
        for case in range(3):
            picture = np.full((32, 32, 3), grey + case, np.uint8)
            (root / "results" / method / f"{case}.png").write_bytes(png_bytes(picture))
    (root / "truth").mkdir()
    for case in range(3):
        (root / "truth" / f"{case}.png").write_bytes(png_bytes(np.full((32, 32, 3), 250, np.uint8)))
    (root / "page").mkdir()
    write_survey(root / "results", root / "truth", root / "page")
    return root


@pytest.fixture
def page(browser: Any, folder: Path) -> Iterator[Any]:
    """The page in a browser of its own; nothing may be complained about and nothing fetched."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page = context.new_page()
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    address = (folder / "page" / PAGE).as_uri()
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    yield page
    context.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith(("data:", "blob:")) and url != address] == []


LOOK = """(image) => {
  const canvas = Object.assign(document.createElement("canvas"), {width: 1, height: 1});
  const pen = canvas.getContext("2d");
  pen.drawImage(image, 0, 0, 1, 1);
  return pen.getImageData(0, 0, 1, 1).data[0];
}"""


def seen(page: Any) -> dict[str, Any]:
    """Method to its figure on the page, told by the grey level of its picture."""
    figures = {}
    for figure in page.locator("#pictures figure").all():
        grey = figure.locator("img").evaluate(LOOK)
        figures[next(method for method, level in METHODS.items() if level <= grey < level + 3)] = figure
    return figures


def answer(page: Any, quality: str, match: str, opinion: dict[str, int]) -> None:
    figures = seen(page)
    figures[quality].get_by_label("highest quality").check()
    figures[match].get_by_label("best match of the person").check()
    for method, score in opinion.items():
        figures[method].get_by_label(str(score), exact=True).check()


def finish(page: Any, answers: Path) -> Path:
    with page.expect_download() as download:
        page.locator("#save").click()
    answers.mkdir(exist_ok=True)
    path = answers / download.value.suggested_filename
    download.value.save_as(path)
    return path


OPINION = {"bicubic": 2, "evidence": 4, "restore": 5}


def test_a_full_set_of_answers_makes_the_right_table(page: Any, folder: Path) -> None:
    page.locator("#start").click()
    matches = iter(("evidence", "restore", "restore"))
    for number in range(1, 4):
        assert page.locator("#progress").inner_text() == f"Person {number} of 3"
        answer(page, "restore", next(matches), OPINION)
        assert page.locator("#open").inner_text() == ""
        page.locator("#next").click()
    path = finish(page, folder / "answers")
    saved = json.loads(path.read_text())
    key = json.loads((folder / "page" / KEY).read_text())
    assert path.name == f"answers-{saved['participant']}.json"
    assert {one["case"] for one in saved["answers"]} == set(key["cases"])
    assert all(one["seconds"] > 0 for one in saved["answers"])

    found = collect(folder / "answers")
    assert (found.participants, found.answers, found.left_out) == (1, 3, ())
    by_name = {result.method: result for result in found.methods}
    assert {name: result.quality.votes for name, result in by_name.items()} == {
        "bicubic": 0,
        "evidence": 0,
        "restore": 3,
    }
    assert {name: result.match and result.match.votes for name, result in by_name.items()} == {
        "bicubic": 0,
        "evidence": 1,
        "restore": 2,
    }
    assert {name: result.opinion and result.opinion.mean for name, result in by_name.items()} == OPINION
    assert found.methods[0].method == "restore"


def test_nothing_can_be_skipped_and_nothing_is_lost(page: Any) -> None:
    page.locator("#start").click()
    page.locator("#next").click()
    assert page.locator("#progress").inner_text() == "Person 1 of 3"
    assert "highest quality, best match, 3 opinions" in page.locator("#open").inner_text()
    answer(page, "bicubic", "evidence", OPINION)
    page.locator("#next").click()
    page.get_by_text("Person 2 of 3", exact=True).wait_for()
    until(page, "Object.values(localStorage).length > 0")
    for _ in range(20):
        # The browser hands what was stored from one process to another; on a busy machine that takes a moment.
        page.wait_for_timeout(500)
        page.reload()
        page.wait_for_selector("html[data-ready]")
        if page.locator("#progress").inner_text():
            break
    assert page.locator("#progress").inner_text() == "Person 2 of 3", "a closed page goes on where it was"
    page.locator("#back").click()
    figures = seen(page)
    assert figures["bicubic"].get_by_label("highest quality").is_checked()
    assert figures["evidence"].get_by_label("4", exact=True).is_checked()
    assert page.locator("#open").inner_text() == ""


def test_the_order_is_drawn_for_everybody(browser: Any, folder: Path) -> None:
    orders = set()
    for _ in range(8):
        context = browser.new_context()
        page = context.new_page()
        page.goto((folder / "page" / PAGE).as_uri())
        page.wait_for_selector("html[data-ready]")
        page.locator("#start").click()
        orders.add(tuple(seen(page)))
        context.close()
    assert len(orders) > 1


def test_it_works_from_the_keyboard_and_on_a_small_screen(page: Any) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    page.locator("#start").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    page.locator("#pictures input").first.focus()
    page.keyboard.press("Space")
    assert page.locator("#pictures input").first.is_checked()


def test_another_person_begins_again(page: Any) -> None:
    page.on("dialog", lambda dialog: dialog.accept())
    page.locator("#start").click()
    for _ in range(3):
        answer(page, "restore", "restore", OPINION)
        page.locator("#next").click()
    page.locator("#again").click()
    assert page.locator("#intro").is_visible()
    page.locator("#start").click()
    assert "3 opinions" in page.locator("#open").inner_text()
