"""The thesis's U-Net for the cross-over: the masked region of one picture in another, with a seam that nobody sees.

:class:`mfrec.nets.dynamic_unet.DynamicUnet` on nine channels and on the output grid: the picture that gives, the
picture that takes, and the mask three times, so that it weighs as much as a picture in the first layer. Nothing is
enlarged, and the picture comes straight out of the last convolution.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mfrec.nets.dynamic_unet import DynamicUnet


class CrossoverUnet(nn.Module):
    """Source, target and mask in, one picture out.

    41,262,146 parameters at full size, 2,596,538 at a quarter of the width.

    Args:
        width: share of the channels of every layer, 1 is full size.
    """

    def __init__(self, *, width: float = 1.0) -> None:
        super().__init__()
        self.unet = DynamicUnet(inputs=9, width=width)

    def begin_as_interpolation(self) -> None:
        """Begin as the target, unchanged, see :mod:`mfrec.nets.interpolating`."""
        self.unet.begin_as_interpolation(3)

    def forward(self, source: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """Cross over.

        Args:
            source: ``[B, 3, H, W]`` RGB in [0, 1], what the region is taken from, registered onto the target.
            target: ``[B, 3, H, W]`` RGB in [0, 1], what stays outside of the region.
            mask: ``[B, 1, H, W]`` 1 where the source is wanted, 0 where the target is.

        Returns:
            ``[B, 3, H, W]`` RGB, about [0, 1].
        """
        return self.unet(torch.cat([source, target, mask.expand(-1, 3, -1, -1)], 1))
