"""Colours as a file declares them, to sRGB."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from mfrec.image.transfer import (
    HLG,
    LINEAR,
    PQ,
    PRIMARIES,
    WIDE,
    linear_from_hlg,
    linear_from_pq,
    linear_from_srgb,
    srgb_from_linear,
    to_srgb_primaries,
)
from mfrec.imageio.reading import RefusedError
from mfrec.types import FloatArray

NOT_UNDERSTOOD = {9: "logarithmic", 10: "logarithmic", 17: "SMPTE ST 428-1"}
"""Code of transfer characteristics (ITU-T H.273, table 3) to the name of what is refused."""

LEVELS = 65535
"""Steps of the tables below: 0.05 grey levels of 255 where sRGB is steepest."""


def to_srgb(image: FloatArray, primaries: int, transfer: int, notes: list[str]) -> FloatArray:
    """Bring ``[H, W, 3]`` RGB in [0, 1] with declared primaries and transfer characteristics to sRGB.

    The transfer functions of ordinary video are left as they are: screens show their signal as they show sRGB. HDR is
    shown with its diffuse white (203 cd/m2) as white; what is brighter is clipped.

    Args:
        primaries, transfer: codes of ITU-T H.273, tables 2 and 3; 2 is "not declared".

    Raises:
        RefusedError: a transfer function that is not understood.
    """
    if transfer in NOT_UNDERSTOOD:
        raise RefusedError(f"the {NOT_UNDERSTOOD[transfer]} transfer function of this file is not understood")
    if transfer in (PQ, HLG) and primaries == 2:
        primaries = 9
    if transfer not in (PQ, HLG, LINEAR) and primaries not in WIDE:
        return image
    name, chromaticities, white = PRIMARIES.get(primaries, PRIMARIES[1])
    if transfer == HLG:
        light = linear_from_hlg(image)
    elif transfer == PQ:
        light = _tabulated(linear_from_pq, image)
    else:
        light = image if transfer == LINEAR else _tabulated(linear_from_srgb, image)
    if primaries in WIDE:
        light = light @ to_srgb_primaries(chromaticities, white).astype(np.float32).T
    bright = float(np.mean(np.any(light > 1.001, axis=-1)))
    clipped = f", {bright:.1%} of the picture brighter than white clipped" if bright > 0.0005 else ""
    kind = {PQ: "HDR (PQ)", HLG: "HDR (HLG)", LINEAR: "linear light"}.get(transfer, "wide colours")
    notes.append(f"{kind} with {name} primaries converted to sRGB{clipped}")
    return _tabulated(srgb_from_linear, np.clip(light, 0, 1))


def _tabulated(function: Callable[[FloatArray], FloatArray], image: FloatArray) -> FloatArray:
    """A function of one value applied to all samples of a picture in [0, 1], to 16 bits."""
    return _table(function)[(image * LEVELS + np.float32(0.5)).astype(np.uint16)]


@cache
def _table(function: Callable[[FloatArray], FloatArray]) -> FloatArray:
    return function(np.linspace(0, 1, LEVELS + 1, dtype=np.float32))
