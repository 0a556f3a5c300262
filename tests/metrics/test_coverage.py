"""Coverage: the factor holds the share that it promises on others of the same kind, and promises no more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mfrec.bench.tables.coverage import INPUTS, RECIPES, factors_toml, left_out_in_turn
from mfrec.bench.tables.result import Row, TableResult
from mfrec.cards.load import card_path, read_card
from mfrec.documents import parse_toml, shaped
from mfrec.errors import InputError
from mfrec.imageio.sequences import TruthSequence
from mfrec.metrics import coverage as module
from mfrec.metrics.coverage import Factors, Kind, conformal_factor, coverage, read_factors, scores, stated


def picture(rng: np.random.Generator, confident: float) -> np.ndarray:
    """Scores of a picture whose error is ``confident`` times what was said."""
    said = rng.uniform(0.001, 0.01, (40, 50))
    truth = np.full((40, 50, 3), 0.5)
    error = confident * said * np.abs(rng.normal(size=(40, 50)))
    return scores(said, truth + error[..., None], truth)


def test_it_holds_its_share_on_others_of_the_same_kind() -> None:
    rng = np.random.default_rng(0)
    pictures = [picture(rng, factor) for factor in rng.lognormal(0, 0.3, 400)]
    factor = conformal_factor(pictures[:200])
    assert np.mean([coverage(one, factor) for one in pictures[200:]]) == pytest.approx(0.9, abs=0.02)
    assert np.mean([coverage(one, factor) for one in pictures[:200]]) == pytest.approx(0.9, abs=0.001)


def test_a_picture_that_was_right_about_itself_needs_the_normal_quantile() -> None:
    assert conformal_factor([picture(np.random.default_rng(1), 1.0)]) == pytest.approx(1.645, abs=0.1)


def test_every_sequence_has_the_same_say_whatever_its_size() -> None:
    rng = np.random.default_rng(2)
    said, truth = np.linspace(0.001, 0.01, 100).reshape(10, 10), np.full((10, 10), 0.5)
    small = scores(said, truth + said, truth)
    large = scores(np.tile(said, (20, 20)), np.tile(truth + said, (20, 20)), np.tile(truth, (20, 20)))
    assert small.shape == large.shape == (module.STEPS,)
    assert conformal_factor([small, picture(rng, 3.0)]) == pytest.approx(
        conformal_factor([large, picture(np.random.default_rng(2), 3.0)]), rel=0.02
    )
    with pytest.raises(ValueError, match="no sequence"):
        conformal_factor([])
    with pytest.raises(ValueError, match="an uncertainty of 0"):
        scores(said - 0.001, truth, truth)


def test_a_person_is_measured_by_the_factor_of_the_others(tmp_path) -> None:
    """One person whose errors are five times what was said is not held by the factor of the others."""
    rng = np.random.default_rng(3)
    found = [
        (TruthSequence(f"{person}{n}", tmp_path, f"person {person}"), picture(rng, 5.0 if person == 4 else 1.0))
        for person in range(9)
        for n in range(2)
    ]
    values = left_out_in_turn(found)
    assert values["people"] == 9
    others = conformal_factor([score for sequence, score in found if sequence.person != "person 4"])
    assert values["lowest"] == pytest.approx(min(coverage(score, others) for _, score in found))
    assert values["factor"] == conformal_factor([score for _, score in found]) > others
    assert values["lowest"] < 0.4 < values["coverage"] < values["highest"]
    assert values["error"] > 0
    assert left_out_in_turn(found[:2]) == {}


def test_the_mean_over_people_left_out_is_the_share() -> None:
    rng = np.random.default_rng(4)
    found = [
        (TruthSequence(str(n), Path(), str(n)), picture(rng, factor))
        for n, factor in enumerate(rng.lognormal(0, 0.3, 40))
    ]
    assert left_out_in_turn(found)["coverage"] == pytest.approx(0.9, abs=0.01)


@pytest.fixture
def factors() -> Factors:
    """As the bench writes them, but for one row that was not measured."""
    values = {
        "factor": 1.7,
        "coverage": 0.912,
        "error": 0.01,
        "lowest": 0.8,
        "highest": 0.97,
        "people": 6.0,
    }
    labels = [f"{recipe}, {kind}" for recipe in RECIPES for kind in INPUTS]
    rows = tuple(Row(label, {} if label == "restore, exported" else values, 15) for label in labels)
    table = TableResult("coverage", "", "15 sequences of 'x'", (), rows, "")
    return shaped(parse_toml(factors_toml(table)), Factors)


def test_the_file_that_the_bench_writes_is_the_one_that_is_read(factors: Factors) -> None:
    assert factors.recipes["restore"]["video"].factor == 1.7
    assert factors.recipes["evidence"]["still"].held.mean == 0.912
    assert "exported" not in factors.recipes["restore"]
    assert set(factors.weights) == {"clean", "fusion"}
    with pytest.raises(InputError, match="no factor was found"):
        factors_toml(TableResult("coverage", "", "", (), (Row("evidence, still", {}, 0),), ""))


def test_the_shipped_factors_are_factors() -> None:
    for of_recipe in read_factors().recipes.values():
        for factor in of_recipe.values():
            assert 0.5 < factor.factor < 10
            assert factor.held.lowest <= factor.held.mean <= factor.held.highest


def test_what_is_said_of_a_result(factors: Factors) -> None:
    known = stated("evidence", "still", altered=False, weights={}, known=factors)
    assert known["factor"] == 1.7
    assert "90 % of the pixels lie within 1.70 times the uncertainty" in known["text"]
    assert "stills" in known["text"]
    assert (
        "of 6 people, each measured with the factor of the others: 91.2 %, 80 to 97 % in single pictures"
        in known["text"]
    )
    assert stated("restore", "video", altered=False, weights=factors.weights, known=factors)["factor"] == 1.7
    others: tuple[tuple[str, Kind, bool, dict[str, str], str], ...] = (
        ("evidence", "still", True, {}, "set by hand"),
        ("mine", "still", False, {}, "none was measured"),
        ("restore", "exported", False, factors.weights, "none was measured"),
        ("restore", "still", False, {**factors.weights, "fusion": "0" * 64}, "other weights"),
    )
    for recipe, kind, altered, weights, says in others:
        other = stated(recipe, kind, altered=altered, weights=weights, known=factors)
        assert other["factor"] is None
        assert says in other["text"]


def test_the_shipped_factors_are_of_the_shipped_weights() -> None:
    """Or every report says that they were measured with others, and no share."""
    weights = {card: read_card(card_path(card)).sha256 for card in read_factors().weights}
    assert read_factors().weights == weights, "measure them again by the command in mfrec/metrics/coverage.py"
