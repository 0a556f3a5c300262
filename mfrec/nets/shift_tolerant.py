"""The perceptual network: an AlexNet that hardly notices a shift, and how far apart two pictures lie in its features.

Ghildyal and Liu, "Shift-tolerant perceptual similarity metric", ECCV 2022: the trunk of Krizhevsky et al. (NeurIPS
2012) with a first convolution of stride 1 and a blur before every subsampling (Zhang, "Making convolutional networks
shift-invariant again", ICML 2019, section 3.2). The distance is that of Zhang et al., "The unreasonable
effectiveness of deep features as a perceptual metric" (LPIPS, CVPR 2018, equation 1). Written from the papers; the
weights are the authors' (BSD-2), see :mod:`mfrec.metrics.perceptual`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

CHANNELS = (64, 192, 384, 256, 256)
"""Of the five layers that are compared."""

SHIFT, SPREAD = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""Mean and standard deviation per channel of the pictures that the trunk knows, for values in [-1, 1]."""


class BlurPool(nn.Module):
    """Every second pixel of what a 3 x 3 binomial filter leaves, with two mirrored pixels around."""

    kernel: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        row = torch.tensor([0.25, 0.5, 0.25])
        self.register_buffer("kernel", torch.outer(row, row).expand(channels, 1, 3, 3).clone(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        padded = functional.pad(x, (2, 2, 2, 2), mode="reflect")
        return functional.conv2d(padded, self.kernel, stride=2, groups=x.shape[1])


class ShiftTolerant(nn.Module):
    """Perceptual distance of two batches of pictures."""

    shift: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            [
                nn.Conv2d(3, 64, 11, padding=2),
                nn.Conv2d(64, 192, 5, padding=2),
                nn.Conv2d(192, 384, 3, padding=1),
                nn.Conv2d(384, 256, 3, padding=1),
                nn.Conv2d(256, 256, 3, padding=1),
            ]
        )
        self.pools = nn.ModuleList([BlurPool(64), BlurPool(64), BlurPool(192)])
        self.importance = nn.ModuleList([nn.Conv2d(channels, 1, 1, bias=False) for channels in CHANNELS])
        self.register_buffer("shift", torch.tensor(SHIFT).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("spread", torch.tensor(SPREAD).view(1, 3, 1, 1), persistent=False)

    def features(self, image: Tensor) -> Sequence[Tensor]:
        """The five layers of ``[B, 3, H, W]`` in [0, 1], each ``[B, C, h, w]`` after its rectifier."""
        x = (2.0 * image - 1.0 - self.shift) / self.spread
        first = functional.relu(self.pools[0](self.convolutions[0](x)))
        second = functional.relu(self.convolutions[1](self.pools[1](functional.max_pool2d(first, 3, 1))))
        third = functional.relu(self.convolutions[2](self.pools[2](functional.max_pool2d(second, 3, 1))))
        fourth = functional.relu(self.convolutions[3](third))
        return first, second, third, fourth, functional.relu(self.convolutions[4](fourth))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """``[B]`` distances of ``[B, 3, H, W]`` RGB in [0, 1]; 0 for identical pictures."""
        total = a.new_zeros(len(a))
        for of_a, of_b, importance in zip(self.features(a), self.features(b), self.importance, strict=True):
            difference = (unit_length(of_a) - unit_length(of_b)) ** 2
            total = total + importance(difference).mean(dim=(1, 2, 3))
        return total


def unit_length(features: Tensor) -> Tensor:
    """``[B, C, H, W]`` with every pixel's feature vector scaled to length 1."""
    return features / (torch.linalg.vector_norm(features, dim=1, keepdim=True) + 1e-10)
