"""RGB to luma and colour differences and back: where JPEG and H.264 do their rounding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mfrec.types import FloatArray

TO_YCC = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)
"""Full-range BT.601 (JFIF 1.02): rows are Y, Cb, Cr; Cb and Cr are centred on zero."""

TO_RGB = np.linalg.inv(TO_YCC.astype(np.float64)).astype(np.float32)


def rgb_to_ycc(image: NDArray) -> FloatArray:
    """``[..., 3]`` RGB in [0, 1] to Y in [0, 1] and Cb, Cr in [-0.5, 0.5]."""
    return np.asarray(image, np.float32) @ TO_YCC.T


def ycc_to_rgb(image: NDArray) -> FloatArray:
    """The inverse of :func:`rgb_to_ycc`; not clipped."""
    return np.asarray(image, np.float32) @ TO_RGB.T


def luma(image: NDArray) -> FloatArray:
    """``[..., 3]`` RGB to ``[...]`` Y."""
    return np.asarray(image, np.float32) @ TO_YCC[0]
