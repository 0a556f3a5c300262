"""Supervised descent: on discs, whose contours are known to the pixel, and on drawn eyes of people not learnt from."""

from __future__ import annotations

import numpy as np
import pytest

from mfrec.face.supervised_descent import SPACINGS, described, learn, orientations
from mfrec.train.data.eye_users import TEXTURES
from mfrec.train.data.synthetic_eyes import contours, render_eye
from mfrec.train.streams.user_eye_stream import UserEyeStream
from mfrec.types import FloatArray

CIRCLE = np.column_stack([f(np.arange(8) * np.pi / 4) for f in (np.cos, np.sin)])


def disc(x: float, y: float, radius: float) -> tuple[FloatArray, np.ndarray]:
    """A dark disc ``[48, 80, 3]`` with soft edges, and its centre and contour ``[9, 2]``."""
    rows, columns = np.mgrid[:48, :80]
    grey = 0.2 + 0.5 / (1 + np.exp(2 * (radius - np.hypot(columns - x, rows - y))))
    middle = np.array([x, y])
    return np.dstack([grey] * 3).astype(np.float32), np.concatenate([middle[None], middle + radius * CIRCLE])


def discs(count: int, seed: int) -> tuple[list[FloatArray], np.ndarray]:
    rng = np.random.default_rng(seed)
    made = [disc(*rng.uniform((33, 20, 7), (47, 28, 11))) for _ in range(count)]
    return [image for image, _ in made], np.stack([shape for _, shape in made])


def test_discs_are_found_between_pixels_whatever_the_light() -> None:
    found = learn(*discs(80, 0))
    eyes, shapes = discs(20, 1)
    first = np.linalg.norm(found.mean - shapes, axis=2).mean()
    errors = np.linalg.norm(found.find(eyes) - shapes, axis=2)
    assert first > 3
    assert errors.mean() < 0.3
    np.testing.assert_allclose(found.find([0.1 + 0.6 * eyes[0]]), found.find(eyes[:1]), atol=0.02)
    assert len(found.steps) == len(SPACINGS)
    assert found.steps[0].shape == (1 + 9 * 9 * 8, 18)


def test_the_same_is_learnt_again_and_what_cannot_be_is_said() -> None:
    first, second = (learn(*discs(20, 0)) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first.steps, second.steps, strict=True))
    eyes, shapes = discs(3, 0)
    with pytest.raises(ValueError, match="3 eyes and 2 shapes"):
        learn(eyes, shapes[:2])


def test_orientations_share_the_gradient_and_turn_with_the_picture() -> None:
    image, _ = disc(40, 24, 9)
    maps = orientations(image)
    grey = image[..., 0] / image[..., 0].std()
    across = (grey[24, 32] - grey[24, 30]) / 2
    assert maps[24, 31].argmax() == 4, "brightness grows to the left there"
    assert maps[24, 31].sum() == pytest.approx(abs(across), rel=0.15)
    np.testing.assert_allclose(orientations(image[:, ::-1])[24, 48].argmax(), 0)


def test_points_outside_of_the_picture_read_its_border() -> None:
    maps = orientations(disc(40, 24, 9)[0])[None]
    far = described(maps, np.array([[[-50.0, 24.0], [500.0, 500.0]]]), 3.0)
    assert far.shape == (1, 1 + 2 * 9 * 8)
    assert np.isfinite(far).all() and far[0, 0] == 1


def test_contours_of_eyes_of_a_texture_that_was_left_out() -> None:
    def eyes(seed: int, count: int, *, left_out: bool) -> tuple[list[FloatArray], np.ndarray]:
        stream = UserEyeStream(seed, users=100, only_left_out=left_out)
        drawn = [stream.drawn(i) for i in range(count)]
        pictures = [render_eye(one.eye, TEXTURES[one.texture].spokes).image for one in drawn]
        # Both centres and four points of the iris: fewer numbers, and a test of seconds.
        return pictures, np.stack([contours(one.eye)[[0, 1, 2, 6, 10, 14]] for one in drawn])

    found = learn(*eyes(0, 120, left_out=False))
    pictures, shapes = eyes(1, 30, left_out=True)
    errors = np.linalg.norm(found.find(pictures) - shapes, axis=2)
    assert np.median(errors[:, 0]) < 0.6, "pixels of an eye that is 48 wide"
    assert errors.mean() < 0.25 * np.linalg.norm(found.mean - shapes, axis=2).mean()
