"""Peak signal-to-noise ratio: the mean squared error of a picture on a logarithmic scale.

Huynh-Thu and Ghanbari, "Scope of validity of PSNR in image/video quality assessment", Electronics Letters
44(13), 2008, equation 1. It orders results on the same picture; between different pictures it says little.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mfrec.metrics.pair import checked_pair

STUDIO_LUMA = np.array([65.481, 128.553, 24.966]) / 255.0
"""Luma of ITU-R BT.601 in its studio range, 16 to 235 of 255: what papers on super-resolution call "the Y channel"."""


def psnr(result: Any, truth: Any) -> float:
    """``10 log10(1 / MSE)`` over all pixels and channels at once, for a peak of 1.

    Args:
        result, truth: ``[H, W, 3]`` RGB or ``[H, W]``, floating point in [0, 1].

    Returns:
        Decibels, more is better; infinity for identical pictures.

    Raises:
        ValueError: shapes differ, or a value is not finite or outside [0, 1].
        TypeError: not floating point.
    """
    from skimage.metrics import peak_signal_noise_ratio

    result, truth = checked_pair(result, truth)
    if (result == truth).all():  # scikit-image divides by zero here
        return float("inf")
    decibels: Any = peak_signal_noise_ratio(truth, result, data_range=1.0)
    return float(decibels)


def psnr_y(result: Any, truth: Any, border: int = 0) -> float:
    """PSNR of the luma alone, as tables of super-resolution state it (Timofte et al., ACCV 2014, section 4.1).

    A grey picture counts as it is, as in MATLAB; the studio luma of a colour picture has 219 steps instead of 255 and
    so scores up to 1.3 dB more. One grey picture is why bicubic enlargement of Set14 has 26.00 dB and not 26.09.

    Args:
        result, truth: ``[H, W, 3]`` RGB, or ``[H, W]`` luma; floating point in [0, 1].
        border: pixels left out along each side; those tables leave out as many as the scale factor.

    Returns:
        Decibels, more is better; infinity where the luma is identical.

    Raises:
        ValueError: as :func:`psnr`, or the border leaves nothing.
        TypeError: not floating point.
    """
    result, truth = checked_pair(result, truth)
    height, width = truth.shape[:2]
    if border < 0 or 2 * border >= min(height, width):
        raise ValueError(f"a border of {border} px leaves nothing of a picture of {width} x {height} px")
    inner = np.s_[border : height - border, border : width - border]
    return psnr(studio_luma(result[inner]), studio_luma(truth[inner]))


def studio_luma(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """``[H, W, 3]`` RGB in [0, 1] to luma ``[H, W]`` from 16/255 to 235/255; ``[H, W]`` stays as it is."""
    return image @ STUDIO_LUMA + 16.0 / 255.0 if image.ndim == 3 else image
