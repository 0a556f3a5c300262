"""Flicker: one for the source itself, more for what jumps, less for what is steady, and motion is none."""

from __future__ import annotations

import numpy as np
import pytest

from mfrec.image.filters import gaussian
from mfrec.image.geometry import enlarge, resize
from mfrec.metrics.flicker import Flicker, flicker_between, total
from mfrec.types import FloatArray

SCALE = 2


def noisy(picture: FloatArray, seed: int, sigma: float = 0.02) -> FloatArray:
    drawn = np.random.default_rng(seed).normal(0, sigma, picture.shape)
    return np.clip(picture + drawn, 0, 1).astype(np.float32)


@pytest.fixture(scope="module")
def moving(portrait: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The portrait, and the same two pixels further, each with its own noise."""
    small = resize(portrait, 96, 96, interpolation="area")
    return noisy(small[:, :-4], 1), noisy(small[:, 2:-2], 2)


def test_the_source_enlarged_flickers_as_the_source(moving: tuple[FloatArray, FloatArray]) -> None:
    found = flicker_between(moving, (enlarge(moving[0], SCALE), enlarge(moving[1], SCALE)))
    assert found.pairs == 1
    assert found.ratio == pytest.approx(1.0, abs=0.02)
    assert found.detail == pytest.approx(1.0, abs=0.02)
    # Noise of two frames in luma, and no more: the motion was registered.
    assert 255 * 0.01 < found.levels[1] < 255 * 0.03


def test_what_jumps_flickers_more_and_what_is_steady_less(moving: tuple[FloatArray, FloatArray]) -> None:
    plain = enlarge(moving[0], SCALE), enlarge(moving[1], SCALE)
    jumping = flicker_between(moving, (noisy(plain[0], 3, 0.05), noisy(plain[1], 4, 0.05)))
    assert jumping.ratio is not None and jumping.ratio > 1.5
    assert jumping.detail is not None and jumping.detail > 1.2
    soft = flicker_between(moving, (gaussian(plain[0], 2.0), gaussian(plain[1], 2.0)))
    assert soft.ratio is not None and soft.ratio < 0.7
    assert soft.detail is not None and soft.detail < 0.7, "and the number beside it says that it is blurred"


def test_parts_add_up_and_nothing_is_no_number(moving: tuple[FloatArray, FloatArray]) -> None:
    plain = enlarge(moving[0], SCALE), enlarge(moving[1], SCALE)
    one, other = flicker_between(moving, plain), flicker_between(moving, (noisy(plain[0], 5), noisy(plain[1], 6)))
    both = total([one, other])
    assert both.pairs == 2
    assert both.ratio == pytest.approx(np.sqrt((one.made + other.made) / (one.source + other.source)))
    corner = flicker_between(moving, (plain[0], noisy(plain[1], 7, 0.2)), (0, 0, 0, 0))
    assert corner.pairs == 0
    assert Flicker().ratio is None and "not measured" in Flicker().text
    still = np.full((32, 32, 3), 0.5, np.float32)
    assert flicker_between((still, still), (enlarge(still, 2), enlarge(still, 2))).ratio is None


def test_large_frames_are_registered_on_fewer_pixels(portrait: FloatArray) -> None:
    large = resize(portrait, 700, 700)
    pair = noisy(large[:, :-8], 1), noisy(large[:, 8:], 2)
    found = flicker_between(pair, pair)
    assert found.ratio == pytest.approx(1.0, abs=1e-6)
    assert found.levels[0] < 255 * 0.03
