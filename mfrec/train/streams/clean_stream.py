"""Single bad frames and their truth: what the network of the stage ``clean`` is trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from mfrec.nets.clean import conditions
from mfrec.pipeline import in_range
from mfrec.train.data.crops import Pose, crop, draw_pose
from mfrec.train.data.degrade import Degradation, degrade, draw
from mfrec.train.data.pictures import Pictures
from mfrec.train.data.points import PicturePoints
from mfrec.train.streams.stream import Sample, Stream, as_tensor, whole_blocks
from mfrec.types import Drawn


@dataclass(frozen=True)
class DrawnFrame(Drawn):
    """One frame of a clip, or a still.

    Attributes:
        source: number of the picture in :attr:`mfrec.train.data.pictures.Pictures.every`.
        poses: of the crop in every frame of the clip.
        degradation: of the clip.
        chosen: which frame is the sample.
    """

    source: int
    poses: tuple[Pose, ...]
    degradation: Degradation
    chosen: int


class CleanStream(Stream[DrawnFrame]):
    """Samples ``((frame [3, h, w], conditions [8]), {"truth": [3, 4 h, 4 w]})``.

    Args:
        pictures: the true pictures.
        seed: of every sample.
        length: how many samples; None is without end.
        side: of the truth in pixels.
        video: share of samples that are frames of an H.264 clip.
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
        points: bool = False,
    ) -> None:
        super().__init__(seed, length)
        in_range("video", video, 0, 1)
        self.pictures, self.side, self.video = pictures.every, whole_blocks("side", side), video
        self.points = PicturePoints(pictures) if points else None

    def draw(self, index: int, rng: np.random.Generator) -> DrawnFrame:
        source = int(rng.integers(len(self.pictures)))
        height, width = self.pictures[source].shape[:2]
        if rng.random() < self.video:
            kind, count, low, high = "video", int(rng.integers(3, 9)), 0.8, 1.7
        else:
            kind, count, low, high = ("patch" if rng.random() < 0.15 else "still"), 1, 0.9, 2.1
        zoom = float(min(np.exp(rng.uniform(np.log(low), np.log(high))), min(height, width) / self.side))
        poses = [draw_pose(rng, height, width, self.side, zoom, turn=10, shift=1.0)]
        for _ in range(count - 1):
            poses.append(drifted(poses[-1], rng))
        degradation = draw(rng, kind, count)
        return DrawnFrame(source, tuple(poses), degradation, int(rng.integers(count)))

    def make(self, drawn: DrawnFrame) -> Sample:
        truths = [crop(self.pictures[drawn.source], pose, self.side) for pose in drawn.poses]
        made = degrade(truths, drawn.degradation)[drawn.chosen]
        wanted = {"truth": as_tensor(np.clip(truths[drawn.chosen], 0, 1))}
        if self.points is not None:
            pose = drawn.poses[drawn.chosen]
            wanted["points"] = torch.from_numpy(self.points.of_crop(drawn.source, pose, self.side))
        return (as_tensor(made.image), torch.from_numpy(conditions(made.noise))), wanted


def drifted(pose: Pose, rng: np.random.Generator) -> Pose:
    """The pose in the next frame of a clip: some 1.5 px of the picture further."""
    (a, b, x), (c, d, y) = pose.matrix
    dx, dy = rng.normal(0, 1.5, 2).tolist()
    return Pose(((a, b, x + dx), (c, d, y + dy)), pose.mirrored)
