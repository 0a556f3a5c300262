"""fastai's dynamic U-Net on ResNet-34, as the thesis drew it: a picture of any number of channels in, one of three out.

Howard and Gugger, "fastai: a layered API for deep learning" (Information 11(2), 2020), ``DynamicUnet`` with
``blur=True``, after Ronneberger, Fischer and Brox (MICCAI 2015). Figure 2.4 of the thesis is this network: the encoder
of ResNet-34 (:mod:`mfrec.nets.resnet_encoder`); two convolutions at the deepest level that pass through twice its
channels; at every level above, a sub-pixel convolution (Shi et al., CVPR 2016, eq. 4) without checkerboard (Aitken et
al., 2017) and with an average over 2 x 2 pixels (Sugawara, Shiota and Kiya, ICIP 2018), the encoder's features beside
it after a batch norm, and two convolutions over as many channels as they are fed; at the end the picture itself beside
the features ("last cross"), a residual block and a convolution of one pixel.

With the same weights it gives the same numbers as fastai's, which a test compares. Two things lie around it: pictures
in [0, 1] are normalised by ImageNet's mean and spread and the result is brought back, and sides that are no multiple of
32 are padded.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from mfrec.nets.padding import crop, pad
from mfrec.nets.resnet_encoder import STRIDE, ResnetEncoder

MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the colours of ImageNet."""


class ShuffleEnlarge(nn.Module):
    """Twice the grid by sub-pixel convolution; ``[B, before, h, w]`` to ``[B, channels, 2 h, 2 w]``, not negative.

    At the start the four pixels made of one are equal (Aitken et al., "Checkerboard artifact free sub-pixel
    convolution", 2017: "ICNR").

    Args:
        before, channels: of input and output.
        blur: make each pixel the mean of itself and its neighbours above and to the left.
    """

    def __init__(self, before: int, channels: int, *, blur: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, 4 * channels, 1)
        self.blur = blur
        kernel = torch.empty(channels, before, 1, 1)
        nn.init.kaiming_normal_(kernel, nonlinearity="relu")
        with torch.no_grad():
            # Pixel shuffle makes the four pixels of channel c from the channels 4 c .. 4 c + 3.
            self.conv.weight.copy_(kernel.repeat_interleave(4, dim=0))
        nn.init.zeros_(self.conv.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, x: Tensor) -> Tensor:
        x = functional.pixel_shuffle(functional.relu(self.conv(x)), 2)
        if not self.blur:
            return x
        return functional.avg_pool2d(functional.pad(x, (1, 0, 1, 0), mode="replicate"), 2, stride=1)


class DecoderLevel(nn.Module):
    """One level up: enlarge to half the channels, put the encoder's features beside, convolve twice.

    Args:
        before: channels from below.
        skip: channels of the encoder's features.
        last: give half of what is fed, as the finest level does.

    Attributes:
        channels: of the output.
    """

    def __init__(self, before: int, skip: int, *, last: bool) -> None:
        super().__init__()
        fed = before // 2 + skip
        self.channels = fed // 2 if last else fed
        self.enlarge = ShuffleEnlarge(before, before // 2, blur=True)
        self.norm = nn.BatchNorm2d(skip)
        self.first = _convolution(fed, self.channels)
        self.second = _convolution(self.channels, self.channels)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = functional.relu(torch.cat([self.enlarge(x), self.norm(skip)], 1))
        return functional.relu(self.second(functional.relu(self.first(x))))


class DynamicDecoder(nn.Module):
    """Feature maps and the picture in, picture out.

    Args:
        inputs: channels of the picture that goes beside the last features.
        features: channels of the encoder's five maps, the finest first.

    Attributes:
        channels: of what the levels make, from the deepest to the finest.
    """

    def __init__(self, *, inputs: int, features: Sequence[int]) -> None:
        super().__init__()
        deepest = features[-1]
        self.bottleneck = nn.Sequential(
            nn.BatchNorm2d(deepest),
            nn.ReLU(),
            _convolution(deepest, 2 * deepest),
            nn.ReLU(),
            _convolution(2 * deepest, deepest),
            nn.ReLU(),
        )
        self.levels = nn.ModuleList()
        self.channels: list[int] = []
        before, skips = deepest, list(reversed(features[:-1]))
        for place, skip in enumerate(skips):
            level = DecoderLevel(before, skip, last=place == len(skips) - 1)
            self.levels.append(level)
            before = level.channels
            self.channels.append(before)
        self.enlarge = ShuffleEnlarge(before, before, blur=False)
        self.first = _convolution(before + inputs, before + inputs)
        self.second = _convolution(before + inputs, before + inputs)
        self.last = nn.Conv2d(before + inputs, 3, 1)

    def forward(self, image: Tensor, features: Sequence[Tensor]) -> Tensor:
        """Decode.

        Args:
            image: ``[B, inputs, H, W]``, normalised.
            features: five maps as of :class:`mfrec.nets.resnet_encoder.ResnetEncoder`.

        Returns:
            ``[B, 3, H, W]``, normalised, float32 also under autocast.
        """
        return self.finish(image, self.levels_of(features)[-1])

    def levels_of(self, features: Sequence[Tensor]) -> list[Tensor]:
        """What every level makes, ``[B, C, h, w]`` from the deepest to half of the picture's grid."""
        x = self.bottleneck(features[-1])
        made = []
        for level, skip in zip(self.levels, reversed(features[:-1]), strict=True):
            x = level(x, skip)
            made.append(x)
        return made

    def finish(self, image: Tensor, x: Tensor) -> Tensor:
        """From the finest level's features to the picture, see :meth:`forward`."""
        x = torch.cat([self.enlarge(x), image], 1)
        x = functional.relu(x + self.second(functional.relu(self.first(x))))
        return self.last(x).float()

    @torch.no_grad()
    def begin_as(self, channel: int) -> None:
        """Let the result be three channels of the picture, for initial weights; see :mod:`mfrec.nets.interpolating`.

        The last cross brings the picture past all features, and a rectifier behind it keeps what is positive. What is
        negative goes by three channels that carried features; the others reach the result once the last convolution
        learns to read them.

        Args:
            channel: the first of the three.

        Raises:
            ValueError: the network is too narrow to spare three channels.
        """
        features = self.enlarge.conv.out_channels // 4
        if features < 3:
            raise ValueError(f"it has {features} channels of features at the end, expected 3 to carry a picture")
        kept = torch.tensor([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
        self.last.weight.zero_()
        for colour in range(3):
            image = features + channel + colour
            for layer, row in ((self.first, colour), (self.second, colour), (self.second, image)):
                layer.weight[row].zero_()
            self.enlarge.conv.weight[4 * colour : 4 * colour + 4] = 0
            self.first.weight[colour, image] = -kept
            self.second.weight[colour, colour] = kept
            self.last.weight[colour, image], self.last.weight[colour, colour] = 1, -1
        for layer in (self.enlarge.conv, self.first, self.second, self.last):
            nn.init.zeros_(layer.bias)  # pyright: ignore[reportArgumentType]


class DynamicUnet(nn.Module):
    """Picture in, picture of the same size out.

    At full size 41,221,268 parameters with three channels, 41,262,146 with nine and 41,347,790 with 21; at a quarter
    of the width 2,585,324, 2,596,538 and 2,622,854.

    Args:
        inputs: channels of the picture, a multiple of three.
        width: share of the channels of every layer, 1 is full size.
    """

    def __init__(self, *, inputs: int = 3, width: float = 1.0) -> None:
        super().__init__()
        if inputs < 3 or inputs % 3:
            raise ValueError(f"a picture of {inputs} channels was asked for, expected a multiple of three")
        self.encoder = ResnetEncoder(inputs=inputs, width=width)
        self.decoder = DynamicDecoder(inputs=inputs, features=self.encoder.channels)

    def begin_as_interpolation(self, channel: int = 0) -> None:
        """Begin as the picture whose three channels begin at ``channel``, see :meth:`DynamicDecoder.begin_as`."""
        self.decoder.begin_as(channel)

    def forward(self, image: Tensor) -> Tensor:
        """Make one picture.

        Args:
            image: ``[B, inputs, H, W]`` in [0, 1], three channels each. Sides of 12 px and more.

        Returns:
            ``[B, 3, H, W]`` RGB, about [0, 1]; nothing keeps it there but training.
        """
        padded = normalised(pad(image, STRIDE))
        made = self.decoder(padded, self.encoder(padded))
        return crop(denormalised(made), *image.shape[-2:])


def normalised(image: Tensor) -> Tensor:
    """``[B, 3 n, H, W]`` in [0, 1], every three channels less ImageNet's mean over its spread."""
    mean, spread = (image.new_tensor(values).repeat(image.shape[1] // 3) for values in (MEAN, SPREAD))
    return (image - mean[:, None, None]) / spread[:, None, None]


def denormalised(image: Tensor) -> Tensor:
    """``[B, 3, H, W]`` back to [0, 1]."""
    return image * image.new_tensor(SPREAD)[:, None, None] + image.new_tensor(MEAN)[:, None, None]


def double_convolution(before: int, channels: int) -> nn.Sequential:
    """Convolution, batch norm and rectifier, twice: by this the thesis brings features from one place to another.

    ``[B, before, h, w]`` to ``[B, channels, h, w]``, not negative.
    """
    return nn.Sequential(
        _convolution(before, channels),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        _convolution(channels, channels),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    )


def _convolution(before: int, channels: int) -> nn.Conv2d:
    """3 x 3, He initialisation: no norm in the decoder keeps the size of its signals otherwise."""
    convolution = nn.Conv2d(before, channels, 3, padding=1)
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    if convolution.bias is not None:
        nn.init.zeros_(convolution.bias)
    return convolution
