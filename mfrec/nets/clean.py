"""The artifact-removal U-Net of the first stage: one bad frame in, the same frame decompressed and four times as large.

A U-Net (Ronneberger, Fischer and Brox, MICCAI 2015) of residual blocks without normalisation (Lim et al., "Enhanced
deep residual networks for single image super-resolution", CVPRW 2017) that works at the resolution of the frame and
enlarges in its last layer only, by sub-pixel convolution (Shi et al., "Real-time single image and video
super-resolution using an efficient sub-pixel convolutional neural network", CVPR 2016, eq. 4). Its deepest level has
one cell for each 8 x 8 block of the codec. What the codec is known to have thrown away is an input, after Jiang, Zhang
and Timofte, "Towards flexible blind JPEG artifacts removal" (ICCV 2021), who have to estimate it: here the file tells.
"""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from mfrec.camera.conditions import CONDITIONS
from mfrec.nets.layout import pointwise

SCALE = 4


class Cleaned(NamedTuple):
    """What the network says of a frame.

    Attributes:
        image: ``[B, 3, 4 h, 4 w]`` RGB, about [0, 1].
        log_variance: ``[B, 1, 4 h, 4 w]`` logarithm of the expected squared error of a colour value.
    """

    image: Tensor
    log_variance: Tensor


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions around a rectifier, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        # Blocks start as the identity, so that depth does not hurt in the first steps (Zhang, Fixup, ICLR 2019).
        for parameter in self.second.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        added = self.second(functional.relu(self.first(x), inplace=True))
        # Where nothing is learnt the sum needs no room of its own; with mixed precision it would not be float32.
        return added.add_(x) if torch.is_inference_mode_enabled() and added.dtype == x.dtype else x + added


class Clean(nn.Module):
    """Frames in, cleaned and enlarged frames out.

    Args:
        channels: of the four levels, from the frame's resolution to an eighth of it.
        encoder, decoder: residual blocks of each level on the way down and up; the deepest has ``encoder[3]``.
    """

    scale: ClassVar[int] = SCALE
    """Output pixels along each side of a frame pixel."""

    def __init__(
        self,
        channels: tuple[int, int, int, int] = (64, 96, 128, 160),
        encoder: tuple[int, int, int, int] = (3, 2, 2, 2),
        decoder: tuple[int, int, int] = (4, 2, 2),
    ) -> None:
        super().__init__()
        self.enter = nn.Conv2d(3, channels[0], 3, padding=1)
        self.told = nn.ModuleList([nn.Linear(CONDITIONS, c) for c in channels])
        self.down = nn.ModuleList([nn.Conv2d(a, b, 2, stride=2) for a, b in pairwise(channels)])
        self.up = nn.ModuleList([nn.Conv2d(b, 4 * a, 1) for a, b in pairwise(channels)])
        self.encoder = nn.ModuleList(
            [nn.Sequential(*[ResidualBlock(c) for _ in range(n)]) for c, n in zip(channels, encoder, strict=True)]
        )
        self.decoder = nn.ModuleList(
            [nn.Sequential(*[ResidualBlock(c) for _ in range(n)]) for c, n in zip(channels, decoder, strict=False)]
        )
        self.leave = nn.Sequential(
            nn.Conv2d(channels[0], channels[0], 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels[0], 4 * SCALE**2, 3, padding=1),
            nn.PixelShuffle(SCALE),
        )

    def forward(self, frames: Tensor, told: Tensor) -> Cleaned:
        """Clean frames.

        Args:
            frames: ``[B, 3, h, w]`` RGB in [0, 1]; a codec block starts at the top left.
            told: ``[B, 8]``, see :func:`conditions`.
        """
        height, width = frames.shape[-2:]
        padded = functional.pad(frames, (0, -width % 8, 0, -height % 8), mode="replicate")
        x = self.enter(padded - 0.5)
        skips = []
        for level, blocks in enumerate(self.encoder):
            if level > 0:
                x = self.down[level - 1](x)
            x = blocks(x + self.told[level](told)[..., None, None])
            skips.append(x)
        for level in (2, 1, 0):
            up = self.up[level]
            assert isinstance(up, nn.Conv2d)
            x = skips[level] + functional.pixel_shuffle(pointwise(x, up.weight, up.bias), 2)
            x = self.decoder[level](x)
        out = self.leave(x)[..., : SCALE * height, : SCALE * width].float()
        large = functional.interpolate(frames, scale_factor=SCALE, mode="bicubic", align_corners=False)
        return Cleaned(large + 0.1 * out[:, :3], out[:, 3:].clamp(-6, 6) - 5.0)
