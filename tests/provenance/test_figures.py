"""The table of figures says what the record says, and no name of a file becomes a formula."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from report_case import reconstruction
from typer.testing import CliRunner

from mfrec.cli import app
from mfrec.outputs import save
from mfrec.provenance.figures import figures_csv

RECORD: dict[str, Any] = {
    "inputs": [{"index": index, "sha256": f"{index:064x}"} for index in range(4)],
    "reference": {"index": 2},
    "used": [
        {
            "index": 2,
            "name": 'c,\n"c".png',
            "share": 0.75,
            "residual": 2 / 255,
            "consistency": None,
            "interocular": 31.5,
        },
        {"index": 0, "name": "=cmd|'/c calc'!A1.png", "share": 0.25},
    ],
    "dropped": [
        {"index": 1, "name": "b.png", "reason": "no face", "stage": "track"},
        {"index": None, "name": "torn.png", "reason": "the file is cut off", "stage": "read"},
        {"index": None, "name": "notes.txt", "reason": "not a picture", "stage": "read"},
    ],
}


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_one_row_a_frame_with_its_figures_or_its_reason() -> None:
    found = rows(figures_csv(RECORD))
    assert [(row["index"], row["state"]) for row in found] == [
        ("0", "used"), ("1", "left out"), ("2", "reference"), ("", "left out"),
    ]  # fmt: skip
    first, lost, chief, torn = found
    assert chief["name"] == 'c,\n"c".png' and float(chief["residual_grey_levels"]) == 2
    assert (chief["share"], chief["consistency_grey_levels"], chief["interocular_px"]) == ("0.75", "", "31.5")
    assert lost["reason"] == "no face" and lost["sha256"].endswith("1") and lost["share"] == ""
    assert torn["name"] == "torn.png" and torn["sha256"] == ""
    assert first["name"].startswith("'=cmd")


def test_the_command_prints_it(tmp_path: Path) -> None:
    made = reconstruction()
    save(made, tmp_path / "out")
    said = CliRunner().invoke(app, ["inspect", str(tmp_path / "out"), "--csv"])
    assert said.exit_code == 0
    used = [row["name"] for row in rows(said.stdout) if row["state"] != "left out"]
    assert used == [entry["name"] for entry in made.record["used"]]


@pytest.mark.parametrize("more", [["--json"], []])
def test_what_has_no_figures_is_a_sentence(more: list[str], tmp_path: Path) -> None:
    from mfrec.errors import UsageError

    said = CliRunner().invoke(app, ["inspect", str(tmp_path), "--csv", *more])
    assert isinstance(said.exception, UsageError) or said.exit_code == 2
