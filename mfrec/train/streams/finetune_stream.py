"""Enlarged pictures and their truth: what the single-frame network of the last stage, ``finetune``, is trained on."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from mfrec.image.geometry import identity_map, resize, warp
from mfrec.pipeline import in_range
from mfrec.train.data.crops import Pose, crop, draw_pose
from mfrec.train.data.degrade import sensor_noise, through_jpeg
from mfrec.train.data.pictures import FRAMES, Pictures
from mfrec.train.data.points import PicturePoints
from mfrec.train.data.shots import fitting
from mfrec.train.streams.stream import Sample, Stream, as_tensor, whole_blocks
from mfrec.types import Drawn, FloatArray, GeneratorState


@dataclass(frozen=True)
class Sampling(Drawn):
    """One frame of a small camera.

    Attributes:
        shift: ``(x, y)`` by which the camera had moved, in pixels of the truth.
        noise: standard deviation, see :attr:`mfrec.train.data.degrade.Degradation.noise`.
        generator: from which the noise is drawn; None where there is none.
        quality: of JPEG; None is no codec.
    """

    shift: tuple[float, float]
    noise: float
    generator: GeneratorState | None
    quality: int | None


@dataclass(frozen=True)
class DrawnEnlargement(Drawn):
    """A picture that was sampled too coarsely.

    Attributes:
        source: number of the picture in :attr:`mfrec.train.data.pictures.Pictures.every`.
        pose: of the crop.
        small: side of the frames in pixels.
        psf: standard deviation of the point-spread function in pixels of the truth, 0 for none.
        frames: that are averaged.
    """

    source: int
    pose: Pose
    small: int
    psf: float
    frames: tuple[Sampling, ...]


class FinetuneStream(Stream[DrawnEnlargement]):
    """Samples ``((image [3, H, W],), {"truth": [3, H, W]})``.

    The picture was sampled at about ``1 / factor`` of its size, coded, and enlarged again by bicubic interpolation:
    once, as in the thesis (60 to 144 px), or several times at other sub-pixel places and averaged, which leaves what a
    fusion leaves: soft detail and weak noise.

    Args:
        pictures: the true pictures.
        seed: of every sample.
        length: how many samples; None is without end.
        side: of the truth in pixels.
        factor: the middle enlargement; half of the samples lie within a fifth of it.
        single: share of samples that are one enlarged frame and no mean.
        points: give the landmarks of the truth as well, ``"points"`` ``[68, 2]``.
    """

    def __init__(
        self,
        pictures: Pictures,
        seed: int,
        *,
        length: int | None = None,
        side: int = 144,
        factor: float = 2.4,
        single: float = 0.4,
        points: bool = False,
    ) -> None:
        super().__init__(seed, length)
        in_range("factor", factor, 1.5, 8)
        in_range("single", single, 0, 1)
        self.pictures, self.side = pictures.every, whole_blocks("side", side)
        self.factor, self.single = factor, single
        self.points = PicturePoints(pictures) if points else None

    def draw(self, index: int, rng: np.random.Generator) -> DrawnEnlargement:
        source = int(rng.integers(len(self.pictures)))
        picture = self.pictures[source]
        height, width = picture.shape[:2]
        zoom = fitting(float(rng.uniform(0.9, 1.8)), picture, self.side, 1.0)
        pose = draw_pose(rng, height, width, self.side, zoom, turn=10, shift=1.0)
        small = round(self.side / (self.factor * np.exp(rng.uniform(-0.36, 0.36))))
        count = 1 if rng.random() < self.single else int(rng.integers(2, FRAMES + 1))
        psf = float(rng.uniform(0.3, 1.5)) if rng.random() < 0.35 else 0.0
        noise = float(rng.uniform(0, 4)) / 255 if rng.random() < 0.35 else 0.0
        frames = tuple(draw_sampling(rng, self.side, small, noise, first=number == 0) for number in range(count))
        return DrawnEnlargement(source, pose, small, psf, frames)

    def make(self, drawn: DrawnEnlargement) -> Sample:
        truth = np.clip(crop(self.pictures[drawn.source], drawn.pose, self.side), 0, 1)
        soft = truth if drawn.psf == 0 else np.asarray(cv2.GaussianBlur(truth, (0, 0), drawn.psf), np.float32)
        total = np.zeros_like(truth)
        for frame in drawn.frames:
            total += enlarged_again(soft, drawn.small, frame)
        wanted = {"truth": as_tensor(truth)}
        if self.points is not None:
            wanted["points"] = torch.from_numpy(self.points.of_crop(drawn.source, drawn.pose, self.side))
        return (as_tensor(np.clip(total / np.float32(len(drawn.frames)), 0, 1)),), wanted


def draw_sampling(rng: np.random.Generator, side: int, small: int, noise: float, *, first: bool) -> Sampling:
    """A frame of ``small`` pixels of a truth of ``side``; the first has not moved."""
    x, y = (0.0, 0.0) if first else (rng.uniform(-0.5, 0.5, 2) * side / small).tolist()
    quality = int(rng.integers(40, 97)) if rng.random() < 0.8 else None
    if noise == 0:
        return Sampling((x, y), noise, None, quality)
    generator = GeneratorState.of(rng)
    rng.standard_normal((small, small, 3))  # what sensor_noise draws; the rest is drawn after it
    return Sampling((x, y), noise, generator, quality)


def enlarged_again(truth: FloatArray, small: int, drawn: Sampling) -> FloatArray:
    """A picture after sampling, coding and bicubic enlargement, where it was.

    Args:
        truth: ``[S, S, 3]`` in [0, 1].
        small: side of the frame in pixels.
        drawn: how.

    Returns:
        ``[S, S, 3]``; may overshoot [0, 1].
    """
    side, shift = len(truth), np.array(drawn.shift, np.float32)
    there = identity_map(side, side) + shift
    frame = resize(warp(truth, there), small, small, interpolation="area")
    if drawn.generator is not None:
        frame = sensor_noise(frame, drawn.noise, drawn.generator.generator())
    frame = np.asarray(np.clip(frame, 0, 1), np.float32)
    if drawn.quality is not None:
        frame = through_jpeg(frame, drawn.quality).image
    return warp(resize(frame, side, side), identity_map(side, side) - shift)
