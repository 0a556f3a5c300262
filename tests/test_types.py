"""Values that travel between stages cannot be changed and refuse wrong shapes."""

import dataclasses

import numpy as np
import pytest

from mfrec.types import Cleaned, Frame, Landmarks, Similarity, frozen_array


def test_arrays_are_copied_and_read_only():
    mine = np.zeros((4, 4, 3), np.float32)
    frame = Frame(mine, 0, "a")
    mine[:] = 1
    assert frame.image.max() == 0
    with pytest.raises(ValueError, match="read-only"):
        frame.image[0, 0, 0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        frame.name = "b"  # type: ignore[misc]


def test_a_frozen_array_is_not_copied_again():
    once = frozen_array(np.ones(3))
    assert frozen_array(once) is once


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 1), (4, 4, 4)])
def test_a_frame_is_colour(shape):
    with pytest.raises(ValueError, match=r"\[H, W, 3\]"):
        Frame(np.zeros(shape, np.float32), 0, "a")


def test_landmarks_and_similarity_have_one_shape():
    with pytest.raises(ValueError, match="68, 2"):
        Landmarks(np.zeros((5, 2), np.float32))
    with pytest.raises(ValueError, match="2, 3"):
        Similarity(np.eye(3))


def test_interocular_distance():
    points = np.zeros((68, 2), np.float32)
    points[36:42] = [10, 20]
    points[42:48] = [40, 60]
    assert Landmarks(points).interocular == pytest.approx(50)


def test_a_cleaned_part_knows_where_it_lies_in_its_frame():
    cleaned = Cleaned(np.zeros((32, 48, 3), np.float32), np.zeros((32, 48), np.float32), (5, 7), 4)
    # The frame pixel at the part's corner covers the first four by four pixels; their centre is at 1.5.
    assert np.allclose(cleaned.from_frame.apply([5, 7]), [1.5, 1.5])
    assert np.allclose(cleaned.from_frame.apply([16, 14]), [45.5, 29.5])
    with pytest.raises(ValueError, match="read-only"):
        cleaned.image[0, 0, 0] = 1
