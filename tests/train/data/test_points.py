"""Landmarks are found once and then follow what is done to the picture."""

from __future__ import annotations

import numpy as np
import pytest
from few_pictures import face, few_pictures

from mfrec.image.geometry import identity_map, warp
from mfrec.train.data.crops import Pose, draw_pose
from mfrec.train.data.pictures import Pictures
from mfrec.train.data.points import MIRRORED, PicturePoints, face_points, mirrored, unbent
from mfrec.train.data.shots import draw_views, make_view


@pytest.fixture(scope="module")
def points() -> PicturePoints:
    return PicturePoints(few_pictures())


def test_every_point_has_one_mirror_image() -> None:
    assert sorted(MIRRORED) == list(range(68))
    assert np.array_equal(MIRRORED[MIRRORED], np.arange(68))
    assert [int(MIRRORED[k]) for k in (0, 8, 17, 27, 36, 41, 48, 57, 60, 67)] == [16, 8, 26, 27, 45, 46, 54, 57, 64, 65]


def test_mirrored_points_are_those_of_the_mirrored_picture() -> None:
    picture = face()
    found = face_points(np.ascontiguousarray(picture[:, ::-1]))
    error = np.linalg.norm(mirrored(face_points(picture), picture.shape[1]) - found, axis=1)
    assert np.median(error) < 2.5  # of 60 px between the eyes


def test_mirroring_twice_changes_nothing() -> None:
    some = np.random.default_rng(0).random((68, 2), np.float32) * 64
    assert np.allclose(mirrored(mirrored(some, 64), 64), some, atol=1e-4)


def test_points_follow_a_crop(points: PicturePoints) -> None:
    """Mapped back by the pose they are where they were found."""
    rng = np.random.default_rng(0)
    for _ in range(4):
        pose = draw_pose(rng, 192, 192, 64, 1.8, turn=20, shift=1.0)
        found = points.of_crop(0, pose, 64)
        assert found.shape == (68, 2)
        assert found.dtype == np.float32
        back = mirrored(found, 64) if pose.mirrored else found
        matrix = np.array(pose.matrix)
        assert np.abs(back @ matrix[:, :2].T + matrix[:, 2] - points.of(0)).max() < 1e-3


def test_points_follow_what_was_bent(points: PicturePoints) -> None:
    """A spot painted at a landmark of the picture is found at the landmark of the view."""
    pictures = few_pictures()
    eye = points.of(0)[36:42].mean(axis=0)
    y, x = np.indices(pictures.stills[0].shape[:2])
    spot = np.exp(-((x - eye[0]) ** 2 + (y - eye[1]) ** 2) / 30)
    painted = (255 * np.repeat(spot[..., None], 3, axis=2)).astype(np.uint8)
    for seed in range(4):
        drawn = draw_views(Pictures((painted,)), np.random.default_rng(seed), 96, 1.8)[3]
        view = make_view(Pictures((painted,)), drawn, 96)
        cut = view.image[..., 0].astype(np.float64)
        rows, columns = np.indices(cut.shape)
        found = np.array([(cut * columns).sum(), (cut * rows).sum()]) / cut.sum()
        expected = points.of_crop(0, view.pose, 96, view.field)
        eyes = [expected[36:42].mean(axis=0), expected[42:48].mean(axis=0)]
        assert np.abs(eyes[int(view.pose.mirrored)] - found).max() < 0.6


def test_bending_is_undone() -> None:
    rng = np.random.default_rng(0)
    field = np.stack([3 * np.sin(identity_map(64, 64)[..., k] / 15) for k in (1, 0)], axis=-1).astype(np.float32)
    some = (8 + 48 * rng.random((68, 2))).astype(np.float32)
    there = unbent(some, field)
    assert np.abs(there + warp(field, there[None], interpolation="linear")[0] - some).max() < 0.05
    assert np.abs(there - some).max() > 1


def test_a_picture_without_a_face_has_no_points() -> None:
    grey = np.full((96, 96, 3), 128, np.uint8)
    points = PicturePoints(Pictures((grey,)))
    assert np.isnan(points.of_crop(0, Pose(((1, 0, 0), (0, 1, 0)), True), 32)).all()


def test_a_picture_is_looked_at_once(points: PicturePoints) -> None:
    assert points.of(1) is points.of(1)
