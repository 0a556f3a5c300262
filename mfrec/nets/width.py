"""How many channels a layer has when a network is made narrower than its paper."""

from __future__ import annotations

import math


def scaled(channels: int, width: float) -> int:
    """Channels of a layer that has ``channels`` at full size, at least one.

    Args:
        channels: at full size.
        width: share of them, 1 is full size; parameters and arithmetic fall with its square.

    Raises:
        ValueError: ``width`` is no positive number.
    """
    if not (width > 0 and math.isfinite(width)):
        raise ValueError(f"the width of a network is {width}, expected a share of its channels such as 1.0 or 0.25")
    return max(1, round(channels * width))
