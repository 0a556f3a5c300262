"""Crops under a random pose keep the convention of pixels, average where they shrink, and can be undone."""

from __future__ import annotations

import numpy as np
import pytest
from few_pictures import face

from mfrec.image.geometry import resize
from mfrec.train.data.crops import Pose, crop, draw_pose, whole

UPRIGHT = Pose(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)), False)


def test_the_pose_that_does_nothing_cuts_the_corner() -> None:
    picture = face()
    assert np.array_equal(crop(picture, UPRIGHT, 64), picture[:64, :64] / np.float32(255))


def test_a_shift_by_whole_pixels_and_a_mirror_are_exact() -> None:
    picture = face()
    pose = Pose(((1.0, 0.0, 7.0), (0.0, 1.0, 11.0)), True)
    assert np.array_equal(crop(picture, pose, 64), picture[11:75, 7:71][:, ::-1] / np.float32(255))


@pytest.mark.parametrize("factor", [2, 3])
def test_what_shrinks_is_averaged(factor: int) -> None:
    picture = face()[: 48 * factor, : 48 * factor]
    pose = whole(picture, np.empty((48, 48, 3)))
    expected = resize(picture / np.float32(255), 48, 48, interpolation="area")
    assert np.abs(crop(picture, pose, 48) - expected).max() < 1 / 255


def test_a_turned_crop_reads_where_its_matrix_says() -> None:
    """The middle of a bright disc is found where the pose puts it."""
    y, x = np.indices((200, 200))
    disc = (255 * np.exp(-((x - 120) ** 2 + (y - 80) ** 2) / 50)).astype(np.uint8)
    picture = np.repeat(disc[..., None], 3, axis=2)
    rng = np.random.default_rng(0)
    for _ in range(5):
        pose = draw_pose(rng, 200, 200, 96, 1.4, turn=20, shift=0.2)
        cut = crop(picture, pose, 96)[..., 0].astype(np.float64)
        rows, columns = np.indices(cut.shape)
        found = np.array([(cut * columns).sum(), (cut * rows).sum()]) / cut.sum()
        if pose.mirrored:
            found[0] = 95 - found[0]
        matrix = np.array(pose.matrix)
        assert np.abs(matrix[:, :2] @ found + matrix[:, 2] - (120, 80)).max() < 0.3


def test_poses_stay_in_their_ranges() -> None:
    rng = np.random.default_rng(1)
    poses = [draw_pose(rng, 160, 240, 64, 2.0, turn=10, shift=1.0) for _ in range(200)]
    assert {pose.mirrored for pose in poses} == {True, False}
    for pose in poses:
        matrix = np.array(pose.matrix)
        assert np.hypot(matrix[0, 0], matrix[1, 0]) == pytest.approx(2.0)
        assert abs(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0]))) <= 10
        x, y = matrix @ (31.5, 31.5, 1)
        assert abs(x - 119.5) <= 56 + 8
        assert abs(y - 79.5) <= 16 + 8


def test_beyond_the_picture_is_its_mirror_image() -> None:
    picture = face()[:64, :64]
    pose = Pose(((1.0, 0.0, -4.0), (0.0, 1.0, 0.0)), False)
    assert np.array_equal(crop(picture, pose, 64)[:, :4], picture[:, 3::-1] / np.float32(255))
