"""PSNR: known values, symmetry, and what it says of pictures it cannot compare."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfrec.metrics.psnr import psnr, psnr_y


@settings(deadline=None)  # the first call imports scikit-image
@given(st.floats(0.001, 1.0), st.integers(0, 2**32 - 1))
def test_a_constant_error_gives_its_own_decibels(error: float, seed: int) -> None:
    truth = np.random.default_rng(seed).uniform(0, 1 - error, (5, 7, 3))
    assert psnr(truth + error, truth) == pytest.approx(-20 * math.log10(error), abs=1e-6)


def test_one_wrong_pixel_counts_by_its_share() -> None:
    truth = np.zeros((10, 10), np.float32)
    result = truth.copy()
    result[3, 4] = 1.0
    assert psnr(result, truth) == pytest.approx(20.0)


def test_identical_pictures_are_infinitely_alike() -> None:
    image = np.random.default_rng(0).random((4, 4, 3), np.float32)
    assert psnr(image, image.copy()) == math.inf


def test_symmetric_and_falling_with_noise() -> None:
    rng = np.random.default_rng(1)
    truth = rng.uniform(0.3, 0.7, (32, 32, 3))
    noise = rng.uniform(-0.3, 0.3, truth.shape)
    values = [psnr(truth + k * noise, truth) for k in (0.25, 0.5, 1.0)]
    assert values[0] - values[1] == pytest.approx(20 * math.log10(2))
    assert values[0] > values[1] > values[2]
    assert psnr(truth + noise, truth) == pytest.approx(psnr(truth, truth + noise))


def test_is_a_plain_float_and_leaves_its_input_alone() -> None:
    truth = np.full((3, 3, 3), 0.5, np.float32)
    truth.setflags(write=False)
    assert type(psnr(truth * np.float32(0.9), truth)) is float


def test_errors_name_both_sides() -> None:
    a, b = np.zeros((4, 6, 3), np.float32), np.zeros((6, 4, 3), np.float32)
    with pytest.raises(ValueError, match=r"result has shape \(4, 6, 3\) and the truth \(6, 4, 3\)"):
        psnr(a, b)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda x: np.where(x >= 0, np.nan, x), "48 of 48 values of the result are NaN"),
        (lambda x: x - np.float32(np.inf), "result are NaN or infinite"),
        (lambda x: x + np.float32(1.0), r"result holds values from 1.5 to 1.5, expected \[0, 1\]"),
        (lambda x: x[..., :2], r"result has shape \(4, 4, 2\)"),
        (lambda x: x[:0], r"result has shape \(0, 4, 3\)"),
    ],
)
def test_bad_values_are_refused(spoil, message) -> None:
    truth = np.full((4, 4, 3), 0.5, np.float32)
    with pytest.raises(ValueError, match=message):
        psnr(spoil(truth), truth)
    with pytest.raises(ValueError, match=message.replace("result", "truth")):
        psnr(truth, spoil(truth))


def test_eight_bit_is_refused() -> None:
    truth = np.full((4, 4, 3), 128, np.uint8)
    with pytest.raises(TypeError, match="result is uint8"):
        psnr(truth, truth)


def test_luma_is_that_of_the_standard() -> None:
    """Compared with scikit-image, which writes the same matrix for values up to 255."""
    from skimage.color import rgb2ycbcr
    from skimage.metrics import peak_signal_noise_ratio

    rng = np.random.default_rng(2)
    truth = rng.random((20, 24, 3))
    result = np.clip(truth + rng.normal(0, 0.1, truth.shape), 0, 1)
    a, b = (rgb2ycbcr(image)[..., 0] / 255 for image in (truth, result))
    assert psnr_y(result, truth) == pytest.approx(peak_signal_noise_ratio(a, b, data_range=1.0), abs=1e-6)
    inner = np.s_[4:-4, 4:-4]
    expected = peak_signal_noise_ratio(a[inner], b[inner], data_range=1.0)
    assert psnr_y(result, truth, border=4) == pytest.approx(expected, abs=1e-6)


def test_a_grey_picture_is_its_own_luma() -> None:
    rng = np.random.default_rng(3)
    truth, result = rng.random((9, 9)), rng.random((9, 9))
    assert psnr_y(result, truth) == psnr(result, truth)
    coloured = psnr_y(np.dstack([result] * 3), np.dstack([truth] * 3))
    assert coloured == pytest.approx(psnr(result, truth) + 20 * math.log10(255 / 219), abs=0.01)


@pytest.mark.parametrize("border", [-1, 3])
def test_a_border_that_leaves_nothing_is_refused(border: int) -> None:
    image = np.zeros((6, 9, 3))
    with pytest.raises(ValueError, match=f"a border of {border} px leaves nothing of a picture of 9 x 6 px"):
        psnr_y(image, image, border)
