"""No brighter and no darker than the frames show nearby: what deconvolution adds beside an edge is taken away.

A camera that sharpens, or whose lens is better than the declared point-spread function, is sharpened once more by the
inverse of that function, and every strong edge gets a light and a dark seam that nobody filmed (Yuan, Sun, Quan and
Shum, "Progressive inter-scale and intra-scale non-blind image deconvolution", SIGGRAPH 2008, bound ringing by what is
around a pixel likewise). One frame may be wrong in its extremes, so two must agree; the reference alone is enough,
since nothing in it is misplaced.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mfrec.runtime.threads import side_by_side
from mfrec.types import FloatArray

REACH = 1.5
"""How far "nearby" is, in frame pixels: a detail that is smaller than a pixel lies between pixels that are less
extreme."""

BELIEVED = 0.1
"""Belief from which on a frame says what may be there."""

STRIP = 1 << 15
"""Pixels that are worked on at a time: what is made of them on the way stays in the processor's own memory."""


def within_seen(
    image: FloatArray, warped: Sequence[FloatArray], belief: FloatArray, scale: int, chief: int
) -> FloatArray:
    """A picture between the second least and the second greatest value of the frames within :data:`REACH`.

    What the reference shows is within as well, by itself. Where fewer than two frames are believed, between the least
    and the greatest; where none is, as it was.

    Args:
        image: ``[H, W, 3]`` RGB.
        warped: the frames on the canvas, ``[H, W, 3]`` each, in the light of the picture.
        belief: ``[N, H, W]`` in [0, 1] how far each of them is believed.
        scale: canvas pixels per frame pixel.
        chief: position of the reference.

    Returns:
        ``[H, W, 3]``; the same array where nothing was beyond.
    """
    high, low = (np.empty(image.shape, np.float32) for _ in range(2))

    def bounded(top: int) -> None:
        rows = slice(top, top + strip)
        frames, seen = [frame[rows] for frame in warped], belief[:, rows] > BELIEVED
        for limit, beyond, least in ((high, np.maximum, -np.inf), (low, np.minimum, np.inf)):
            own = _second(frames, seen, beyond, np.float32(least))
            limit[rows] = np.where(seen[chief, ..., None], beyond(own, frames[chief]), own)

    strip = max(1, STRIP // image.shape[1])
    for _ in side_by_side(bounded, range(0, len(image), strip)):
        pass
    side = 2 * round(REACH * scale) + 1
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    high, low = cv2.dilate(high, around), cv2.erode(low, around)
    if ((image <= high) & (image >= low)).all():
        return image
    return np.asarray(np.minimum(np.maximum(image, low), high), np.float32)


def _second(frames: Sequence[FloatArray], seen: NDArray[np.bool_], beyond: np.ufunc, least: np.float32) -> FloatArray:
    """The second value from the end where two frames are believed, the last where one is, else ``-least``.

    Args:
        frames: ``[h, W, 3]`` each.
        seen: ``[N, h, W]`` where they are believed.
        beyond: ``np.maximum`` for the end of the great values, ``np.minimum`` for the other one.
        least: what counts for nothing there, infinite.
    """
    first = np.full(frames[0].shape, least, np.float32)
    second, within = first.copy(), np.minimum if beyond is np.maximum else np.maximum
    for frame, believed in zip(frames, seen, strict=True):
        value = np.where(believed[..., None], frame, least)
        beyond(second, within(first, value), out=second)
        beyond(first, value, out=first)
    known = np.where(np.isfinite(second), second, first)
    return np.where(np.isfinite(known), known, -least)
