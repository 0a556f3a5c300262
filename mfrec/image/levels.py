"""A copy of a picture for looking at: its light spread from black to white. Nothing is measured on it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mfrec.image.colour import luma
from mfrec.types import FloatArray

TAILS = (0.5, 99.5)
"""Percentiles of luma that become black and white."""


class Levels(NamedTuple):
    """The grey levels, in [0, 1], that become black and white."""

    low: float
    high: float

    def applied(self, image: FloatArray) -> FloatArray:
        """The picture ``[H, W, 3]`` with all its colours stretched alike, so that hues stay; clipped to [0, 1]."""
        stretched = (image - np.float32(self.low)) / np.float32(max(self.high - self.low, 1 / 255))
        return np.clip(stretched, 0.0, 1.0).astype(np.float32)


def levels_of(image: FloatArray) -> Levels:
    """The levels that spread a picture ``[H, W, 3]``, float32 RGB in [0, 1], by :data:`TAILS`."""
    low, high = np.percentile(luma(image), TAILS)
    return Levels(float(low), float(high))
