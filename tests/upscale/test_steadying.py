"""Steadying: what is each picture's own is averaged out, what moves is kept, and a cut leaves nothing behind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from portrait_clips import moving

from mfrec.image.geometry import enlarge
from mfrec.types import FloatArray, Frame
from mfrec.upscale.asked import Asked
from mfrec.upscale.made import Made
from mfrec.upscale.steadying import LAID, Steady, steadied

SCALE = 2


@pytest.fixture(scope="module")
def larger(portrait: FloatArray) -> list[FloatArray]:
    """Five moments of 96 px, turning and shifting."""
    return [np.asarray(image / 255, np.float32) for image in moving(portrait, 5, 96)]


def away(picture: FloatArray, truth: FloatArray) -> float:
    return float(np.sqrt(np.mean((picture - truth) ** 2)))


def test_what_is_each_ones_own_is_averaged_out(larger: list[FloatArray]) -> None:
    rng = np.random.default_rng(0)
    noisy = [np.clip(image + rng.normal(0, 0.05, image.shape), 0, 1).astype(np.float32) for image in larger]
    made, shares = steadied(noisy[2], [noisy[k] for k in (0, 1, 3, 4)], SCALE)
    assert made.shape == noisy[2].shape and made.dtype == np.float32
    assert away(made, larger[2]) < 0.65 * away(noisy[2], larger[2])
    moved = [away(made, image) for image in larger]
    assert int(np.argmin(moved)) == 2, "it is the picture of its own moment"
    assert len(shares) == 4 and min(shares) > 3 * LAID and max(shares) <= 1


def test_a_cut_leaves_no_ghost(larger: list[FloatArray]) -> None:
    other = np.ascontiguousarray(1 - larger[1][::-1])
    made, shares = steadied(larger[2], [other, other], SCALE)
    assert away(made, larger[2]) < 2 / 255
    assert max(shares) < LAID, "and is said to have given nothing"
    assert np.array_equal(steadied(larger[2], [], SCALE)[0], larger[2])


def test_every_picture_is_made_once_and_from_its_own_neighbours(larger: list[FloatArray]) -> None:
    asked: list[tuple[int, ...]] = []

    def method(frames: Sequence[Frame], position: int) -> Made:
        indices = tuple(frame.index for frame in frames)
        asked.append((frames[position].index, *indices))
        return Made(enlarge(frames[position].image, SCALE), frozenset(indices))

    frames = [Frame(image[::SCALE, ::SCALE].copy(), number, str(number)) for number, image in enumerate(larger)]
    steady = Steady(method, SCALE, inner=1, around=1)
    used = [steady(frames[max(0, n - 2) : n + 3], min(n, 2)).used for n in range(5)]
    assert asked == [(0, 0, 1), (1, 0, 1, 2), (2, 1, 2, 3), (3, 2, 3, 4), (4, 3, 4)]
    assert [sorted(indices) for indices in used] == [[0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3, 4], [1, 2, 3, 4], [2, 3, 4]]
    again = Steady(method, SCALE, inner=1, around=1)(frames[1:], 2)
    assert np.array_equal(again.image, steady(frames[1:], 2).image), "begun in the middle it is the same"


def test_only_the_part_that_the_method_made_is_steadied(larger: list[FloatArray]) -> None:
    rng = np.random.default_rng(1)
    parts = [(20, 60, 30, 70), (20, 60, 30, 70), (0, 0, 0, 0)]

    def method(frames: Sequence[Frame], position: int) -> Made:
        index = frames[position].index
        image = np.clip(larger[index] + rng.normal(0, 0.05, larger[index].shape), 0, 1).astype(np.float32)
        return Made(image, frozenset((index,)), parts[index])

    frames = [Frame(image[::SCALE, ::SCALE].copy(), number, str(number)) for number, image in enumerate(larger[:3])]
    steady = Steady(method, SCALE, inner=0, around=2)
    made, part = steady(frames, 0), (slice(20, 60), slice(30, 70))
    plain = steady._made[0].image
    outside = np.ones(plain.shape[:2], bool)
    outside[part] = False
    assert np.array_equal(made.image[outside], plain[outside])
    assert away(made.image[part], larger[0][part]) < 0.95 * away(plain[part], larger[0][part])
    assert made.used == {0, 1}, "a picture without the face gives nothing"
    assert np.array_equal(steady(frames, 2).image, steady._made[2].image)


def test_what_is_usual() -> None:
    assert (Asked(window=5).steadies, Asked(window=1).steadies, Asked().steadies) == (2, 0, 0)
    assert Asked(window=5).reach == 4 and Asked(window=5, steady=0).reach == 2 and Asked(steady=1).reach == 1


def test_a_record_from_before_is_not_steadied() -> None:
    asked = Asked(window=5)
    assert asked.steadies > 0
    assert Asked.recorded(asked.record()) == asked
    before = {key: value for key, value in asked.record().items() if key != "steady"}
    assert Asked.recorded(before).steadies == 0
