"""Single bad frames and their truth: what the network of the stage ``clean`` is trained on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from mfrec.camera.conditions import conditions
from mfrec.camera.exports import CLIPS, Export, draw_export
from mfrec.camera.noise import BLOCK, steps_of, with_sensor
from mfrec.camera.protocols import SCALE
from mfrec.camera.sensor import sensor_noise
from mfrec.pipeline import in_range
from mfrec.train.data.crops import Pose, crop, draw_pose
from mfrec.train.data.degrade import Degradation, degrade, draw
from mfrec.train.data.pictures import Pictures
from mfrec.train.data.points import PicturePoints
from mfrec.train.data.recorder import Recorder, draw_recorder, recorded, whole_side
from mfrec.train.data.told import Hearsay, draw_hearsay, instead_of
from mfrec.train.streams.stream import Sample, Stream, as_tensor, whole_blocks
from mfrec.types import Drawn

NIGHT = 4 / 255, 25 / 255
"""Standard deviation of the noise of a sensor in the dark, at mid-grey, in [0, 1] grey levels as displayed."""

UNCODED = 0.3
"""Share of these frames that no codec has smoothed: noise as it is, in a PNG."""


@dataclass(frozen=True)
class DrawnFrame(Drawn):
    """One frame of a clip, or a still.

    Attributes:
        source: number of the picture in :attr:`mfrec.train.data.pictures.Pictures.every`.
        whole: side of the crop that is coded, in pixels of the truth.
        poses: of that crop in every frame of the clip.
        camera: of the clip: what its own file tells of, or a recorder whose frames were exported.
        place: ``(x, y)`` where the sample is cut out of an exported frame, as shares of the room there is.
        chosen: which frame is the sample.
        hearsay: what goes wrong with what is told of it.
    """

    source: int
    whole: int
    poses: tuple[Pose, ...]
    camera: Degradation | Recorder
    place: tuple[float, float]
    chosen: int
    hearsay: Hearsay


class CleanStream(Stream[DrawnFrame]):
    """Samples ``((frame [3, h, w], conditions [8]), {"truth": [3, 4 h, 4 w]})``.

    Args:
        pictures: the true pictures.
        seed: of every sample.
        length: how many samples; None is without end.
        side: of the truth in pixels.
        video: share of samples that are frames of an H.264 clip, among those that are not exported.
        broad: share of samples that went to the analyst in one of the ways of :func:`mfrec.camera.exports.draw_export`;
            the others are files as their encoder wrote them.
        wrong: share of samples of which nothing, or something false, is told.
        night: share of samples whose sensor is as noisy as :data:`NIGHT` says; :data:`UNCODED` of them as PNG.
        points: give the landmarks of the truth as well, ``"points"`` ``[68, 2]``.
    """

    def __init__(
        self,
        pictures: Pictures,
        seed: int,
        *,
        length: int | None = None,
        side: int = 128,
        video: float = 0.35,
        broad: float = 0.7,
        wrong: float = 0.15,
        night: float = 0.0,
        points: bool = False,
    ) -> None:
        super().__init__(seed, length)
        for name, share in (("video", video), ("broad", broad), ("wrong", wrong), ("night", night)):
            in_range(name, share, 0, 1)
        self.pictures, self.side, self.video = pictures.every, whole_blocks("side", side), video
        self.broad, self.wrong, self.night = broad, wrong, night
        self.points = PicturePoints(pictures) if points else None

    def draw(self, index: int, rng: np.random.Generator) -> DrawnFrame:
        source = int(rng.integers(len(self.pictures)))
        shape = self.pictures[source].shape
        one = self._draw_coded if rng.random() >= self.broad else self._draw_exported
        drawn = one(source, shape, rng)
        if self.night > 0 and rng.random() < self.night:
            if rng.random() < UNCODED:
                drawn = self._draw_way(Export("png", (100,)), source, shape, rng)
            drawn = replace(drawn, camera=replace(drawn.camera, noise=float(rng.uniform(*NIGHT))))
        return drawn

    def make(self, drawn: DrawnFrame) -> Sample:
        truths = [crop(self.pictures[drawn.source], pose, drawn.whole) for pose in drawn.poses]
        if isinstance(drawn.camera, Degradation):
            made = degrade(truths, drawn.camera)[drawn.chosen]
            frame, noise, (x, y) = made.image, instead_of(made.noise, drawn.hearsay), (0, 0)
        else:
            frames, corner = recorded(truths, drawn.camera, drawn.hearsay)
            frame, noise = frames[drawn.chosen].image, frames[drawn.chosen].noise
            small = self.side // SCALE
            left, top = (
                BLOCK * int(share * ((size - small) // BLOCK + 1))
                for size, share in zip(frame.shape[1::-1], drawn.place, strict=True)
            )
            frame = frame[top : top + small, left : left + small]
            x, y = corner[0] + SCALE * left, corner[1] + SCALE * top
        # In use every frame's pixels are asked for the noise of its sensor, see mfrec.camera.noise.noise_of.
        noise = with_sensor(noise, sensor_noise(frame, steps_of(noise)))
        truth = truths[drawn.chosen][y : y + self.side, x : x + self.side]
        wanted = {"truth": as_tensor(np.clip(truth, 0, 1))}
        if self.points is not None:
            points = self.points.of_crop(drawn.source, drawn.poses[drawn.chosen], drawn.whole)
            wanted["points"] = torch.from_numpy(points - np.array([x, y], np.float32))
        return (as_tensor(frame), torch.from_numpy(conditions(noise))), wanted

    def _draw_coded(self, source: int, shape: tuple[int, ...], rng: np.random.Generator) -> DrawnFrame:
        """A still, a still with blurred patches, or a frame of an H.264 clip, as its file tells."""
        if rng.random() < self.video:
            kind, count, zooms = "video", int(rng.integers(3, 6)), (0.8, 1.7)
        else:
            kind, count, zooms = ("patch" if rng.random() < 0.15 else "still"), 1, (0.9, 2.1)
        poses = draw_poses(shape, rng, count, self.side, zooms)
        camera = draw(rng, kind, count)
        hearsay = draw_hearsay(rng, 0.8 * self.wrong, cut=False)
        return DrawnFrame(source, self.side, poses, camera, (0.0, 0.0), int(rng.integers(count)), hearsay)

    def _draw_exported(self, source: int, shape: tuple[int, ...], rng: np.random.Generator) -> DrawnFrame:
        """An exported frame."""
        count = int(rng.integers(3, 6))
        way = draw_export(rng, count)
        if way.codec not in CLIPS:
            count, way = 1, replace(way, strength=way.strength[:1])
        return self._draw_way(way, source, shape, rng, count)

    def _draw_way(
        self, way: Export, source: int, shape: tuple[int, ...], rng: np.random.Generator, count: int = 1
    ) -> DrawnFrame:
        """A frame that came a way; the crop is larger than the sample where the codec or the cut needs room."""
        zooms = (0.8, 1.34) if way.codec in CLIPS else (0.8, 2.1)
        whole = SCALE * whole_side(way, self.side // SCALE)
        poses = draw_poses(shape, rng, count, whole, zooms)
        camera, place = draw_recorder(rng, way), (float(rng.random()), float(rng.random()))
        hearsay = draw_hearsay(rng, self.wrong, way.cut != (0, 0))
        return DrawnFrame(source, whole, poses, camera, place, int(rng.integers(count)), hearsay)


def draw_poses(
    shape: tuple[int, ...], rng: np.random.Generator, count: int, side: int, zooms: tuple[float, float]
) -> tuple[Pose, ...]:
    """A random pose and those of the next frames of a clip, with so many picture pixels per crop pixel."""
    height, width = shape[:2]
    zoom = float(min(np.exp(rng.uniform(*np.log(zooms))), min(height, width) / side))
    poses = [draw_pose(rng, height, width, side, zoom, turn=10, shift=1.0)]
    for _ in range(count - 1):
        poses.append(drifted(poses[-1], rng))
    return tuple(poses)


def drifted(pose: Pose, rng: np.random.Generator) -> Pose:
    """The pose in the next frame of a clip: some 1.5 px of the picture further."""
    (a, b, x), (c, d, y) = pose.matrix
    dx, dy = rng.normal(0, 1.5, 2).tolist()
    return Pose(((a, b, x + dx), (c, d, y + dy)), pose.mirrored)
