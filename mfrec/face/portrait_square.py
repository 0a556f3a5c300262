"""The square around an upright face in which a generator of faces sees it: eyes and mouth near their usual places.

After the preparation of FFHQ (Karras, Laine and Aila, CVPR 2019, appendix C): the line through the eyes is horizontal
and the side follows the distance of the eyes, or that of eyes and mouth where the head is turned. Its square is
narrower and lies lower than theirs, because a small generator has nothing to spare for hair and walls.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mfrec.types import Similarity

SIDE = {"face": 0.64, "ffhq": 1.0}
"""Side of the square, of FFHQ's."""

LOWER = {"face": 0.32, "ffhq": 0.1}
"""From the middle of the eyes to that of the square, in distances from eyes to mouth."""


def portrait_square(points: NDArray[np.floating], side: int, framing: str = "face") -> Similarity:
    """From pixels of the square to pixels of the picture.

    Args:
        points: ``[68, 2]`` landmarks ``(x, y)`` in pixels of the picture.
        side: pixels of the square.
        framing: ``"face"``, mfrec's own, or ``"ffhq"``.

    Raises:
        ValueError: eyes or mouth are unknown, or lie in one point.
    """
    places = np.asarray(points, np.float64)
    left, right = places[36:42].mean(axis=0), places[42:48].mean(axis=0)
    eyes, mouth = (left + right) / 2, (places[48] + places[54]) / 2
    across, down = right - left, mouth - eyes
    # The eyes' line and the turned line to the mouth together, because each alone follows one landmark's error.
    along = across + np.array([down[1], -down[0]])
    length = float(np.hypot(*along))
    if not length > 1e-6:
        raise ValueError("the landmarks of eyes and mouth are unknown or coincide")
    half = SIDE[framing] * max(2.0 * float(np.hypot(*across)), 1.8 * float(np.hypot(*down)))
    x = along / length * (2 * half / side)
    linear = np.column_stack([x, [-x[1], x[0]]])
    centre = eyes + LOWER[framing] * down
    return Similarity(np.column_stack([linear, centre - linear @ np.full(2, (side - 1) / 2)]))
