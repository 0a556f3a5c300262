"""Bicubic enlargement of a stack of frames, the first step of the thesis's multi-frame networks."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from mfrec.nets.clean import SCALE


def enlarge(frames: Tensor) -> Tensor:
    """Enlarge frames four times, bicubic (Keys, IEEE TASSP 29(6), 1981, with ``a = -0.75`` as in PyTorch).

    Args:
        frames: ``[B, N, 3, h, w]`` RGB in [0, 1].

    Returns:
        ``[B, N, 3, 4 h, 4 w]``; bicubic overshoots at edges, so values may lie a little outside [0, 1].

    Raises:
        ValueError: ``frames`` has another shape.
    """
    if frames.ndim != 5 or frames.shape[2] != 3:
        raise ValueError(f"the frames have the shape {tuple(frames.shape)}, expected [batch, frames, 3, height, width]")
    batch, count = frames.shape[:2]
    large = functional.interpolate(frames.flatten(0, 1), scale_factor=SCALE, mode="bicubic", align_corners=False)
    return large.unflatten(0, (batch, count))
