"""The landmarks of a face as a drawing: the parts' contours, each part in a colour of its own.

A network that draws faces is told a pose by it (Zakharov et al., ICCV 2019, section 3.1).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mfrec.types import FloatArray

CONTOURS: tuple[tuple[range, bool, tuple[int, int, int]], ...] = (
    (range(0, 17), False, (0, 255, 0)),
    (range(17, 22), False, (255, 128, 0)),
    (range(22, 27), False, (255, 128, 0)),
    (range(27, 31), False, (0, 0, 255)),
    (range(31, 36), False, (0, 0, 255)),
    (range(36, 42), True, (255, 255, 0)),
    (range(42, 48), True, (255, 255, 0)),
    (range(48, 60), True, (255, 0, 0)),
    (range(60, 68), True, (255, 0, 255)),
)
"""Of the 68 landmarks: which ones, whether the line is closed, and its colour in RGB."""

BITS = 4
"""Of a pixel's fraction in which OpenCV places the ends of a line."""


def sketch(points: NDArray[np.floating], side: int) -> FloatArray:
    """Lines one pixel wide on black.

    Args:
        points: ``[68, 2]`` landmarks ``(x, y)`` in pixels of the drawing; they may lie outside.
        side: of the drawing in pixels.

    Returns:
        ``[side, side, 3]`` float32 RGB in [0, 1].

    Raises:
        ValueError: a landmark is unknown.
    """
    if not np.isfinite(points).all():
        raise ValueError("a landmark is unknown, so there is no face to draw")
    drawn = np.zeros((side, side, 3), np.uint8)
    # Farther away than that OpenCV's whole numbers overflow, and the line leaves the drawing all the same.
    fixed = np.rint(np.clip(points, -8 * side, 8 * side) * (1 << BITS)).astype(np.int32)
    for members, closed, colour in CONTOURS:
        cv2.polylines(drawn, [fixed[list(members)]], closed, colour, 1, cv2.LINE_AA, BITS)
    return drawn.astype(np.float32) / np.float32(255)
