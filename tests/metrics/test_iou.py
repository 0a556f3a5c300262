"""Intersection over union against its definition, set by set."""

from __future__ import annotations

import numpy as np

from mfrec.metrics.iou import confusion, iou


def test_it_is_the_intersection_over_the_union() -> None:
    rng = np.random.default_rng(0)
    found, truth = rng.integers(0, 4, (2, 20, 30))
    expected = [((found == c) & (truth == c)).sum() / ((found == c) | (truth == c)).sum() for c in range(4)]
    np.testing.assert_allclose(iou(confusion(found, truth, 4)), expected)


def test_equal_maps_have_one_and_absent_classes_have_none() -> None:
    truth = np.array([[0, 0, 2], [2, 2, 0]])
    np.testing.assert_array_equal(iou(confusion(truth, truth, 4)), [1, np.nan, 1, np.nan])


def test_rows_are_true_classes_and_unlabelled_pixels_count_nowhere() -> None:
    matrix = confusion(np.array([1, 1, 0, 1]), np.array([0, 255, 0, 1], np.uint8), 2)
    np.testing.assert_array_equal(matrix, [[1, 1], [0, 1]])


def test_pictures_add_up() -> None:
    rng = np.random.default_rng(1)
    found, truth = rng.integers(0, 3, (2, 2, 8, 8))
    parts = sum(confusion(f, t, 3) for f, t in zip(found, truth, strict=True))
    np.testing.assert_array_equal(parts, confusion(found, truth, 3))
