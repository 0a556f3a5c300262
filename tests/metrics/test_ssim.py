"""SSIM: the paper's formula on one window, its limits, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from mfrec.metrics.ssim import WINDOW, ssim


def window_ssim(x: np.ndarray, y: np.ndarray) -> float:
    """Equation 13 of Wang et al. (2004), written out for one 11 x 11 window."""
    r = np.arange(WINDOW) - WINDOW // 2
    weight = np.exp(-(r[:, None] ** 2 + r**2) / (2 * 1.5**2))
    weight /= weight.sum()
    mx, my = (weight * x).sum(), (weight * y).sum()
    vx, vy = (weight * (x - mx) ** 2).sum(), (weight * (y - my) ** 2).sum()
    cov = (weight * (x - mx) * (y - my)).sum()
    c1, c2 = 0.01**2, 0.03**2
    return (2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    from skimage.data import astronaut

    return (astronaut()[60:188, 160:288] / 255.0).astype(np.float32)


def test_one_window_is_the_formula_of_the_paper() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random((WINDOW, WINDOW))
    result = np.clip(truth + rng.normal(0, 0.2, truth.shape), 0, 1)
    assert ssim(result, truth) == pytest.approx(window_ssim(result, truth), abs=1e-9)


def test_many_windows_are_the_mean_over_those_inside_the_picture() -> None:
    rng = np.random.default_rng(1)
    truth = rng.random((13, 12))
    result = rng.random((13, 12))
    windows = [(slice(i, i + WINDOW), slice(j, j + WINDOW)) for i in range(3) for j in range(2)]
    expected = np.mean([window_ssim(result[w], truth[w]) for w in windows])
    assert ssim(result, truth) == pytest.approx(expected, abs=1e-9)


def test_colour_is_the_mean_of_the_channels(face: np.ndarray) -> None:
    result = np.clip(face * np.array([0.7, 1.0, 0.9], np.float32), 0, 1)
    channels = [ssim(result[..., c], face[..., c]) for c in range(3)]
    assert channels[1] == pytest.approx(1.0)
    assert ssim(result, face) == pytest.approx(sum(channels) / 3)


def test_only_identity_reaches_one_and_damage_orders(face: np.ndarray) -> None:
    import cv2

    values = [ssim(cv2.GaussianBlur(face, (0, 0), sigma), face) for sigma in (0.5, 1.0, 2.0, 4.0)]
    assert ssim(face, face.copy()) == pytest.approx(1.0, abs=1e-12)
    assert 1 > values[0] > values[1] > values[2] > values[3] > 0


def test_symmetric(face: np.ndarray) -> None:
    other = face[:, ::-1]
    assert ssim(face, other) == pytest.approx(ssim(other, face), abs=1e-12)


def test_smaller_than_the_window_is_refused() -> None:
    small = np.zeros((WINDOW, WINDOW - 1, 3), np.float32)
    with pytest.raises(ValueError, match="10 x 11 px, expected at least 11 x 11"):
        ssim(small, small)


def test_errors_name_both_sides() -> None:
    with pytest.raises(ValueError, match=r"result has shape \(12, 12, 3\) and the truth \(12, 12\)"):
        ssim(np.zeros((12, 12, 3)), np.zeros((12, 12)))
    with pytest.raises(ValueError, match="1 of 144 values of the truth are NaN"):
        ssim(np.zeros((12, 12)), np.pad(np.full((1, 1), np.nan), ((0, 11), (0, 11))))
