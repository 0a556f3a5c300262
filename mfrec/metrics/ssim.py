"""Structural similarity: means, contrasts and correlations compared in a small moving window.

Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to structural
similarity", IEEE Transactions on Image Processing 13(4), 2004, equation 13 with the constants of the paper:
Gaussian window of 11 x 11 px and sigma 1.5, K1 = 0.01, K2 = 0.03, population statistics, and the mean over
all windows that lie inside the picture (equation 17). For colour, the mean of the three channels.
"""

from __future__ import annotations

from typing import Any

from mfrec.metrics.pair import checked_pair

WINDOW = 11
"""Side of the window in pixels."""

SIGMA = 1.5
"""Standard deviation of the window's Gaussian in pixels; scikit-image cuts it at 3.5 sigma, which makes ``WINDOW``."""


def ssim(result: Any, truth: Any) -> float:
    """Mean structural similarity for a dynamic range of 1.

    Args:
        result, truth: ``[H, W, 3]`` RGB or ``[H, W]``, floating point in [0, 1], at least 11 px a side.

    Returns:
        At most 1, which only identical pictures reach; about 0 for unrelated ones.

    Raises:
        ValueError: shapes differ, a side is shorter than the window, or a value is not finite or outside [0, 1].
        TypeError: not floating point.
    """
    from skimage.metrics import structural_similarity

    result, truth = checked_pair(result, truth)
    height, width = truth.shape[:2]
    if min(height, width) < WINDOW:
        raise ValueError(
            f"the pictures have {width} x {height} px, expected at least {WINDOW} x {WINDOW}, the window of SSIM"
        )
    mean: Any = structural_similarity(
        truth,
        result,
        data_range=1.0,
        channel_axis=2 if truth.ndim == 3 else None,
        gaussian_weights=True,
        sigma=SIGMA,
        use_sample_covariance=False,
        K1=0.01,
        K2=0.03,
    )
    return float(mean)
