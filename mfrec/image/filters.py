"""Linear filters on images and maps."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mfrec.types import FloatArray

LARGE = 512 * 512
"""Pixels from which on a wide blur is made on half the grid."""

WIDE = 5.0
"""Standard deviation in pixels from which on a blur leaves nothing that half the grid could not hold."""


def gaussian(image: NDArray, sigma: float) -> FloatArray:
    """Gaussian blur of ``[H, W]`` or ``[H, W, C]``, mirrored at the border; ``sigma`` in pixels, above 0.

    Wide blurs of large pictures are made on every second pixel (Burt and Adelson, "The Laplacian pyramid as a compact
    image code", IEEE Transactions on Communications 31(4), 1983), within 1 % of the contrast at an edge.
    """
    image = np.asarray(image, np.float32)
    if sigma < WIDE or image.shape[0] * image.shape[1] < LARGE:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)
    height, width = image.shape[:2]
    # Half the grid would mirror about the middle between its first two pixels, so what is beyond is put there before.
    beyond = 2 * int(np.ceil(1.5 * sigma))
    around = (beyond, beyond + height % 2, beyond, beyond + width % 2)
    even = cv2.copyMakeBorder(image, *around, cv2.BORDER_REFLECT_101)
    half = cv2.resize(even, (even.shape[1] // 2, even.shape[0] // 2), interpolation=cv2.INTER_AREA)
    # The mean of 2 x 2 pixels has blurred by a variance of 1 / 4, and linear interpolation at quarters will by 3 / 4.
    half = cv2.GaussianBlur(half, (0, 0), float(np.sqrt(sigma**2 - 1)) / 2)
    full = cv2.resize(half, (even.shape[1], even.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(full[beyond : beyond + height, beyond : beyond + width], np.float32)
