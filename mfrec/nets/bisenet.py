"""Face parsing: which of nineteen regions every pixel belongs to.

BiSeNet (Yu, Wang, Peng, Gao, Yu and Sang, "BiSeNet: bilateral segmentation network for real-time semantic
segmentation", ECCV 2018): a shallow *spatial path* keeps the detail, a deep *context path* with attention refinement
knows what the picture shows, and a feature fusion module joins them. Two departures. The context path is MobileNetV2
(:mod:`mfrec.nets.mobilenet_encoder`) in the place of Xception39 or ResNet. And all is finer by two: the paper parses
streets of 1000 px and more at an eighth of their size, where an eye in a face of 128 px would be one cell, so here the
spatial path has stride 4 and the finest features of the context path join it.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from mfrec.nets.mobilenet_encoder import CHANNELS, STRIDE, MobilenetEncoder
from mfrec.nets.padding import crop, pad


class Parsed(NamedTuple):
    """Scores before the softmax, one channel a class.

    Attributes:
        scores: ``[B, classes, H, W]``, on the grid of the picture.
        context: ``[B, classes, H / 8, W / 8]`` (of the padded picture) from the context path alone, for the auxiliary
            loss of the paper (eq. 2).
        deep: ``[B, classes, H / 16, W / 16]``, likewise from its deepest level.
    """

    scores: Tensor
    context: Tensor
    deep: Tensor


class BiSeNet(nn.Module):
    """Picture in, scores of the classes out. 2,353,721 parameters with nineteen classes.

    Args:
        classes: how many.
        width: channels of the context and the spatial path.
    """

    def __init__(self, *, classes: int = 19, width: int = 64) -> None:
        super().__init__()
        self.encoder = MobilenetEncoder()
        self.spatial = nn.Sequential(convolved(3, width // 2, 3, 2), convolved(width // 2, width, 3, 2))
        self.refine16 = AttentionRefinement(CHANNELS[3], width)
        self.refine32 = AttentionRefinement(CHANNELS[4], width)
        self.whole = convolved(CHANNELS[4], width, 1)
        self.after32 = convolved(width, width, 3)
        self.after16 = convolved(width, width, 3)
        self.fusion = FeatureFusion(width + CHANNELS[1] + width, 2 * width)
        self.head = head(2 * width, width, classes)
        self.context_head = head(width, width, classes)
        self.deep_head = head(width, width, classes)

    def start_encoder(self, tensors: dict[str, Tensor]) -> None:
        """Begin with ImageNet weights of the context path.

        Args:
            tensors: of torchvision's ``mobilenet_v2``, by its names.

        Raises:
            RuntimeError: one is missing or of another shape.
        """
        own = self.encoder.state_dict().keys()
        self.encoder.load_state_dict({name: value for name, value in tensors.items() if name in own})

    def forward(self, images: Tensor) -> Parsed:
        """Score every pixel.

        Args:
            images: ``[B, 3, H, W]`` RGB in [0, 1]; a face about in the middle, its eyes a quarter of the width apart.

        Returns:
            See :class:`Parsed`.
        """
        padded = pad(images, STRIDE)
        _, level4, _, level16, level32 = self.encoder(padded)
        whole = self.whole(level32.mean(dim=(2, 3), keepdim=True))
        deep = self.after32(enlarged(self.refine32(level32) + whole, 2))
        context = self.after16(enlarged(self.refine16(level16) + deep, 2))
        joined = torch.cat([self.spatial(padded - 0.5), level4, enlarged(context, 2)], dim=1)
        scores = enlarged(self.head(self.fusion(joined)), 4)
        return Parsed(
            crop(scores, images.shape[-2], images.shape[-1]), self.context_head(context), self.deep_head(deep)
        )


class AttentionRefinement(nn.Module):
    """A convolution whose channels are weighed by what the whole map shows (Yu 2018, figure 2b)."""

    def __init__(self, before: int, channels: int) -> None:
        super().__init__()
        self.convolution = convolved(before, channels, 3)
        self.attention = nn.Sequential(nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        x = self.convolution(x)
        return x * torch.sigmoid(self.attention(x.mean(dim=(2, 3), keepdim=True)))


class FeatureFusion(nn.Module):
    """Both paths joined, and the joint channels weighed by what the whole map shows (Yu 2018, figure 2c)."""

    def __init__(self, before: int, channels: int) -> None:
        super().__init__()
        self.convolution = convolved(before, channels, 1)
        self.attention = nn.Sequential(
            nn.Conv2d(channels, channels // 4, 1), nn.ReLU(inplace=True), nn.Conv2d(channels // 4, channels, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.convolution(x)
        return x + x * torch.sigmoid(self.attention(x.mean(dim=(2, 3), keepdim=True)))


def convolved(before: int, channels: int, size: int, stride: int = 1) -> nn.Sequential:
    """A convolution, batch norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(before, channels, size, stride, padding=size // 2, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
    )


def head(before: int, channels: int, classes: int) -> nn.Sequential:
    """Features to scores."""
    return nn.Sequential(convolved(before, channels, 3), nn.Conv2d(channels, classes, 1))


def enlarged(x: Tensor, factor: int) -> Tensor:
    """Bilinear, pixel centres as in :mod:`mfrec.image.geometry`."""
    return functional.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
