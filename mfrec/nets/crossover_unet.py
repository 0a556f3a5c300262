"""The thesis's U-Net for the cross-over: the masked region of one picture in another, with a seam that nobody sees.

The network of :mod:`mfrec.nets.unet` on nine channels and on the output grid: the picture that gives, the picture that
takes, and the mask three times, so that it weighs as much as a picture in the first layer. Nothing is enlarged, and the
picture comes straight out of the last convolution.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mfrec.nets.padding import crop, pad
from mfrec.nets.pixel_shuffle_decoder import PixelShuffleDecoder
from mfrec.nets.resnet_encoder import STRIDE, ResnetEncoder


class CrossoverUnet(nn.Module):
    """Source, target and mask in, one picture out.

    1,705,938 parameters at a quarter of the width, as it is shipped; 27,054,498 at full size.

    Args:
        width: share of the channels of every layer, 1 is full size.
    """

    def __init__(self, *, width: float = 0.25) -> None:
        super().__init__()
        self.encoder = ResnetEncoder(inputs=9, width=width)
        self.decoder = PixelShuffleDecoder(inputs=9, features=self.encoder.channels, width=width)

    def forward(self, source: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """Cross over.

        Args:
            source: ``[B, 3, H, W]`` RGB in [0, 1], what the region is taken from, registered onto the target.
            target: ``[B, 3, H, W]`` RGB in [0, 1], what stays outside of the region.
            mask: ``[B, 1, H, W]`` 1 where the source is wanted, 0 where the target is.

        Returns:
            ``[B, 3, H, W]`` RGB, about [0, 1].
        """
        stack = torch.cat([source, target, mask.expand(-1, 3, -1, -1)], 1)
        padded = pad(stack, STRIDE)
        return crop(self.decoder(padded, self.encoder(padded)), *stack.shape[-2:])
