"""More frames of the same sequence, where nothing else differs, and the same frames in every way of exporting."""

from __future__ import annotations

from pathlib import Path

import pytest

from mfrec.bench.run import bench, film_sequences
from mfrec.bench.tables import protocol_groups, tables


@pytest.fixture(scope="module")
def filmed_long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One filmed sequence, longer than the test needs."""
    root = tmp_path_factory.mktemp("long")
    film_sequences(root, count=1, frames=9)
    return root


def test_a_row_for_every_number_of_frames_and_method(filmed_long: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = {
        name: damage for name, damage in protocol_groups.LONG.items() if name in ("long-jpeg32-1", "long-jpeg32-7")
    }
    monkeypatch.setattr(protocol_groups, "LONG", chosen)
    monkeypatch.setattr(protocol_groups, "COMPARED", ("bicubic", "unregistered"))
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
    chosen = {
        name: damage for name, damage in protocol_groups.LONG.items() if name in ("long-jpeg32-7", "long-jpeg32-15")
    }
    monkeypatch.setattr(protocol_groups, "LONG", chosen)
    monkeypatch.setattr(protocol_groups, "COMPARED", ("bicubic",))
    (table,) = tables(["long"], filmed_sequences)
    seven, fifteen = table.rows
    assert (seven.count, fifteen.count) == (1, 0)
    assert "failed on 1 of 1" in fifteen.reason and "has 7 frames, expected 15 around the middle one" in fifteen.reason


def test_a_row_for_every_way_of_exporting_and_their_mean(
    filmed_sequences: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways = ("export-jpeg-png", "export-webp-file")
    monkeypatch.setattr(protocol_groups, "EXPORTS", {name: protocol_groups.EXPORTS[name] for name in ways})
    monkeypatch.setattr(protocol_groups, "COMPARED", ("bicubic", "unregistered"))
    (table,) = tables(["exports"], filmed_sequences)
    rows = {row.label: row.values for row in table.rows}
    assert list(rows) == [
        f"{way}, {method}" for way in ("jpeg-png", "webp-file", "all") for method in ("bicubic", "unregistered")
    ]
    one, other, both = (rows[f"{way}, unregistered"] for way in ("jpeg-png", "webp-file", "all"))
    assert both["psnr_gain"] == pytest.approx((one["psnr_gain"] + other["psnr_gain"]) / 2)
    assert both["least gain"] == min(one["least gain"], other["least gain"])
    assert one["psnr_gain"] == pytest.approx(one["psnr"] - rows["jpeg-png, bicubic"]["psnr"])
    assert "least gain" not in rows["all, bicubic"]
    assert table.rows[-1].count == table.rows[0].count + table.rows[2].count


def test_the_portrait_is_filmed_as_long_as_a_protocol_needs() -> None:
    result = bench(None, ["long-jpeg32-31"], ("bicubic",), limit=1)
    (found,) = result.results
    assert not found.errors
    assert len(found.drawn["quality"]) == 31
