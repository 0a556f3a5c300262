"""What the fusing network reads and says, as arrays on the canvas."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from moving_portrait import SCALE, SIDE, film_shifts
from small_networks import small_fusion

from mfrec.fusion.by_hand import taken_by_hand
from mfrec.fusion.planes import LaidFrames, fuse_frames, planes_of, usual_colours
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


def laid(filmed) -> LaidFrames:
    """Both frames, the second one shifted, with a canvas's worth of belief drawn."""
    reference, moved = (frame.image for frame in filmed.frames)
    registrations = [
        identity_registration(filmed.canvas, reference),
        register(
            resize(reference, SIDE * SCALE, SIDE * SCALE),
            moved,
            filmed.canvas.from_reference.inverse(),
            filmed.canvas,
        ),
    ]
    believed = np.random.default_rng(0).random((2, *filmed.canvas.shape), np.float32)
    images = [reference, moved]
    return LaidFrames(images, [clean_of(image) for image in images], registrations, believed, np.ones_like(believed))


def whole(frames: LaidFrames) -> np.ndarray:
    """All planes of all frames, ``[N, 8, H, W]``."""
    parts = zip(frames.images, frames.cleansed, frames.registrations, strict=True)
    return np.stack([planes_of(*part) for part in parts])


def strips(frames: LaidFrames, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """What strips of some rows give: all planes, and those that a picture is made of."""
    count, height, _ = frames.shape
    tops = range(0, height, rows)
    planes = [np.hstack([frames.planes(k, top, min(top + rows, height)) for top in tops]) for k in range(count)]
    cleaned = [np.hstack([frames.cleaned(k, top, min(top + rows, height)) for top in tops]) for k in range(count)]
    return np.stack(planes), np.stack(cleaned)


@pytest.mark.parametrize("rows", [7, 1000])
def test_strips_are_rows_of_the_planes(filmed, rows):
    frames = laid(filmed)
    expected = whole(frames)
    expected[:, 7] *= frames.believed
    planes, cleaned = strips(frames, rows)
    assert np.array_equal(planes, expected)
    assert np.array_equal(cleaned, expected[:, [0, 1, 2, 7]])
    assert usual_colours(frames) is None


def test_where_there_was_glare_the_median_of_all_frames_is_seen(filmed):
    frames = laid(filmed)
    frames.shown[1, 70:90, 20:60] = 0.25
    filled = replace(frames, usual=usual_colours(frames))
    expected = whole(frames)
    middle, seen = np.median(expected[:, :6], axis=0), frames.shown[:, None]
    planes, cleaned = strips(filled, 50)
    assert np.allclose(planes[:, :6], seen * expected[:, :6] + (1 - seen) * middle, atol=1e-6)
    assert np.array_equal(planes[0], strips(frames, 50)[0][0])
    assert np.array_equal(cleaned[:, :3], planes[:, :3])


def test_what_a_frame_gives_by_hand_is_trusted_alone_and_in_its_light(filmed):
    frames, rng = laid(filmed), np.random.default_rng(1)
    share = 0.5 * rng.random(frames.believed.shape, np.float32)
    light = rng.standard_normal((*share.shape, 3)).astype(np.float32)
    planes, cleaned = strips(replace(frames, share=share, light=light), 33)
    plain = strips(frames, 33)[0]
    assert np.allclose(planes[:, 7], taken_by_hand(plain[:, 7], share), atol=1e-6)
    added = light.transpose(0, 3, 1, 2)
    assert np.allclose(planes[:, :6], plain[:, :6] + np.concatenate([added, added], axis=1), atol=1e-6)
    assert np.array_equal(cleaned, planes[:, [0, 1, 2, 7]])


def test_what_the_network_says_as_arrays(filmed):
    frames = laid(filmed)
    told = np.random.default_rng(0).standard_normal((2, 8)).astype(np.float32)
    network = small_fusion()
    made = fuse_frames(network, frames, told, 1)
    again = fuse_frames(network, frames, told, 1)
    shape = filmed.canvas.shape
    assert made.image.shape == made.correction.shape == (*shape, 3)
    assert made.weight.shape == (2, *shape)
    assert made.sigma.shape == shape
    assert np.exp(-5.5) <= made.sigma.min() <= made.sigma.max() <= np.exp(0.5)
    assert np.allclose(made.weight.sum(axis=0), 1, atol=1e-5)
    mean = np.einsum("nhw,nchw->hwc", made.weight, strips(frames, 64)[1][:, :3])
    assert np.allclose(made.image, mean + made.correction, atol=1e-5)
    assert np.array_equal(made.image, again.image)


def test_the_planes_of_all_frames_never_exist(filmed):
    """Neither here nor in the network: they would be the largest array of a run."""
    pair = laid(filmed)
    many = 12
    frames = LaidFrames(
        list(pair.images) * many,
        list(pair.cleansed) * many,
        list(pair.registrations) * many,
        np.ones((2 * many, *filmed.canvas.shape), np.float32),
        np.ones((2 * many, *filmed.canvas.shape), np.float32),
    )
    rows = []

    class Watched(LaidFrames):
        def planes(self, frame: int, top: int, bottom: int) -> np.ndarray:
            rows.append(bottom - top)
            return super().planes(frame, top, bottom)

    watched = Watched(**vars(frames))
    told = np.zeros((2 * many, 8), np.float32)
    tracemalloc.start()
    try:
        fuse_frames(small_fusion(), watched, told, 0)
        _, peak = tracemalloc.get_traced_memory()  # NumPy's arrays, not PyTorch's
    finally:
        tracemalloc.stop()
    count, height, width = frames.shape
    assert sum(rows) >= count * height
    assert peak < count * PLANES * height * width * 4 / 2
