"""Dense registration finds known motion and says where it cannot."""

import numpy as np
import pytest
from moving_portrait import SCALE, SIDE, film_shifts

from mfrec.image.geometry import enlarge, identity_map, resize, warp
from mfrec.registration.dense import identity_registration, match_light, register
from mfrec.types import Canvas, Cleaned, Similarity

INNER = slice(8 * SCALE, -8 * SCALE)


def registered(filmed, k=1, image=None, **options):
    to_frame = filmed.canvas.from_reference.inverse()
    target = enlarge(filmed.frames[0].image, SCALE)
    frame = filmed.frames[k].image if image is None else image
    return register(target, frame, to_frame, filmed.canvas, **options)


@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.4, -0.3), (-1.7, 0.9), (2.6, 2.2)])
def test_a_known_shift_is_found_to_a_tenth_of_a_pixel(portrait, shift):
    filmed = film_shifts(portrait, ((0.0, 0.0), shift))
    found = registered(filmed)
    expected = filmed.canvas.from_reference.inverse().apply(identity_map(*filmed.canvas.shape)) + shift
    error = (found.look_up - expected)[INNER, INNER]
    assert np.abs(np.median(error, axis=(0, 1))).max() < 0.1
    assert np.quantile(np.linalg.norm(error, axis=-1), 0.9) < 0.3


@pytest.mark.parametrize("quality", [90, 40])
def test_compression_costs_little_accuracy(portrait, quality):
    filmed = film_shifts(portrait, ((0.0, 0.0), (0.9, -0.6)), quality=(quality, quality))
    found = registered(filmed)
    expected = filmed.canvas.from_reference.inverse().apply(identity_map(*filmed.canvas.shape)) + np.array([0.9, -0.6])
    error = np.linalg.norm((found.look_up - expected)[INNER, INNER], axis=-1)
    assert np.median(error) < (0.2 if quality == 90 else 0.4)


def test_landing_undoes_look_up(portrait):
    filmed = film_shifts(portrait, ((0.0, 0.0), (1.2, 0.7)))
    found = registered(filmed)
    assert found.window == (0, 0)
    landing_at = warp(found.landing, found.look_up, interpolation="linear")
    error = np.linalg.norm(landing_at - identity_map(*filmed.canvas.shape), axis=-1)[INNER, INNER]
    assert np.median(error) < 0.15 * SCALE
    assert found.closure < 0.15


def test_the_reference_registers_exactly():
    canvas = Canvas(3, 5, 20, 16, 4)
    found = identity_registration(canvas, np.zeros((40, 40, 3), np.float32))
    assert np.allclose(canvas.from_reference.apply(found.look_up), identity_map(*canvas.shape), atol=1e-3)
    x0, y0 = found.window
    assert np.allclose(found.landing[9 - y0, 8 - x0], canvas.from_reference.apply([8, 9]), atol=1e-4)
    assert found.trust.min() == 1


def test_windows_are_cut_along_whole_blocks():
    canvas = Canvas(30, 30, 16, 16, 2)
    for phase in ((0, 0), (3, 5)):
        found = identity_registration(canvas, np.zeros((100, 100, 3), np.float32), phase)
        x0, y0 = found.window
        height, width = found.landing.shape[:2]
        assert (x0 - phase[0]) % 8 == (y0 - phase[1]) % 8 == 0
        assert height % 8 == width % 8 == 0
        assert x0 <= 22
        assert x0 + width >= 54
        assert width < 60


def test_a_change_of_light_is_taken_out(portrait):
    filmed = film_shifts(portrait, ((0.0, 0.0), (0.8, -0.5)))
    dark = np.clip(filmed.frames[1].image * np.array([0.7, 0.75, 0.8]) + 0.05, 0, 1).astype(np.float32)
    found = registered(filmed, image=dark)
    plain = registered(filmed)
    assert found.residual < 1.3 * plain.residual + 1 / 255
    restored = dark * found.gain + found.offset
    assert np.abs((restored - filmed.frames[1].image)[8:-8, 8:-8]).mean() < 2 / 255


def test_light_is_matched_despite_an_occlusion(portrait):
    source = 0.8 * portrait + 0.05
    target = portrait.copy()
    target[60:90, 60:110] = 0
    gain, offset = match_light(source, target, np.ones(portrait.shape[:2], bool))
    assert np.allclose(gain, 1 / 0.8, atol=0.08)
    assert np.allclose(offset, -0.05 / 0.8, atol=0.05)


@pytest.mark.parametrize("exposure", [0.3, 0.5, 0.75])
def test_a_frame_is_brought_to_another_exposure_and_back(portrait, exposure):
    valid = np.ones(portrait.shape[:2], bool)
    for source, target, expected in (
        (portrait, exposure * portrait, exposure),
        (exposure * portrait, portrait, 1 / exposure),
    ):
        gain, offset = match_light(source, target, valid)
        assert np.allclose(gain, expected, rtol=0.08)
        assert np.allclose(offset, 0, atol=0.05)


def test_a_picture_without_contrast_says_nothing_about_a_gain(portrait):
    rng = np.random.default_rng(0)
    flat, noisy = (0.5 + sigma * rng.standard_normal(portrait.shape).astype(np.float32) for sigma in (0.002, 0.02))
    gain, _ = match_light(noisy, flat, np.ones(portrait.shape[:2], bool))
    assert np.allclose(gain, 1, atol=0.05)


def test_without_common_pixels_light_stays_as_it_is(portrait):
    gain, offset = match_light(portrait, portrait, np.zeros(portrait.shape[:2], bool))
    assert gain.tolist() == [1, 1, 1]
    assert offset.tolist() == [0, 0, 0]


def test_what_a_frame_does_not_show_is_not_trusted(portrait):
    filmed = film_shifts(portrait, ((0.0, 0.0), (0.0, 0.0)))
    to_frame = filmed.canvas.from_reference.inverse()
    half = Similarity(np.array([[1.0, 0, SIDE / 2], [0, 1.0, 0]])).after(to_frame)
    found = register(enlarge(filmed.frames[0].image, SCALE), filmed.frames[1].image, half, filmed.canvas)
    outside = found.look_up[..., 0] > SIDE - 0.5
    assert outside.mean() > 0.2
    assert found.trust[outside].mean() < 0.05


def test_a_frame_that_does_not_overlap_has_no_finite_residual(portrait):
    filmed = film_shifts(portrait, ((0.0, 0.0), (0.0, 0.0)))
    far = Similarity(np.array([[1.0, 0, 500.0], [0, 1.0, 0]])).after(filmed.canvas.from_reference.inverse())
    found = register(enlarge(filmed.frames[0].image, SCALE), filmed.frames[1].image, far, filmed.canvas)
    assert found.residual == float("inf")
    assert found.trust.max() == 0


def enlarged(image, window=(0, 0), size=None):
    """A cleaning that only enlarges, of a window of the frame."""
    x0, y0 = window
    height, width = size or image.shape[:2]
    large = resize(image, SCALE * image.shape[0], SCALE * image.shape[1])
    part = large[SCALE * y0 : SCALE * (y0 + height), SCALE * x0 : SCALE * (x0 + width)]
    return Cleaned(np.clip(part, 0, 1), np.full(part.shape[:2], 0.02, np.float32), window, SCALE)


@pytest.mark.parametrize("shift", [(0.4, -0.3), (-1.7, 0.9)])
def test_a_cleaning_that_changes_nothing_does_not_move_the_frame(portrait, shift):
    filmed = film_shifts(portrait, ((0.0, 0.0), shift))
    plain, cleaned = registered(filmed), registered(filmed, cleaned=enlarged(filmed.frames[1].image))
    apart = np.linalg.norm(plain.look_up - cleaned.look_up, axis=-1)[INNER, INNER]
    assert np.median(apart) < 0.05
    assert np.quantile(apart, 0.95) < 0.1
    assert cleaned.window == plain.window
    assert cleaned.landing.shape == plain.landing.shape
    assert np.allclose(cleaned.gain, plain.gain, atol=0.02)


def test_a_part_that_was_cleaned_is_read_where_it_lies(portrait):
    filmed = film_shifts(portrait, ((0.0, 0.0), (0.8, 0.6)))
    canvas = Canvas(14, 12, 16, 16, SCALE)
    target = enlarge(filmed.frames[0].image[12:28, 14:30], SCALE)
    image, to_frame = filmed.frames[1].image, canvas.from_reference.inverse()
    whole, part = (
        register(target, image, to_frame, canvas, cleaned=enlarged(image, *cut)) for cut in ((), ((8, 8), (32, 32)))
    )
    assert np.abs(whole.look_up - part.look_up).max() < 0.05


def test_a_frame_without_its_artifacts_registers_better(portrait):
    """The true frame stands for the cleaned one: at quality 20 the flow follows it and not the blocks."""
    shift = (0.9, -0.6)
    coarse = film_shifts(portrait, ((0.0, 0.0), shift), quality=(20, 20))
    clear = film_shifts(portrait, ((0.0, 0.0), shift))
    target = enlarge(clear.frames[0].image, SCALE)
    to_frame = coarse.canvas.from_reference.inverse()
    expected = to_frame.apply(identity_map(*coarse.canvas.shape)) + shift
    errors = []
    for cleaned in (None, enlarged(clear.frames[1].image)):
        found = register(target, coarse.frames[1].image, to_frame, coarse.canvas, cleaned=cleaned)
        errors.append(np.median(np.linalg.norm(found.look_up - expected, axis=-1)[INNER, INNER]))
    assert errors[1] < 0.6 * errors[0]
