"""MobileNetV2 without its classifier: one feature map for every halving of the grid.

Sandler, Howard, Zhu, Zhmoginov and Chen, "MobileNetV2: inverted residuals and linear bottlenecks", CVPR 2018, table 2,
up to its last bottleneck. The parts are named as in torchvision's ``mobilenet_v2``, so that its ImageNet weights fit.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

STRIDE = 32
"""Pixels of the input to one cell of the deepest level."""

STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, channels, blocks and first stride of every row of the table."""

AFTER = (1, 3, 6, 13, 17)
"""The features returned are those after these blocks, the last of their grid."""

CHANNELS = (16, 24, 32, 96, 320)
"""Of the five feature maps, the finest first."""


class InvertedResidual(nn.Module):
    """1 x 1 expansion, depthwise 3 x 3 and linear 1 x 1 projection; a shortcut where the shape stays (figure 4d)."""

    def __init__(self, before: int, channels: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = before * expansion
        layers: list[nn.Module] = [] if expansion == 1 else [convolution(before, hidden, 1)]
        layers += [
            convolution(hidden, hidden, 3, stride, groups=hidden),
            nn.Conv2d(hidden, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        ]
        self.conv = nn.Sequential(*layers)
        self.shortcut = stride == 1 and before == channels

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.shortcut else self.conv(x)


class MobilenetEncoder(nn.Module):
    """Picture in, five feature maps out. 1,811,712 parameters."""

    mean: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        # Of ImageNet's pictures, which the weights expect to be taken off.
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("spread", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1), persistent=False)
        channels = 32
        blocks: list[nn.Module] = [convolution(3, channels, 3, 2)]
        for expansion, width, count, stride in STAGES:
            for i in range(count):
                blocks.append(InvertedResidual(channels, width, stride if i == 0 else 1, expansion))
                channels = width
        self.features = nn.ModuleList(blocks)
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, mode="fan_out")

    def forward(self, images: Tensor) -> list[Tensor]:
        """Encode pictures.

        Args:
            images: ``[B, 3, H, W]`` RGB in [0, 1].

        Returns:
            Features ``[B, CHANNELS[i], H / 2^(i+1), W / 2^(i+1)]`` (rounded up) for ``i`` = 0 .. 4.
        """
        x = (images - self.mean) / self.spread
        out: list[Tensor] = []
        for i, block in enumerate(self.features):
            x = block(x)
            if i in AFTER:
                out.append(x)
        return out


def convolution(before: int, channels: int, size: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """A convolution, batch norm and ReLU cut at 6."""
    return nn.Sequential(
        nn.Conv2d(before, channels, size, stride, padding=size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU6(inplace=True),
    )
