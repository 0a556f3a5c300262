"""Damage as physics does it: each part does what its unit says, and what was drawn can be applied again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from few_pictures import moving

from mfrec.camera.noise import find_jpeg, from_tables, ijg_tables
from mfrec.image.geometry import resize
from mfrec.train.data.degrade import Degradation, degrade, draw, line_kernel, sensor_noise, through_h264, through_jpeg

TRUTHS = [resize(picture / np.float32(255), 128, 128, interpolation="area") for picture in moving()]

NONE = Degradation(
    psf_sigma=0.0,
    motion=((0.0, 0.0),) * 7,
    noise=0.0,
    codec="none",
    quality=(90,) * 7,
    crf=23,
    patches=(0,) * 7,
    seed=0,
)


def sharpness(image: np.ndarray) -> float:
    """Mean squared difference between neighbours."""
    return float((np.diff(image, axis=1) ** 2).mean() + (np.diff(image, axis=0) ** 2).mean())


def test_without_damage_the_sensor_averages_over_its_pixels() -> None:
    for made, truth in zip(degrade(TRUTHS, NONE), TRUTHS, strict=True):
        assert made.image.shape == (32, 32, 3)
        assert made.image.dtype == np.float32
        assert np.abs(made.image - truth.reshape(32, 4, 32, 4, 3).mean(axis=(1, 3))).max() < 0.51 / 255
        assert made.noise.kind == "unknown"


@pytest.mark.parametrize("kind", ["still", "patch", "video"])
def test_what_was_drawn_can_be_applied_again(kind: str) -> None:
    drawn = draw(np.random.default_rng(4), kind, 7)
    assert draw(np.random.default_rng(4), kind, 7) == drawn
    first, second = degrade(TRUTHS, drawn), degrade(TRUTHS, drawn)
    for a, b in zip(first, second, strict=True):
        assert np.array_equal(a.image, b.image)
        assert np.array_equal(a.noise.luma, b.noise.luma)
        assert a.image.shape == (32, 32, 3)
        assert 0 <= a.image.min() <= a.image.max() <= 1


def test_the_truth_is_untouched() -> None:
    before = [truth.copy() for truth in TRUTHS]
    degrade(TRUTHS, draw(np.random.default_rng(0), "patch", 7))
    assert all(np.array_equal(a, b) for a, b in zip(before, TRUTHS, strict=True))


@pytest.mark.parametrize("seed", range(8))
def test_draws_stay_in_their_ranges(seed: int) -> None:
    rng = np.random.default_rng(seed)
    still, patch, video = (draw(rng, kind, 5) for kind in ("still", "patch", "video"))
    for drawn in (still, patch, video):
        assert 0 <= drawn.psf_sigma <= 2.7
        assert 0 <= drawn.noise <= 5 / 255
        assert all(0 <= length <= 5 and 0 <= angle <= 180 for length, angle in drawn.motion)
        assert len(drawn.motion) == len(drawn.quality) == len(drawn.patches) == 5
        assert all(25 <= quality <= 95 for quality in drawn.quality)
    assert still.codec in ("jpeg", "none")
    assert sum(still.patches) == sum(video.patches) == 0
    assert patch.patches[2] == 3
    assert min(patch.quality) >= 75
    assert video.codec == "h264"
    assert 23 <= video.crf <= 38
    assert video.psf_sigma >= 0.9


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="'film'; expected still, patch or video"):
        draw(np.random.default_rng(0), "film", 7)


@pytest.mark.parametrize(("length", "angle"), [(0.6, 0.0), (3.0, 0.0), (4.7, 33.0), (5.0, 90.0), (2.2, 135.0)])
def test_motion_is_a_line_of_its_length_and_angle(length: float, angle: float) -> None:
    kernel = line_kernel(length, angle)
    assert kernel.min() >= 0
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    y, x = np.indices(kernel.shape) - (len(kernel) - 1) / 2
    assert float((kernel * x).sum()) == pytest.approx(0, abs=1e-4)
    assert float((kernel * y).sum()) == pytest.approx(0, abs=1e-4)
    # A line of length L has a variance of L^2 / 12 along itself; bilinear splatting adds at most a quarter of a pixel.
    along = x * np.cos(np.radians(angle)) + y * np.sin(np.radians(angle))
    across = y * np.cos(np.radians(angle)) - x * np.sin(np.radians(angle))
    assert length**2 / 12 - 0.02 <= (kernel * along**2).sum() <= length**2 / 12 * 1.2 + 0.26
    assert (kernel * across**2).sum() < 0.26


def test_motion_blurs_along_its_direction() -> None:
    moved = degrade(TRUTHS, replace(NONE, motion=((5.0, 0.0),) * 7))[0].image
    still = degrade(TRUTHS, NONE)[0].image
    across, along = ((np.diff(moved, axis=a) ** 2).mean() / (np.diff(still, axis=a) ** 2).mean() for a in (0, 1))
    assert along < 0.9
    assert along < across - 0.05


def test_a_wider_point_spread_function_leaves_less_detail() -> None:
    figures = [sharpness(degrade(TRUTHS, replace(NONE, psf_sigma=s))[0].image) for s in (0.0, 0.8, 1.6, 2.7)]
    assert figures == sorted(figures, reverse=True)
    assert figures[-1] < 0.7 * figures[0]


@pytest.mark.parametrize("sigma", [1 / 255, 4 / 255])
def test_noise_has_its_standard_deviation_at_mid_grey(sigma: float) -> None:
    grey = np.full((128, 128, 3), 0.5, np.float32)
    noisy = sensor_noise(grey, sigma, np.random.default_rng(0))
    assert noisy.dtype == np.float32
    assert float(noisy.std()) == pytest.approx(sigma, rel=0.03)
    assert float(noisy.mean()) == pytest.approx(0.5, abs=0.1 * sigma)


def test_noise_is_that_of_light() -> None:
    """Half of the variance at mid-grey is the photons', in linear light; so bright pixels are noisier there."""
    sigma, rng = 3 / 255, np.random.default_rng(0)
    found = {}
    for level in (0.25, 0.5, 0.9):
        noisy = sensor_noise(np.full((128, 128, 3), level, np.float32), sigma, rng).astype(np.float64)
        found[level] = float((noisy**2.2).var())
    ratio = {level: found[level] / found[0.5] for level in found}
    for level in (0.25, 0.9):
        assert ratio[level] == pytest.approx(0.5 * (1 + (level / 0.5) ** 2.2), rel=0.05)


@pytest.mark.parametrize("quality", [30, 60, 90])
def test_a_jpeg_knows_its_tables(quality: int) -> None:
    small = resize(TRUTHS[0], 32, 32, interpolation="area")
    made = through_jpeg(small, quality)
    expected = from_tables(ijg_tables(quality), "")
    assert np.allclose(made.noise.luma, expected.luma)
    assert np.allclose(made.noise.chroma, expected.chroma)
    assert made.noise.kind == "still"
    assert found_near(made.image, quality)


def found_near(image: np.ndarray, quality: int) -> bool:
    """Whether the pixels lie on the lattice of that quality; what is read from so few of them may be one off."""
    found = find_jpeg(image)
    return found is not None and abs(found.quality - quality) <= 1


def test_coarser_jpegs_err_more() -> None:
    small = resize(TRUTHS[0], 32, 32, interpolation="area")
    errors = [np.abs(through_jpeg(small, quality).image - small).mean() for quality in (95, 70, 45, 20)]
    assert errors == sorted(errors)


def test_every_frame_has_its_own_quality() -> None:
    qualities = (25, 35, 45, 55, 65, 75, 85)
    made = degrade(TRUTHS, replace(NONE, codec="jpeg", quality=qualities))
    variances = [float(frame.noise.luma.mean()) for frame in made]
    assert variances == sorted(variances, reverse=True)


def test_a_coarser_clip_says_so_and_errs_more() -> None:
    small = [resize(truth, 32, 32, interpolation="area") for truth in TRUTHS]
    told, errors = [], []
    for crf in (18, 24, 30):
        made = through_h264(small, crf)
        assert len(made) == len(small)
        assert all(frame.noise.kind == "video" for frame in made)
        told.append(np.mean([frame.noise.sigma for frame in made]))
        errors.append(np.mean([np.abs(f.image - s).mean() for f, s in zip(made, small, strict=True)]))
    assert told == sorted(told)
    assert told[0] < told[-1]
    assert errors == sorted(errors)


def test_frames_of_a_clip_keep_their_order() -> None:
    small = [resize(truth, 32, 32, interpolation="area") for truth in TRUTHS]
    for k, frame in enumerate(through_h264(small, 18)):
        assert int(np.argmin([np.abs(frame.image - other).mean() for other in small])) == k


def test_patches_are_blurred_where_they_are_counted() -> None:
    patches = (0, 1, 0, 3, 0, 0, 0)
    made = degrade(TRUTHS, replace(NONE, patches=patches))
    plain = degrade(TRUTHS, NONE)
    for count, a, b in zip(patches, made, plain, strict=True):
        changed = (np.abs(a.image - b.image).max(axis=-1) > 2 / 255).mean()
        assert (changed == 0) == (count == 0)
        assert changed < 0.5
