"""Mean squared error of 8-bit values, as older tables state it. PSNR is the same on a logarithmic scale."""

from __future__ import annotations

from typing import Any

import numpy as np

from mfrec.metrics.pair import checked_pair


def mse(result: Any, truth: Any) -> float:
    """Mean of the squared differences over all pixels and channels at once.

    Args:
        result, truth: ``[H, W, 3]`` RGB or ``[H, W]``, floating point in [0, 1].

    Returns:
        In [0, 255 ** 2], less is better: that of values from 0 to 255.

    Raises:
        ValueError: shapes differ, or a value is not finite or outside [0, 1].
        TypeError: not floating point.
    """
    result, truth = checked_pair(result, truth)
    return float(np.mean((255 * (np.asarray(result, np.float64) - truth)) ** 2))
