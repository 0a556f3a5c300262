"""Poor upright faces with their regions, and the good ones: what PSFR-GAN is trained on."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from mfrec.errors import InputError
from mfrec.face.region_labels import label_regions
from mfrec.nets.psfrgan import REGIONS
from mfrec.pipeline import in_range
from mfrec.train.data.pictures import Pictures
from mfrec.train.data.points import mirrored
from mfrec.train.data.portraits import upright
from mfrec.train.streams.finetune_stream import Sampling, draw_sampling, enlarged_again
from mfrec.train.streams.stream import Sample, Stream, as_tensor
from mfrec.types import Drawn, Landmarks


@dataclass(frozen=True)
class DrawnRestoration(Drawn):
    """A portrait that was sampled too coarsely.

    Attributes:
        source: number of the portrait.
        mirrored: whether its columns are reversed.
        small: side of the frame in pixels.
        psf: standard deviation of the point-spread function in pixels of the truth, 0 for none.
        frame: noise and codec.
    """

    source: int
    mirrored: bool
    small: int
    psf: float
    frame: Sampling


class RestorationStream(Stream[DrawnRestoration]):
    """Samples ``((image [3, S, S], regions [19, S, S]), {"truth": [3, S, S], "labels": [S, S]})``.

    The regions are those of the landmarks of the truth, ``S`` is ``side``.

    Args:
        pictures: of one split; those in which no face is found are left out.
        seed: of every sample.
        length: of a validation list; None for training.
        side: of the portraits in pixels.
        factor: the middle enlargement; the samples lie within a third of it.

    Raises:
        InputError: there is no face in any picture.
    """

    def __init__(
        self, pictures: Pictures, seed: int, *, length: int | None = None, side: int = 128, factor: float = 2.0
    ) -> None:
        super().__init__(seed, length)
        in_range("side", side, 16, 1024)
        in_range("factor", factor, 1.5, 16)
        self.side, self.factor = side, factor
        self.portraits, self.points = upright(pictures, side)
        if not len(self.portraits):
            raise InputError(f"no face was found in any of {len(pictures.every)} pictures; give pictures of faces")
        self.notes = (f"{len(self.portraits)} upright faces of {len(pictures.every)} pictures",)

    def draw(self, index: int, rng: np.random.Generator) -> DrawnRestoration:
        source, flipped = int(rng.integers(len(self.portraits))), bool(rng.random() < 0.5)
        small = max(8, round(self.side / (self.factor * np.exp(rng.uniform(-0.29, 0.29)))))
        psf = float(rng.uniform(0.3, 1.5)) if rng.random() < 0.35 else 0.0
        noise = float(rng.uniform(0, 6)) / 255 if rng.random() < 0.5 else 0.0
        return DrawnRestoration(source, flipped, small, psf, draw_sampling(rng, self.side, small, noise, first=True))

    def make(self, drawn: DrawnRestoration) -> Sample:
        truth, points = self.portraits[drawn.source] / np.float32(255), self.points[drawn.source]
        if drawn.mirrored:
            truth, points = np.ascontiguousarray(truth[:, ::-1]), mirrored(points, self.side)
        soft = truth if drawn.psf == 0 else np.asarray(cv2.GaussianBlur(truth, (0, 0), drawn.psf), np.float32)
        poor = np.clip(enlarged_again(soft, drawn.small, drawn.frame), 0, 1)
        labels = torch.from_numpy(label_regions((self.side, self.side), Landmarks(points)).labels.astype(np.int64))
        regions = torch.nn.functional.one_hot(labels, REGIONS).permute(2, 0, 1).float()
        return (as_tensor(poor), regions), {"truth": as_tensor(truth), "labels": labels}
