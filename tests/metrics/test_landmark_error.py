"""Landmark error: its unit, its invariances, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from mfrec.metrics.landmark_error import landmark_error, point_errors
from mfrec.types import Landmarks


@pytest.fixture
def points() -> np.ndarray:
    points = np.random.default_rng(0).uniform(20, 100, (68, 2)).astype(np.float32)
    points[36:42] += (40, 60) - points[36:42].mean(axis=0)
    points[42:48] += (90, 60) - points[42:48].mean(axis=0)
    return points


def test_a_shift_by_a_tenth_of_the_eye_distance_is_a_tenth(points: np.ndarray) -> None:
    assert landmark_error(Landmarks(points), Landmarks(points)) == 0
    assert landmark_error(Landmarks(points + np.array([3, 4], np.float32)), Landmarks(points)) == pytest.approx(
        0.1, abs=1e-6
    )


def test_it_does_not_depend_on_scale_and_turn(points: np.ndarray) -> None:
    moved = points + np.random.default_rng(1).normal(0, 2, points.shape).astype(np.float32)
    expected = landmark_error(Landmarks(moved), Landmarks(points))
    turn = np.array([[2.4, -1.8], [1.8, 2.4]], np.float32)
    assert landmark_error(Landmarks(moved @ turn), Landmarks(points @ turn)) == pytest.approx(expected, rel=1e-5)


def test_it_is_the_mean_over_points(points: np.ndarray) -> None:
    moved = points.copy()
    moved[8] += (0, 50)
    errors = point_errors(Landmarks(moved), Landmarks(points))
    assert errors[8] == pytest.approx(1.0, abs=1e-5)
    assert np.count_nonzero(errors) == 1
    assert landmark_error(Landmarks(moved), Landmarks(points)) == pytest.approx(1 / 68, abs=1e-6)


def test_refusals(points: np.ndarray) -> None:
    broken = points.copy()
    broken[0] = np.nan
    with pytest.raises(ValueError, match="landmarks of the result are NaN"):
        landmark_error(Landmarks(broken), Landmarks(points))
    with pytest.raises(ValueError, match="eyes of the truth coincide"):
        landmark_error(Landmarks(points), Landmarks(np.ones((68, 2), np.float32)))
