"""Landmarks as a drawing: where its lines are, and that they follow the points."""

from __future__ import annotations

import numpy as np
import pytest

from mfrec.face.landmark_sketch import sketch


@pytest.fixture
def points() -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    return np.column_stack([32 + 20 * np.cos(angles), 32 + 20 * np.sin(angles)]).astype(np.float32)


def test_lines_go_through_the_points_and_nothing_else_is_drawn(points: np.ndarray) -> None:
    drawn = sketch(points, 64)
    assert drawn.shape == (64, 64, 3) and drawn.dtype == np.float32 and drawn.max() <= 1
    x, y = np.rint(points).astype(int).T
    assert (drawn[y, x].max(axis=1) > 0.2).all()
    assert 0.01 < (drawn.max(axis=2) > 0).mean() < 0.3


def test_lines_move_with_the_points_by_parts_of_a_pixel(points: np.ndarray) -> None:
    drawn = sketch(points, 64)
    assert np.array_equal(sketch(points + 3, 64)[3:, 3:], drawn[:-3, :-3])
    rows = np.arange(64)[:, None]
    middle = [
        (one.sum(axis=2) * rows).sum() / one.sum()
        for one in (drawn, sketch(points + np.array([0, 0.5], np.float32), 64))
    ]
    assert middle[1] - middle[0] == pytest.approx(0.5, abs=0.1)


def test_points_outside_are_no_fault_and_unknown_ones_are(points: np.ndarray) -> None:
    assert sketch(points + 1e9, 64).max() == 0
    points[5] = np.nan
    with pytest.raises(ValueError, match="unknown"):
        sketch(points, 64)
