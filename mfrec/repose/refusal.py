"""When a reposed region is not taken over: another expression, too far a turn, or simply no likeness.

All of it is judged against what the target still shows, however blurred. A region that does not pass is left alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mfrec.colour import luma
from mfrec.face_model import fit, pose_gap
from mfrec.filters import gaussian
from mfrec.stages.cross import match_seam
from mfrec.types import FloatArray, Landmarks, Reposed

LARGEST_GAP = 35.0
"""Degrees between the two views beyond which nothing is taken over; as far as there was data to measure with."""

LEAST_VALID = 0.5
"""Share of the region that has to be valid."""

BLURS = (0.0, 0.04, 0.08, 0.12, 0.16)
"""Standard deviations in inter-ocular distances at which the two are compared: as blurred as the target may be."""

MOST_UNLIKE = 0.75
"""Root-mean-square difference at the best of these blurs, over the spread of the target's region."""


def refuse(
    part: str,
    reposed: Reposed,
    target: FloatArray,
    where: NDArray[np.bool_],
    landmarks: tuple[Landmarks, Landmarks],
) -> str:
    """Why a region should not be taken over from a reposed picture.

    Args:
        part: name of the region, for the reason.
        reposed: on the target's grid.
        target: ``[H, W, 3]``.
        where: ``[H, W]``, the region in the target.
        landmarks: of source and target.

    Returns:
        One sentence with the numbers, or nothing where the region may be taken.
    """
    gap = pose_gap(*fit(landmarks))
    if gap > LARGEST_GAP:
        return f"{part}: the head is turned by {gap:.0f} degrees, at most {LARGEST_GAP:.0f} are bridged"
    shown = float((reposed.validity[where] > 0.25).mean()) if where.any() else 0.0
    if shown < LEAST_VALID:
        return f"{part}: the source shows {100 * shown:.0f} % of it, at least {100 * LEAST_VALID:.0f} % are needed"
    unlike = unlikeness(reposed, target, where, landmarks[1].interocular)
    if unlike > MOST_UNLIKE:
        return f"{part}: another expression; the difference is {unlike:.2f} of the contrast, at most {MOST_UNLIKE}"
    return ""


def unlikeness(reposed: Reposed, target: FloatArray, where: NDArray[np.bool_], unit: float) -> float:
    """Difference of the two in a region as a share of the target's own spread there, 0 for equal pictures.

    The reposed picture is blurred until it fits best, because the target may be blurred. Its light is matched first.
    """
    seen = where & (reposed.validity > 0.25)
    matched = match_seam(reposed.image, target, seen)
    a, b = luma(matched), luma(target)
    spread = float(b[seen].std()) + 2 / 255
    errors = [
        float(np.sqrt((((gaussian(a, blur * unit) if blur else a) - b)[seen] ** 2).mean())) / spread for blur in BLURS
    ]
    return min(errors)
