"""The cut of an eye: its corners lie where they should, whatever the picture; closed eyes are told from open ones."""

from __future__ import annotations

import numpy as np
import pytest

from mfrec.face.eyes import CORNERS, EYE, HEIGHT, OPEN, SIDES, WIDTH, aspect_ratio, cut_eye
from mfrec.image.filters import gaussian
from mfrec.types import FloatArray, Landmarks


def face_of(left: np.ndarray, right: np.ndarray, height: float = 0.3) -> Landmarks:
    """Landmarks whose eyes have these corners ``[2, 2]`` and that height in shares of their width."""
    points = np.zeros((68, 2), np.float32)
    for first, (outer, inner) in ((36, left), (42, right)):
        across = inner - outer
        down = np.array([-across[1], across[0]]) * height / 2
        third = across / 3
        points[first : first + 6] = [
            outer,
            outer + third - down,
            outer + 2 * third - down,
            inner,
            outer + 2 * third + down,
            outer + third + down,
        ]
    return Landmarks(points)


LEVEL = face_of(np.array([[20.0, 40.0], [44.0, 40.0]]), np.array([[70.0, 41.0], [94.0, 42.0]]))


@pytest.fixture(scope="module")
def smooth() -> FloatArray:
    noise = np.random.default_rng(0).random((100, 120, 3), np.float32)
    return np.clip(0.5 + 4 * (gaussian(noise, 3) - 0.5), 0, 1).astype(np.float32)


@pytest.mark.parametrize("side", SIDES)
def test_the_corners_lie_at_their_places(side, smooth: FloatArray) -> None:
    cut = cut_eye(smooth, LEVEL, side)
    assert cut.image.shape == (HEIGHT, WIDTH, 3) and cut.image.dtype == np.float32
    corners = LEVEL.points[[36, 39] if side == "left" else [42, 45]]
    np.testing.assert_allclose(cut.to_image.apply(CORNERS), corners, atol=1e-4)
    assert np.linalg.norm(CORNERS[1] - CORNERS[0]) == EYE


def test_what_is_cut_is_what_is_there(smooth: FloatArray) -> None:
    cut = cut_eye(smooth, LEVEL, "left")
    # The eye of 24 px is twice as large in the cut: pixel (23.5, 23.5) + (8, 4) there is (4, 2) from the corner here.
    expected = (smooth[41:43, 23:25]).mean(axis=(0, 1))
    np.testing.assert_allclose(cut.image[27:29, 23:25].mean(axis=(0, 1)), expected, atol=0.05)


def test_a_turned_and_larger_face_gives_the_same_cut(smooth: FloatArray) -> None:
    from mfrec.image.geometry import resize

    large = np.rot90(resize(smooth, 400, 480), -1)
    places = 4 * (LEVEL.points + 0.5) - 0.5
    turned = Landmarks(np.stack([399 - places[:, 1], places[:, 0]], axis=1).astype(np.float32))
    for side in SIDES:
        np.testing.assert_allclose(
            cut_eye(np.ascontiguousarray(large), turned, side).image, cut_eye(smooth, LEVEL, side).image, atol=0.03
        )


@pytest.mark.parametrize("height", [0.1, 0.2, 0.35])
def test_the_aspect_ratio_is_height_over_width(height: float) -> None:
    face = face_of(np.array([[20.0, 40.0], [40.0, 50.0]]), np.array([[70.0, 41.0], [94.0, 30.0]]), height)
    for side in SIDES:
        assert aspect_ratio(face, side) == pytest.approx(height, rel=1e-4)


def test_the_portrait_has_its_eyes_open(portrait: FloatArray) -> None:
    from mfrec.metrics.names import Truth

    landmarks = Truth(portrait, "portrait").face.landmarks
    assert all(aspect_ratio(landmarks, side) > OPEN for side in SIDES)


def test_eyes_without_width_are_refused(smooth: FloatArray) -> None:
    nowhere = face_of(np.zeros((2, 2)), np.array([[70.0, 41.0], [94.0, 42.0]]))
    with pytest.raises(ValueError, match="corners of the left eye lie at"):
        cut_eye(smooth, nowhere, "left")
