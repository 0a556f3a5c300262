"""The thesis's multi-frame U-Net as drawn: a stack of enlarged frames in, one picture out.

Figure 2.4 of the thesis that this project builds on: :class:`mfrec.nets.dynamic_unet.DynamicUnet` over seven frames
that are enlarged first (bicubic) and stacked as 21 channels, unregistered: nothing tells the network which pixels
belong together but what it learns. With one frame it is the thesis's single-frame network, whose encoder
:mod:`mfrec.nets.feature_merge` takes over.
"""

from __future__ import annotations

from torch import Tensor, nn

from mfrec.nets.dynamic_unet import DynamicUnet
from mfrec.nets.enlarge import stacked


class MultiFrameUnet(nn.Module):
    """Frames in, one picture out; as many parameters as the network below it has with three channels for each frame.

    Args:
        frames: how many frames a stack has.
        width: share of the channels of every layer, 1 is full size.
    """

    def __init__(self, *, frames: int = 7, width: float = 1.0) -> None:
        super().__init__()
        self.frames = frames
        self.unet = DynamicUnet(inputs=3 * frames, width=width)

    def begin_as_interpolation(self) -> None:
        """Begin as the bicubic enlargement of the middle frame, see :mod:`mfrec.nets.interpolating`."""
        self.unet.begin_as_interpolation(3 * (self.frames // 2))

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
        return self.unet(stacked(frames, self.frames))
