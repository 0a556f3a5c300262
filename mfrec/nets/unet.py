"""A U-Net after the thesis's, with a smaller decoder: a stack of enlarged frames in, one picture out.

The network as drawn is :mod:`mfrec.nets.multi_frame_unet`; this one is kept as long as its weights are shipped (card
``unet``). A U-Net (Ronneberger, Fischer and Brox, MICCAI 2015) with the encoder of ResNet-34
(:mod:`mfrec.nets.resnet_encoder`), two convolutions as bottleneck and a pixel-shuffle decoder
(:mod:`mfrec.nets.pixel_shuffle_decoder`). The frames are enlarged first and stacked as channels, unregistered. The
picture comes straight out of the last convolution; it is not a correction of the enlarged reference.
"""

from __future__ import annotations

from torch import Tensor, nn

from mfrec.nets.enlarge import stacked
from mfrec.nets.padding import crop, pad
from mfrec.nets.pixel_shuffle_decoder import PixelShuffleDecoder
from mfrec.nets.resnet_encoder import STRIDE, ResnetEncoder


class Unet(nn.Module):
    """Frames in, one picture out.

    For seven frames 27,126,318 parameters at full size and 1,728,798 at a quarter of the width; for one frame
    27,020,532 and 1,696,452.

    Args:
        frames: how many frames a stack has.
        width: share of the channels of every layer, 1 is full size.
    """

    def __init__(self, *, frames: int = 7, width: float = 1.0) -> None:
        super().__init__()
        self.frames = frames
        self.encoder = ResnetEncoder(inputs=3 * frames, width=width)
        self.decoder = PixelShuffleDecoder(inputs=3 * frames, features=self.encoder.channels, width=width)

    def forward(self, frames: Tensor) -> Tensor:
        """Make one picture.

        Args:
            frames: ``[B, N, 3, h, w]`` RGB in [0, 1], in the order of time; the picture is of the moment of the frame
                ``N // 2``. Sides of 3 px and more.

        Returns:
            ``[B, 3, 4 h, 4 w]`` RGB, about [0, 1].

        Raises:
            ValueError: another number of frames than the network was made for, or no stack of frames.
        """
        large = stacked(frames, self.frames)
        stack = pad(large, STRIDE)
        made = self.decoder(stack, self.encoder(stack))
        return crop(made, *large.shape[-2:])
