"""The encoder of the thesis's U-Nets: ResNet-34 without its classifier, one feature map for every halving of the grid.

He, Zhang, Ren and Sun, "Deep residual learning for image recognition" (CVPR 2016), table 1, column "34-layer": a stem
of 7 x 7 at stride 2, a maximum over 3 x 3 at stride 2, and stages of 3, 4, 6 and 3 residual blocks. The parts are named
as in torchvision's ResNet, so at full size and with three input channels its weights fit.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from mfrec.nets.width import scaled

STRIDE = 32
"""Pixels of the input to one cell of the deepest level."""


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions, each with batch norm, around a shortcut (He 2016, figure 2 and eq. 1 and 2)."""

    def __init__(self, before: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or before != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(before, channels, 1, stride=stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(y)) + self.downsample(x))


class ResnetEncoder(nn.Module):
    """Picture in, five feature maps out. 21,284,672 parameters at full size with three input channels.

    Args:
        inputs: channels of the picture.
        width: share of the channels of ResNet-34.

    Attributes:
        channels: of the five feature maps, the finest first: 64, 64, 128, 256, 512 at full size.
    """

    def __init__(self, *, inputs: int = 3, width: float = 1.0) -> None:
        super().__init__()
        stages = [scaled(full, width) for full in (64, 128, 256, 512)]
        self.channels = (stages[0], *stages)
        self.conv1 = nn.Conv2d(inputs, stages[0], 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(stages[0])
        self.layer1 = residual_stage(stages[0], stages[0], blocks=3, stride=1)
        self.layer2 = residual_stage(stages[0], stages[1], blocks=4, stride=2)
        self.layer3 = residual_stage(stages[1], stages[2], blocks=6, stride=2)
        self.layer4 = residual_stage(stages[2], stages[3], blocks=3, stride=2)
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Encode pictures.

        Args:
            image: ``[B, inputs, H, W]``, sides multiples of 32.

        Returns:
            Features ``[B, channels[i], H / 2^(i+1), W / 2^(i+1)]`` for ``i`` = 0 .. 4, not negative.
        """
        stem = functional.relu(self.bn1(self.conv1(image)))
        features = [stem, self.layer1(functional.max_pool2d(stem, 3, stride=2, padding=1))]
        for stage in (self.layer2, self.layer3, self.layer4):
            features.append(stage(features[-1]))
        return tuple(features)


def residual_stage(before: int, channels: int, *, blocks: int, stride: int) -> nn.Sequential:
    """Residual blocks one after the other, the first of which changes the grid and the channels."""
    first = BasicBlock(before, channels, stride)
    return nn.Sequential(first, *(BasicBlock(channels, channels, 1) for _ in range(blocks - 1)))
