"""More frames of the same sequence: what differs is their number, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from mfrec.bench.run import bench, film_sequences
from mfrec.bench.tables import long, tables


@pytest.fixture(scope="module")
def filmed_long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One filmed sequence, longer than the test needs."""
    root = tmp_path_factory.mktemp("long")
    film_sequences(root, count=1, frames=9)
    return root


def test_a_row_for_every_number_of_frames_and_method(filmed_long: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = {name: damage for name, damage in long.LONG.items() if name in ("long-jpeg32-1", "long-jpeg32-7")}
    monkeypatch.setattr(long, "LONG", chosen)
    monkeypatch.setattr(long, "LONG_METHODS", ("bicubic", "unregistered"))
    (table,) = tables(["long"], filmed_long)
    rows = {row.label: row for row in table.rows}
    assert list(rows) == [
        "jpeg32, 1 frame, bicubic",
        "jpeg32, 1 frame, unregistered",
        "jpeg32, 7 frames, bicubic",
        "jpeg32, 7 frames, unregistered",
    ]
    assert all(row.count == 1 and not row.reason and "identity_gain" in row.values for row in table.rows)
    # The reference is the same file whatever the number of frames, and alone it is its own mean.
    assert rows["jpeg32, 1 frame, bicubic"].values == rows["jpeg32, 7 frames, bicubic"].values
    assert rows["jpeg32, 1 frame, unregistered"].values["psnr_gain"] == 0
    assert rows["jpeg32, 7 frames, unregistered"].values["psnr_gain"] != 0
    assert "1 sequences of 1 people" in table.data


def test_a_short_sequence_fails_where_it_is_too_short_and_the_table_says_so(
    filmed_sequences: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = {name: damage for name, damage in long.LONG.items() if name in ("long-jpeg32-7", "long-jpeg32-15")}
    monkeypatch.setattr(long, "LONG", chosen)
    monkeypatch.setattr(long, "LONG_METHODS", ("bicubic",))
    (table,) = tables(["long"], filmed_sequences)
    seven, fifteen = table.rows
    assert (seven.count, fifteen.count) == (1, 0)
    assert "failed on 1 of 1" in fifteen.reason and "has 7 frames, expected 15 around the middle one" in fifteen.reason


def test_the_portrait_is_filmed_as_long_as_a_protocol_needs() -> None:
    result = bench(None, ["long-jpeg32-31"], ("bicubic",), limit=1)
    (found,) = result.results
    assert not found.errors
    assert len(found.drawn["quality"]) == 31
