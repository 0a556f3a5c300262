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

from mfrec.types import FloatArray

REACH = 1.5
"""How far "nearby" is, in frame pixels: a detail that is smaller than a pixel lies between pixels that are less
extreme."""

BELIEVED = 0.1
"""Belief from which on a frame says what may be there."""


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
    high, low = _second(warped, belief, 1.0), -_second(warped, belief, -1.0)
    seen = (belief[chief] > BELIEVED)[..., None]
    high, low = (np.where(seen, f(bound, warped[chief]), bound) for f, bound in ((np.maximum, high), (np.minimum, low)))
    side = 2 * round(REACH * scale) + 1
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    high, low = cv2.dilate(high, around), cv2.erode(low, around)
    if ((image <= high) & (image >= low)).all():
        return image
    return np.asarray(np.minimum(np.maximum(image, low), high), np.float32)


def _second(warped: Sequence[FloatArray], belief: FloatArray, sign: float) -> FloatArray:
    """The second greatest of ``sign * warped`` where two are believed, the greatest where one is, else infinity.

    One frame after the other, because a sorted stack of them would be the most memory of a run.
    """
    first = np.full(warped[0].shape, -np.inf, np.float32)
    second = first.copy()
    for frame, believed in zip(warped, belief, strict=True):
        value = np.where((believed > BELIEVED)[..., None], np.float32(sign) * frame, np.float32(-np.inf))
        second = np.maximum(second, np.minimum(first, value))
        first = np.maximum(first, value)
    known = np.where(np.isfinite(second), second, first)
    return np.where(np.isfinite(known), known, np.float32(np.inf))
