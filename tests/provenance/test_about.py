"""What a run was made for: from a file into the record and to the top of the report."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from report_case import reconstruction

from mfrec.errors import UsageError
from mfrec.outputs import save
from mfrec.provenance.about import read_about
from mfrec.provenance.record import read_record
from mfrec.report.content import gather

ABOUT = {"title": "Shop, till 2 <b>", "number": "2026-0142", "exhibit": "AB/7", "analyst": "A. N."}


def test_a_case_is_read_without_what_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    path.write_text(json.dumps({"schema": 1, "about": {**ABOUT, "notes": ""}, "inputs": [1]}))
    assert read_about(path) == ABOUT
    for text in ("{}", "[]", "{", '{"about": {"title": 7}}'):
        path.write_text(text)
        with pytest.raises(UsageError, match=r"--case: .*does not describe a case"):
            read_about(path)
    with pytest.raises(UsageError, match="No such file"):
        read_about(tmp_path / "none.json")


def test_the_report_begins_with_the_case(tmp_path: Path) -> None:
    plain = reconstruction(3)
    case = replace(plain, record={**plain.record, "case": ABOUT})
    content = gather(case)
    assert content.facts[0] == ("Case", "2026-0142, Shop, till 2 <b>", "exhibit AB/7, analyst A. N.")
    assert content.surroundings[0] == ("Case", tuple((key.capitalize(), text) for key, text in ABOUT.items()))
    assert gather(plain).facts[0][0] == "Frames" and gather(plain).surroundings[0][0] == "Run"
    save(case, tmp_path / "out")
    assert read_record(tmp_path / "out")["case"] == ABOUT
    assert "Shop, till 2 &lt;b&gt;" in (tmp_path / "out" / "report.html").read_text()
