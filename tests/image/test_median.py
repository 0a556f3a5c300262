"""The median over a stack is NumPy's, and its network sorts."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mfrec.image.median import median_of, sorting_network


@pytest.mark.parametrize("count", range(1, 13))
def test_a_network_sorts_whatever_it_is_given(count: int) -> None:
    # A network that sorts all sequences of zeros and ones sorts everything (Knuth, volume 3, theorem 5.3.4Z).
    every = np.array(list(itertools.product((0, 1), repeat=count)), np.int8)
    for low, high in sorting_network(count):
        assert 0 <= low < high < count
        every[:, [low, high]] = np.sort(every[:, [low, high]], axis=1)
    assert (np.diff(every, axis=1) >= 0).all()


@pytest.mark.parametrize("count", [1, 2, 3, 7, 16, 24, 31])
def test_the_median_is_that_of_numpy_and_the_planes_stay(count: int) -> None:
    rng = np.random.default_rng(count)
    planes = [rng.integers(0, 9, (13, 17)).astype(np.float32) / 8 for _ in range(count)]
    before = [plane.copy() for plane in planes]
    assert np.array_equal(median_of(planes), np.median(planes, axis=0))
    assert median_of(planes).dtype == np.float32
    assert all(np.array_equal(plane, kept) for plane, kept in zip(planes, before, strict=True))
