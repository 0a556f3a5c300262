"""Measured sections of a document: replaced whole, and nothing else is touched."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mfrec.bench.document import Section, put_sections, with_section
from mfrec.errors import UsageError

MACHINE = {"system": "Linux", "processor": "x86_64", "cores": 2}
FIRST = Section("3.1", "Table 3.1", "| a |", "mfrec bench --table 3.1", "2026-01-02T03:04:05+00:00", MACHINE, "ab" * 20)
SECOND = replace(FIRST, name="3.10", heading="Table 3.10", commit=None)


def test_a_document_is_made_and_sections_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.md"
    put_sections(path, [FIRST, SECOND])
    made = path.read_text(encoding="utf-8")
    for part in ("# Benchmarks", "```\nmfrec bench --table 3.1\n```", "2026-01-02", "2 cores", "commit `abababababab`"):
        assert part in made
    put_sections(path, [replace(FIRST, body=r"| \1 new |")])
    again = path.read_text(encoding="utf-8")
    assert again == made.replace("| a |", r"| \1 new |", 1)
    assert [file.name for file in tmp_path.iterdir()] == ["benchmarks.md"]


def test_what_people_wrote_stays() -> None:
    text = f"intro\n\n{FIRST.markdown()}\n\nbetween\n\n{SECOND.markdown()}\n\nend\n"
    changed = with_section(text, replace(FIRST, body="| b |"))
    assert changed == text.replace("| a |", "| b |", 1)
    assert with_section("intro", FIRST) == f"intro\n\n{FIRST.markdown()}\n"


def test_a_section_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'3\.1' of the document has no end"):
        with_section("<!-- measured: 3.1 -->\nhalf", FIRST)
    (tmp_path / "binary.md").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(UsageError, match="cannot be read"):
        put_sections(tmp_path / "binary.md", [FIRST])
    with pytest.raises(UsageError):
        put_sections(tmp_path / "none" / "a.md", [FIRST])
