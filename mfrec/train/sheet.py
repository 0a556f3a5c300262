"""A batch as one picture: what TensorBoard and a notebook show of the samples and of what a network makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mfrec.types import FloatArray

GAP = 2
"""Pixels between two pictures."""


def sheet(
    inputs: Sequence[Tensor], wanted: Mapping[str, Tensor], made: Tensor | None = None, rows: int = 4
) -> FloatArray:
    """Draw samples, one a row: the pictures among its inputs, then what was made of them, then the truth.

    What is smaller than the truth is enlarged without interpolation, so that one sees its pixels. ``imshow`` takes the
    result, and so does TensorBoard's ``add_image`` with ``dataformats="HWC"``.

    Args:
        inputs: of the network, each with the batch first: ``[B, 3, h, w]`` pictures, ``[B, 1, h, w]`` masks,
            ``[B, N, C, h, w]`` stacks of frames whose first three planes are shown. Other shapes are left out.
        wanted: ``"truth"`` ``[B, 3, H, W]``, or ``[B, 1, H, W]`` in grey.
        made: likewise by a network, or None.
        rows: how many samples at most.

    Returns:
        ``[h, w, 3]`` float32 in [0, 1].
    """
    truth = wanted["truth"]
    lines = []
    for number in range(min(rows, len(truth))):
        shown = [picture for value in inputs for picture in pictures_in(value[number])]
        shown += [value[number] for value in (made, truth) if value is not None]
        lines.append(torch.cat([framed(picture, truth.shape[-2:]) for picture in shown], dim=2))
    return torch.cat(lines, dim=1).permute(1, 2, 0).numpy().astype(np.float32, copy=False)


def pictures_in(value: Tensor) -> list[Tensor]:
    """The pictures ``[3, h, w]`` in one input of one sample: itself, a mask in grey, the frames of a stack, or none."""
    if value.ndim == 3 and value.shape[0] in (1, 3):
        return [value.expand(3, -1, -1)]
    if value.ndim == 4 and value.shape[1] >= 3:
        return [frame[:3] for frame in value]
    return []


def framed(picture: Tensor, size: Sequence[int]) -> Tensor:
    """One picture at a size, ``[3, h, w]`` in [0, 1], with a white gap on its right and below."""
    grown = functional.interpolate(picture[None].detach().float().cpu(), size=tuple(size), mode="nearest-exact")[0]
    return functional.pad(grown.clamp(0, 1), (0, GAP, 0, GAP), value=1.0).expand(3, -1, -1)
