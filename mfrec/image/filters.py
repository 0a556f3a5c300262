"""Linear filters on images and maps."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mfrec.types import FloatArray


def gaussian(image: NDArray, sigma: float) -> FloatArray:
    """Gaussian blur of ``[H, W]`` or ``[H, W, C]``, mirrored at the border; ``sigma`` in pixels, above 0."""
    return np.asarray(cv2.GaussianBlur(np.asarray(image, np.float32), (0, 0), sigma), np.float32)
