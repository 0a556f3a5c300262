# The three networks and their weights come from facenet-pytorch 2.6.0 (MIT), itself a conversion of the
# authors' Caffe models (github.com/kpzhang93/MTCNN_face_detection_alignment, MIT). The forward pass below was
# written for mfrec; the weights carry this licence:
#
# MIT License
#
# Copyright (c) 2019 Timothy Esler
#
# Permission is hereby granted, free of charge, to any person obtaining a copy
# of this software and associated documentation files (the "Software"), to deal
# in the Software without restriction, including without limitation the rights
# to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
# copies of the Software, and to permit persons to whom the Software is
# furnished to do so, subject to the following conditions:
#
# The above copyright notice and this permission notice shall be included in all
# copies or substantial portions of the Software.
#
# THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
# IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
# FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
# AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
# LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
# OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
# SOFTWARE.
"""The three networks of MTCNN: proposal, refinement and output.

Zhang, Zhang, Li, Qiao: "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional
Networks", IEEE Signal Processing Letters 23(10), 2016, figure 2.

The cascade around them (pyramid, suppression, boxes) is :mod:`mfrec.face.detect`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class ProposalNet(nn.Module):
    """P-Net: whether a face fills the 12 x 12 window at every second pixel of a picture."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 10, 3), nn.PReLU(10)
        self.conv2, self.prelu2 = nn.Conv2d(10, 16, 3), nn.PReLU(16)
        self.conv3, self.prelu3 = nn.Conv2d(16, 32, 3), nn.PReLU(32)
        self.conv4_1, self.conv4_2 = nn.Conv2d(32, 2, 1), nn.Conv2d(32, 4, 1)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Look into every window that lies within the picture.

        Args:
            picture: ``[B, 3, H, W]`` RGB in [0, 1], both sides at least 12.

        Returns:
            Probability ``[B, h, w]`` of a face in the window whose top-left pixel is ``(2 x, 2 y)``, and corrections
            ``[B, 4, h, w]`` of that window's ``(x0, y0, x1, y1)`` in units of its side.
        """
        # Rows and columns that each of the four grids below reads.
        high, wide = ((side - 2) // 2 * 2 + 1 for side in picture.shape[2:])
        x = _signed(picture)
        # The maximum over 2 x 2 answers of the first layer, each of the four computed on a grid of its own: PyTorch's
        # pooling takes as long as all the convolutions together.
        pooled: Tensor | None = None
        for dy in range(2):
            for dx in range(2):
                grid = x[:, :, dy : dy + high, dx : dx + wide]
                answer = self.prelu1(functional.conv2d(grid, self.conv1.weight, self.conv1.bias, stride=2))
                pooled = answer if pooled is None else torch.maximum(pooled, answer, out=pooled)
        assert pooled is not None
        x = self.prelu3(self.conv3(self.prelu2(self.conv2(pooled))))
        return torch.softmax(self.conv4_1(x), dim=1)[:, 1], self.conv4_2(x)


class RefinementNet(nn.Module):
    """R-Net: a second opinion on 24 x 24 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 28, 3), nn.PReLU(28)
        self.conv2, self.prelu2 = nn.Conv2d(28, 48, 3), nn.PReLU(48)
        self.conv3, self.prelu3 = nn.Conv2d(48, 64, 2), nn.PReLU(64)
        self.dense4, self.prelu4 = nn.Linear(576, 128), nn.PReLU(128)
        self.dense5_1, self.dense5_2 = nn.Linear(128, 2), nn.Linear(128, 4)

    def forward(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        """Judge windows.

        Args:
            windows: ``[B, 3, 24, 24]`` RGB in [0, 1].

        Returns:
            Probability ``[B]`` of a face, and corrections ``[B, 4]`` of the window in units of its side.
        """
        x = _pool(self.prelu1(self.conv1(_signed(windows))), 3)
        x = _pool(self.prelu2(self.conv2(x)), 3)
        x = self.prelu4(self.dense4(_flat(self.prelu3(self.conv3(x)))))
        return torch.softmax(self.dense5_1(x), dim=1)[:, 1], self.dense5_2(x)


class OutputNet(nn.Module):
    """O-Net: the verdict on 48 x 48 pixels, and five points."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 32, 3), nn.PReLU(32)
        self.conv2, self.prelu2 = nn.Conv2d(32, 64, 3), nn.PReLU(64)
        self.conv3, self.prelu3 = nn.Conv2d(64, 64, 3), nn.PReLU(64)
        self.conv4, self.prelu4 = nn.Conv2d(64, 128, 2), nn.PReLU(128)
        self.dense5, self.prelu5 = nn.Linear(1152, 256), nn.PReLU(256)
        self.dense6_1, self.dense6_2, self.dense6_3 = nn.Linear(256, 2), nn.Linear(256, 4), nn.Linear(256, 10)

    def forward(self, windows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Judge windows.

        Args:
            windows: ``[B, 3, 48, 48]`` RGB in [0, 1].

        Returns:
            Probability ``[B]`` of a face; corrections ``[B, 4]`` of the window in units of its side; points
            ``[B, 5, 2]``, ``(x, y)`` as a share of the window: the eyes, the tip of the nose, the corners of the mouth.
        """
        x = _pool(self.prelu1(self.conv1(_signed(windows))), 3)
        x = _pool(self.prelu2(self.conv2(x)), 3)
        x = _pool(self.prelu3(self.conv3(x)), 2)
        x = self.prelu5(self.dense5(_flat(self.prelu4(self.conv4(x)))))
        points = self.dense6_3(x).unflatten(1, (2, 5)).transpose(1, 2)
        return torch.softmax(self.dense6_1(x), dim=1)[:, 1], self.dense6_2(x), points


class Mtcnn(nn.Module):
    """The three together, as ``models/mtcnn.toml`` holds them. The cascade calls each by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.pnet, self.rnet, self.onet = ProposalNet(), RefinementNet(), OutputNet()


def _signed(picture: Tensor) -> Tensor:
    """[0, 1] to [-1, 1] as in training: (value of 255 - 127.5) / 128."""
    return picture * (255 / 128) - 127.5 / 128


def _pool(x: Tensor, size: int) -> Tensor:
    """Maximum over windows of ``size`` at stride 2; the last one may hang over the edge (Caffe rounds up)."""
    return functional.max_pool2d(x, size, 2, ceil_mode=True)


def _flat(x: Tensor) -> Tensor:
    """``[B, C, H, W]`` to ``[B, W * H * C]``: the Caffe original counts column first, then row, then channel."""
    return x.permute(0, 3, 2, 1).flatten(1)
