"""Data consistency: the truth explains its own frame, a changed picture does not, and lost detail cannot be missed."""

from __future__ import annotations

import numpy as np
import pytest

from mfrec.image.filters import gaussian
from mfrec.image.geometry import enlarge, resize
from mfrec.metrics.consistency import consistency


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    from skimage.data import astronaut

    return (astronaut()[40:168, 160:288] / 255.0).astype(np.float32)


@pytest.fixture(scope="module")
def frame(truth: np.ndarray) -> np.ndarray:
    # A point-spread function of half a frame pixel, sampled at the middle of each pixel: what the metric assumes.
    return resize(gaussian(truth, 0.5 * 4), 32, 32, interpolation="linear")


def test_the_truth_explains_its_own_frame(truth: np.ndarray, frame: np.ndarray) -> None:
    assert consistency(truth, frame) < 0.002
    assert consistency(enlarge(frame, 4), frame) > 5 * consistency(truth, frame), "bicubic is softer than its own frame"


def test_a_lighter_picture_differs_by_the_light() -> None:
    flat = np.full((32, 32), 0.5, np.float32)
    assert consistency(flat + 0.1, flat[::4, ::4]) == pytest.approx(0.1, abs=1e-6)


def test_what_the_camera_cannot_see_costs_nothing(truth: np.ndarray, frame: np.ndarray) -> None:
    inside = np.clip(truth, 0.05, 0.95)
    fine = inside + 0.1 * (np.indices((128, 128)).sum(axis=0)[..., None] % 2 - 0.5).astype(np.float32)
    assert consistency(fine, frame) - consistency(inside, frame) < 1e-4
    assert consistency(np.ascontiguousarray(truth[:, ::-1]), frame) > 0.05


def test_grey_is_colour_with_equal_channels(truth: np.ndarray, frame: np.ndarray) -> None:
    grey, small = truth[..., 0], frame[..., 0]
    colour = consistency(np.dstack([grey] * 3), np.dstack([small] * 3))
    assert consistency(grey, small) == pytest.approx(colour)


@pytest.mark.parametrize("shape", [(33, 32, 3), (16, 64, 3), (8, 8, 3), (64, 64)])
def test_sizes_that_do_not_belong_together_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"and the frame \(16, 16, 3\); expected the frame's shape"):
        consistency(np.zeros(shape), np.zeros((16, 16, 3)))
