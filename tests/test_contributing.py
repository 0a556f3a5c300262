"""What CONTRIBUTING.md points at is there: a reader who looks something up finds it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

LOOKED_UP = [line for line in TEXT.split("## Where is what")[1].split("\n## ")[0].splitlines() if line.startswith("| ")]

FILE = r"`([\w./]+\.(?:py|toml|csv))`"
AFTER = rf"{FILE}, `(\w+)`(?: and `(\w+)`)?"
BEFORE = rf"`(\w+)` (?:of|in) {FILE}"


def test_every_path_exists() -> None:
    paths = [path for path in re.findall(r"`([a-z.]\w*/[\w./]*)`", TEXT) if "NAME" not in path]
    assert len(set(paths)) > 15
    assert [path for path in paths if not (ROOT / path).exists() and path not in MADE] == []


MADE = {".venv/", "trained/"}
"""What commands make."""


@pytest.mark.parametrize(
    ("path", "name"),
    [
        *((path, name) for path, *names in re.findall(AFTER, TEXT) for name in names if name),
        *((path, name) for name, path in re.findall(BEFORE, TEXT)),
    ],
)
def test_a_name_beside_a_file_is_in_it(path: str, name: str) -> None:
    assert re.search(rf"\b{name}\b", (ROOT / path).read_text(encoding="utf-8")), f"{path} holds no {name}"


def test_the_four_questions_of_a_new_reader_are_answered() -> None:
    questions = " ".join(LOOKED_UP)
    for asked in ("frame registered", "JPEG's quantiser do", "network added", "`evidence` recipe import"):
        assert asked in questions
