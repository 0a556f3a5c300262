"""How well a frame shows a region: the error to expect of its pixels, and a score in [0, 1] made of it.

Sharpness is read where neither blur nor a codec can fake it. Coarse coding takes fine detail out of the inside of
its blocks and puts false edges between them, so a measure of edges or contrast rates a blocked region as a sharp
one; second differences that stay *inside* a block see only what the block still holds, down to a few pixels. A coarsely
coded block may still hold one strong ripple, whose second differences are as large as those of a sharp block; so the
coefficients of the blocks are counted as well, each by its length in bits: a ripple is one, a sharp block holds many.

The error is the root-mean-square difference between the region as the frame shows it and the same moment seen by a
good camera. Its logarithm is linear in a few measured numbers (:data:`WEIGHTS`), fitted on development sequences
under five kinds of damage, frames of 32 and 64 px; it is right within a factor of 1.45 on frames as the protocols of
the bench make them and 1.7 on regions damaged as in the table ``regions`` (one standard deviation), of which it expects
a fifth too little. It says nothing about pose, expression or what covers the face: a sharp hand is sharp. Those refuse
a region, see :mod:`mfrec.stages.assess`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mfrec.camera.noise import BLOCK, block_dct
from mfrec.types import FloatArray

FLOOR = (1.0 / 255.0) ** 2
"""What rounding to 8 bits makes of any squared number by itself, in squared [0, 1] grey levels."""

HALF = 0.05
"""Expected error at which the score is one half: a twentieth of the range of grey levels."""

STEP = 3.0 / 255.0
"""Size of a coefficient of a block, in [0, 1] grey levels, from which on it counts for more than one bit."""

FAINT = 0.02
"""Bits a coefficient that are added to the content of every region, so that two flat ones are alike."""

WEIGHTS = {"lack": 0.25, "content": 1.0, "blocks": 0.2, "noise": 0.59, "best": 0.60, "constant": 2.6}
"""Of the natural logarithms: of the best frame's detail over this one's, of its content over this one's, of the block
steps, of the variance of the noise, of the best frame's detail (a rich region has more to lose), and the constant.
The first three order the frames and are chosen by trials of the table ``regions`` on development people: the sharp
frame is first in 490 of 500 (299 of 300 at 64 px), refusals included, without the content in 484 (293). Those of noise
and the best frame are from a least-squares fit on the log of the squared error that had no content yet; the constant
makes the median about right over the protocols of the bench. A new fit of these three is hardly closer (a factor of
1.58, not 1.60)."""


def detail_in_blocks(plane: FloatArray, phase: tuple[int, int] = (0, 0)) -> tuple[FloatArray, FloatArray]:
    """Absolute second differences of a picture, horizontal, vertical and mixed, that lie inside one 8 x 8 block each.

    Args:
        plane: ``[H, W]`` luma of a frame on its own grid.
        phase: ``(x, y)`` where a block begins.

    Returns:
        Their sum and how many there are at each pixel, ``[H, W]`` float32; the mixed one counts twice, as in the
        Hessian matrix.
    """
    height, width = plane.shape
    x, y = (np.arange(width) - phase[0]) // BLOCK, (np.arange(height) - phase[1]) // BLOCK
    total, count = np.zeros(plane.shape, np.float32), np.zeros(plane.shape, np.float32)
    within = (x[:-2] == x[2:])[None]
    total[:, 1:-1] += within * np.abs(plane[:, :-2] - 2 * plane[:, 1:-1] + plane[:, 2:])
    count[:, 1:-1] += within
    within = (y[:-2] == y[2:])[:, None]
    total[1:-1] += within * np.abs(plane[:-2] - 2 * plane[1:-1] + plane[2:])
    count[1:-1] += within
    within = (y[1:] == y[:-1])[:, None] & (x[1:] == x[:-1])[None]
    total[:-1, :-1] += 2 * within * np.abs(plane[1:, 1:] - plane[1:, :-1] - plane[:-1, 1:] + plane[:-1, :-1])
    count[:-1, :-1] += 2 * within
    return total, count


def detail_of(total: NDArray, count: NDArray, share: NDArray) -> float:
    """The detail of a region in squared grey levels, from :func:`detail_in_blocks`.

    The square of the mean of the absolute values, and as large as the mean of the squares would be of normally
    distributed ones: a coarsely coded block holds a few strong coefficients, of which squares make as much as of the
    many small ones of a sharp block. In 223 trials of the table ``regions`` on development people, refusals aside, it
    puts another frame before the sharp one in 7, the mean of the squares in 10.

    Args:
        total, count: sum and number at each pixel.
        share: ``[H, W]`` in [0, 1], how far each pixel belongs to the region.
    """
    return math.pi / 2 * weighted_ratio(total, count, share) ** 2


def block_steps(plane: FloatArray, phase: tuple[int, int] = (0, 0)) -> FloatArray:
    """Absolute steps across and inside of the 8 x 8 grid, ``[4, H, W]``: sum and count across it, sum and count inside.

    After Wang, Bovik and Evan, "Blind measurement of blocking artifacts in images" (ICIP 2000), with differences in
    place of the spectrum. Each step is booked to the pixel on its right or below it.
    """
    out = np.zeros((4, *plane.shape), np.float32)
    for axis, start in ((1, phase[0]), (0, phase[1])):
        step = np.moveaxis(np.abs(np.diff(plane, axis=axis)), axis, -1)
        border = (np.arange(1, plane.shape[axis]) - start) % BLOCK == 0
        into = [np.moveaxis(out[k], axis, -1)[..., 1:] for k in range(4)]
        into[0] += step * border
        into[1] += border
        into[2] += step * ~border
        into[3] += ~border
    return out


def content_in_blocks(plane: FloatArray, phase: tuple[int, int] = (0, 0)) -> FloatArray:
    """How much the 8 x 8 blocks of a picture hold, ``[H, W]`` float32, the same for all pixels of a block.

    The mean of ``log2(1 + |c| / STEP)`` over the 63 coefficients ``c`` of its orthonormal DCT other than the first:
    about the bits that each of them takes. Blocks that the border cuts are filled up with its pixels.

    Args:
        plane: ``[H, W]`` luma of a frame on its own grid.
        phase: ``(x, y)`` where a block begins.
    """
    height, width = plane.shape
    left, top = -phase[0] % BLOCK, -phase[1] % BLOCK
    filled = np.pad(plane, ((top, -(top + height) % BLOCK), (left, -(left + width) % BLOCK)), mode="edge")
    blocks = block_dct(filled)
    assert blocks is not None
    blocks[..., 0, 0] = 0
    content = np.log2(1 + np.abs(blocks) / STEP).sum(axis=(2, 3)) / (BLOCK**2 - 1)
    spread = np.repeat(np.repeat(content, BLOCK, axis=0), BLOCK, axis=1)
    return np.asarray(spread[top : top + height, left : left + width], np.float32)


def weighted_ratio(total: NDArray, count: NDArray | float, share: NDArray) -> float:
    """Mean of what was summed in ``total`` over ``count`` occasions, weighted by ``share``; 0 for none."""
    occasions = float((count * share).sum())
    return float((total * share).sum()) / occasions if occasions > 1e-6 else 0.0


def blockiness(steps: FloatArray, share: NDArray) -> float:
    """How much stronger the steps across the grid are than those inside; 0 is none, 1 is twice as strong.

    Args:
        steps: from :func:`block_steps`.
        share: ``[H, W]`` in [0, 1], how far each pixel belongs to the region.
    """
    if not (steps[1] * share).any() or not (steps[3] * share).any():
        return 0.0
    across, inside = weighted_ratio(steps[0], steps[1], share), weighted_ratio(steps[2], steps[3], share)
    return max(0.0, across / (inside + 1.0 / 255.0) - 1.0)


def expected_error(
    detail: float, content: float, blocks: float, noise: float, *, best_detail: float, best_content: float
) -> float:
    """Root-mean-square error of a region to expect, in [0, 1] grey levels.

    Args:
        detail: of the region in this frame, :func:`detail_of`, in pixels of the reference frame.
        content: bits a coefficient of the region in this frame, :func:`content_in_blocks`.
        blocks: see :func:`blockiness`.
        noise: standard deviation of the frame's numbers, in [0, 1] grey levels.
        best_detail, best_content: the most that a frame of the track has there.
    """
    squared = (
        WEIGHTS["lack"] * math.log((best_detail + FLOOR) / (detail + FLOOR))
        + WEIGHTS["content"] * math.log((best_content + FAINT) / (content + FAINT))
        + WEIGHTS["blocks"] * math.log(blocks + 1.5)
        + WEIGHTS["noise"] * math.log(noise**2)
        + WEIGHTS["best"] * math.log(best_detail + FLOOR)
        + WEIGHTS["constant"]
    )
    return math.exp(squared / 2)


def score_of(error: float) -> float:
    """The score in [0, 1] of an expected error: ``HALF**2 / (HALF**2 + error**2)``."""
    return HALF**2 / (HALF**2 + error**2)


def error_of(score: float) -> float:
    """The expected error that a score in (0, 1] means, in [0, 1] grey levels."""
    return HALF * math.sqrt(1.0 / score - 1.0)
