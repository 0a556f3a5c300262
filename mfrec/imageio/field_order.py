"""Which field of interlaced frames was taken first, measured: files often do not say, or say it wrong."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

CLEARER = 0.9
"""The order that is right has combs lower by this factor at least; else nothing is known."""


def bottom_first(lumas: Sequence[NDArray[Any]]) -> bool | None:
    """Whether the bottom field (odd lines) of each frame was taken before its top field; None where nothing tells.

    Of two frames in a row, the second field of the one and the first of the next are neighbours in time, the other two
    fields lie three steps apart: woven together, the former have lower combs.

    Args:
        lumas: ``[H, W]`` samples of frames in the order of display.
    """
    top_then, bottom_then = 0.0, 0.0
    for before, now in pairwise(lumas):
        if before.shape == now.shape:
            top_then += _combs(now[0::2], before[1::2])
            bottom_then += _combs(before[0::2], now[1::2])
    if min(top_then, bottom_then) > CLEARER * max(top_then, bottom_then):
        return None
    return bottom_then < top_then


def _combs(top: NDArray[Any], bottom: NDArray[Any]) -> float:
    """How far the lines of a top field are from the mean of the bottom field's lines above and below them."""
    count = min(len(top), len(bottom))
    top, bottom = top[:count].astype(np.float32), bottom[:count].astype(np.float32)
    return float(np.abs(top[1:] - (bottom[:-1] + bottom[1:]) / 2).mean()) if count > 1 else 0.0
