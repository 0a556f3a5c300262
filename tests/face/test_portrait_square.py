"""The square of a portrait: upright whatever the face's turn, and the same face whatever its size."""

from __future__ import annotations

import numpy as np
import pytest
from schematic_face import face

from mfrec.face.portrait_square import portrait_square
from mfrec.types import Similarity


def points() -> np.ndarray:
    return np.asarray(face().points, np.float64)


def test_eyes_are_level_and_the_face_fills_the_square() -> None:
    square = portrait_square(points(), 64).inverse()
    there = square.apply(points())
    left, right, mouth = there[36:42].mean(axis=0), there[42:48].mean(axis=0), there[48:60].mean(axis=0)
    assert left[1] == pytest.approx(right[1], abs=0.5)
    assert (left[0] + right[0]) / 2 == pytest.approx(31.5, abs=1)
    assert left[1] < 31.5 < mouth[1] < 63
    assert 0.3 * 64 < right[0] - left[0] < 0.5 * 64


@pytest.mark.parametrize(("degrees", "scale"), [(0, 3), (30, 1), (-170, 0.4)])
def test_it_follows_the_face(degrees: float, scale: float) -> None:
    c, s = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    moved = Similarity(np.array([[c, -s, 17.0], [s, c, -4.0]]))
    plain, other = portrait_square(points(), 64), portrait_square(moved.apply(points()), 64)
    np.testing.assert_allclose(other.matrix, moved.after(plain).matrix, atol=1e-8)


def test_another_side_is_the_same_square() -> None:
    small, large = portrait_square(points(), 32), portrait_square(points(), 64)
    np.testing.assert_allclose(small.apply([-0.5, -0.5]), large.apply([-0.5, -0.5]), atol=1e-8)
    np.testing.assert_allclose(small.apply([31.5, 31.5]), large.apply([63.5, 63.5]), atol=1e-8)


def test_unknown_points_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown or coincide"):
        portrait_square(np.full((68, 2), np.nan), 64)
    with pytest.raises(ValueError, match="unknown or coincide"):
        portrait_square(np.zeros((68, 2)), 64)
