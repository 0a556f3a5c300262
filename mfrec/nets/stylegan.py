"""The first StyleGAN's generator: styles set mean and spread of every feature map, after every convolution.

Karras, Laine and Aila, "A style-based generator architecture for generative adversarial networks", CVPR 2019, figure
1b: a learnt constant, two convolutions at each resolution, and after each of them noise with a learnt strength for
every channel, the leaky rectifier, and adaptive instance normalisation (AdaIN, eq. 1; Huang and Belongie, ICCV 2017) by
an affine layer from the style. Twice as large is bilinear: every pixel four times, and a binomial blur. Colours are
read off the last features alone. Mapping, truncation and style mixing are those of :mod:`mfrec.nets.stylegan2`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from mfrec.nets.stylegan2 import GAIN, Equalised, Stylegan2, leaky

BLUR = (1.0, 2.0, 1.0)
"""After every pixel was repeated: bilinear interpolation."""


def blurred(x: Tensor) -> Tensor:
    """Features ``[B, C, h, w]`` through :data:`BLUR` along both axes."""
    row = x.new_tensor(BLUR)
    kernel = (torch.outer(row, row) / row.sum() ** 2).expand(x.shape[1], 1, 3, 3)
    return functional.conv2d(x, kernel, padding=1, groups=x.shape[1])


class Adain(nn.Module):
    """Features of mean 0 and spread 1, scaled and shifted by a style: ``[B, channels, h, w]``, ``[B, latent]``."""

    def __init__(self, channels: int, latent: int) -> None:
        super().__init__()
        self.affine = Equalised(latent, 2 * channels)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        scale, shift = self.affine(w)[:, :, None, None].chunk(2, dim=1)
        return functional.instance_norm(x) * (1 + scale) + shift


class Layer(nn.Module):
    """Convolution, noise, bias, rectifier, AdaIN.

    Args:
        before, after: channels; ``before`` 0 is the constant's layer, which has no convolution.
        latent: numbers of a style.
        side: of its output in pixels.
        doubled: it doubles the resolution first.
    """

    def __init__(self, before: int, after: int, latent: int, side: int, *, doubled: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(after, before, 3, 3)) if before else None
        self.scale = GAIN / math.sqrt(max(1, before) * 9)
        self.strength = nn.Parameter(torch.zeros(after))
        self.bias = nn.Parameter(torch.zeros(after))
        self.style = Adain(after, latent)
        self.side, self.doubled = side, doubled

    def forward(self, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
        """``noise`` ``[B or 1, 1, side, side]``."""
        if self.doubled:
            x = blurred(x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3))
        if self.weight is not None:
            x = functional.conv2d(x, self.weight * self.scale, padding=1)
        x = x + self.strength[:, None, None] * noise + self.bias[:, None, None]
        return self.style(leaky(x), w)


class AdainSynthesis(nn.Module):
    """Styles and noise to a picture.

    Args:
        channels: resolution to channels, from 4 px up.
        latent: numbers of a style.
    """

    def __init__(self, channels: Mapping[int, int], latent: int) -> None:
        super().__init__()
        sides = sorted(channels)
        self.constant = nn.Parameter(torch.ones(1, channels[4], 4, 4))
        self.layers = nn.ModuleList([Layer(0, channels[4], latent, 4), Layer(channels[4], channels[4], latent, 4)])
        for before, side in itertools.pairwise(sides):
            self.layers.append(Layer(channels[before], channels[side], latent, side, doubled=True))
            self.layers.append(Layer(channels[side], channels[side], latent, side))
        self.colours = nn.Parameter(torch.randn(3, channels[sides[-1]], 1, 1))
        self.colour_bias = nn.Parameter(torch.zeros(3))

    def forward(self, styles: Tensor, noise: Sequence[Tensor]) -> Tensor:
        """``styles`` ``[B, S, latent]``, ``noise`` one ``[B or 1, 1, h, w]`` for each layer; ``[B, 3, H, W]``."""
        x = self.constant.expand(len(styles), -1, -1, -1)
        for number, layer in enumerate(self.layers):
            x = layer(x, styles[:, number], noise[number])
        return functional.conv2d(x, self.colours / math.sqrt(x.shape[1]), self.colour_bias)


class Stylegan(Stylegan2):
    """Latent vectors to pictures; arguments and calls are those of :class:`mfrec.nets.stylegan2.Stylegan2`.

    The full size has half of its channels from 64 px on.
    """

    synthesis_class = AdainSynthesis

    def __init__(
        self,
        *,
        side: int = 1024,
        latent: int = 512,
        base: int = 16384,
        most: int = 512,
        mapping: int = 8,
        framing: str = "face",
    ) -> None:
        super().__init__(side=side, latent=latent, base=base, most=most, mapping=mapping, framing=framing)
