"""A part of a picture put back into it without a seam."""

from __future__ import annotations

import math

import numpy as np

from mfrec.types import Canvas, FloatArray

FEATHER = 0.15
"""Share of the part's side over which it passes into the picture around it."""


def put_back(picture: FloatArray, part: FloatArray, canvas: Canvas) -> FloatArray:
    """A picture with a part of it replaced, which passes into it smoothly.

    Args:
        picture: ``[scale H, scale W, 3]``, of a whole frame.
        part: ``[scale h, scale w, 3]``.
        canvas: where it lies, in pixels of the frame.
    """
    rows, columns = part.shape[:2]
    top, left = canvas.y0 * canvas.scale, canvas.x0 * canvas.scale
    out = picture.copy()
    there = out[top : top + rows, left : left + columns]
    # A border of the frame is no seam.
    touches = (top == 0, top + rows == picture.shape[0]), (left == 0, left + columns == picture.shape[1])
    down, across = (_ramp(side, *ends) for side, ends in zip((rows, columns), touches, strict=True))
    share = (down[:, None] * across[None])[..., None]
    there[:] = share * part + (1 - share) * there
    return out


def _ramp(side: int, begins: bool, ends: bool) -> FloatArray:
    """``[side]``: 1 inside, falling to 0 along a cosine at ends that are a seam."""
    width = max(1, math.ceil(FEATHER * side))
    rise = (0.5 - 0.5 * np.cos(np.pi * (np.arange(width) + 0.5) / width)).astype(np.float32)
    out = np.ones(side, np.float32)
    if not begins:
        out[:width] = rise
    if not ends:
        out[-width:] = np.minimum(out[-width:], rise[::-1])
    return out
