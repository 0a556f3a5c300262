"""The discriminator of "Enhance!" (see :mod:`mfrec.nets.enhance`): eight convolutions, and the mean over the picture.

The project says that odd layers widen and even ones keep the channels, each with batch normalisation and swish, then
one convolution, average pooling and a sigmoid. The widths and the strides of 2 in the even layers are ours. Nothing
depends on the size. What is returned is the logit; the sigmoid belongs to the loss.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from mfrec.nets.srresnet import glorot


class EnhanceDiscriminator(nn.Module):
    """Grey pictures of any size from 16 px a side to logits.

    Args:
        widths: channels of each pair of layers.
    """

    def __init__(self, *, widths: Sequence[int] = (16, 32, 64, 128)) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 1
        for width in widths:
            for stride in (1, 2):
                layers += [nn.Conv2d(before, width, 3, stride, padding=1), nn.BatchNorm2d(width), nn.SiLU()]
                before = width
        self.layers = nn.Sequential(*layers, nn.Conv2d(before, 1, 3, padding=1))
        self.apply(glorot)

    def forward(self, image: Tensor) -> Tensor:
        """``[B, 1, h, w]`` in [0, 1] to ``[B]`` logits of being real."""
        return self.layers(image).mean(dim=(1, 2, 3)).float()
