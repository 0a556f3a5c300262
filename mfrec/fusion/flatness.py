"""Nothing drawn where nothing is: where the evidence picture is flat, a network's fine detail gives way to its.

A network that reads frames with other backgrounds, quantisers or numbers than it learnt from may leave a regular
grain, of the period of its sub-pixel convolution (Odena, Dumoulin and Olah, "Deconvolution and checkerboard
artifacts", Distill 2016), on a wall that every frame shows flat. The evidence picture has no such layer. So both are
split into what is coarse and what is fine; where the evidence is flat and the other is not, the fine part is the
evidence's.
"""

from __future__ import annotations

import cv2
import numpy as np

from mfrec.image.filters import gaussian
from mfrec.types import FloatArray

PATCH = 25
"""Side in canvas pixels of the patch over which flatness is judged."""

CORE = 9
"""Side of the smaller patch that has to be flat itself, so that an edge near a wall keeps its own detail."""

FLAT = (0.7 / 255.0, 1.3 / 255.0)
"""High-pass of the evidence, root-mean-square over a patch: flat up to the first, not flat from the second on."""

CORE_FLAT = (2.5 / 255.0, 4.0 / 255.0)
"""The same for the smaller patch: a faint seam in a wall is no edge."""

ALLOWED = (1.5, 0.08 / 255.0)
"""High-pass that a picture may have on a flat patch: so many times the evidence's, and so much more."""

RAMP = 0.1 / 255.0
"""Excess over :data:`ALLOWED` at which the evidence's detail has taken over."""

PASSES = 3
"""How often at most what is left is judged again: beside an edge, what is coarse has detail of its own as soon as the
fine part beside it is another's."""


def fine_detail(image: FloatArray, scale: int) -> FloatArray:
    """What a Gaussian of 1.5 reference pixels takes away, ``[H, W, 3]``.

    Args:
        image: ``[H, W, 3]`` float32 in [0, 1] on the canvas.
        scale: canvas pixels per reference pixel.
    """
    return np.asarray(image - gaussian(image, 1.5 * scale), np.float32)


def patch_energy(detail: FloatArray, side: int) -> FloatArray:
    """Root-mean-square ``[H, W]`` of ``detail [H, W, 3]`` over the square patch around each pixel, border reflected."""
    square = np.asarray((detail**2).mean(axis=2), np.float32)
    return np.sqrt(np.maximum(cv2.blur(square, (side, side), borderType=cv2.BORDER_REFLECT), 0.0))


def kept_flat(image: FloatArray, evidence: FloatArray, scale: int) -> tuple[FloatArray, FloatArray]:
    """A picture whose fine detail is the evidence's where the evidence is flat and the picture is not.

    Args:
        image: ``[H, W, 3]`` float32 RGB in [0, 1], made by networks.
        evidence: ``[H, W, 3]`` the evidence picture on the same canvas.
        scale: canvas pixels per reference pixel.

    Returns:
        The picture ``[H, W, 3]``, and ``[H, W]`` in [0, 1] how much of its fine detail was replaced; zero everywhere
        means that the picture is the one that was given, bit for bit.
    """
    measured = fine_detail(evidence, scale)
    level = patch_energy(measured, PATCH)
    flat = _falling(level, *FLAT)
    edgeless = _falling(patch_energy(measured, CORE), *CORE_FLAT)
    replaced = np.zeros(level.shape, np.float32)
    for _ in range(PASSES):
        own = fine_detail(image, scale)
        excess = patch_energy(own, PATCH) - (ALLOWED[0] * level + ALLOWED[1])
        share = flat * np.clip(excess / RAMP, 0.0, 1.0)
        # A patch is judged as a whole, so all of it gives way, but for what is an edge in the small.
        share = np.asarray(cv2.dilate(share.astype(np.float32), np.ones((PATCH, PATCH), np.uint8)), np.float32)
        share = np.minimum(share, edgeless)
        share = np.asarray(cv2.blur(share, (CORE, CORE), borderType=cv2.BORDER_REFLECT), np.float32)
        if not share.any():
            break
        image = np.clip(image + share[..., None] * (measured - own), 0.0, 1.0).astype(np.float32)
        replaced = 1 - (1 - replaced) * (1 - share)
    return image, replaced


def _falling(value: FloatArray, low: float, high: float) -> FloatArray:
    """1 up to ``low``, 0 from ``high`` on, straight between."""
    return np.clip((high - value) / (high - low), 0.0, 1.0).astype(np.float32)
