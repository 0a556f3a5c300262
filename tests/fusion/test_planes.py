"""What the fusing network reads and says, as arrays on the canvas."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from moving_portrait import SCALE, SIDE, film_shifts
from small_networks import small_fusion

from mfrec.fusion.planes import fuse_planes, planes_of
from mfrec.image.geometry import resize
from mfrec.nets.fusion import PLANES
from mfrec.registration.dense import identity_registration, register
from mfrec.types import Canvas, Cleaned


@pytest.fixture(scope="module")
def filmed(portrait):
    return film_shifts(portrait, ((0.0, 0.0), (0.8, -0.6)))


def clean_of(image, window=(0, 0), size=None) -> Cleaned:
    """A cleaning that only enlarges, of a window; its sigma rises from left to right over the frame."""
    x0, y0 = window
    height, width = size or image.shape[:2]
    rising = np.linspace(0.01, 0.05, image.shape[1] * SCALE, dtype=np.float32)
    sigma = np.broadcast_to(rising, (image.shape[0] * SCALE, len(rising)))
    inner = slice(SCALE * y0, SCALE * (y0 + height)), slice(SCALE * x0, SCALE * (x0 + width))
    large = resize(image, image.shape[0] * SCALE, image.shape[1] * SCALE)
    return Cleaned(large[inner], sigma[inner], window, SCALE)


def test_the_reference_lies_on_the_canvas_as_it_is(filmed):
    image = filmed.frames[0].image
    cleaned = clean_of(image)
    planes = planes_of(image, cleaned, identity_registration(filmed.canvas, image))
    assert planes.shape == (PLANES, SIDE * SCALE, SIDE * SCALE)
    assert planes.dtype == np.float32
    assert planes.flags.c_contiguous
    assert np.abs(planes[:3] - cleaned.image.transpose(2, 0, 1)).max() < 1e-5
    assert np.abs(planes[3:6] - resize(image, SIDE * SCALE, SIDE * SCALE).transpose(2, 0, 1)).max() < 1e-5
    assert np.allclose(planes[6], 2 * np.log(cleaned.sigma), atol=1e-5)
    assert planes[7].min() == 1


def test_a_registered_frame_shows_what_the_reference_shows(filmed):
    reference, moved = (frame.image for frame in filmed.frames)
    target = resize(reference, SIDE * SCALE, SIDE * SCALE)
    registration = register(target, moved, filmed.canvas.from_reference.inverse(), filmed.canvas)
    planes = planes_of(moved, clean_of(moved), registration)
    still = planes_of(moved, clean_of(moved), identity_registration(filmed.canvas, moved))
    inner = np.s_[:, 20:-20, 20:-20]
    for rows in (slice(0, 3), slice(3, 6)):
        error = np.abs(planes[rows] - target.transpose(2, 0, 1))[inner].mean()
        assert error < 0.5 * np.abs(still[rows] - target.transpose(2, 0, 1))[inner].mean()
    assert np.array_equal(planes[7], registration.trust)


def test_cleaned_and_raw_are_brought_into_one_light(filmed):
    image = filmed.frames[0].image
    plain = identity_registration(filmed.canvas, image)
    gain, offset = np.array([1.2, 1.0, 0.8], np.float32), np.array([0.0, 0.1, -0.05], np.float32)
    before = planes_of(image, clean_of(image), plain)
    after = planes_of(image, clean_of(image), replace(plain, gain=gain, offset=offset))
    expected = before[:6].reshape(2, 3, *before.shape[1:]) * gain[:, None, None] + offset[:, None, None]
    assert np.allclose(after[:6].reshape(expected.shape), expected, atol=1e-5)
    assert np.array_equal(after[6:], before[6:])


def test_a_part_that_was_cleaned_lands_where_it_lies_in_the_frame(filmed):
    image = filmed.frames[0].image
    canvas = Canvas(12, 10, 16, 12, SCALE)
    registration = identity_registration(canvas, image)
    whole = planes_of(image, clean_of(image), registration)
    part = planes_of(image, clean_of(image, window=(8, 8), size=(24, 32)), registration)
    assert np.abs(part - whole).max() < 1e-5
    large = resize(image, SIDE * SCALE, SIDE * SCALE)[40:88, 48:112]
    assert np.abs(part[:3] - large.transpose(2, 0, 1)).max() < 1e-5


def test_certainty_beyond_an_eighth_of_a_grey_level_is_not_believed(filmed):
    image = filmed.frames[0].image
    sure = replace(clean_of(image), sigma=np.zeros((SIDE * SCALE, SIDE * SCALE), np.float32))
    planes = planes_of(image, sure, identity_registration(filmed.canvas, image))
    assert np.allclose(planes[6], 2 * np.log(1e-3))


def test_what_the_network_says_as_arrays():
    rng = np.random.default_rng(0)
    stack = rng.random((3, PLANES, 24, 16), np.float32)
    told = rng.standard_normal((3, 8)).astype(np.float32)
    network = small_fusion()
    made = fuse_planes(network, stack, told, 1)
    again = fuse_planes(network, stack, told, 1)
    assert made.image.shape == made.correction.shape == (24, 16, 3)
    assert made.weight.shape == (3, 24, 16)
    assert made.sigma.shape == (24, 16)
    assert np.exp(-5.5) <= made.sigma.min() <= made.sigma.max() <= np.exp(0.5)
    assert np.allclose(made.weight.sum(axis=0), 1, atol=1e-5)
    mean = np.einsum("nhw,nchw->hwc", made.weight, stack[:, :3])
    assert np.allclose(made.image, mean + made.correction, atol=1e-5)
    assert np.array_equal(made.image, again.image)
