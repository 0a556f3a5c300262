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


def stacked(frames: Tensor, count: int) -> Tensor:
    """Enlarged frames as one picture of many channels.

    Args:
        frames: ``[B, N, 3, h, w]`` RGB in [0, 1].
        count: how many frames a network was made for.

    Returns:
        ``[B, 3 N, 4 h, 4 w]``.

    Raises:
        ValueError: another number of frames, or no stack of frames.
    """
    large = enlarge(frames)
    if large.shape[1] != count:
        raise ValueError(f"the stack has {large.shape[1]} frames, this network was made for {count}")
    return large.flatten(1, 2)
