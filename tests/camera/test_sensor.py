"""Noise of the sensor, read off the pixels: white noise is measured, detail and coding are not taken for it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

import mfrec
from mfrec.camera.noise import from_tables, ijg_tables, noise_of, steps_of, with_sensor
from mfrec.camera.sensor import sensor_noise
from mfrec.image.geometry import resize
from mfrec.metrics.psnr import psnr
from mfrec.types import FloatArray, Frame

LUMA_SHARE = float(np.sqrt(0.299**2 + 0.587**2 + 0.114**2))
"""Noise of luma where every colour has noise of its own, as a share of that."""


def noisy(image: FloatArray, sigma: float, seed: int = 0) -> FloatArray:
    """Rounded to 8 bits, as a file has it."""
    rng = np.random.default_rng(seed)
    seen = np.clip(image + rng.normal(0, sigma / 255, image.shape), 0, 1)
    return np.asarray(np.rint(255 * seen) / 255, np.float32)


def as_jpeg(image: FloatArray, quality: int) -> FloatArray:
    _, data = cv2.imencode(".jpg", np.rint(255 * image[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality])
    pixels = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert pixels is not None
    return np.asarray(pixels[..., ::-1] / 255, np.float32)


@pytest.mark.parametrize("side", [48, 96, 160])
@pytest.mark.parametrize("sigma", [15.0, 25.0])
def test_noise_is_measured_and_its_absence_too(portrait: FloatArray, side: int, sigma: float) -> None:
    clear = resize(portrait, side, side, interpolation="area")
    assert sensor_noise(clear) < 3 / 255
    assert 255 * sensor_noise(noisy(clear, sigma)) == pytest.approx(LUMA_SHARE * sigma, rel=0.4)


def test_noise_is_measured_through_a_fine_jpeg_and_not_through_a_coarse_one(portrait: FloatArray) -> None:
    clear = resize(portrait, 96, 96, interpolation="area")
    fine, coarse = (from_tables(ijg_tables(q), "") for q in (90, 20))
    through = as_jpeg(noisy(clear, 20), 90)
    assert 255 * sensor_noise(through, steps_of(fine)) == pytest.approx(LUMA_SHARE * 20, rel=0.35)
    assert sensor_noise(as_jpeg(clear, 90), steps_of(fine)) == 0
    assert sensor_noise(as_jpeg(noisy(clear, 20), 20), steps_of(coarse)) == 0


def test_a_picture_too_small_or_flat_has_none() -> None:
    assert sensor_noise(np.full((12, 40, 3), 0.5, np.float32)) == 0
    assert sensor_noise(np.full((64, 64, 3), 0.5, np.float32)) == 0


def test_the_model_adds_it_and_every_frame_has_its_own(portrait: FloatArray) -> None:
    model = from_tables(ijg_tables(90), "tables")
    assert with_sensor(model, 1 / 255) is model
    more = with_sensor(model, 10 / 255)
    np.testing.assert_allclose(more.luma - model.luma, (10**2 - 2**2) / 255**2, rtol=1e-3)
    assert "noise of the sensor 10.0" in more.source
    clip = Frame(noisy(resize(portrait, 96, 96, interpolation="area"), 25), 0, "clip.mp4#0", quantiser=20.0)
    assert 0.3 < noise_of(clip).independent < 1


def test_night_frames_average_their_noise_away(portrait: FloatArray) -> None:
    """Seven frames of one still scene in the dark, saved at a high quality whose tables promise much."""
    clear = resize(portrait, 64, 64, interpolation="area")
    frames = [as_jpeg(noisy(clear, 20, seed), 92) for seed in range(7)]
    made = mfrec.reconstruct(frames, recipe="evidence", reference=3, crop="frame", scale=2)
    truth = resize(portrait, 128, 128, interpolation="area")
    assert psnr(made.image, truth) - psnr(made.reference, truth) > 3.0
