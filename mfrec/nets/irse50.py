"""IR-SE-50: the recognition network by which the thesis judged and taught quality (SER-FIQ), for who has its weights.

Deng, Guo, Xue and Zafeiriou, "ArcFace: additive angular margin loss for deep face recognition", CVPR 2019, section 3.1:
a residual network of 3, 4, 14 and 3 units of "improved residual" type (batch norm, 3 x 3, parametric rectifier, 3 x 3,
batch norm), each with squeeze and excitation (Hu, Shen and Sun, CVPR 2018, eq. 2 to 4, a sixteenth of the channels),
and the head BN, dropout, fully connected, BN. The layers are numbered as in the common PyTorch release, so that its
tensors fit as they are. Those weights were learnt from MS-Celeb-1M or VGGFace2 and are not for commercial use; none
come with mfrec.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from mfrec.nets.width import scaled

SIDE = 112
"""Pixels of the face along each side."""

STAGES = ((64, 3), (128, 4), (256, 14), (512, 3))
"""Channels and units of every stage at full size; each begins with stride 2."""

REDUCTION = 16
"""By which the squeeze narrows the channels."""


class SqueezeExcite(nn.Module):
    """A factor in (0, 1) for every channel, from the means of all channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = max(1, channels // REDUCTION)
        self.fc1 = nn.Conv2d(channels, narrow, 1, bias=False)
        self.fc2 = nn.Conv2d(narrow, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        means = x.mean(dim=(2, 3), keepdim=True)
        return x * torch.sigmoid(self.fc2(functional.relu(self.fc1(means))))


class Unit(nn.Module):
    """One improved residual unit; where the channels stay, the shortcut keeps every ``stride``-th pixel."""

    def __init__(self, before: int, channels: int, stride: int) -> None:
        super().__init__()
        self.shortcut_layer: nn.Module = nn.MaxPool2d(1, stride)
        if before != channels:
            self.shortcut_layer = nn.Sequential(
                nn.Conv2d(before, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(before),
            nn.Conv2d(before, channels, 3, 1, 1, bias=False),
            nn.PReLU(channels),
            nn.Conv2d(channels, channels, 3, stride, 1, bias=False),
            nn.BatchNorm2d(channels),
            SqueezeExcite(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.res_layer(x) + self.shortcut_layer(x)


class Irse50(nn.Module):
    """Upright face in, embedding out. 43,797,696 parameters at full size.

    Args:
        width: share of the channels of every layer but the embedding, 1 is full size.
    """

    def __init__(self, *, width: float = 1.0) -> None:
        super().__init__()
        first = scaled(STAGES[0][0], width)
        self.input_layer = nn.Sequential(
            nn.Conv2d(3, first, 3, 1, 1, bias=False), nn.BatchNorm2d(first), nn.PReLU(first)
        )
        units, before = [], first
        for full, count in STAGES:
            channels = scaled(full, width)
            units += [Unit(before if i == 0 else channels, channels, 2 if i == 0 else 1) for i in range(count)]
            before = channels
        self.body = nn.Sequential(*units)
        self.output_layer = nn.Sequential(
            nn.BatchNorm2d(before),
            nn.Dropout(0.5),
            nn.Flatten(),
            nn.Linear(before * 7 * 7, 512),
            nn.BatchNorm1d(512),
        )

    def forward(self, faces: Tensor) -> Tensor:
        """Embed faces.

        Args:
            faces: ``[B, 3, 112, 112]`` RGB in [0, 1], eyes and mouth at their places.

        Returns:
            ``[B, 512]`` of unit length.
        """
        return functional.normalize(self.output_layer(self.features(faces)).float(), dim=1)

    def features(self, faces: Tensor) -> Tensor:
        """What the head sees, ``[B, 512, 7, 7]`` at full size."""
        return self.body(self.input_layer(2 * faces - 1))

    def stochastic(self, faces: Tensor, passes: int, generator: torch.Generator | None = None) -> Tensor:
        """Embeddings with another half of the head's inputs dropped each time, though nothing trains.

        Args:
            faces: ``[B, 3, 112, 112]``.
            passes: how many.
            generator: draws what is dropped; None is torch's own.

        Returns:
            ``[passes, B, 512]`` of unit length; the body runs once.
        """
        norm, drop, flatten, linear, last = self.output_layer
        features = flatten(norm(self.features(faces)))
        share = 1 - drop.p  # pyright: ignore[reportAttributeAccessIssue, reportOperatorIssue]
        out = []
        for _ in range(passes):
            kept = torch.rand(features.shape, generator=generator, device=features.device) < share
            out.append(functional.normalize(last(linear(features * kept / share)).float(), dim=1))
        return torch.stack(out)
