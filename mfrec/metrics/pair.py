"""What the metrics ask of the pictures that they are given."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 1e-4
"""How far a value may lie outside [0, 1]: rounding of float32 arithmetic, far below one step of 255."""


def checked_pair(result: Any, truth: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both pictures as float64, or an exact error.

    Args:
        result, truth: ``[H, W]`` or ``[H, W, 3]``, floating point, in [0, 1].

    Raises:
        ValueError: shapes differ or are no picture's, a value is not finite, or lies outside [0, 1].
        TypeError: not floating point.
    """
    result, truth = _shaped(result, "result"), _shaped(truth, "truth")
    if result.shape != truth.shape:
        raise ValueError(
            f"the result has shape {result.shape} and the truth {truth.shape}: they are compared pixel by pixel; "
            "bring both onto one grid first (mfrec.image.geometry.resize)"
        )
    return _in_range(result, "result"), _in_range(truth, "truth")


def checked_picture(image: Any, name: str = "picture") -> NDArray[np.float64]:
    """One picture as float64, or an exact error.

    Args:
        image: ``[H, W]`` or ``[H, W, 3]``, floating point, in [0, 1].
        name: what the error calls it.

    Raises:
        ValueError: the shape is no picture's, a value is not finite, or lies outside [0, 1].
        TypeError: not floating point.
    """
    return _in_range(_shaped(image, name), name)


def _shaped(image: Any, name: str) -> NDArray[np.float64]:
    image = np.asarray(image)
    if not np.issubdtype(image.dtype, np.floating):
        raise TypeError(f"the {name} is {image.dtype}, expected floating point in [0, 1]; divide 8-bit values by 255")
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3) or image.size == 0:
        raise ValueError(f"the {name} has shape {image.shape}, expected [H, W] or [H, W, 3]")
    return image.astype(np.float64)


def _in_range(image: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    bad = int(np.count_nonzero(~np.isfinite(image)))
    if bad:
        raise ValueError(f"{bad} of {image.size} values of the {name} are NaN or infinite")
    low, high = float(image.min()), float(image.max())
    if low < -TOLERANCE or high > 1 + TOLERANCE:
        raise ValueError(f"the {name} holds values from {low:.4g} to {high:.4g}, expected [0, 1]; clip it first")
    return image
