"""The plot of the table ``ambiguity``: a curve for each size, and no plot of anything else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mfrec.bench.plots import plot
from mfrec.bench.tables.ambiguity import Answered, row_of
from mfrec.bench.tables.result import finished
from mfrec.errors import UsageError
from mfrec.types import Imagined


def answered(side: int, count: int, apart: float) -> Answered:
    distances = np.full((4, 4), apart, np.float32)
    plane = np.full((4, 4), apart, np.float32)
    ones = np.ones(4, np.float32)
    found = Imagined(np.zeros((4, 8, 8, 3), np.float32), 2, plane, plane, ones, 1.0, distances, ones, 1 - apart)
    return Answered("s", side, count, found)


def test_every_size_is_a_curve_over_the_frames(tmp_path: Path) -> None:
    rows = [row_of(side, count, [answered(side, count, apart)]) for side, count, apart in ((32, 7, 0.2), (32, 1, 0.4))]
    rows.append(row_of(48, 1, [answered(48, 1, 0.3)]))
    table = finished("ambiguity", "t", "three sequences", tuple(rows[0].values), rows)
    (tmp_path / "measured.json").write_text(json.dumps({"tables": [table.to_dict()], "ablations": []}), "utf-8")
    made = plot("ambiguity", [], data=tmp_path / "measured.json")
    spread, identity, determined = made.panels
    assert np.allclose(spread.series["frames of 32 px"], [(1, 255 * 0.4), (7, 255 * 0.2)])
    assert np.allclose(identity.series["frames of 32 px"], [(1, 0.4), (7, 0.2)])
    assert np.allclose(determined.series["frames of 48 px"], [(1, 70.0)])
    assert made.data.startswith("three sequences; measured 2") and made.cards == ("stylegan",)
    assert made.png()[:4] == b"\x89PNG"


def test_behind_a_mean_stands_the_deviation_of_a_sample_as_in_every_table() -> None:
    row = row_of(32, 7, [answered(32, 7, apart) for apart in (0.2, 0.4)])
    assert row.values["identity"] == pytest.approx(0.3)
    assert row.spreads["identity"] == pytest.approx(0.1 * np.sqrt(2))
    assert not row_of(32, 7, [answered(32, 7, 0.2)]).spreads, "one sequence has none"


def test_what_is_no_such_table_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    with pytest.raises(UsageError, match="the plot 'ambiguity' is of a measured table: mfrec bench SEQUENCES"):
        plot("ambiguity", [])
    for text in ("{}", "[]", "no JSON", '{"tables": [3]}', '{"tables": [{"name": "ambiguity", "rows": 3}]}'):
        file.write_text(text, "utf-8")
        with pytest.raises(UsageError, match=r"'x\.json' holds no measured table"):
            plot("ambiguity", [], data=file)
    file.write_text('{"tables": [{"name": "long", "data": "d", "created": "c", "rows": []}]}', "utf-8")
    with pytest.raises(UsageError, match=r"holds no figures of the table 'ambiguity'"):
        plot("ambiguity", [], data=file)
