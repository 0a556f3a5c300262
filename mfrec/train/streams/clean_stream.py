"""Single bad frames and their truth: what the network of the stage ``clean`` is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch

from mfrec.camera.conditions import conditions
from mfrec.camera.exports import CLIPS, Export, draw_export, exported
from mfrec.camera.noise import BLOCK, NoiseModel
from mfrec.camera.protocols import SCALE
from mfrec.image.geometry import resize
from mfrec.imageio.memory import decoded
from mfrec.pipeline import in_range
from mfrec.train.data.crops import Pose, crop, draw_pose
from mfrec.train.data.degrade import Degradation, degrade, draw, sensor_noise
from mfrec.train.data.pictures import Pictures
from mfrec.train.data.points import PicturePoints
from mfrec.train.data.told import Hearsay, draw_hearsay, instead_of, told_of
from mfrec.train.streams.stream import Sample, Stream, as_tensor, whole_blocks
from mfrec.types import Drawn, FloatArray

SMALLEST_CLIP = 32
"""Pixels a side that x265 takes."""


@dataclass(frozen=True)
class Exported(Drawn):
    """A plain camera, and the way of its frames to the analyst.

    Attributes:
        psf_sigma: of its Gaussian point-spread function, in pixels of the truth.
        sigma: of its noise at mid-grey, in [0, 1] grey levels as displayed.
        noise_seed: of that.
        export: the way.
        place: ``(x, y)`` where the sample is cut out of the frame, as shares of the room there is.
    """

    psf_sigma: float
    sigma: float
    noise_seed: int
    export: Export
    place: tuple[float, float]


@dataclass(frozen=True)
class DrawnFrame(Drawn):
    """One frame of a clip, or a still.

    Attributes:
        source: number of the picture in :attr:`mfrec.train.data.pictures.Pictures.every`.
        whole: side of the crop that is coded, in pixels of the truth.
        poses: of that crop in every frame of the clip.
        camera: of the clip: what its own file tells of, or an export.
        chosen: which frame is the sample.
        hearsay: what goes wrong with what is told of it.
    """

    source: int
    whole: int
    poses: tuple[Pose, ...]
    camera: Degradation | Exported
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
        points: bool = False,
    ) -> None:
        super().__init__(seed, length)
        for name, share in (("video", video), ("broad", broad), ("wrong", wrong)):
            in_range(name, share, 0, 1)
        self.pictures, self.side, self.video = pictures.every, whole_blocks("side", side), video
        self.broad, self.wrong = broad, wrong
        self.points = PicturePoints(pictures) if points else None

    def draw(self, index: int, rng: np.random.Generator) -> DrawnFrame:
        source = int(rng.integers(len(self.pictures)))
        shape = self.pictures[source].shape
        one = self._draw_coded if rng.random() >= self.broad else self._draw_exported
        return one(source, shape, rng)

    def make(self, drawn: DrawnFrame) -> Sample:
        truths = [crop(self.pictures[drawn.source], pose, drawn.whole) for pose in drawn.poses]
        if isinstance(drawn.camera, Degradation):
            made = degrade(truths, drawn.camera)[drawn.chosen]
            frame, noise, (x, y) = made.image, instead_of(made.noise, drawn.hearsay), (0, 0)
        else:
            frame, noise, (x, y) = through(truths, drawn.camera, drawn.chosen, drawn.hearsay, self.side // SCALE)
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
        return DrawnFrame(source, self.side, poses, camera, int(rng.integers(count)), hearsay)

    def _draw_exported(self, source: int, shape: tuple[int, ...], rng: np.random.Generator) -> DrawnFrame:
        """An exported frame; the crop is larger than the sample where the codec or the cut needs room."""
        count, small = int(rng.integers(3, 6)), self.side // SCALE
        way = draw_export(rng, count)
        cut = way.cut != (0, 0)
        if way.codec in CLIPS:
            # A codec of video spends its bits otherwise on a very small picture.
            room, zooms = max(3 * small // 2, small + BLOCK, SMALLEST_CLIP), (0.8, 1.34)
        else:
            count, way = 1, replace(way, strength=way.strength[:1])
            room, zooms = small + BLOCK * cut, (0.8, 2.1)
        whole = SCALE * (room + room % 2)
        poses = draw_poses(shape, rng, count, whole, zooms)
        soft = way.codec in CLIPS or rng.random() < 0.5
        psf, sigma = (float(rng.uniform(0.9, 2.7)), float(rng.uniform(0, 5.0)) / 255) if soft else (0.0, 0.0)
        place = float(rng.random()), float(rng.random())
        camera = Exported(psf, sigma, int(rng.integers(2**31)), way, place)
        return DrawnFrame(source, whole, poses, camera, int(rng.integers(count)), draw_hearsay(rng, self.wrong, cut))


def through(
    truths: Sequence[FloatArray], camera: Exported, chosen: int, hearsay: Hearsay, small: int
) -> tuple[FloatArray, NoiseModel, tuple[int, int]]:
    """One frame of a clip after its export, cut along the codec's blocks where their place is told.

    Args:
        truths: ``[H, W, 3]`` of the whole clip.
        camera: and the way.
        chosen: which frame.
        hearsay: what goes wrong with what is told.
        small: side of the cut in pixels of the frame.

    Returns:
        ``[small, small, 3]``, what is told, and ``(x, y)`` of its corner in the truth.
    """
    rng = np.random.default_rng(camera.noise_seed)
    before = [seen(truth, camera.psf_sigma, camera.sigma, rng) for truth in truths]
    files = exported(before, camera.export)
    frame = decoded(*files[0])[chosen] if len(files) == 1 else decoded(*files[chosen])[0]
    left, top = camera.export.cut
    noise, corner = told_of(frame, before[chosen][top:, left:], camera.export, chosen, hearsay)
    height, width = frame.image.shape[:2]
    x, y = (
        start + BLOCK * int(share * ((size - small - start) // BLOCK + 1))
        for start, size, share in zip(corner, (width, height), camera.place, strict=True)
    )
    return frame.image[y : y + small, x : x + small], noise, (SCALE * (left + x), SCALE * (top + y))


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


def seen(truth: FloatArray, psf_sigma: float, noise: float, rng: np.random.Generator) -> FloatArray:
    """What a camera hands to its encoder; blur in pixels of the truth, noise at mid-grey as displayed."""
    image = cv2.GaussianBlur(truth, (0, 0), psf_sigma, borderType=cv2.BORDER_REFLECT) if psf_sigma > 0 else truth
    height, width = truth.shape[:2]
    small = resize(np.asarray(image, np.float32), height // SCALE, width // SCALE, interpolation="area")
    if noise > 0:
        small = sensor_noise(small, noise, rng)
    return np.asarray(np.clip(small, 0, 1), np.float32)


def drifted(pose: Pose, rng: np.random.Generator) -> Pose:
    """The pose in the next frame of a clip: some 1.5 px of the picture further."""
    (a, b, x), (c, d, y) = pose.matrix
    dx, dy = rng.normal(0, 1.5, 2).tolist()
    return Pose(((a, b, x + dx), (c, d, y + dy)), pose.mirrored)
