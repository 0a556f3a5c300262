"""The desk in a real browser: from an empty folder to a signed report of a clip with two people, only by the page.

Needs a Chromium on PATH (``apt-get install chromium``); skipped only where there is none.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from desk_service import ROOT, Served, served
from headless import ARGUMENTS, CHROMIUM, until
from PIL import Image
from report_case import reconstruction
from two_people import scene

from mfrec.desk.case import Cases
from mfrec.desk.jobs import Job
from mfrec.imageio import h264_bytes, read, to_uint8
from mfrec.outputs import save
from mfrec.provenance.about import About

pytest.importorskip("c2pa")

from mfrec.custody.keys import new_identity
from mfrec.custody.trust import trust
from mfrec.provenance.figures import figures_csv
from mfrec.provenance.record import read_record

pytestmark = [pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH"), pytest.mark.slow]

LANE, LABEL = 16, 108
"""Of the time line: how high a lane is, and where it begins."""

PASSPHRASE = "correct horse battery"

MARKUP = '<img src=x onerror="window.broken = 1">'

WINDOW: Any = {"width": 1440, "height": 900}


@dataclass
class Walk:
    """A browser on the desk, and everything that it said or asked for."""

    desk: Served
    page: Any
    cases: Path
    size: tuple[int, int] = (360, 240)
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.cases / "2026-0142"

    def ready(self, view: str) -> None:
        self.page.wait_for_selector(f"#content[data-ready={view}]")

    def button(self, name: str, page: Any = None) -> Any:
        return (page or self.page).get_by_role("button", name=name, exact=True)

    def command(self, part: str) -> str:
        """The command that is shown, once it has this part."""
        self.page.locator(".choices code.command").filter(has_text=part).wait_for()
        return " ".join(self.page.locator(".choices code.command").inner_text().split())

    def shows(self, place: str) -> None:
        """Wait until the frame that is named so is looked at."""
        self.page.locator(".where").filter(has_text=place).wait_for()

    def press_at(self, x: float, y: float) -> None:
        """Move the pointer to a pixel of the frame that fills the view, and hold it down there."""
        self.page.mouse.move(*self.where(x, y))
        self.page.mouse.down()

    def where(self, x: float, y: float) -> tuple[float, float]:
        """Where on the screen a pixel of the frame is; the frame lies in the middle of the view."""
        box = self.page.locator(".view canvas").bounding_box()
        zoom = int(self.page.locator("output.zoom").inner_text().lstrip("×"))
        width, height = self.size
        return (
            box["x"] + (box["width"] - width * zoom) / 2 + (x + 0.5) * zoom,
            box["y"] + (box["height"] - height * zoom) / 2 + (y + 0.5) * zoom,
        )

    def shot(self, selector: str) -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO(self.page.locator(selector).screenshot())).convert("RGB"))

    def check_access(self, page: Any = None) -> None:
        """What a keyboard or a screen reader would miss: nothing serious."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(page or self.page).response["violations"]
        serious = [
            f"{problem['id']}: {node['html'][:160]}"
            for problem in found
            if problem["impact"] in ("serious", "critical")
            for node in problem["nodes"]
        ]
        assert serious == []


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """A desk whose user has a key, which this computer trusts."""
    cases, settings = tmp_path_factory.mktemp("desk") / "cases", tmp_path_factory.mktemp("settings")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(settings))
        _, public = new_identity("anna", PASSPHRASE, signer="Anna Muster")
        trust(public)
        yield from walked(cases)


def walked(cases: Path) -> Iterator[Walk]:
    from playwright.sync_api import sync_playwright

    with served(cases) as desk, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        context = browser.new_context(viewport=WINDOW, accept_downloads=True)
        page = context.new_page()
        page.set_default_timeout(60_000)
        walk = Walk(desk, page, cases)
        context.on("request", lambda request: walk.requests.append(request.url))
        for where in ("console", "pageerror", "dialog"):
            page.on(where, lambda said: walk.complaints.append(str(getattr(said, "text", said))))
        yield walk
        browser.close()


def draw_mouth(walk: Walk) -> None:
    """A polygon around the mouth; a wrong corner and a stroke of the brush beside it are taken back."""
    page = walk.page
    walk.press_at(200, 60)
    page.mouse.move(*walk.where(215, 70), steps=4)
    page.mouse.up()
    page.get_by_role("radio", name="polygon").check()
    for corner in ((289, 139), (299, 134), (309, 139)):
        page.mouse.click(*walk.where(*corner))
    page.mouse.click(*walk.where(340, 200))
    walk.button("Undo").click()
    page.mouse.click(*walk.where(299, 144))
    walk.button("Close the polygon").click()
    for _ in range(2):
        walk.button("Undo").click()
    for corner in ((289, 139), (299, 134), (309, 139), (299, 144)):
        page.mouse.click(*walk.where(*corner))
    walk.button("Close the polygon").click()


def ask_two_people(walk: Walk) -> None:
    """The result against the reference: both prefer the result, whose pixels tell it, and who sees no name of it."""
    page, runs = walk.page, walk.folder / "runs" / "0002"
    page.get_by_role("link", name="Survey", exact=True).click()
    walk.ready("survey")
    for name in ("result", "reference, bicubic"):
        page.get_by_label(name, exact=True).check()
    walk.button("Make the survey").click()
    with page.context.expect_page() as opening:
        page.get_by_role("link", name="Page for the next person").click()
    at_the_desk = opening.value
    page.get_by_label("Name or initials").fill("Ben")
    walk.button("Make a link").click()
    link = page.get_by_label("Link for Ben").input_value()
    # A browser that has not shown the desk's key, on a link of its own.
    elsewhere = page.context.browser.new_context(viewport=WINDOW)
    elsewhere.on("request", lambda request: walk.requests.append(request.url))
    by_link = elsewhere.new_page()
    by_link.goto(link)
    for theirs in (at_the_desk, by_link):
        theirs.wait_for_selector("#content[data-ready=question]")
        got: list[tuple[str, Any]] = []
        theirs.on("response", lambda answer, got=got: got.append((answer.headers["content-type"], answer)))
        theirs.reload()
        theirs.wait_for_selector("#content[data-ready=question]")
        pictures = {
            hashlib.sha256(pixels(theirs.request.get(image.evaluate("image => image.src")).body())).digest(): image
            for image in theirs.locator("figure img").all()
        }
        best = pictures[hashlib.sha256(pixels((runs / "reconstruction.png").read_bytes())).digest()]
        if theirs is at_the_desk:
            theirs.get_by_label("Name or initials").fill("Anna")
        card = theirs.locator("figure").filter(has=theirs.locator(f"img[src='{best.get_attribute('src')}']"))
        card.get_by_label("highest quality").check()
        for figure in theirs.locator("figure").all():
            figure.get_by_label("4", exact=True).check()
        walk.check_access(theirs)
        walk.button("Keep my answer", theirs).click()
        theirs.wait_for_selector("#content[data-ready=thanks]")
        said = [answer.text() for kind, answer in got if "image" not in kind]
        assert len(said) > 5 and not [text for text in said if "0002" in text], "nothing says which picture is whose"
    by_link.reload()
    by_link.get_by_text("this link has been answered").wait_for()
    by_link.goto(f"http://{walk.desk.host}/")
    by_link.get_by_text("has not shown the desk's key").wait_for()
    elsewhere.close()
    at_the_desk.close()
    walk.button("Count").click()
    page.get_by_text("2 people have answered; intervals").wait_for()
    assert (
        page.locator(".survey tr")
        .filter(has_text="run 0002, result")
        .first.inner_text()
        .startswith("run 0002, result\t2 of 2, 100 %")
    )
    walk.check_access()


def save_figures_and_frames(walk: Walk) -> None:
    """The figures of every frame, and the frames as they lie on the reference, which were asked for before."""
    page, runs = walk.page, walk.folder / "runs"
    with page.expect_download() as download:
        page.get_by_role("link", name="Figures (CSV)").click()
    assert download.value.suggested_filename == "0002-frames.csv"
    saved = Path(download.value.path()).read_text(encoding="utf-8")
    assert saved == figures_csv(read_record(runs / "0002"))
    assert [row["index"] for row in csv.DictReader(io.StringIO(saved))] == list("01234")
    done = page.locator("article[data-number='0003'][data-state='done']")
    done.wait_for(timeout=300_000)
    with page.expect_download() as download:
        done.get_by_role("link", name="Frames (TIFF)").click()
    stack = read(Path(download.value.path()).rename(runs.parent / "stack.tiff"))
    used = [used["name"] for used in read_record(runs / "0002")["used"]]
    assert len(stack.frames) == len(used) > 1
    assert (runs.parent / "stack.tiff").read_bytes() == (runs / "0003" / "aligned.tiff").read_bytes()


def pixels(png: bytes) -> bytes:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).tobytes()


def test_from_an_empty_folder_to_a_signed_report_that_rerun_repeats(walk: Walk, tmp_path: Path) -> None:
    page, folder = walk.page, walk.folder
    clip = h264_bytes([scene(number) for number in range(5)], 20, 5)
    page.goto(walk.desk.address)
    walk.ready("cases")
    walk.check_access()
    page.get_by_label("Title").fill(MARKUP)
    page.get_by_label("Case number").fill("2026-0142")
    walk.button("Make the case").click()
    walk.ready("case")
    assert page.locator("h1").inner_text() == MARKUP

    page.locator("input[type=file]").set_input_files({"name": f"{MARKUP}.mp4", "mimeType": "video/mp4", "buffer": clip})
    page.locator(".input").wait_for()
    walk.check_access()
    (stored,) = (folder / "inputs" / "01").iterdir()
    assert stored.read_bytes() == clip
    page.locator(".input").get_by_role("link", name="Look and choose").click()
    walk.ready("look")

    # The pixels that are seen are those of the frame, each a square.
    frames = read(stored).frames
    for key in "ll":  # twice as fast, while the first picture waits for its moment
        page.keyboard.press(key)
    walk.shows("Frame 4 (0 to 4)")
    page.keyboard.press("Home")
    walk.shows("Frame 0 (0 to 4)")
    page.keyboard.press("ArrowRight")
    walk.shows("Frame 1 (0 to 4)")
    page.get_by_text("true pixels").wait_for()
    page.mouse.move(5, 5)
    seen = walk.shot(".view canvas")
    factor = int(page.locator("output.zoom").inner_text().lstrip("×"))
    square = to_uint8(frames[1].image).repeat(factor, axis=0).repeat(factor, axis=1)
    top, left = ((a - b) // 2 for a, b in zip(seen.shape[:2], square.shape[:2], strict=True))
    spots = [
        np.abs(seen[top + i :, left + j :][: square.shape[0], : square.shape[1]].astype(int) - square).max()
        for i in (-1, 0, 1)
        for j in (-1, 0, 1)
    ]
    assert 0 in spots, "un-interpolated, to the last bit"

    walk.button("Find everybody in it").click()
    page.get_by_role("button", name="Face of person 2").click(timeout=300_000)
    page.keyboard.press("r")
    assert re.search(r" --box 2\d\d,\d+,\d+,\d+@0\.200", walk.command("--box")), "the man on the right"

    # Also where a button lies over the face, the pixel under the pointer is read.
    page.mouse.move(*walk.where(293, 125))
    page.locator(".values").filter(has_text="x 293, y 125: ").wait_for()

    # His eyes come from another frame, and where his mouth is, is drawn.
    page.get_by_text("Regions by hand").click()
    page.keyboard.press("Escape")
    for _ in range(2):
        walk.button("On").click()
    walk.shows("Frame 3 (0 to 4)")
    walk.button("Take it from this frame").click()
    for _ in range(2):
        walk.button("Back").click()
    walk.shows("Frame 1 (0 to 4)")
    page.get_by_label("Region", exact=True).select_option("mouth")
    draw_mouth(walk)
    walk.button("Use this mask").click()
    page.get_by_text("Kept as masks/").wait_for()
    (mask,) = (folder / "masks").iterdir()
    inside = np.asarray(Image.open(mask)) == 0
    y, x = np.mgrid[: inside.shape[0], : inside.shape[1]]
    diamond = np.abs(x - 299) / 10 + np.abs(y - 139) / 5
    assert inside[diamond < 1].all() and not inside[diamond > 1].any(), "the polygon alone"
    page.set_viewport_size({"width": 640, "height": 450})  # 1280 x 900 at 200 %
    page.get_by_role("radio", name=re.compile("^evidence")).check()
    assert page.evaluate("document.documentElement.scrollWidth") <= 640
    page.set_viewport_size(WINDOW)
    page.get_by_label("Enlargement").select_option("2")
    page.get_by_text("Parameters of the stages").click()
    page.get_by_label("passes", exact=True).fill("99")
    page.get_by_label("passes", exact=True).press("Tab")
    page.get_by_text("expected 1 to 10").wait_for()
    assert walk.button("Run").is_disabled()
    page.get_by_label("passes", exact=True).fill("1")
    page.get_by_label("passes", exact=True).press("Tab")
    shown = walk.command("fuse.passes=1")
    assert shown.startswith(
        "mfrec reconstruct 'inputs/01/_img src=x onerror=_window.broken = 1__.mp4' -o runs/NEW --recipe"
    )
    for part in (
        "--scale 2 --set fuse.passes=1",
        "#1' --box",
        "--source 'eyes=",
        "#3'",
        "--mask mouth=masks/",
        "--pdf",
    ):
        assert part in shown
    walk.check_access()

    walk.button("Run").click()
    page.get_by_role("link", name="Run 0002 is queued.").click()
    walk.ready("runs")
    page.close()  # a run does not need the page
    page = walk.page = page.context.new_page()
    page.on("pageerror", lambda said: walk.complaints.append(str(said)))
    page.goto(f"http://{walk.desk.host}/#/case/2026-0142/runs")
    done = page.locator("article[data-number='0002'][data-state='done']")
    done.wait_for(timeout=300_000)
    walk.button("Registered frames").click()  # they are made while somebody looks at the result
    page.locator("article[data-number='0003']").wait_for()
    walk.check_access()
    record = json.loads((folder / "runs" / "0002" / "run.json").read_text())
    assert record["command"] == shown.replace("NEW", "0002")
    assert record["reference"]["name"].endswith("#1")
    assert record["case"] == {"title": MARKUP, "number": "2026-0142"}

    done.get_by_role("link", name="Compare").click()
    walk.ready("compare")
    canvas = page.locator("figure[data-side=b] canvas")
    until(page, "document.querySelector('output.zoom').textContent")  # there are pictures to point at
    canvas.focus()
    page.keyboard.press("ArrowRight")
    page.locator(".readout .where").wait_for()
    x, y = map(int, re.findall(r"\d+", page.locator(".readout .where").inner_text()))
    with np.load(folder / "runs" / "0002" / "provenance.npz") as arrays:
        share = arrays["weight"][:, y, x]
    first = page.locator(".shares tr").first
    assert first.locator("th").inner_text().endswith(f"#{share.argmax()}")
    assert f"{round(100 * share.max())} %" in first.inner_text()
    predicted = record["left_out_frame"]
    page.get_by_text(predicted["text"]).wait_for()
    page.get_by_text("Frame by frame").click()
    rows = page.locator(".agreement tbody tr")
    assert rows.count() == len(record["used"])
    for row, used in zip(rows.all_inner_texts(), record["used"], strict=True):
        assert row.startswith(used["name"])
        assert f"{255 * used['consistency']:.1f}" in row
    assert f"× {predicted['frames'][0]['ratio']:.1f}" in page.locator(".agreement").inner_text()
    for key in "234":
        page.keyboard.press(key)
        assert page.locator("figure[data-side=a]").is_hidden()
    walk.check_access()

    page.keyboard.press("2")
    page.get_by_text("Draw on a copy").click()
    page.get_by_label("Text of the mark").fill(MARKUP)
    canvas.focus()
    page.keyboard.press("Enter")
    for _ in range(2):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    walk.button("Save the copy").click()
    page.get_by_text("Saved as notes/0002-01.png.").click()
    walk.ready("notes")
    until(page, "document.querySelector('.note-card img').naturalWidth > 0")
    assert len(json.loads((folder / "notes" / "0002-01.json").read_text())["note"]["marks"]) == 1
    walk.check_access()

    page.go_back()
    walk.ready("compare")
    walk.button("Sign").click()
    dialog = page.get_by_role("dialog", name="Signature")
    dialog.get_by_label("Passphrase").fill(PASSPHRASE)
    dialog.get_by_role("button", name="Sign", exact=True).click()
    page.get_by_text("Every file is untouched and signed by a trusted key.").wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name="report.signed.pdf").click()
    signed = folder / "runs" / "0002" / "report.signed.pdf"
    assert Path(download.value.path()).read_bytes() == signed.read_bytes()
    walk.check_access()

    page.get_by_role("link", name="Runs", exact=True).click()
    walk.ready("runs")
    with page.context.expect_page() as opening:
        page.get_by_role("link", name="Report", exact=True).click()
    report = opening.value
    report.wait_for_selector("html[data-ready]")
    assert report.locator(".facts").inner_text().startswith(f"Case\n2026-0142, {MARKUP}")
    assert "ENHANCED" in report.title() or "ENHANCED" in report.locator("nav .tag").inner_text()
    assert report.evaluate("window.origin") == "null", "a report cannot act as the desk's page"
    report.close()
    with page.expect_download() as download:
        page.get_by_role("link", name="PDF", exact=True).click()
    assert Path(download.value.path()).read_bytes() == (folder / "runs" / "0002" / "report.pdf").read_bytes()
    save_figures_and_frames(walk)
    ask_two_people(walk)

    assert page.evaluate("window.broken") is None, "a name ran as a script"
    assert walk.complaints == []
    own = f"http://{walk.desk.host}/"
    assert [url for url in walk.requests if not url.startswith((own, "blob:", "data:"))] == []

    moved = tmp_path / "moved to another machine"
    folder.rename(moved)
    where = ["--frames", f"inputs/01/{stored.name}", "--given", "masks"]
    again = subprocess.run(
        [sys.executable, "-P", "-m", "mfrec", "rerun", "runs/0002", *where],
        cwd=moved, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert again.returncode == 0, again.stdout + again.stderr
    assert all(line.endswith("identical") for line in again.stdout.splitlines() if ".png" in line or ".npz" in line)


def test_a_page_of_another_site_gets_nothing(walk: Walk, tmp_path: Path) -> None:
    """Loaded from a file, with the desk's cookie in the same browser."""
    theirs = tmp_path / "theirs.html"
    theirs.write_text(
        f"""<!doctype html><iframe src="http://{walk.desk.host}/"></iframe><img src="http://{walk.desk.host}/api/cases">
        <form method="post" action="http://{walk.desk.host}/api/cases" enctype="text/plain"></form><script>
        fetch("http://{walk.desk.host}/api/cases", {{ credentials: "include" }}).then(r => r.text())
          .then(t => {{ window.got = t; }}, e => {{ window.got = "refused"; }});
        </script>"""
    )
    before = sorted(path.name for path in walk.cases.iterdir())
    page = walk.page.context.new_page()
    page.goto(walk.desk.address)  # gives the cookie, also where this test runs alone
    page.goto(theirs.as_uri())
    until(page, "window.got")
    assert page.evaluate("window.got") == "refused"
    page.evaluate("document.forms[0].submit()")
    page.get_by_text("came from another page").wait_for()
    assert sorted(path.name for path in walk.cases.iterdir()) == before
    page.close()


def test_at_twice_the_size_nothing_is_wider_than_the_window(walk: Walk) -> None:
    page = walk.page.context.new_page()
    page.set_viewport_size({"width": 640, "height": 450})  # 1280 x 900 at 200 %
    page.goto(walk.desk.address)
    page.wait_for_selector("#content[data-ready=cases]")
    assert page.evaluate("document.documentElement.scrollWidth") <= 640
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Go to the content"
    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Keys").is_visible()
    page.close()


def test_the_player_by_keys_and_what_the_codec_did(walk: Walk) -> None:
    """In and out points, a frame left out, both directions, and blocks laid over the picture."""
    page = walk.page.context.new_page()
    page.goto(walk.desk.address)
    origin = {"Origin": f"http://{walk.desk.host}"}
    cases = f"http://{walk.desk.host}/api/cases"
    made = page.request.post(cases, data={"title": "Keys"}, headers=origin).json()["key"]
    clip = h264_bytes([scene(number) for number in range(5)], 20, 5)
    sent = page.request.post(f"{cases}/{made}/inputs?name=a.mp4", data=clip, headers=origin)
    assert sent.ok, sent.text()
    page.goto(f"http://{walk.desk.host}/#/case/{made}/look")
    page.wait_for_selector("#content[data-ready=look]")
    keys = Walk(walk.desk, page, walk.cases)
    keys.shows("Frame 0 (0 to 4)")
    for key in ("ArrowRight", "i", "x"):
        page.keyboard.press(key)
    keys.command("--start 0.2 ")
    keys.command("--without 1")
    page.keyboard.press("l")
    keys.shows("Frame 4 (0 to 4)")
    page.keyboard.press("j")
    keys.shows("Frame 0 (0 to 4)")
    for key in ("k", "Shift+ArrowRight", "ArrowLeft", "o"):
        page.keyboard.press(key)
    keys.shows("Frame 3 (0 to 4)")
    keys.command("--end 0.6 ")
    page.get_by_text("true pixels").wait_for()
    page.get_by_text("Mean quantiser").wait_for()
    page.mouse.move(5, 5)
    plain = keys.shot(".view canvas").astype(int)
    page.get_by_role("radio", name="quantiser").check(force=True)
    assert np.abs(keys.shot(".view canvas") - plain).max() > 30, "a colour for each block"

    # A mask by keyboard: a stroke of the brush to the right, from where the cross was brought to; the loupe reads.
    page.get_by_text("Regions by hand").press("Enter")
    page.locator(".view canvas").focus()
    for key in ("c", *["Shift+ArrowUp"] * 2, "Enter", *["ArrowRight"] * 8, "Enter", "ArrowRight"):
        page.keyboard.press(key)
    page.locator(".values").filter(has_text="x 189, y 100: ").wait_for()
    for key in ("+", *["Shift+ArrowRight"] * 40):
        page.keyboard.press(key)
    page.locator(".values").filter(has_text="x 359, y 100: ").wait_for()
    assert (keys.shot(".view canvas") == 255).all(axis=2).any(axis=0)[-50:].any(), "the cross stays in sight"
    keys.button("Use this mask").press("Enter")
    page.get_by_text("Kept as masks/").wait_for()
    assert keys.button("Use this mask").evaluate("button => button === document.activeElement")
    (mask,) = (walk.cases / made / "masks").iterdir()
    ys, xs = np.nonzero(np.asarray(Image.open(mask)) == 0)
    assert (xs.min(), xs.max(), ys.min(), ys.max()) == (177, 191, 97, 103)
    page.close()


PEOPLE_SEEN = {1: {0: 1.0, 1: 2.0, 2: 4.0}, 2: {2: 3.0, 4: 1.5}}
"""Quality of each person in the frames of a clip, as a look through it would say."""

QUANTISERS = (20, 24, 28, 22, 30)


@pytest.fixture(scope="module")
def looked_at(walk: Walk) -> Walk:
    """A case whose clip was looked through and whose run is done; nobody has worked for it."""
    case = Cases(walk.cases).add(About(title="Linked", number="2026-0143"))
    save(reconstruction(3, dropped=False), case.part("runs") / "0002")
    said = {
        "frames": 5,
        "warnings": ["'a.mp4' is cut off"],
        "people": [
            {
                "number": number, "frames": len(seen), "side": 40.0, "best": [2],
                "seen": [
                    {"index": i, "name": f"a.mp4#{i}", "box": [40.0 * number, 60.0, 40.0, 50.0], "quality": quality}
                    for i, quality in seen.items()
                ],
            }
            for number, seen in PEOPLE_SEEN.items()
        ],
        "coding": [
            {"index": i, "name": f"a.mp4#{i}", "quantiser": quantiser, "damaged": i == 3}
            for i, quantiser in enumerate(QUANTISERS)
        ],
    }  # fmt: skip
    when = "2026-11-01T10:00:00+00:00"
    for job in (
        Job(1, "0001", "people", "01", [], "done", when),
        Job(1, "0002", "reconstruct", "01", [], "done", when),
    ):
        (case.part("jobs") / f"{job.number}.json").write_bytes(msgspec.json.encode(job))
    (case.part("jobs") / "0001.out").write_text(json.dumps(said))
    page = walk.page.context.new_page()
    page.set_default_timeout(20_000)
    page.goto(walk.desk.address)
    base = f"http://{walk.desk.host}/api/cases/{case.key}"
    clip = h264_bytes([scene(number) for number in range(5)], 20, 5)
    sent = page.request.post(f"{base}/inputs?name=a.mp4", data=clip, headers={"Origin": f"http://{walk.desk.host}"})
    assert sent.ok, sent.text()
    return Walk(walk.desk, page, walk.cases)


def test_zoom_and_place_are_those_of_both_pictures(looked_at: Walk) -> None:
    """By wheel, drag and keys; each picture keeps its own pixels, and the one under the pointer stays there."""
    page = looked_at.page
    page.goto(f"http://{looked_at.desk.host}/#/case/2026-0143/compare/0002")
    looked_at.ready("compare")
    folder = looked_at.cases / "2026-0143" / "runs" / "0002"
    pictures = {
        side: np.asarray(Image.open(folder / name).convert("RGB")).astype(int)
        for side, name in (("a", "reference.png"), ("b", "reconstruction.png"))
    }
    until(page, "document.querySelector('output.zoom').textContent.startsWith('×')")

    def zoom() -> int:
        return int(page.locator("output.zoom").inner_text().lstrip("×"))

    def point_at(side: str, x: float, y: float) -> np.ndarray:
        """Point there; on both canvases, the screen shows that very pixel of its own picture, which is given back."""
        box = page.locator(f"figure[data-side={side}] canvas").bounding_box()
        page.mouse.move(2, 2)
        with page.expect_response(lambda answer: "/pixel?" in answer.url) as told:
            page.mouse.move(box["x"] + x, box["y"] + y)
        column, row = map(int, re.findall(r"[xy]=(\d+)", told.value.url))
        for each, picture in pictures.items():
            shot = looked_at.shot(f"figure[data-side={each}] canvas")
            assert np.array_equal(shot[int(y), int(x)], picture[row, column]), f"{each}: {column}, {row} at ×{zoom()}"
        return np.array([column, row])

    first, start = zoom(), point_at("a", 200, 300)
    page.mouse.wheel(0, -100)
    until(page, f"document.querySelector('output.zoom').textContent !== '×{first}'")
    assert np.abs(point_at("b", 200, 300) - start).max() <= 1, "what is under the pointer stays there"
    box = page.locator("figure[data-side=b] canvas").bounding_box()
    page.mouse.down()
    page.mouse.move(box["x"] + 200 + 4 * zoom(), box["y"] + 300 - 3 * zoom())
    page.mouse.up()
    moved = point_at("a", 200, 300)
    assert np.abs(moved - start - (-4, 3)).max() <= 1, "both pictures go where one is drawn to"
    page.locator("figure[data-side=a] canvas").focus()
    page.keyboard.press("0")
    until(page, f"document.querySelector('output.zoom').textContent === '×{first}'")
    assert np.array_equal(point_at("b", 200, 300), start)


def test_the_time_line_shows_who_is_seen_how_well_and_what_is_damaged(looked_at: Walk) -> None:
    page = looked_at.page
    page.goto(f"http://{looked_at.desk.host}/#/case/2026-0143/look")
    looked_at.ready("look")
    page.get_by_text("2 people in 5 frames").wait_for()
    assert page.locator(".look .warnings").inner_text() == "'a.mp4' is cut off"
    where = page.locator("canvas.timeline").bounding_box()
    page.keyboard.press("End")
    looked_at.shows("Frame 4 (0 to 4)")
    page.get_by_text("Mean quantiser").wait_for()
    assert page.locator("canvas.timeline").bounding_box() == where, "nothing moves when the facts of a frame come"
    keys = page.request.get(f"http://{looked_at.desk.host}/api/cases/2026-0143/inputs/01/clip").json()["keys"]

    shot = looked_at.shot("canvas.timeline").astype(int)

    def heights(lane: int, colour: str) -> list[float]:
        """How high the bar of each frame stands in a lane, 0 to 1, beside the marker."""
        across = (shot.shape[1] - LABEL) / 5
        rows = shot[3 + lane * LANE + 1 : 3 + (lane + 1) * LANE - 2]
        paint = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        return [
            float((np.abs(rows[:, int(LABEL + (frame + 0.25) * across)] - paint).max(axis=1) < 40).mean())
            for frame in range(5)
        ]

    def shares(values: dict[int, float]) -> list[Any]:
        return [pytest.approx(values.get(frame, 0.0), abs=0.12) for frame in range(5)]

    for lane, (number, colour) in enumerate({1: "#4477aa", 2: "#ee7733"}.items(), 1):
        seen = PEOPLE_SEEN[number]
        assert heights(lane, colour) == shares(
            {i: 0.2 + 0.8 * quality / max(seen.values()) for i, quality in seen.items()}
        )
    coarse = {frame: 0.1 + 0.9 * (value - min(QUANTISERS)) / 10 for frame, value in enumerate(QUANTISERS)}
    assert heights(3, "#8a929a") == shares(coarse)
    assert heights(4, "#b3261e") == shares({3: 1.0})
    assert heights(5, "#16191d") == shares(dict.fromkeys(keys, 0.7))

    # Dragged along, the clip follows; the faces of a frame lie over it, and over nothing else.
    box = page.locator("canvas.timeline").bounding_box()

    def place(frame: int) -> tuple[float, float]:
        return box["x"] + LABEL + (frame + 0.5) * (box["width"] - LABEL) / 5, box["y"] + 8

    page.mouse.move(*place(4))
    page.mouse.down()
    page.mouse.move(*place(2), steps=3)
    looked_at.shows("Frame 2 (0 to 4)")
    page.mouse.up()
    for frame, people in ((2, [1, 2]), (3, []), (4, [2])):
        page.mouse.click(*place(frame))
        looked_at.shows(f"Frame {frame} (0 to 4)")
        assert page.locator("canvas.timeline").get_attribute("aria-valuenow") == str(frame)
        page.get_by_text("true pixels").wait_for()
        shown = page.locator(".faces .face:not([hidden])").evaluate_all(
            "faces => faces.map(face => Number(face.dataset.person))"
        )
        assert sorted(shown) == people
    page.keyboard.press("+")
    page.keyboard.press("+")
    face = page.get_by_role("button", name="Face of person 2").bounding_box()
    page.mouse.move(face["x"] + 1.5, face["y"] + 1.5)
    page.locator(".values").filter(has_text="x 80, y 60: ").wait_for()  # its frame goes with the picture

    # What is left out, and where the run begins.
    page.mouse.click(*place(1))
    for key in "ix":
        page.keyboard.press(key)
    looked_at.command("--without 1")
    shot = looked_at.shot("canvas.timeline").astype(int)
    assert heights(0, "#9fb7d3") == shares(dict.fromkeys((2, 3, 4), 1.0))
    assert heights(0, "#b3261e") == shares({1: 1.0})
