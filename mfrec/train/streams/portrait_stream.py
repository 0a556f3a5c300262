"""Portraits for a generator: upright faces in one square, and latent vectors that have nothing to do with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from mfrec.errors import InputError
from mfrec.pipeline import in_range
from mfrec.train.data.pictures import Pictures
from mfrec.train.data.portraits import upright
from mfrec.train.streams.stream import ENDLESS, Sample, Stream, as_tensor
from mfrec.types import Drawn


@dataclass(frozen=True)
class DrawnPortrait(Drawn):
    """A portrait and a latent vector.

    Attributes:
        source: number of the portrait.
        mirrored: whether its columns are reversed.
        seed: of the latent vector.
    """

    source: int
    mirrored: bool
    seed: int


class PortraitStream(Stream[DrawnPortrait]):
    """``z`` ``[latent]`` and, as the truth, any portrait ``[3, side, side]``.

    A validation sample has no truth, because no portrait belongs to a latent vector.

    Args:
        pictures: of one split; those in which no face is found are left out.
        seed: of every sample.
        length: of a validation list; None for training.
        side: of the portraits in pixels.
        latent: numbers of a latent vector.

    Raises:
        InputError: there is no face in any picture.
    """

    def __init__(
        self, pictures: Pictures, seed: int, *, length: int | None = None, side: int = 64, latent: int = 512
    ) -> None:
        super().__init__(seed, length)
        in_range("side", side, 8, 1024)
        in_range("latent", latent, 1, 4096)
        self.latent = latent
        self.portraits = upright(pictures, side)[0] if length is None else np.zeros((1, side, side, 3), np.uint8)
        if not len(self.portraits):
            raise InputError(f"no face was found in any of {len(pictures.every)} pictures; give pictures of faces")
        self.notes = (f"{len(self.portraits)} upright faces of {len(pictures.every)} pictures",)

    def draw(self, index: int, rng: np.random.Generator) -> DrawnPortrait:
        return DrawnPortrait(int(rng.integers(len(self.portraits))), bool(rng.random() < 0.5), int(rng.integers(2**31)))

    def make(self, drawn: DrawnPortrait) -> Sample:
        z = torch.from_numpy(np.random.default_rng(drawn.seed).standard_normal(self.latent).astype(np.float32))
        if self.length != ENDLESS:
            return (z,), {"latent": z}
        portrait = self.portraits[drawn.source]
        shown = portrait[:, ::-1] if drawn.mirrored else portrait
        return (z,), {"truth": as_tensor(shown / np.float32(255))}
