"""The generator of StyleGAN2: a latent vector becomes styles, and styles steer every convolution of a synthesis.

Karras, Laine, Aittala, Hellsten, Lehtinen and Aila, "Analyzing and improving the image quality of StyleGAN", CVPR 2020,
configuration F without path length regularisation: weight modulation and demodulation (eq. 1 and 3), noise with a
learnt strength, skip outputs, equalised learning rates. Mapping, truncation and style mixing are those of Karras, Laine
and Aila, "A style-based generator architecture for generative adversarial networks", CVPR 2019, sections 2, 3.1 and B.

A style scales the input channels of the weights, and demodulation their output channels. Both are applied to the
features instead, which is the same sum and needs no weights of each picture of a batch.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

SLOPE, GAIN = 0.2, math.sqrt(2)
"""Of the leaky rectifier, and what follows it so that the features keep their size."""

MIXING = 0.9
"""Share of the training pictures whose finer styles come from another latent vector."""

FOLLOWED = 0.995
"""Decay of the moving average of the styles, towards which truncation goes."""

FRAMINGS = ("face", "ffhq")
"""How faces may lie in the pictures."""

TAPS = (1.0, 3.0, 3.0, 1.0)
"""The binomial filter before and after a change of resolution."""


def channels_of(side: int, base: int, most: int) -> dict[int, int]:
    """Resolution to channels: ``base / resolution``, and ``most`` at most; the paper's base is 32768, its most 512."""
    return {4 << level: min(base // (4 << level), most) for level in range(levels(side))}


def levels(side: int) -> int:
    """How many resolutions there are from 4 px on.

    Raises:
        ValueError: ``side`` is no power of two from 8.
    """
    count = side.bit_length() - 2
    if side != 4 << (count - 1) or side < 8:
        raise ValueError(f"the side is {side} px; expected a power of two from 8")
    return count


def leaky(x: Tensor) -> Tensor:
    """The leaky rectifier of :data:`SLOPE`, times :data:`GAIN`."""
    return functional.leaky_relu(x, SLOPE) * GAIN


def blurred(x: Tensor, pad: tuple[int, int], *, gain: float = 1.0, stride: int = 1) -> Tensor:
    """Features ``[B, C, H, W]`` through :data:`TAPS` along both axes.

    Args:
        x: features; nothing is beyond their border.
        pad: zeros before and after, along each axis.
        gain: sum of the filter.
        stride: keep every so many.
    """
    before, after = pad
    padded = functional.pad(x, (before, after, before, after))
    return functional.conv2d(padded, taps(x, gain, x.shape[1]), stride=stride, groups=x.shape[1])


def taps(like: Tensor, gain: float, channels: int) -> Tensor:
    """The filter as weights ``[channels, 1, 4, 4]`` of that sum each, where ``like`` is."""
    row = like.new_tensor(TAPS)
    kernel = torch.outer(row, row) * (gain / row.sum() ** 2)
    return kernel.expand(channels, 1, 4, 4)


class Equalised(nn.Module):
    """A dense layer with the equalised learning rate of Karras et al., ICLR 2018: ``[B, before]`` to ``[B, after]``.

    Args:
        before, after: numbers in and out.
        bias: what the bias begins with.
        slower: multiplier of the learning rate.
    """

    def __init__(self, before: int, after: int, *, bias: float = 0.0, slower: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(after, before) / slower)
        self.bias = nn.Parameter(torch.full((after,), bias / slower))
        self.scale, self.slower = slower / math.sqrt(before), slower

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.weight * self.scale, self.bias * self.slower)


class Modulated(nn.Module):
    """A convolution whose weights a style scales: ``[B, before, h, w]`` to ``[B, after, h, w]``, or twice that.

    Args:
        before, after: channels.
        latent: numbers of a style.
        kernel: 1 or 3.
        doubled: a transposed convolution of stride 2 and a blur, in place of the convolution.
        demodulate: bring every output channel back to unit size (eq. 3); not for colours.
    """

    def __init__(
        self, before: int, after: int, latent: int, *, kernel: int, doubled: bool = False, demodulate: bool = True
    ) -> None:
        super().__init__()
        self.style = Equalised(latent, before, bias=1.0)
        self.weight = nn.Parameter(torch.randn(after, before, kernel, kernel))
        self.scale = 1 / math.sqrt(before * kernel**2)
        self.doubled, self.demodulate = doubled, demodulate

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """``x`` are features, ``w`` ``[B, latent]`` one style of each picture."""
        style = self.style(w)
        weight = self.weight * self.scale
        x = x * style[:, :, None, None]
        if self.doubled:
            x = functional.conv_transpose2d(x, weight.transpose(0, 1).flip(2, 3), stride=2)
            x = blurred(x, (1, 1), gain=4.0)
        else:
            x = functional.conv2d(x, weight, padding=weight.shape[-1] // 2)
        if self.demodulate:
            size = (style.square() @ weight.square().sum(dim=(2, 3)).T + 1e-8).rsqrt()
            x = x * size[:, :, None, None]
        return x


class Layer(nn.Module):
    """Modulated convolution, noise, bias, rectifier.

    Args:
        before, after: channels.
        latent: numbers of a style.
        side: of its output in pixels.
        doubled: it doubles the resolution.
    """

    def __init__(self, before: int, after: int, latent: int, side: int, *, doubled: bool = False) -> None:
        super().__init__()
        self.convolution = Modulated(before, after, latent, kernel=3, doubled=doubled)
        self.strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(after))
        self.side = side

    def forward(self, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
        """``noise`` ``[B or 1, 1, side, side]``."""
        x = self.convolution(x, w) + self.strength * noise
        return leaky(x + self.bias[:, None, None])


class Colours(nn.Module):
    """Features to colours, ``[B, 3, h, w]``, by a modulated 1 x 1 convolution."""

    def __init__(self, before: int, latent: int) -> None:
        super().__init__()
        self.convolution = Modulated(before, 3, latent, kernel=1, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        return self.convolution(x, w) + self.bias[:, None, None]


class MappingNetwork(nn.Module):
    """Latent vectors ``[B, latent]`` to styles ``[B, latent]``: normalised, then dense layers that learn slowly.

    Args:
        latent: numbers of both.
        layers: how many.
    """

    def __init__(self, latent: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Equalised(latent, latent, slower=0.01) for _ in range(layers))

    def forward(self, z: Tensor) -> Tensor:
        x = z * (z.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()
        for layer in self.layers:
            x = leaky(layer(x))
        return x


class Synthesis(nn.Module):
    """Styles and noise to a picture.

    Args:
        channels: resolution to channels, from 4 px up.
        latent: numbers of a style.
    """

    def __init__(self, channels: Mapping[int, int], latent: int) -> None:
        super().__init__()
        sides = sorted(channels)
        self.constant = nn.Parameter(torch.randn(1, channels[4], 4, 4))
        self.layers = nn.ModuleList([Layer(channels[4], channels[4], latent, 4)])
        self.colours = nn.ModuleList([Colours(channels[4], latent)])
        for before, side in itertools.pairwise(sides):
            self.layers.append(Layer(channels[before], channels[side], latent, side, doubled=True))
            self.layers.append(Layer(channels[side], channels[side], latent, side))
            self.colours.append(Colours(channels[side], latent))

    def forward(self, styles: Tensor, noise: Sequence[Tensor]) -> Tensor:
        """``styles`` ``[B, S, latent]``, ``noise`` one ``[B or 1, 1, h, w]`` for each layer; ``[B, 3, H, W]``."""
        x = self.constant.expand(len(styles), -1, -1, -1)
        x = self.layers[0](x, styles[:, 0], noise[0])
        picture = self.colours[0](x, styles[:, 1])
        for level, colours in enumerate(list(self.colours)[1:]):
            first = 1 + 2 * level
            x = self.layers[first](x, styles[:, first], noise[first])
            x = self.layers[first + 1](x, styles[:, first + 1], noise[first + 1])
            doubled = functional.conv_transpose2d(picture, taps(picture, 4.0, 3), stride=2, padding=1, groups=3)
            picture = doubled + colours(x, styles[:, first + 2])
        return picture


class Stylegan2(nn.Module):
    """Latent vectors to pictures.

    In training mode every picture has fresh noise, and :data:`MIXING` of them two latent vectors, from torch's
    generator. In eval mode nothing is random: the noise is that which lies with the weights, and none where they were
    trained here. The full size draws hair with it; a small generator draws lines across a face.

    Args:
        side: of the pictures in pixels, a power of two from 8.
        latent: numbers of a latent vector and of a style.
        base, most: of the channels, see :func:`channels_of`.
        mapping: dense layers.
        framing: how the faces lie that it learnt from, see :func:`mfrec.face.portrait_square.portrait_square`.

    Attributes:
        memory_format: searches in its latent space go backwards through it in float32, and PyTorch 2.13 corrupts the
            heap in that of convolutions with few channels where the channels come last. So they come first.
    """

    memory_format = torch.contiguous_format

    synthesis_class: type[Any] = Synthesis
    """Called with the channels and the numbers of a style."""

    centre: Tensor

    def __init__(
        self,
        *,
        side: int = 1024,
        latent: int = 512,
        base: int = 32768,
        most: int = 512,
        mapping: int = 8,
        framing: str = "face",
    ) -> None:
        super().__init__()
        if framing not in FRAMINGS:
            raise ValueError(f"the framing is '{framing}'; expected one of {', '.join(FRAMINGS)}")
        self.side, self.latent, self.framing = side, latent, framing
        self.mapping = MappingNetwork(latent, mapping)
        self.synthesis = self.synthesis_class(channels_of(side, base, most), latent)
        self.register_buffer("centre", torch.zeros(latent))
        for number, shape in enumerate(self.noise_shapes):
            self.register_buffer(f"noise_{number}", torch.zeros(1, 1, *shape))

    @property
    def styles(self) -> int:
        """How many styles a picture has: two for each resolution, ``2 log2(side) - 2``."""
        return 2 * levels(self.side)

    @property
    def noise_shapes(self) -> list[tuple[int, int]]:
        """Rows and columns of the noise of each layer."""
        sides = [int(layer.side) for layer in self.synthesis.layers]  # pyright: ignore[reportArgumentType]
        return [(side, side) for side in sides]

    @property
    def fixed_noise(self) -> list[Tensor]:
        """The noise of eval mode, ``[1, 1, h, w]`` for each layer."""
        return [self.get_buffer(f"noise_{number}") for number in range(len(self.noise_shapes))]

    def forward(self, z: Tensor) -> Tensor:
        """``z`` ``[B, latent]`` from a normal distribution, to pictures ``[B, 3, side, side]``, about [0, 1]."""
        styles = self.mapping(z)[:, None].expand(-1, self.styles, -1)
        noise = self.fixed_noise
        if self.training:
            with torch.no_grad():
                self.centre.lerp_(styles[:, 0].mean(dim=0), 1 - FOLLOWED)
            other = self.mapping(torch.randn_like(z))[:, None]
            start = torch.randint(1, self.styles, (len(z), 1), device=z.device)
            start = torch.where(torch.rand(len(z), 1, device=z.device) < MIXING, start, self.styles)
            finer = torch.arange(self.styles, device=z.device)[None] >= start
            styles = torch.where(finer[..., None], other, styles)
            noise = [torch.randn(len(z), 1, *shape, device=z.device) for shape in self.noise_shapes]
        return self.picture(styles, noise)

    def picture(self, styles: Tensor, noise: Sequence[Tensor] | None = None) -> Tensor:
        """Pictures ``[B, 3, side, side]``, about [0, 1].

        Args:
            styles: ``[B, S, latent]``: the space W+ of Abdal, Qin and Wonka, "Image2StyleGAN", ICCV 2019.
            noise: see :meth:`Synthesis.forward`; None is :attr:`fixed_noise`.
        """
        return self.synthesis(styles, self.fixed_noise if noise is None else noise) / 2 + 0.5

    def truncated(self, z: Tensor, psi: float) -> Tensor:
        """Styles ``[B, S, latent]`` of latent vectors, brought towards the mean style: the truncation trick.

        Args:
            z: ``[B, latent]``.
            psi: 1 leaves them, 0 gives the mean face.
        """
        w = self.centre + psi * (self.mapping(z) - self.centre)
        return w[:, None].expand(-1, self.styles, -1)
