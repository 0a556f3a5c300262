"""Bicubic interpolation as the literature on super-resolution means it.

Keys, "Cubic convolution interpolation for digital image processing", IEEE Transactions on ASSP 29(6), 1981,
equation 4 (a = -1/2), with the kernel stretched by the factor of reduction when a picture is made smaller, and
mirrored at the border: what MATLAB's ``imresize`` does, with which the low-resolution pictures of nearly every
published table were made. :func:`mfrec.image.geometry.resize` differs (a = -3/4, no filter); tables of 0.3 dB more or
less come from such differences.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mfrec.types import FloatArray


def resize_cubic(image: NDArray, height: int, width: int) -> FloatArray:
    """Resize a picture, filtered where that makes it smaller.

    Args:
        image: ``[h, w]`` or ``[h, w, C]``.
        height, width: of the result, in pixels.

    Returns:
        ``[height, width]`` or ``[height, width, C]`` float32; may overshoot the range of ``image``.
    """
    rows = cubic_weights(image.shape[0], height)
    columns = cubic_weights(image.shape[1], width)
    tall = np.tensordot(rows, np.asarray(image, np.float64), axes=(1, 0))
    out = np.tensordot(columns, tall, axes=(1, 1))
    return np.swapaxes(out, 0, 1).astype(np.float32)


def cubic_weights(old: int, new: int) -> NDArray[np.float64]:
    """``[new, old]`` weights along one axis; every row sums to 1."""
    scale = new / old
    stretch = max(1.0, 1.0 / scale)
    centre = (np.arange(new) + 0.5) / scale - 0.5
    reach = int(np.ceil(2 * stretch)) + 1
    taps = np.floor(centre)[:, None].astype(np.int64) + np.arange(-reach, reach + 1)
    weights = keys_kernel(np.asarray((centre[:, None] - taps) / stretch, np.float64))
    weights /= weights.sum(axis=1, keepdims=True)
    folded = np.mod(taps, 2 * old)
    folded = np.where(folded < old, folded, 2 * old - 1 - folded)
    out = np.zeros((new, old))
    np.add.at(out, (np.arange(new)[:, None], folded), weights)
    return out


def keys_kernel(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' piecewise cubic of width 4, for distances in samples."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x**2 + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))
