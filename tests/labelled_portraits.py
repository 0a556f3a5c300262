"""Faces with labels for tests: schematic faces, painted by the outlines of their landmarks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from schematic_face import face
from torch import Tensor, nn

from mfrec.face.region_labels import label_regions
from mfrec.nets.bisenet import Parsed

COLOURS = np.random.default_rng(7).integers(0, 256, (19, 3), dtype=np.uint8)
"""One for each region."""


def portrait(size: int = 64) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """``[size, size, 3]`` uint8, every region in its colour, and ``[size, size]`` ids."""
    labels = label_regions((size, size), face(size)).labels
    return COLOURS[labels], np.array(labels)


def write_portraits(folder: Path, count: int, size: int = 64) -> Path:
    """A folder with pictures and labels, ``face_0`` and so on; each in another light."""
    image, labels = portrait(size)
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    for i in range(count):
        light = 0.5 + 0.5 * (i + 1) / count
        Image.fromarray((light * image).astype(np.uint8)).save(folder / "images" / f"face_{i}.png")
        Image.fromarray(labels).save(folder / "labels" / f"face_{i}.png")
    return folder


class ColourParser(nn.Module):
    """A parser for these portraits, of which it knows the colours: every pixel is the region with the nearest one."""

    colours: Tensor

    def __init__(self, certainty: float = 200.0) -> None:
        super().__init__()
        self.certainty = nn.Parameter(torch.tensor(certainty))
        self.register_buffer("colours", torch.from_numpy(COLOURS).float() / 255)

    def forward(self, images: Tensor) -> Parsed:
        off = (images[:, None] - self.colours.view(1, -1, 3, 1, 1)).square().sum(dim=2)
        scores = -self.certainty * off
        return Parsed(scores, scores[..., ::8, ::8], scores[..., ::16, ::16])
