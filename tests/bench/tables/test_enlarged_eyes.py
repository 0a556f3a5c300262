"""Tables of enlarged eyes: what learns has not seen what it is measured on, and blur is told from an original."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from mfrec.bench.tables import tables
from mfrec.bench.tables.judged_eyes import OTHERS, SETS, Found, Judges, measured, pairs_of, rows_of
from mfrec.bench.tables.left_out_eyes import BEFORE, CARD, DATA, RECIPE, averaged, trained, without
from mfrec.bench.tables.result import Row
from mfrec.cards.load import card_path, read_card
from mfrec.train.recipe import training_recipe
from mfrec.train.streams.eye_pair_stream import EyePairStream


def silent(_stage: str, _done: int, _total: int) -> None:
    """No progress."""


def test_three_sets_of_pairs() -> None:
    of = {name: pairs_of(name, 2, 12, 0) for name in SETS}
    drawn = {name: [stream.drawn(i) for i in range(12)] for name, stream in of.items()}
    assert {pair.texture for pair in drawn["test"]} == {2}
    assert 2 not in {pair.texture for name in ("train", "validation") for pair in drawn[name]}
    assert min(pair.user for pair in drawn["validation"]) >= OTHERS
    assert drawn["train"] == [EyePairStream(0, left_out=2).drawn(i) for i in range(12)], "what networks learnt from"
    assert pairs_of("test", 2, 3, 1).drawn(0) != of["test"].drawn(0)


def test_the_shipped_networks_have_not_learnt_from_the_texture_that_is_left_out() -> None:
    from mfrec.bench.tables.enlarged_eyes import GAZE, TEXTURE

    for name in (GAZE, "srresnet_eyes", "srgan_eyes"):
        assert training_recipe(read_card(card_path(name))).data["left_out"] == TEXTURE


def test_what_an_enlargement_loses_is_told(few_learnt_eyes: None) -> None:
    """Four times smaller and back is worse than twice, and twice worse than the original, for every judge."""
    found = measured(pairs_of("test", 0, 24, 0), rows_of(()), Judges(0, "gaze_users"), silent, "test")
    assert not found.reasons
    assert len(found.users) == 24
    means = {
        label: {
            column: np.mean([one[column] for one in values if column in one]) for column in {*values[0], *values[1]}
        }
        for label, values in found.values.items()
    }
    first, twice, four = means["originals"], means["x2 bicubic"], means["x4 bicubic"]
    assert {"psnr", "more", "moved"}.isdisjoint(first)
    for better, worse in ((first, twice), (twice, four)):
        for column in ("gaze", "mm", "contour"):
            assert better[column] < worse[column], column
    assert twice["psnr"] > four["psnr"] and twice["moved"] < four["moved"]
    assert four["more"] == pytest.approx(four["gaze"] - first["gaze"])
    width = found.interval("x4 bicubic", "more")
    assert width is not None and 0 < width < four["more"], "the difference is more than chance"


def test_an_interval_counts_users_and_not_pairs() -> None:
    values = {"a": [{"x": float(value)} for value in (1, 1, 1, 3, 3, 3)], "b": [{"x": 1.0}] * 6}
    alike, one = Found(values, (1, 1, 1, 2, 2, 2), ()), Found(values, (1,) * 6, ())
    # Two users whose means are 1 and 3: the standard error of their mean is 1.
    assert alike.interval("a", "x") == pytest.approx(1.96)
    assert alike.interval("b", "x") == 0
    assert one.interval("a", "x") is None
    every = Found(values, tuple(range(6)), ())
    assert every.interval("a", "x") == pytest.approx(1.96 * np.std([1, 1, 1, 3, 3, 3], ddof=1) / np.sqrt(6))


def test_the_card_without_a_texture_is_the_shipped_one_but_for_that() -> None:
    card, shipped = tomllib.loads(without(3)), tomllib.loads(card_path(CARD).read_text("utf-8"))
    assert "sha256" not in card and "metrics" not in card
    assert card["arguments"] == shipped["arguments"]
    recipe = card["recipe"]
    assert recipe["losses"] == shipped["recipe"]["losses"]
    assert recipe["data"] == {**shipped["recipe"]["data"], **DATA, "left_out": 3}
    assert {key: recipe[key] for key in RECIPE} == dict(RECIPE)


def test_averages_of_rows() -> None:
    rows = [
        Row("texture 0: x", {"psnr": 1.0, "minutes": 2.0}, 3),
        Row("texture 1: x", {"psnr": 2.0, "minutes": 3.0}, 4),
    ]
    assert averaged(rows) == Row("all: x", {"psnr": 1.5, "minutes": 5.0}, 7)


@pytest.mark.slow
def test_trainings_without_a_texture_are_kept_and_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few_learnt_eyes: None
) -> None:
    hasty = {**RECIPE, "steps": 1, "validation": 1, "batch": 2}
    monkeypatch.setattr("mfrec.bench.tables.left_out_eyes.RECIPE", hasty)
    monkeypatch.setattr("mfrec.bench.tables.left_out_eyes.TEXTURES", (1,))
    (table,) = tables(["left-out-eyes"], tmp_path, limit=2)
    rows = {row.label: row.values for row in table.rows}
    methods = ("originals", "x2 bicubic", "x4 bicubic", "x4 srresnet_eyes")
    assert list(rows) == [f"{of}: {method}" for of in ("texture 1", "all") for method in methods]
    ours, plain = rows["texture 1: x4 srresnet_eyes"], rows["texture 1: x4 bicubic"]
    assert ours["psnr_gain"] == pytest.approx(ours["psnr"] - plain["psnr"])
    assert ours["minutes"] >= 0 and "minutes" not in plain
    assert "1 steps × 2" in table.data and table.cards.keys() == {BEFORE}
    card = tmp_path / "texture_1" / CARD / f"{CARD}.toml"
    before = card.stat().st_mtime_ns
    assert trained(1, tmp_path) == card
    assert card.stat().st_mtime_ns == before, "what is there is not trained again"
