"""Peak signal-to-noise ratio: the mean squared error of a picture on a logarithmic scale.

Huynh-Thu and Ghanbari, "Scope of validity of PSNR in image/video quality assessment", Electronics Letters
44(13), 2008, equation 1. It orders results on the same picture; between different pictures it says little.
"""

from __future__ import annotations

from typing import Any

from mfrec.metrics.pair import checked_pair


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
