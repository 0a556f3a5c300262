"""What the fusion network reads: every frame on the canvas, cleaned and raw, and how far it is to be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mfrec.image.geometry import warp
from mfrec.types import Cleaned, FloatArray, Registration

PLANES = 8
"""Planes of a frame on the canvas: cleaned RGB, raw RGB, logarithm of the cleaned frame's variance, trust."""


def planes_of(image: FloatArray, cleaned: Cleaned, registration: Registration) -> FloatArray:
    """One frame as the network :mod:`mfrec.nets.fusion` takes it.

    Args:
        image: ``[h, w, 3]`` RGB in [0, 1], the raw frame.
        cleaned: the same frame without its artifacts.
        registration: of the frame onto the canvas, ``[H, W]``.

    Returns:
        ``[8, H, W]`` float32: cleaned RGB, raw RGB, both in the reference's light; the logarithm of the variance of the
        cleaned; the registration's trust.
    """
    finer = cleaned.from_frame.apply(registration.look_up).astype(np.float32)
    out = np.empty((PLANES, *finer.shape[:2]), np.float32)
    for first, picture, places in ((0, cleaned.image, finer), (3, image, registration.look_up)):
        lit = warp(picture, places) * registration.gain + registration.offset
        out[first : first + 3] = lit.transpose(2, 0, 1)
    sigma = warp(cleaned.sigma, finer, interpolation="linear")
    out[6] = 2.0 * np.log(np.maximum(sigma, 1e-3))
    out[7] = registration.trust
    return out


@dataclass(frozen=True, eq=False)
class LearnedFusion:
    """The network's opinion on its own grid.

    Attributes:
        image: ``[H, W, 3]`` float32 RGB, not clipped.
        weight: ``[N, H, W]`` float32 share of each frame; sums to 1 where a frame sees the pixel.
        sigma: ``[H, W]`` float32 expected standard deviation of a colour value, in [0, 1] grey levels.
        correction: ``[H, W, 3]`` float32: what the network added to the weighted mean of the cleaned frames.
    """

    image: FloatArray
    weight: FloatArray
    sigma: FloatArray
    correction: FloatArray


def fuse_planes(network: Any, stack: FloatArray, told: FloatArray, reference: int) -> LearnedFusion:
    """Run the network on one stack.

    Args:
        network: a :class:`mfrec.nets.fusion.Fusion` in evaluation mode.
        stack: ``[N, 8, H, W]``, see :func:`planes_of`; sides are multiples of 4.
        told: ``[N, 8]``, see :func:`mfrec.camera.conditions.conditions`.
        reference: position of the reference.
    """
    import torch

    from mfrec.nets.threads import one_thread

    device = next(network.parameters()).device
    with torch.inference_mode(), one_thread():
        made = network(
            torch.from_numpy(stack[None]).to(device),
            torch.from_numpy(told[None]).to(device),
            torch.tensor([reference], device=device),
        )
        return LearnedFusion(
            image=made.image[0].permute(1, 2, 0).cpu().numpy(),
            weight=made.weight[0].cpu().numpy(),
            sigma=torch.exp(0.5 * made.log_variance[0, 0]).cpu().numpy(),
            correction=made.correction[0].permute(1, 2, 0).cpu().numpy(),
        )
