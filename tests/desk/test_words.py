"""Every text of the desk is in one file, is used, and every page of the documentation that is asked for is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mfrec.desk.manual import PAGES, manual_page
from mfrec.desk.refusal import RefusalError
from mfrec.desk.words import word, words

DESK = Path(__file__).resolve().parents[2] / "mfrec" / "desk"

SOURCES = {path: path.read_text(encoding="utf-8") for path in (*DESK.rglob("*.py"), *(DESK / "page").glob("*.js"))}


FILES = (".json", ".js", ".css", ".html", ".png", ".npz", ".pdf", ".mfrec")


def used() -> set[str]:
    """Keys that a source names, and the beginnings of those that it puts together, which end in a full stop."""
    heads = "|".join({key.partition(".")[0] for key in words()})
    found = set()
    for text in SOURCES.values():
        found |= set(re.findall(rf"""["'`]((?:{heads})\.[a-z0-9_.]+)["'`]""", text))
        found |= set(re.findall(rf"`((?:{heads})\.(?:[a-z_]+\.)*)\$\{{", text))
    return {key for key in found if not key.endswith(FILES) or key in words()}


def test_every_word_that_is_asked_for_is_there_and_every_word_is_asked_for() -> None:
    keys, asked = set(words()), used()
    beginnings = tuple(key for key in asked if key.endswith("."))
    assert {key for key in asked if key not in keys and not any(name.startswith(key) for name in keys)} == set()
    assert {key for key in keys if key not in asked and not key.startswith(beginnings)} == set()


def test_a_word_without_its_value_is_a_mistake() -> None:
    assert word("refused.input", name="07").startswith("this case has no input 07;")
    with pytest.raises(KeyError):
        word("refused.input")


def test_the_documentations_pages_open_in_the_desk() -> None:
    anchors = {name: set(re.findall(r'id="([^"]+)"', manual_page(name))) for name in PAGES}
    assert {"the-maps", "the-warnings"} <= anchors["maps"]
    assert "<table>" in manual_page("maps") and "{doc}" not in manual_page("index")
    linked = set()
    for name in PAGES:
        linked |= set(re.findall(r'href="/manual/([^"#]+)', manual_page(name)))
    assert linked <= set(PAGES)
    for path, text in SOURCES.items():
        for page, anchor in re.findall(r"""what\([^"'\n]*(?:"[^"]*"\))?, "(\w+)"(?:, "([\w-]+)")?""", text):
            assert page in PAGES and (not anchor or anchor in anchors[page]), f"{path.name}: {page}#{anchor}"
    with pytest.raises(RefusalError):
        manual_page("../../README")
