"""The generator of PSFR-GAN: a constant that grows, steered at every size by the poor picture and its face regions.

Chen, Li, Yang, Lin, Zhang and Wong, "Progressive semantic-aware style transformation for blind face restoration", CVPR
2021, section 3.2 and figure 2: features are normalised and modulated by a scale and a shift that come from the picture
(colour) and the region labels (shape), both brought to that size, from coarse to fine. The paper begins at 16 px and
ends at 512; how many channels and which sizes is a matter of the arguments.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

REGIONS = 19
"""Classes of CelebAMask-HQ, background among them."""

SLOPE = 0.2
"""Of the leaky rectifier."""


class StyleTransform(nn.Module):
    """Normalised features, scaled and shifted by what the picture and its regions show there.

    Args:
        channels: of the features.
        hidden: of the layer between.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.shared = nn.Conv2d(3 + REGIONS, hidden, 3, padding=1)
        self.both = nn.Conv2d(hidden, 2 * channels, 3, padding=1)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """``x`` ``[B, channels, h, w]``, ``told`` ``[B, 3 + REGIONS, h, w]``."""
        scale, shift = self.both(functional.leaky_relu(self.shared(told), SLOPE)).chunk(2, dim=1)
        return functional.instance_norm(x) * (1 + scale) + shift


class Block(nn.Module):
    """Two transformed convolutions beside a linear one: ``[B, before, h, w]`` to ``[B, after, h, w]``."""

    def __init__(self, before: int, after: int, hidden: int) -> None:
        super().__init__()
        self.first, self.second = StyleTransform(before, hidden), StyleTransform(after, hidden)
        self.middle = nn.Conv2d(before, after, 3, padding=1)
        self.last = nn.Conv2d(after, after, 3, padding=1)
        self.beside = nn.Conv2d(before, after, 1)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        made = self.middle(functional.leaky_relu(self.first(x, told), SLOPE))
        made = self.last(functional.leaky_relu(self.second(made, told), SLOPE))
        return self.beside(x) + made


class Psfrgan(nn.Module):
    """A face picture and its regions to the face restored.

    Args:
        start: side of the constant in pixels.
        channels: of each size, the constant's first; every next size is twice as large.
        hidden: channels between picture with regions and scale with shift.
    """

    def __init__(
        self, *, start: int = 16, channels: Sequence[int] = (512, 512, 256, 128, 64, 32), hidden: int = 128
    ) -> None:
        super().__init__()
        self.side = start << (len(channels) - 1)
        self.constant = nn.Parameter(torch.randn(1, channels[0], start, start))
        before = (channels[0], *channels[:-1])
        self.blocks = nn.ModuleList(Block(a, b, hidden) for a, b in zip(before, channels, strict=True))
        self.colours = nn.Conv2d(channels[-1], 3, 3, padding=1)

    def forward(self, image: Tensor, regions: Tensor) -> Tensor:
        """The restored face.

        Args:
            image: ``[B, 3, side, side]`` RGB in [0, 1], enlarged by bicubic interpolation.
            regions: ``[B, REGIONS, side, side]``, the share of each region in each pixel; they sum to 1.

        Returns:
            ``[B, 3, side, side]``, in [0, 1].
        """
        told = torch.cat([2 * image - 1, regions.to(image)], dim=1)
        x = self.constant.expand(len(image), -1, -1, -1)
        for number, block in enumerate(self.blocks):
            if number:
                x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = block(x, functional.interpolate(told, size=x.shape[-2:], mode="area"))
        return torch.sigmoid(self.colours(functional.leaky_relu(x, SLOPE)))
