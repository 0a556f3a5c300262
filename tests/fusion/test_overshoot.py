"""A picture is no brighter and no darker than two frames, or the reference, show nearby."""

from __future__ import annotations

import numpy as np
import pytest
from moving_portrait import film_shifts

from mfrec.camera.noise import noise_of
from mfrec.fusion.overshoot import within_seen
from mfrec.fusion.robust import estimate
from mfrec.fusion.source import MapSettings, as_source
from mfrec.image.geometry import enlarge
from mfrec.registration.dense import identity_registration, register
from mfrec.types import FloatArray

SCALE = 4
FLAT = np.full((48, 48, 3), 0.5, np.float32)


def believed(count: int) -> FloatArray:
    return np.ones((count, *FLAT.shape[:2]), np.float32)


def test_what_lies_within_is_given_back_itself() -> None:
    frames = [FLAT - 0.1, FLAT, FLAT + 0.1, FLAT + 0.2, FLAT - 0.2]
    image = np.clip(FLAT + np.random.default_rng(0).uniform(-0.1, 0.1, FLAT.shape), 0.4, 0.6).astype(np.float32)
    assert within_seen(image, frames, believed(5), SCALE, 0) is image


def test_two_frames_have_to_agree() -> None:
    """One frame's white speck does not allow white, two frames' do, and only within the reach."""
    speck = FLAT.copy()
    speck[24, 24] = 1.0
    white = np.ones_like(FLAT)
    np.testing.assert_array_equal(within_seen(white, [FLAT, FLAT, speck], believed(3), SCALE, 0), FLAT)
    allowed = within_seen(white, [FLAT, speck, speck], believed(3), SCALE, 0)
    y, x = np.mgrid[:48, :48]
    away = np.hypot(y - 24, x - 24)
    assert (allowed[away <= 5] == 1.0).all()
    np.testing.assert_array_equal(allowed[away > 7], FLAT[away > 7])


def test_the_reference_is_enough_by_itself() -> None:
    speck = FLAT.copy()
    speck[24, 24] = 1.0
    white = np.ones_like(FLAT)
    assert within_seen(white, [FLAT, FLAT, speck], believed(3), SCALE, 2)[24, 24].min() == 1.0


def test_who_is_not_believed_allows_nothing_and_one_alone_is_enough() -> None:
    white, black = np.ones_like(FLAT), np.zeros_like(FLAT)
    belief = believed(3)
    belief[1:] = 0.05
    np.testing.assert_array_equal(within_seen(white, [FLAT, white, white], belief, SCALE, 0), FLAT)
    np.testing.assert_array_equal(within_seen(black, [FLAT, white, black], belief, SCALE, 0), FLAT)
    # Where nobody sees anything, nothing is known against the picture.
    np.testing.assert_array_equal(within_seen(white, [FLAT] * 3, 0 * belief, SCALE, 0), white)


def test_order_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    frames = [rng.uniform(0, 1, FLAT.shape).astype(np.float32) for _ in range(4)]
    belief = rng.uniform(0, 1, (4, *FLAT.shape[:2])).astype(np.float32)
    image = rng.uniform(-0.5, 1.5, FLAT.shape).astype(np.float32)
    made = within_seen(image, frames, belief, SCALE, 0)
    np.testing.assert_array_equal(made, within_seen(image, frames[::-1], belief[::-1], SCALE, 3))


def test_a_camera_sharper_than_declared_gives_no_seams(portrait: FloatArray, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dark square before a bright wall: declared soft, it is sharpened, and its seams stay within what was filmed."""
    scene = np.full_like(portrait, 0.7)
    scene[60:140, 60:140] = 0.2
    filmed = film_shifts(scene, ((0, 0), (0.5, 0.25), (-0.75, 0.5), (0.25, -0.5)), quality=(95,) * 4)
    target = enlarge(filmed.frames[0].image, filmed.canvas.scale)
    to_frame = filmed.canvas.from_reference.inverse()
    sources = [
        as_source(
            frame.image,
            identity_registration(filmed.canvas, frame.image)
            if k == 0
            else register(target, frame.image, to_frame, filmed.canvas),
            noise_of(frame),
            k == 0,
        )
        for k, frame in enumerate(filmed.frames)
    ]
    settings = MapSettings(psf_sigma=0.9)
    made = estimate(sources, target, filmed.canvas, settings).image
    monkeypatch.setattr("mfrec.fusion.robust.within_seen", lambda image, *_: image)
    sharpened = estimate(sources, target, filmed.canvas, settings).image
    # What is left is in the frames themselves: JPEG's ringing, and that of bicubic interpolation.
    assert made.max() < 0.77
    assert sharpened.max() > 0.79
    assert made.min() > sharpened.min() + 0.01
