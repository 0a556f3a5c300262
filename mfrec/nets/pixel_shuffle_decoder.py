"""Bottleneck and decoder of :mod:`mfrec.nets.unet`: pixel shuffle, and skip connections up to the picture.

The wiring is that of fastai's ``DynamicUnet`` (Howard and Gugger, "fastai: a layered API for deep learning",
Information 11(2), 2020): two convolutions at the deepest level; at every level above, a sub-pixel convolution (Shi et
al., CVPR 2016, eq. 4), the encoder's features beside it after a batch norm, and two convolutions; at the end the
picture itself beside the features, a residual block and a convolution of one pixel.

The layers are narrower than in :mod:`mfrec.nets.dynamic_unet`, which is fastai's, and nothing is averaged after the
enlargement: the bottleneck passes through half the channels of the encoder instead of twice as
many, and a level of the decoder has a number of channels of its own instead of the sum of what it is fed.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from mfrec.nets.width import scaled

BOTTLENECK = 256
"""Channels between the two convolutions of the bottleneck at full size."""

LEVELS = (256, 128, 96, 64)
"""Channels of the decoder at full size, at a sixteenth, an eighth, a quarter and half of the picture's grid."""

FINEST = 64
"""Channels that are enlarged to the picture's own grid, at full size."""


class ShuffleEnlarge(nn.Module):
    """Twice the grid by sub-pixel convolution; ``[B, before, h, w]`` to ``[B, channels, 2 h, 2 w]``, not negative.

    At the start the four pixels made of one are equal, so that no checkerboard has to be unlearnt (Aitken et al.,
    "Checkerboard artifact free sub-pixel convolution", 2017: "ICNR").
    """

    def __init__(self, before: int, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, 4 * channels, 1)
        kernel = torch.empty(channels, before, 1, 1)
        nn.init.kaiming_normal_(kernel, nonlinearity="relu")
        with torch.no_grad():
            # Pixel shuffle makes the four pixels of channel c from the channels 4 c .. 4 c + 3.
            self.conv.weight.copy_(kernel.repeat_interleave(4, dim=0))
        nn.init.zeros_(self.conv.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, x: Tensor) -> Tensor:
        return functional.pixel_shuffle(functional.relu(self.conv(x)), 2)


class DecoderLevel(nn.Module):
    """One level up: enlarge, put the encoder's features beside, convolve twice."""

    def __init__(self, before: int, skip: int, channels: int) -> None:
        super().__init__()
        self.enlarge = ShuffleEnlarge(before, channels)
        self.norm = nn.BatchNorm2d(skip)
        self.first = _convolution(channels + skip, channels)
        self.second = _convolution(channels, channels)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = functional.relu(torch.cat([self.enlarge(x), self.norm(skip)], 1))
        return functional.relu(self.second(functional.relu(self.first(x))))


class PixelShuffleDecoder(nn.Module):
    """Feature maps and the picture in, picture out.

    Args:
        inputs: channels of the picture that goes beside the last features.
        features: channels of the encoder's five maps, the finest first.
        width: share of the decoder's channels.
    """

    def __init__(self, *, inputs: int, features: Sequence[int], width: float = 1.0) -> None:
        super().__init__()
        deepest = features[-1]
        narrow = scaled(BOTTLENECK, width)
        self.bottleneck = nn.Sequential(
            nn.BatchNorm2d(deepest),
            nn.ReLU(),
            _convolution(deepest, narrow),
            nn.ReLU(),
            _convolution(narrow, deepest),
            nn.ReLU(),
        )
        channels = [deepest, *(scaled(full, width) for full in LEVELS)]
        self.levels = nn.ModuleList(
            DecoderLevel(before, skip, after)
            for before, skip, after in zip(channels, reversed(features[:-1]), channels[1:], strict=False)
        )
        finest = scaled(FINEST, width)
        self.enlarge = ShuffleEnlarge(channels[-1], finest)
        self.first = _convolution(finest + inputs, finest + inputs)
        self.second = _convolution(finest + inputs, finest + inputs)
        self.last = nn.Conv2d(finest + inputs, 3, 1)

    def forward(self, image: Tensor, features: Sequence[Tensor]) -> Tensor:
        """Decode.

        Args:
            image: ``[B, inputs, H, W]``.
            features: five maps as of :class:`mfrec.nets.resnet_encoder.ResnetEncoder`.

        Returns:
            ``[B, 3, H, W]``, float32 also under autocast; nothing keeps it in [0, 1] but training.
        """
        x = self.bottleneck(features[-1])
        for level, skip in zip(self.levels, reversed(features[:-1]), strict=True):
            x = level(x, skip)
        x = torch.cat([self.enlarge(x), image], 1)
        x = functional.relu(x + self.second(functional.relu(self.first(x))))
        return self.last(x).float()


def _convolution(before: int, channels: int) -> nn.Conv2d:
    """3 x 3, He initialisation: no norm in the decoder keeps the size of its signals otherwise."""
    convolution = nn.Conv2d(before, channels, 3, padding=1)
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    if convolution.bias is not None:
        nn.init.zeros_(convolution.bias)
    return convolution
