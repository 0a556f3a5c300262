"""The blur: what half the grid costs it, and that it keeps what a blur keeps."""

import cv2
import numpy as np
import pytest

from mfrec.image.filters import LARGE, WIDE, gaussian

SIDE = int(LARGE**0.5) + 3  # odd, so that the last row and column have no neighbour


@pytest.mark.parametrize("sigma", [WIDE, 6.0, 17.0])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_a_wide_blur_of_a_large_picture_is_that_of_the_whole_grid(sigma: float, channels: tuple[int, ...]) -> None:
    rng = np.random.default_rng(4)
    noise = rng.random((SIDE, SIDE + 2, *channels), dtype=np.float32)
    edge = np.zeros_like(noise)
    edge[:, SIDE // 2 :] = 1.0
    edge[:6] = 1.0
    for picture in (noise, edge):
        exact = cv2.GaussianBlur(picture, (0, 0), sigma)
        made = gaussian(picture, sigma)
        assert made.shape == picture.shape and made.flags.c_contiguous
        assert np.abs(made - exact).max() < 0.01, "at the border, too"
        assert abs(float(made.mean()) - float(exact.mean())) < 1e-3


@pytest.mark.parametrize("sigma", [WIDE, 8.0])
def test_half_the_grid_blurs_as_far_as_it_is_told(sigma: float) -> None:
    """A wave of any phase is left with what a Gaussian of that width leaves of it."""
    place, frequency = np.arange(SIDE), 0.25 / sigma
    wave = np.tile(np.cos(2 * np.pi * frequency * place).astype(np.float32), (SIDE, 1))
    middle = slice(SIDE // 4, 3 * SIDE // 4)
    carrier = np.exp(-2j * np.pi * frequency * place)[middle]
    before, after = (abs(np.mean(picture[SIDE // 2, middle] * carrier)) for picture in (wave, gaussian(wave, sigma)))
    width = np.sqrt(-np.log(after / before) / 2) / (np.pi * frequency)
    assert width == pytest.approx(sigma, rel=1e-3)


def test_narrow_blurs_and_small_pictures_are_exact() -> None:
    picture = np.random.default_rng(5).random((SIDE, SIDE), dtype=np.float32)
    for part, sigma in ((picture, WIDE - 0.1), (picture[:64, :64], 2 * WIDE)):
        assert np.array_equal(gaussian(part, sigma), cv2.GaussianBlur(part, (0, 0), sigma))
