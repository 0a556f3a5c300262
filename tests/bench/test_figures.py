"""The pictures behind a table: side by side, and as a survey, by one command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mfrec.bench import figures
from mfrec.bench.figures import plain, write_figures
from mfrec.bench.tables.definitions import BICUBIC, Definition, Line
from mfrec.errors import UsageError
from mfrec.imageio import read

SMALL = Definition(
    "two ways and one that is not there",
    "jpeg32",
    (BICUBIC, Line("nearest, of all", "nearest"), Line("nobody's", "network:nobody")),
)


def test_pictures_sheet_and_survey(filmed_sequences: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(figures.DEFINITIONS, "small", SMALL)
    said = write_figures(tmp_path, ["small"], filmed_sequences, limit=1)
    place = tmp_path / "table-small"
    assert said[0] == "table-small: 2 methods, 1 sequences" and "no pictures of nobody's" in said[1]
    assert sorted(folder.name for folder in (place / "results").iterdir()) == ["bicubic", "nearest-of-all"]
    truth, nearest, given = (
        read(place / folder).frames[0].image for folder in ("truth", "results/nearest-of-all", "frames")
    )
    assert np.array_equal(nearest, given), "the frame as it was given, its pixels repeated"
    assert truth.shape == nearest.shape and not np.array_equal(truth, nearest)
    sheet = read(place / "sheet.png").frames[0].image
    assert sheet.shape[1] > 4 * 192, "frame, two methods and truth beside one another"
    key = json.loads((place / "survey/key.json").read_text())
    assert key["methods"] == ["bicubic", "nearest-of-all"]
    assert (place / "survey/index.html").stat().st_size > 10_000


def test_a_table_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"table 'set5' has no pictures of methods; known are 3\.1"):
        write_figures(tmp_path, ["set5"], None)


def test_labels_become_names_of_folders() -> None:
    assert plain("U-Net, SER-FIQ loss+") == "U-Net-SER-FIQ-loss+"
    assert plain("the thesis's whole chain") == "the-thesis-s-whole-chain"
