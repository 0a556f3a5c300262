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
    for picture in (noise, edge):
        exact = cv2.GaussianBlur(picture, (0, 0), sigma)
        made = gaussian(picture, sigma)
        assert made.shape == picture.shape and made.flags.c_contiguous
        assert np.abs(made - exact)[16:-16, 16:-16].max() < 0.01
        assert abs(float(made.mean()) - float(exact.mean())) < 1e-3


def test_narrow_blurs_and_small_pictures_are_exact() -> None:
    picture = np.random.default_rng(5).random((SIDE, SIDE), dtype=np.float32)
    for part, sigma in ((picture, WIDE - 0.1), (picture[:64, :64], 2 * WIDE)):
        assert np.array_equal(gaussian(part, sigma), cv2.GaussianBlur(part, (0, 0), sigma))
