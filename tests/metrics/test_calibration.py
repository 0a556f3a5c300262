"""Calibration: a perfect statement, a worthless one, and figures that can be worked out by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mfrec.metrics.calibration import normalised_error, rank_correlation, tenth_ratio


@pytest.fixture(scope="module")
def case() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Uncertainty, result and truth; the error is drawn from the uncertainty."""
    rng = np.random.default_rng(0)
    said = rng.uniform(0.005, 0.1, (120, 100))
    truth = np.full((120, 100), 0.5)
    return said, truth + np.clip(rng.normal(0, 1, said.shape) * said, -0.49, 0.49), truth


def test_an_honest_statement(case: tuple[np.ndarray, ...]) -> None:
    said, result, truth = case
    assert normalised_error(said, result, truth) == pytest.approx(1.0, abs=0.03)
    assert tenth_ratio(said, result, truth) < 0.15
    assert rank_correlation(said, result, truth) > 0.5


def test_order_is_all_that_counts_for_two_of_them(case: tuple[np.ndarray, ...]) -> None:
    said, result, truth = case
    for measure in (tenth_ratio, rank_correlation):
        assert measure(said**3, result, truth) == pytest.approx(measure(said, result, truth))
    assert normalised_error(said / 2, result, truth) == pytest.approx(2 * normalised_error(said, result, truth))


def test_a_statement_about_another_picture_is_worthless(case: tuple[np.ndarray, ...]) -> None:
    said, result, truth = case
    other = np.random.default_rng(1).permutation(said.ravel()).reshape(said.shape)
    assert tenth_ratio(other, result, truth) == pytest.approx(1.0, abs=0.15)
    assert abs(rank_correlation(other, result, truth)) < 0.05


def test_by_hand() -> None:
    truth = np.zeros((2, 5, 3))
    error = np.arange(10.0).reshape(2, 5) / 10
    result = truth + error[..., None]
    said = error + 0.1
    assert tenth_ratio(said, result, truth) == 0
    assert tenth_ratio(1 - error, result, truth) == np.inf
    assert rank_correlation(said, result, truth) == pytest.approx(1)
    assert rank_correlation(2 - said, result, truth) == pytest.approx(-1)
    expected = np.sqrt(np.mean((error / said) ** 2))
    assert normalised_error(said, result, truth) == pytest.approx(expected)


def test_without_error_there_is_nothing_to_order() -> None:
    said, image = np.linspace(0.1, 1, 100).reshape(10, 10), np.full((10, 10), 0.5)
    assert tenth_ratio(said, image, image) == 1
    assert rank_correlation(said, image, image) == 0
    assert normalised_error(said, image, image) == 0


@pytest.mark.parametrize("measure", [tenth_ratio, rank_correlation, normalised_error])
def test_refusals(measure: Callable[..., float]) -> None:
    image = np.full((4, 4, 3), 0.5)
    with pytest.raises(ValueError, match=r"uncertainty has shape \(4, 5\), expected \(4, 4\)"):
        measure(np.ones((4, 5)), image, image)
    with pytest.raises(ValueError, match="the same everywhere"):
        measure(np.ones((4, 4)), image, image)
    with pytest.raises(ValueError, match="negative, NaN or infinite"):
        measure(np.linspace(-1, 1, 16).reshape(4, 4), image, image)
    with pytest.raises(ValueError, match=r"result has shape \(4, 4, 3\) and the truth \(4, 4\)"):
        measure(np.ones((4, 4)), image, image[..., 0])


def test_certainty_beyond_doubt_is_refused() -> None:
    with pytest.raises(ValueError, match="an uncertainty of 0 allows no error"):
        normalised_error(np.linspace(0, 1, 16).reshape(4, 4), np.zeros((4, 4)), np.zeros((4, 4)))
