"""A region that one frame gives because somebody said so: how far, and in which light."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mfrec.fusion.crossover import cross_over, feather_width, grown, match_seam
from mfrec.types import FloatArray

LEAST_SHOWN = 0.5
"""Share of a region that a frame must show, trusted, to give it."""


@dataclass(frozen=True, eq=False)
class Given:
    """What one frame gives by hand.

    Attributes:
        position: of the frame.
        share: ``[H, W]`` in [0, 1], how far each pixel of the canvas is taken from it alone.
        light: ``[H, W, 3]``, what is added to the frame there so that its colours match at the seam.
    """

    position: int
    share: FloatArray
    light: FloatArray


def given_region(
    position: int,
    region: NDArray[np.bool_],
    seen: FloatArray,
    frame: FloatArray,
    reference: FloatArray,
    *,
    scale: int,
) -> Given:
    """How far a frame gives a region, over a feather that follows the region's size.

    The share is 1 in the region, and falls to 0 outside of it over half the radius of the largest circle in it
    (:func:`mfrec.fusion.crossover.feather_width`), at least over two pixels of the reference: what a pixel of another
    frame there says would reach into the region. The frame's light is fitted to the reference's in that ring
    (:func:`mfrec.fusion.crossover.match_seam`).

    Args:
        position: of the frame.
        region: ``[H, W]``.
        seen: ``[H, W]`` in [0, 1], how far the frame shows each pixel; it gives nothing where it shows nothing.
        frame, reference: ``[H, W, 3]`` on the canvas.
        scale: canvas pixels along a side of a pixel of the reference.
    """
    feather = max(feather_width(region), 2.0 * scale)
    # Half a pixel more, because depth is counted from the edge of a mask's outermost pixels: else the region's own
    # outermost ones would be shared.
    mask = grown(region, feather + 0.5)
    nothing = np.zeros((*region.shape, 1), np.float32)
    share = cross_over(nothing, nothing + 1.0, mask, "soft", feather)[..., 0]
    # Somebody has looked at it: only where the frame shows next to nothing the others come back.
    share = share * np.clip(4 * seen, 0.0, 1.0)
    matched = match_seam(frame, reference, mask & ~region & (seen > 0.5))
    return Given(position, share.astype(np.float32), np.asarray(share[..., None] * (matched - frame), np.float32))


def given_maps(given: Sequence[Given], count: int, shape: tuple[int, int]) -> tuple[FloatArray, FloatArray]:
    """What all frames give by hand: shares ``[N, H, W]``, at most 1 in sum, and light ``[N, H, W, 3]``.

    A later one lies on top of an earlier one. Where one frame gives both, its light is the later one's too: both were
    fitted to the frame as it is, and their sum would light it twice.
    """
    share, light = np.zeros((count, *shape), np.float32), np.zeros((count, *shape, 3), np.float32)
    for one in given:
        share *= 1 - one.share
        share[one.position] += one.share
        light[one.position] = (1 - one.share[..., None]) * light[one.position] + one.light
    return share, light


def taken_by_hand(weight: FloatArray, share: FloatArray) -> FloatArray:
    """Weights ``[N, H, W]`` after some frames have been given ``share [N, H, W]`` by hand."""
    return weight * (1 - share.sum(axis=0)) + share
