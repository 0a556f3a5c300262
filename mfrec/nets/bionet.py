"""BiO-Net over a stack of enlarged frames: a small U-Net that runs twice and hands what it decoded back to its encoder.

Xiang et al., "BiO-Net: learning recurrent bi-directional connections for encoder-decoder architecture" (MICCAI 2020),
section 2, with four levels, and two iterations as in the thesis. The convolutions of encoder, middle and decoder are
the same in every iteration; each iteration has batch norms of its own. Forward skips carry the encoder's features to
the decoder, backward skips the decoder's to the encoder of the next iteration; in the first, where there are none, an
encoder gets its own input twice, as in the authors' program. The first and the last block run once. Unlike in the
paper, the input is a stack of frames and the result a picture, so no sigmoid ends it.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from mfrec.nets.enlarge import enlarge
from mfrec.nets.padding import crop, pad
from mfrec.nets.width import scaled

CHANNELS = (32, 64, 128, 256, 512)
"""Of the levels at full size, from half of the picture's grid to a thirty-second."""

STRIDE = 32
"""Pixels of the input to one cell of the deepest level."""


class Recurrent(nn.Module):
    """A convolution for all iterations, a rectifier, and a batch norm for each iteration."""

    def __init__(self, convolution: nn.Conv2d | nn.ConvTranspose2d, iterations: int) -> None:
        super().__init__()
        self.convolution = convolution
        self.norms = nn.ModuleList(nn.BatchNorm2d(convolution.out_channels) for _ in range(iterations))

    def forward(self, x: Tensor, iteration: int) -> Tensor:
        return self.norms[iteration](functional.relu(self.convolution(x)))


class Encoder(nn.Module):
    """One level down: take in what came back, hand on what goes forward, and widen."""

    def __init__(self, channels: int, deeper: int, iterations: int) -> None:
        super().__init__()
        self.first = Recurrent(_convolution(2 * channels, channels), iterations)
        self.second = Recurrent(_convolution(channels, channels), iterations)
        self.widen = Recurrent(_convolution(channels, deeper), iterations)

    def forward(self, x: Tensor, back: Tensor, iteration: int) -> tuple[Tensor, Tensor]:
        """``x`` and ``back [B, C, h, w]`` to the forward skip ``[B, C, h, w]`` and ``[B, deeper, h / 2, w / 2]``."""
        skip = self.second(self.first(torch.cat([x, back], 1), iteration), iteration)
        return skip, functional.max_pool2d(self.widen(skip, iteration), 2)


class Decoder(nn.Module):
    """One level up: enlarge, take in the forward skip, and give what goes back."""

    def __init__(self, channels: int, deeper: int, iterations: int) -> None:
        super().__init__()
        self.enlarge = Recurrent(_enlarging(deeper), iterations)
        self.first = Recurrent(_convolution(deeper + channels, channels), iterations)
        self.second = Recurrent(_convolution(channels, channels), iterations)

    def forward(self, x: Tensor, skip: Tensor, iteration: int) -> Tensor:
        """``x [B, deeper, h / 2, w / 2]`` and ``skip [B, C, h, w]`` to ``[B, C, h, w]``."""
        x = torch.cat([self.enlarge(x, iteration), skip], 1)
        return self.second(self.first(x, iteration), iteration)


class BioNet(nn.Module):
    """Frames in, one picture out.

    14,979,395 parameters at full size and 942,035 at a quarter of the width, for seven frames and two iterations.

    Args:
        frames: how many frames a stack has.
        width: share of the channels of every layer, 1 is the paper's size.
        iterations: how often encoder and decoder run.
    """

    def __init__(self, *, frames: int = 7, width: float = 1.0, iterations: int = 2) -> None:
        super().__init__()
        if iterations < 1:
            raise ValueError(f"{iterations} iterations were asked for, expected at least 1")
        self.frames, self.iterations = frames, iterations
        channels = [scaled(full, width) for full in CHANNELS]
        pairs = list(pairwise(channels))
        finest, deepest = channels[0], channels[-1]
        self.enter = nn.Sequential(
            *_once(_convolution(3 * frames, finest)),
            *_once(_convolution(finest, finest)),
            *_once(_convolution(finest, finest)),
            nn.MaxPool2d(2),
        )
        self.encoders = nn.ModuleList(Encoder(c, deeper, iterations) for c, deeper in pairs)
        self.middle = nn.ModuleList(Recurrent(_convolution(deepest, deepest), iterations) for _ in range(2))
        self.decoders = nn.ModuleList(Decoder(c, deeper, iterations) for c, deeper in pairs)
        self.leave = nn.Sequential(
            *_once(_enlarging(finest)),
            *_once(_convolution(finest, finest)),
            *_once(_convolution(finest, finest)),
            nn.Conv2d(finest, 3, 1),
        )
        for part in self.modules():
            if isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(part.weight, nonlinearity="relu")

    def forward(self, frames: Tensor) -> Tensor:
        """Make one picture.

        Args:
            frames: ``[B, N, 3, h, w]`` RGB in [0, 1], in the order of time; the picture is of the moment of the frame
                ``N // 2``. Sides of 3 px and more.

        Returns:
            ``[B, 3, 4 h, 4 w]`` RGB, about [0, 1], float32 also under autocast.

        Raises:
            ValueError: another number of frames than the network was made for, or no stack of frames.
        """
        large = enlarge(frames)
        if large.shape[1] != self.frames:
            raise ValueError(f"the stack has {large.shape[1]} frames, this network was made for {self.frames}")
        entered = self.enter(pad(large.flatten(1, 2), STRIDE))
        backward: list[Tensor] = []
        for iteration in range(self.iterations):
            x, forward = entered, []
            for level, encoder in enumerate(self.encoders):
                skip, x = encoder(x, backward[level] if backward else x, iteration)
                forward.append(skip)
            for layer in self.middle:
                x = layer(x, iteration)
            backward = []
            for decoder, skip in zip(reversed(self.decoders), reversed(forward), strict=True):
                x = decoder(x, skip, iteration)
                backward.insert(0, x)
        return crop(self.leave(backward[0]).float(), *large.shape[-2:])


def _convolution(before: int, channels: int) -> nn.Conv2d:
    return nn.Conv2d(before, channels, 3, padding=1)


def _enlarging(channels: int) -> nn.ConvTranspose2d:
    """Twice the grid."""
    return nn.ConvTranspose2d(channels, channels, 3, stride=2, padding=1, output_padding=1)


def _once(convolution: nn.Conv2d | nn.ConvTranspose2d) -> tuple[nn.Module, ...]:
    """The parts of a block that does not recur."""
    return convolution, nn.ReLU(), nn.BatchNorm2d(convolution.out_channels)
