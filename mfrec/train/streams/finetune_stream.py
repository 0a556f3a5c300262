"""Enlarged pictures and their truth: what the single-frame network of the last stage, ``finetune``, is trained on."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from mfrec.image.geometry import identity_map, resize, warp
from mfrec.pipeline import in_range
from mfrec.train.data.crops import crop, draw_pose
from mfrec.train.data.degrade import sensor_noise, through_jpeg
from mfrec.train.data.pictures import FRAMES, Pictures
from mfrec.train.data.points import PicturePoints
from mfrec.train.data.shots import fitting
from mfrec.train.streams.stream import Sample, Stream, as_tensor, whole_blocks
from mfrec.types import FloatArray


class FinetuneStream(Stream):
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

    def sample(self, index: int, rng: np.random.Generator) -> Sample:
        source = int(rng.integers(len(self.pictures)))
        picture = self.pictures[source]
        height, width = picture.shape[:2]
        zoom = fitting(float(rng.uniform(0.9, 1.8)), picture, self.side, 1.0)
        pose = draw_pose(rng, height, width, self.side, zoom, turn=10, shift=1.0)
        truth = np.clip(crop(picture, pose, self.side), 0, 1)
        small = round(self.side / (self.factor * np.exp(rng.uniform(-0.36, 0.36))))
        count = 1 if rng.random() < self.single else int(rng.integers(2, FRAMES + 1))
        psf = rng.uniform(0.3, 1.5) if rng.random() < 0.35 else 0.0
        noise = rng.uniform(0, 4) / 255 if rng.random() < 0.35 else 0.0
        soft = truth if psf == 0 else np.asarray(cv2.GaussianBlur(truth, (0, 0), psf), np.float32)
        total = np.zeros_like(truth)
        for number in range(count):
            shift = rng.uniform(-0.5, 0.5, 2) * self.side / small if number else np.zeros(2)
            quality = int(rng.integers(40, 97)) if rng.random() < 0.8 else None
            total += enlarged_again(soft, small, shift, rng, noise=noise, quality=quality)
        wanted = {"truth": as_tensor(truth)}
        if self.points is not None:
            wanted["points"] = torch.from_numpy(self.points.of_crop(source, pose, self.side))
        return (as_tensor(np.clip(total / np.float32(count), 0, 1)),), wanted


def enlarged_again(
    truth: FloatArray,
    small: int,
    shift: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    noise: float,
    quality: int | None,
) -> FloatArray:
    """A picture after sampling, coding and bicubic enlargement, where it was.

    Args:
        truth: ``[S, S, 3]`` in [0, 1].
        small: side of the frame in pixels.
        shift: ``(x, y)`` by which the camera had moved, in pixels of the truth.
        rng: of the noise.
        noise: see :attr:`mfrec.train.data.degrade.Degradation.noise`.
        quality: of JPEG; None is no codec.

    Returns:
        ``[S, S, 3]``; may overshoot [0, 1].
    """
    side = len(truth)
    there = identity_map(side, side) + shift.astype(np.float32)
    frame = resize(warp(truth, there), small, small, interpolation="area")
    if noise > 0:
        frame = sensor_noise(frame, noise, rng)
    frame = np.asarray(np.clip(frame, 0, 1), np.float32)
    if quality is not None:
        frame = through_jpeg(frame, quality).image
    back = identity_map(side, side) - shift.astype(np.float32)
    return warp(resize(frame, side, side), back)
