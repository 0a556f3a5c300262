"""When a reposed region is not taken over: another expression, too far a turn, or simply no likeness.

All of it is judged against what the target still shows, however blurred. A region that does not pass is left alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mfrec.face.surface import Face, pose_gap
from mfrec.fusion.crossover import match_seam
from mfrec.image.colour import luma
from mfrec.repose.detail import fitting_blur
from mfrec.types import FloatArray, Reposed

LARGEST_GAP = 35.0
"""Degrees between the two views beyond which nothing is taken over; as far as there was data to measure with."""

LEAST_VALID = 0.5
"""Share of the region that has to be valid."""

VALID = 0.25
"""Validity from which on a pixel counts as shown."""

MOST_UNLIKE = 0.5
"""Root-mean-square difference at the best blur, over the spread of the target's region. Of 65 pairs of development
people (table 3.5, ``mesh``), the 53 with less all gained on the blurred region, 4.1 dB in the mean; of the 12 with more
four lost."""


@dataclass(frozen=True)
class Refusal:
    """Why a region is not taken over.

    Attributes:
        text: one sentence with the numbers; empty where the region may be taken, and the refusal is then false.
        hidden: the source does not show the region, or from too far around, or nobody knows where; otherwise it only
            looks different.
    """

    text: str = ""
    hidden: bool = False

    def __bool__(self) -> bool:
        return bool(self.text)


def refuse(
    part: str, reposed: Reposed, target: FloatArray, where: NDArray[np.bool_], *, faces: tuple[Face, Face], unit: float
) -> Refusal:
    """Whether a region should be taken over from a reposed picture.

    Args:
        part: name of the region, for the reason.
        reposed: on the target's grid.
        target: ``[H, W, 3]``.
        where: ``[H, W]``, the region in the target.
        faces: of source and target, of one :func:`~mfrec.face.surface.fit`.
        unit: inter-ocular distance in the target, in pixels.
    """
    gap = pose_gap(*faces)
    if gap > LARGEST_GAP:
        return Refusal(f"{part}: the head is turned by {gap:.0f} degrees, at most {LARGEST_GAP:.0f} are bridged", True)
    shown = float((reposed.validity[where] > VALID).mean()) if where.any() else 0.0
    if shown < LEAST_VALID:
        least = f"at least {100 * LEAST_VALID:.0f} % are needed"
        return Refusal(f"{part}: the source shows {100 * shown:.0f} % of it without doubt, {least}", True)
    unlike = unlikeness(reposed, target, where, unit)
    if unlike > MOST_UNLIKE:
        return Refusal(
            f"{part}: another expression; the difference is {unlike:.2f} of the contrast, at most {MOST_UNLIKE}"
        )
    return Refusal()


def unlikeness(reposed: Reposed, target: FloatArray, where: NDArray[np.bool_], unit: float) -> float:
    """Difference of the two in a region as a share of the target's own spread there: 0 for equal pictures, infinite
    where the reposed one shows nothing of the region.

    The reposed picture is blurred until it fits best, because the target may be blurred. Its light is matched first.
    """
    seen = where & (reposed.validity > VALID)
    if not seen.any():
        return math.inf
    matched = match_seam(reposed.image, target, seen)
    spread = float(luma(target)[seen].std()) + 2 / 255
    return fitting_blur(matched, target, seen, unit)[1] / spread
