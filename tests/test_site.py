"""The documentation site: it builds without a warning, every link inside leads somewhere, and it loads only itself."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from filelock import FileLock
from headless import ARGUMENTS, CHROMIUM

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "docs" / "_build" / "html"
MADE_OF = ("docs", "mfrec", "notebooks", "examples", "CONTRIBUTING.md", "constraints.txt")
"""Folders and files that the site is made of; ``docs`` holds what is made of them, too."""

pytestmark = pytest.mark.slow

LOADS = {
    "script": "src",
    "img": "src",
    "link": "href",
    "source": "src",
    "iframe": "src",
    "video": "src",
    "object": "data",
}
"""Elements that make a browser fetch something, and the attribute that says what."""


@dataclass
class Page(HTMLParser):
    """What a page offers and asks for."""

    path: Path
    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in attrs if value}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in LOADS and LOADS[tag] in given:
            self.loads.append(given[LOADS[tag]])


def sources(root: Path) -> Iterator[Path]:
    """What the site of a checkout is made of: files, and folders, which tell that a file has come or gone."""
    for top in (root / name for name in MADE_OF):
        yield top
        for path in top.rglob("*"):
            if not {"_build", "generated", "__pycache__"} & set(path.relative_to(root).parts):
                yield path


def stands(root: Path) -> bool:
    """Whether the site of a checkout was built after the last change of what it is made of.

    ``make docs`` and these tests touch ``docs/_build/begun`` before and ``docs/_build/built`` after a build without a
    warning. Importing may make a folder of byte code, so folders may be as late as the end.
    """
    marks = [root / "docs" / "_build" / name for name in ("begun", "built")]
    if not all(mark.is_file() for mark in marks):
        return False
    begun, built = (mark.stat().st_mtime_ns for mark in marks)
    found = [(path.stat().st_mtime_ns, path.is_dir()) for path in sources(root)]
    return begun <= built and all(changed <= (built if folder else begun) for changed, folder in found)


@pytest.fixture(scope="module")
def pages() -> dict[Path, Page]:
    """Every page of the site: of the one that ``make docs`` built, where nothing has changed since, else built here."""
    SITE.parent.mkdir(exist_ok=True)
    with FileLock(SITE.parent / "lock"):  # two processes of tests may ask for it at once
        if not stands(ROOT):
            build()
    found = {path: Page(path) for path in SITE.rglob("*.html") if "_static" not in path.parts}
    assert len(found) > 100
    return found


def build() -> None:
    """Build the site, with every warning an error."""
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q"]
    (SITE.parent / "begun").touch()
    built = subprocess.run(
        [*command, "-d", "docs/_build/doctrees", "docs", "docs/_build/html"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (SITE.parent / "built").touch()


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "mfrec" / "image" / "colour.py").write_text("new"),
        lambda root: (root / "CONTRIBUTING.md").write_text("new"),
        lambda root: (root / "docs" / "start.md").unlink(),
        lambda root: (root / "docs" / "more.md").touch(),
        lambda root: (root / "docs" / "_build" / "begun").touch(),
        lambda root: (root / "docs" / "_build" / "built").unlink(),
    ],
    ids=["code changed", "a page changed", "a page gone", "a page more", "a build failed", "never built"],
)
def test_a_site_stands_until_what_it_is_made_of_changes(change: Callable[[Path], object], tmp_path: Path) -> None:
    for name in ("docs/start.md", "mfrec/image/colour.py", "notebooks/a", "examples/b", *MADE_OF[4:]):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("old")
    for path in tmp_path.rglob("*"):
        os.utime(path, (1000, 1000))
    for late, name in enumerate(("begun", "built", "html/index.html")):
        made = tmp_path / "docs" / "_build" / name
        made.parent.mkdir(parents=True, exist_ok=True)
        made.touch()
        os.utime(made, (2000 + late, 2000 + late))
    os.utime(tmp_path / "docs", (1000, 1000))
    assert stands(tmp_path)
    change(tmp_path)
    assert not stands(tmp_path)


def missing(pages: dict[Path, Page], path: Path, link: str) -> str:
    """Why a link of a page leads nowhere; empty where it leads somewhere, or out of the site."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return ""
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_file():
        return f"{path.relative_to(SITE)}: {link}: no such file"
    if parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
        return f"{path.relative_to(SITE)}: {link}: no such place in the page"
    return ""


def test_every_link_inside_leads_somewhere(pages: dict[Path, Page]) -> None:
    broken = [missing(pages, path, link) for path, page in pages.items() for link in (*page.links, *page.loads)]
    assert [why for why in broken if why] == []


def test_the_link_check_finds_what_is_broken(pages: dict[Path, Page]) -> None:
    index = SITE / "index.html"
    assert missing(pages, index, "nowhere.html")
    assert missing(pages, index, "#no-such-place")
    assert missing(pages, index, "start.html") == missing(pages, index, "https://example.org") == ""


def test_nothing_is_loaded_from_elsewhere(pages: dict[Path, Page]) -> None:
    asked = {load for page in pages.values() for load in page.loads}
    assert asked and not [load for load in asked if urlsplit(load).netloc]
    for sheet in SITE.rglob("*.css"):
        outside = re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^\s\"')]+", sheet.read_text(encoding="utf-8"))
        assert outside == [], sheet


def test_notebooks_are_shown_with_their_pictures(pages: dict[Path, Page]) -> None:
    for name in ("01_reconstruct", "02_stage_by_stage", "03_train_a_network"):
        shown = pages[SITE / "notebooks" / f"{name}.html"]
        assert sum("_images" in load for load in shown.loads) >= 3


@dataclass
class Visit:
    """An open browser, everything that it asked for and everything that it complained about."""

    page: Any
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture
def visit(pages: dict[Path, Page]) -> Iterator[Visit]:
    """The site opened from its folder, as from a disk without a network."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        seen = Visit(browser.new_page())
        seen.page.on("request", lambda request: seen.requests.append(request.url))
        seen.page.on("console", lambda message: message.type == "error" and seen.complaints.append(message.text))
        seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        yield seen
        browser.close()
    outside = [url for url in seen.requests if not url.startswith(("data:", SITE.as_uri()))]
    assert outside == []
    assert seen.complaints == []


def test_pages_open_in_a_browser_without_a_request_beyond_their_own_files(visit: Visit) -> None:
    for name in ("index", "method", "programmer/pixels", "notebooks/01_reconstruct", "benchmarks"):
        visit.page.goto((SITE / f"{name}.html").as_uri(), wait_until="load")
        assert visit.page.locator("h1").first.is_visible()
    assert len(visit.requests) > 5
    visit.page.goto((SITE / "method.html").as_uri())
    assert visit.page.locator("math").first.bounding_box()["height"] > 5, "a formula is drawn"


def test_the_search_works_without_a_server(visit: Visit) -> None:
    visit.page.goto((SITE / "search.html").as_uri() + "?q=quantiser")
    visit.page.wait_for_selector("#search-results li a")
    found = visit.page.locator("#search-results li a").all_inner_texts()
    assert any("Method" in title or "quantiser" in title for title in found), json.dumps(found)
