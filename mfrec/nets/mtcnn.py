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

They are so small (half a million numbers) that NumPy runs them faster than PyTorch can be imported, so
finding a face in a handful of frames costs no PyTorch at all. The cascade around them (pyramid,
suppression, boxes) is :mod:`mfrec.face.detect`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mfrec.errors import WeightsError
from mfrec.types import FloatArray

COLUMNS = 1 << 17
"""Numbers in one unrolled piece of a convolution: half a megabyte stays in the processor's cache."""

BAND = 1 << 17
"""Cells of P-Net that are computed at a time, so that memory does not grow with the picture."""

SHAPES: dict[str, tuple[int, ...]] = {
    "pnet.conv1.weight": (10, 3, 3, 3),
    "pnet.conv2.weight": (16, 10, 3, 3),
    "pnet.conv3.weight": (32, 16, 3, 3),
    "pnet.conv4_1.weight": (2, 32, 1, 1),
    "pnet.conv4_2.weight": (4, 32, 1, 1),
    "rnet.conv1.weight": (28, 3, 3, 3),
    "rnet.conv2.weight": (48, 28, 3, 3),
    "rnet.conv3.weight": (64, 48, 2, 2),
    "rnet.dense4.weight": (128, 576),
    "rnet.dense5_1.weight": (2, 128),
    "rnet.dense5_2.weight": (4, 128),
    "onet.conv1.weight": (32, 3, 3, 3),
    "onet.conv2.weight": (64, 32, 3, 3),
    "onet.conv3.weight": (64, 64, 3, 3),
    "onet.conv4.weight": (128, 64, 2, 2),
    "onet.dense5.weight": (256, 1152),
    "onet.dense6_1.weight": (2, 256),
    "onet.dense6_2.weight": (4, 256),
    "onet.dense6_3.weight": (10, 256),
}
"""The layers that multiply; each has a bias of its first length, each but the heads a PReLU slope as well."""


def expected_shapes() -> dict[str, tuple[int, ...]]:
    """Name to shape of every tensor that the weights file holds."""
    out: dict[str, tuple[int, ...]] = {}
    for name, shape in SHAPES.items():
        layer = name.removesuffix(".weight")
        out[name] = shape
        out[f"{layer}.bias"] = shape[:1]
        if "_" not in layer:
            out[layer.replace("conv", "prelu").replace("dense", "prelu") + ".weight"] = shape[:1]
    return out


class Mtcnn:
    """P-Net, R-Net and O-Net with their weights.

    All three read float32 RGB, ``[N, S, S, 3]``, mapped from [0, 1] to [-1, 1] (see :meth:`proposals`,
    :meth:`refine`, :meth:`output`, which do that themselves).

    Args:
        state: every tensor of :func:`expected_shapes`, any float type; computed in float32.

    Raises:
        WeightsError: a tensor is missing, superfluous or of another shape.
    """

    def __init__(self, state: Mapping[str, NDArray]) -> None:
        expected = expected_shapes()
        missing = sorted(expected.keys() - state.keys())
        surplus = sorted(state.keys() - expected.keys())
        wrong = sorted(n for n in expected.keys() & state.keys() if tuple(state[n].shape) != expected[n])
        if missing or surplus or wrong:
            raise WeightsError(
                f"these are not the weights of MTCNN: missing {missing[:3]}, unknown {surplus[:3]}, of another shape "
                f"{wrong[:3]}; install mfrec again or restore the weights file that its card names"
            )
        self._state = {name: np.ascontiguousarray(value, np.float32) for name, value in state.items()}

    def proposals(self, image: FloatArray) -> tuple[FloatArray, FloatArray]:
        """P-Net at every second pixel of a picture.

        Args:
            image: ``[H, W, 3]`` in [0, 1], both sides at least 12.

        Returns:
            Probability ``[h, w]`` of a face in the 12 x 12 window whose top-left pixel is ``(2 x, 2 y)``, and
            corrections ``[h, w, 4]`` of that window's ``(x0, y0, x1, y1)`` in units of its side.
        """
        cells = max(1, BAND // image.shape[1])
        probabilities, shifts = [], []
        # n rows of cells look at 2 n + 10 rows of the picture; the last band takes what is left.
        for top in range(0, max(1, (image.shape[0] - 11) // 2 + 1), cells):
            last = 2 * (top + cells) + 12 > image.shape[0]
            band = image[2 * top :] if last else image[2 * top : 2 * (top + cells) + 10]
            x = _pool(self._conv(_signed(band[None]), "pnet", "1"), 2)
            x = self._conv(self._conv(x, "pnet", "2"), "pnet", "3")
            probabilities.append(_face(self._linear(x, "pnet.conv4_1"))[0])
            shifts.append(np.moveaxis(self._linear(x, "pnet.conv4_2")[:, 0], 0, -1))
            if last:
                break
        return np.concatenate(probabilities), np.concatenate(shifts)

    def refine(self, patches: FloatArray) -> tuple[FloatArray, FloatArray]:
        """R-Net: ``[N, 24, 24, 3]`` in [0, 1] to probability ``[N]`` and box corrections ``[N, 4]``."""
        x = _pool(self._conv(_signed(patches), "rnet", "1"), 3)
        x = _pool(self._conv(x, "rnet", "2"), 3)
        x = self._dense(self._conv(x, "rnet", "3"), "rnet", "4")
        return _face(self._linear(x, "rnet.dense5_1")), self._linear(x, "rnet.dense5_2").T

    def output(self, patches: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """O-Net: ``[N, 48, 48, 3]`` in [0, 1] to probability ``[N]``, box corrections ``[N, 4]``, points ``[N, 5, 2]``.

        The points are the eyes, the tip of the nose and the corners of the mouth, ``(x, y)`` as a share of the
        patch.
        """
        x = _pool(self._conv(_signed(patches), "onet", "1"), 3)
        x = _pool(self._conv(x, "onet", "2"), 3)
        x = _pool(self._conv(x, "onet", "3"), 2)
        x = self._dense(self._conv(x, "onet", "4"), "onet", "5")
        points = self._linear(x, "onet.dense6_3").T.reshape(-1, 2, 5).transpose(0, 2, 1)
        return _face(self._linear(x, "onet.dense6_1")), self._linear(x, "onet.dense6_2").T, points

    # Inside, an array is [C, N, H, W]: unrolling a convolution then copies whole rows, which is what makes
    # NumPy fast enough.

    def _conv(self, x: FloatArray, net: str, number: str) -> FloatArray:
        """A convolution without padding, and its PReLU."""
        weight = self._state[f"{net}.conv{number}.weight"]
        made, channels, kernel, _ = weight.shape
        count, height, width = x.shape[1], x.shape[2] - kernel + 1, x.shape[3] - kernel + 1
        matrix = weight.reshape(made, -1)
        bias = self._state[f"{net}.conv{number}.bias"][:, None]
        slope = self._state[f"{net}.prelu{number}.weight"][:, None]
        out = np.empty((made, count, height, width), np.float32)
        rows = max(1, COLUMNS // (count * width * matrix.shape[1]))
        for top in range(0, height, rows):
            high = min(rows, height - top)
            columns = np.empty((channels, kernel, kernel, count, high, width), np.float32)
            for dy in range(kernel):
                for dx in range(kernel):
                    columns[:, dy, dx] = x[:, :, top + dy : top + dy + high, dx : dx + width]
            product = matrix @ columns.reshape(matrix.shape[1], -1) + bias
            out[:, :, top : top + high] = _prelu(product, slope).reshape(made, count, high, width)
        return out

    def _dense(self, x: FloatArray, net: str, number: str) -> FloatArray:
        """A dense layer over ``[C, N, H, W]`` and its PReLU, ``[made, N]``."""
        # The Caffe original counts column first, then row, then channel.
        flat = x.transpose(3, 2, 0, 1).reshape(-1, x.shape[1])
        return _prelu(self._linear(flat, f"{net}.dense{number}"), self._state[f"{net}.prelu{number}.weight"][:, None])

    def _linear(self, x: FloatArray, layer: str) -> FloatArray:
        weight = self._state[f"{layer}.weight"]
        product = weight.reshape(weight.shape[0], -1) @ x.reshape(x.shape[0], -1)
        product += self._state[f"{layer}.bias"][:, None]
        return product.reshape(weight.shape[0], *x.shape[1:])


def _prelu(x: FloatArray, slope: FloatArray) -> FloatArray:
    return np.maximum(x, 0) + slope * np.minimum(x, 0)


def _signed(patches: FloatArray) -> FloatArray:
    """``[N, H, W, 3]`` in [0, 1] to ``[3, N, H, W]`` in [-1, 1] as in training: (value of 255 - 127.5) / 128."""
    scaled = np.asarray(patches, np.float32) * np.float32(255 / 128) - np.float32(127.5 / 128)
    return np.ascontiguousarray(scaled.transpose(3, 0, 1, 2))


def _face(logits: FloatArray) -> FloatArray:
    """Softmax over (background, face), probability of face; ``[2, ...]`` to ``[...]``."""
    return 1.0 / (1.0 + np.exp(np.clip(logits[0] - logits[1], -80.0, 80.0)))


def _pool(x: FloatArray, size: int) -> FloatArray:
    """Maximum over windows of ``size`` at stride 2; the last window may hang over the edge (Caffe rounds up)."""
    height, width = (-(-(n - size) // 2) + 1 for n in x.shape[2:])
    over = max(0, 2 * (height - 1) + size - x.shape[2]), max(0, 2 * (width - 1) + size - x.shape[3])
    if any(over):
        x = np.pad(x, ((0, 0), (0, 0), (0, over[0]), (0, over[1])), constant_values=-np.inf)
    out = x[:, :, : 2 * height - 1 : 2, : 2 * width - 1 : 2]
    for dy in range(size):
        for dx in range(size):
            if dy or dx:
                out = np.maximum(out, x[:, :, dy : dy + 2 * height - 1 : 2, dx : dx + 2 * width - 1 : 2])
    return out
