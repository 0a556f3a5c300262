"""The discriminator of StyleGAN2: a residual network that also sees how much the pictures of a batch differ.

Karras et al., CVPR 2020 (see :mod:`mfrec.nets.stylegan2`), configuration F; the standard deviation over groups of the
batch is that of Karras, Aila, Laine and Lehtinen, "Progressive growing of GANs", ICLR 2018, section 3.
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from mfrec.nets.stylegan2 import Equalised, blurred, channels_of, leaky

GROUP = 4
"""Pictures of a batch whose spread is looked at together."""


class Convolution(nn.Module):
    """A convolution with an equalised learning rate: ``[B, before, h, w]`` to ``[B, after, h, w]``, or half of that.

    Args:
        before, after: channels.
        kernel: 1 or 3.
        halved: blur, and keep every second pixel.
        linear: no bias and no rectifier.
    """

    def __init__(self, before: int, after: int, kernel: int, *, halved: bool = False, linear: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(after, before, kernel, kernel))
        self.bias = None if linear else nn.Parameter(torch.zeros(after))
        self.scale = 1 / math.sqrt(before * kernel**2)
        self.halved, self.kernel = halved, kernel

    def forward(self, x: Tensor) -> Tensor:
        weight, padding, stride = self.weight * self.scale, self.kernel // 2, 1
        if self.halved and self.kernel == 1:
            x = blurred(x, (1, 1), stride=2)
        elif self.halved:
            x, padding, stride = blurred(x, (2, 2)), 0, 2
        x = functional.conv2d(x, weight, padding=padding, stride=stride)
        return x if self.bias is None else leaky(x + self.bias[:, None, None])


class Block(nn.Module):
    """``[B, before, h, w]`` to ``[B, after, h / 2, w / 2]``: two convolutions beside a linear one."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.first = Convolution(before, before, 3)
        self.second = Convolution(before, after, 3, halved=True)
        self.beside = Convolution(before, after, 1, halved=True, linear=True)

    def forward(self, x: Tensor) -> Tensor:
        return (self.second(self.first(x)) + self.beside(x)) / math.sqrt(2)


class Stylegan2Discriminator(nn.Module):
    """Pictures to logits.

    Args:
        side: of the pictures in pixels.
        base, most: of the channels, see :func:`mfrec.nets.stylegan2.channels_of`.
    """

    def __init__(self, *, side: int = 1024, base: int = 32768, most: int = 512) -> None:
        super().__init__()
        channels = channels_of(side, base, most)
        sides = sorted(channels, reverse=True)
        self.colours = Convolution(3, channels[side], 1)
        self.blocks = nn.Sequential(
            *(Block(channels[a], channels[b]) for a, b in itertools.pairwise(sides)),
        )
        self.last = Convolution(channels[4] + 1, channels[4], 3)
        self.hidden = Equalised(16 * channels[4], channels[4])
        self.logit = Equalised(channels[4], 1)

    def forward(self, image: Tensor) -> Tensor:
        """``[B, 3, side, side]`` in [0, 1] to ``[B]`` logits of being real."""
        x = self.blocks(self.colours(2 * image - 1))
        x = self.last(torch.cat([x, spread(x)], dim=1))
        return self.logit(leaky(self.hidden(x.flatten(1))))[:, 0]


def spread(x: Tensor) -> Tensor:
    """``[B, 1, h, w]``: the standard deviation over each group of a batch, averaged over channels and pixels."""
    size = math.gcd(len(x), GROUP)
    groups = x.reshape(size, -1, *x.shape[1:])
    deviation = ((groups - groups.mean(dim=0)).square().mean(dim=0) + 1e-8).sqrt()
    return deviation.mean(dim=(1, 2, 3), keepdim=True).repeat(size, 1, *x.shape[2:])
