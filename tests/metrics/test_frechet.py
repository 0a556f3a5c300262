"""The Fréchet distance of features: nothing between one and itself, the closed form where there is one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import sqrtm

from mfrec.metrics.frechet import frechet_distance


def drawn(count: int, mean: float, scale: float, seed: int = 0) -> np.ndarray:
    return mean + scale * np.random.default_rng(seed).standard_normal((count, 5))


def test_a_set_is_no_way_from_itself_and_others_are_symmetric() -> None:
    a, b = drawn(200, 0, 1), drawn(300, 1, 2, seed=1)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-9)


def test_it_is_the_closed_form_of_two_normal_distributions() -> None:
    """Means 2 apart in five directions, spreads 1 and 3: 5 * 4 + 5 * (3 - 1)^2."""
    assert frechet_distance(drawn(200_000, 0, 1), drawn(200_000, 2, 3, seed=1)) == pytest.approx(40, rel=0.02)


def test_it_is_the_formula_with_the_root_of_the_product() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.standard_normal((50, 6)) @ rng.standard_normal((6, 6)), rng.standard_normal((40, 6)) + 1
    one, other = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    apart = a.mean(axis=0) - b.mean(axis=0)
    expected = apart @ apart + np.trace(one + other - 2 * np.real(sqrtm(one @ other)))
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)


def test_sets_that_cannot_be_compared_are_refused() -> None:
    for a, b in ((drawn(1, 0, 1), drawn(9, 0, 1)), (drawn(9, 0, 1), drawn(9, 0, 1)[:, :4]), (np.zeros(3), np.zeros(3))):
        with pytest.raises(ValueError, match="expected two sets of vectors"):
            frechet_distance(a, b)
