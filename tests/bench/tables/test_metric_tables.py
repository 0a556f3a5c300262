"""Tables that measure the measures: what is ordered, what separates, what is missing, how long each metric takes."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mfrec.bench.tables import NAMES, WHOLE_TABLES, tables
from mfrec.bench.tables.ladders import BLURS, LADDER_METRICS, LADDERS, QUALITIES, SIZES, order_kept, rungs
from mfrec.cli import app
from mfrec.errors import UsageError
from mfrec.image.geometry import resize
from mfrec.metrics.identity import separation
from mfrec.metrics.names import METRICS, Case, Truth, measure
from mfrec.types import FloatArray


@pytest.fixture(scope="module")
def large(portrait: FloatArray) -> FloatArray:
    return np.clip(resize(portrait, 256, 256), 0, 1).astype(np.float32)


def test_order_is_kept_or_not() -> None:
    assert order_kept([1, 2, 3, 9], "less") == pytest.approx(1)
    assert order_kept([9, 3, 2, 1], "more") == order_kept([9, 3, 2, 1], "") == pytest.approx(1)
    assert order_kept([np.inf, 30, 20], "more") == pytest.approx(1), "equal pictures have infinite PSNR"
    assert order_kept([1, 2, 3], "more") == pytest.approx(-1)
    assert order_kept([2, 2, 2], "more") == 0


def test_rungs_lose_more_and_more(large: FloatArray) -> None:
    steps = len(BLURS), len(SIZES), len(QUALITIES), len(QUALITIES)
    for ladder, count in zip(LADDERS, steps, strict=True):
        pictures = rungs(large, ladder)
        assert len(pictures) == count + 1
        assert np.array_equal(pictures[0], large) == (ladder != "jpeg32"), "small pictures are small before they suffer"
        assert {picture.shape for picture in pictures} == {large.shape}
        errors = [float(np.square(picture - large).mean()) for picture in pictures]
        assert errors == sorted(errors)


def test_separation_is_the_area_under_the_curve() -> None:
    assert separation(np.array([0.1, 0.2]), np.array([0.3, 0.4])) == 1
    assert separation(np.array([0.3, 0.4]), np.array([0.1, 0.2])) == 0
    assert separation(np.array([0.5]), np.array([0.5])) == 0.5
    rng = np.random.default_rng(0)
    same, different = rng.random(40), rng.random(60) + 0.2
    pairs = (same[:, None] < different[None]).mean()
    assert separation(same, different) == pytest.approx(pairs)


def test_every_metric_of_a_picture_keeps_the_order_of_blur(filmed_sequences: Path) -> None:
    (table,) = tables(["metrics"], filmed_sequences)
    rows = {row.label: row for row in table.rows}
    assert tuple(rows) == LADDER_METRICS
    for name in ("psnr", "psnr_y", "ssim", "cpbd", "identity"):
        assert rows[name].count == 1, rows[name].reason
        assert rows[name].values["blur"] > 0.8, name
    assert rows["cpbd"].values["falls"] == rows["psnr"].values["falls"] == 1
    for row in table.rows:
        assert row.values or row.reason, "what has no value says why"


def test_one_person_cannot_be_told_from_two(filmed_sequences: Path) -> None:
    (table,) = tables(["identity"], filmed_sequences)
    for row in table.rows:
        assert row.count == 0 and "needs two people" in row.reason
    assert "0 pairs of one person" in table.data


@pytest.mark.slow
def test_calibration_of_both_recipes(filmed_sequences: Path) -> None:
    (table,) = tables(["calibration"], filmed_sequences)
    assert {row.label.split(",")[0] for row in table.rows} == {"evidence", "restore"}
    for row in table.rows:
        assert row.count == 1, row.reason
        assert 0 < row.values["tenths"] <= row.values["worst tenths"] < 1
        assert -1 <= row.values["least rank"] <= row.values["rank"] <= 1
        assert row.values["rank"] > 0


def test_drawn_eyes_are_found(tmp_path: Path) -> None:
    document = tmp_path / "benchmarks.md"
    says = CliRunner().invoke(app, ["bench", "--table", "eyes", "--limit", "30", "--document", str(document)])
    assert says.exit_code == 0, says.output
    (table,) = tables(["eyes"], None, limit=30)
    everything = table.rows[0]
    assert everything.count > 20 and everything.count == sum(row.count for row in table.rows[1:])
    assert everything.values["iris"] < 0.06 and everything.values["pupil"] < 0.06
    assert everything.values["straight ahead"] > 15
    assert f"{everything.values['iris']:.3f}" in document.read_text(encoding="utf-8")


def test_refusals() -> None:
    assert set(WHOLE_TABLES) <= set(NAMES)
    for name in WHOLE_TABLES:
        with pytest.raises(UsageError, match="a limit of 0"):
            tables([name], None, limit=0)


@pytest.mark.parametrize("name", [name for name in LADDER_METRICS if name != "serfiq"])
def test_a_pair_of_256_px_takes_less_than_a_second(name: str, large: FloatArray) -> None:
    truth = Truth(large, "portrait")
    assert truth.face.landmarks is not None, "found once, for all metrics"
    case = Case(np.clip(large + 0.02, 0, 1), truth, None, None)
    values, missing = measure(case, (name,))  # loads what it needs
    if name == "perceptual" and missing:
        pytest.skip(missing[name])
    assert name in values, missing
    seconds = []
    for _ in range(3):
        # Of processor time: other processes may hold both cores.
        start = time.process_time()
        METRICS[name].measure(case)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 1.0
