"""The generator of ESRGAN and Real-ESRGAN: residual-in-residual dense blocks, then two enlargements by two.

Wang et al., "ESRGAN: enhanced super-resolution generative adversarial networks", ECCV workshops 2018, section 3.1 and
figure 4; dense blocks after Huang et al. (CVPR 2017), scaled by 0.2 as in section 3.1. Written from the paper. Trained
against a discriminator, as Real-ESRGAN is, it draws detail that nobody saw.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from mfrec.nets.interpolating import SAME, SMOOTH, carry, outer

RESIDUAL = 0.2
"""Share of a block's output that is added to its input."""

SLOPE = 0.2
"""Of the leaky rectifier below zero."""

INITIAL = 0.1
"""Share of He et al.'s initial kernels (ICCV 2015) that the paper's supplement begins with, for deep trunks."""


def convolution(inputs: int, outputs: int) -> nn.Conv2d:
    """A 3 x 3 convolution that keeps the size."""
    return nn.Conv2d(inputs, outputs, 3, padding=1)


class DenseBlock(nn.Module):
    """Five convolutions, each reading everything before it; ``[B, features, h, w]`` to the same shape."""

    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        inner = [convolution(features + i * growth, growth) for i in range(4)]
        self.convolutions = nn.ModuleList([*inner, convolution(features + 4 * growth, features)])

    def forward(self, x: Tensor) -> Tensor:
        seen = [x]
        for layer in list(self.convolutions)[:-1]:
            seen.append(functional.leaky_relu(layer(torch.cat(seen, dim=1)), SLOPE))
        return x + RESIDUAL * self.convolutions[-1](torch.cat(seen, dim=1))


class ResidualDenseBlock(nn.Module):
    """Three dense blocks inside another residual connection."""

    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(DenseBlock(features, growth) for _ in range(3)))

    def forward(self, x: Tensor) -> Tensor:
        return x + RESIDUAL * self.blocks(x)


class Rrdb(nn.Module):
    """Four times as many pixels along each side.

    16,697,987 parameters with 23 blocks, 11,662,019 with 16.

    Args:
        blocks: residual-in-residual dense blocks. features, growth: channels of the trunk and of a dense layer.
    """

    channels, scale = 3, 4

    def __init__(self, *, blocks: int = 23, features: int = 64, growth: int = 32) -> None:
        super().__init__()
        self.first = convolution(3, features)
        self.trunk = nn.Sequential(*(ResidualDenseBlock(features, growth) for _ in range(blocks)))
        self.after_trunk = convolution(features, features)
        self.enlarging = nn.ModuleList([convolution(features, features), convolution(features, features)])
        self.full_size = convolution(features, features)
        self.last = convolution(features, 3)
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and module.bias is not None:
                nn.init.kaiming_normal_(module.weight)
                module.weight.data.mul_(INITIAL)
                nn.init.zeros_(module.bias)

    def forward(self, image: Tensor) -> Tensor:
        """``[B, 3, h, w]`` RGB in [0, 1] to ``[B, 3, 4 h, 4 w]``, about [0, 1], in float32."""
        x = self.first(image)
        x = x + self.after_trunk(self.trunk(x))
        for layer in self.enlarging:
            x = functional.leaky_relu(layer(functional.interpolate(x, scale_factor=2, mode="nearest")), SLOPE)
        return self.last(functional.leaky_relu(self.full_size(x), SLOPE)).float()

    def begin_as_interpolation(self) -> None:
        """Let the weights begin as :mod:`mfrec.nets.interpolating` says."""
        same, smooth = [outer(SAME, SAME)], [outer(SMOOTH, SMOOTH)]
        carry(self.first, same, 3, signed=False, signs=False)
        nn.init.zeros_(self.after_trunk.weight)
        layers = {name: layer for name, layer in self.named_modules() if isinstance(layer, nn.Conv2d)}
        carry(layers["enlarging.0"], smooth, 3, signed=False, signs=True)
        carry(layers["enlarging.1"], smooth, 3, signed=True, signs=True, gain=1 + SLOPE)
        carry(self.full_size, same, 3, signed=True, signs=True, gain=1 + SLOPE)
        carry(self.last, same, 3, signed=True, signs=False, gain=1 + SLOPE)
