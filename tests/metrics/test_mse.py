"""Mean squared error."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mfrec.metrics.mse import mse
from mfrec.metrics.psnr import psnr


def test_it_is_the_mean_of_squares_and_psnr_is_its_logarithm() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 16, 16, 3)).astype(np.float32)
    assert mse(a, a) == 0
    assert mse(np.zeros((4, 4), np.float32), np.full((4, 4), 0.5, np.float32)) == 127.5**2
    assert mse(a, b) == mse(b, a)
    assert psnr(a, b) == pytest.approx(-10 * math.log10(mse(a, b) / 255**2), abs=1e-6)


def test_pictures_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        mse(np.zeros((4, 4)), np.zeros((4, 5)))
