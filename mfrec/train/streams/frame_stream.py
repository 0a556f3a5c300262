"""Seven bad frames and the truth of the middle one: what the thesis's multi-frame networks are trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mfrec.camera.protocols import SCALE
from mfrec.errors import UsageError
from mfrec.pipeline import in_range
from mfrec.train.data.crops import whole
from mfrec.train.data.pictures import FRAMES, Pictures, takes_labelled
from mfrec.train.data.points import PicturePoints
from mfrec.train.data.shots import Cut, DrawnShot, draw_cut, draw_shot, make_shot
from mfrec.train.streams.stream import Sample, Stream, as_tensor, whole_blocks
from mfrec.types import Drawn, FloatArray


@dataclass(frozen=True)
class Hole(Drawn):
    """A white square or disc in a frame.

    Attributes:
        frame: its number.
        centre: ``(x, y)`` in pixels of the frame.
        half: of the square's side, or the disc's radius, in pixels of the frame.
        disc: round, and not square.
    """

    frame: int
    centre: tuple[float, float]
    half: float
    disc: bool


@dataclass(frozen=True)
class DrawnFrames(Drawn):
    """Seven frames that are degraded on the fly, and the part of them that is the sample.

    Attributes:
        shot: the frames.
        cut: the part.
        holes: that are made in them.
    """

    shot: DrawnShot
    cut: Cut
    holes: tuple[Hole, ...] = ()


@dataclass(frozen=True)
class DrawnLabelled(Drawn):
    """Labelled frames, cut and mirrored; ``number`` is that of :attr:`mfrec.train.data.pictures.Pictures.labelled`."""

    number: int
    cut: Cut
    mirrored: bool


class FrameStream(Stream[DrawnFrames | DrawnLabelled]):
    """Samples ``((frames [N, 3, h, w],), {"truth": [3, 4 h, 4 w]})``; the reference is the middle frame.

    Labelled frames are taken as they are, mirrored and cut; all else is degraded on the fly. White holes and, with
    ``patch = 1``, blurred patches are the thesis's two experiments with inpainting.

    Args:
        pictures: the true pictures.
        seed: of every sample.
        length: how many samples; None is without end.
        side: of the truth in pixels.
        video: share of samples that are an H.264 clip.
        patch: share of the others that have blurred patches.
        holes: share of samples degraded on the fly whose every frame has a white square or disc.
        count: of the frames, an odd number up to seven; with fewer the middle ones of a sequence.
        points: give the landmarks of the truth as well, ``"points"`` ``[68, 2]``.

    Raises:
        InputError: labelled frames are too small for ``side``.
    """

    def __init__(
        self,
        pictures: Pictures,
        seed: int,
        *,
        length: int | None = None,
        side: int = 128,
        video: float = 0.35,
        patch: float = 0.25,
        holes: float = 0.0,
        count: int = FRAMES,
        points: bool = False,
    ) -> None:
        super().__init__(seed, length)
        in_range("holes", holes, 0, 1)
        if count not in range(1, FRAMES + 1, 2):
            raise UsageError(f"count is {count}; expected an odd number of frames from 1 to {FRAMES}")
        self.holes, self.count = holes, count
        in_range("video", video, 0, 1)
        in_range("patch", patch, 0, 1)
        self.pictures, self.side, self.video, self.patch = pictures, whole_blocks("side", side), video, patch
        self.points = PicturePoints(pictures) if points else None
        pictures.check_side(side)

    def draw(self, index: int, rng: np.random.Generator) -> DrawnFrames | DrawnLabelled:
        if takes_labelled(self.pictures, rng):
            number = int(rng.integers(len(self.pictures.labelled)))
            full = SCALE * min(self.pictures.labelled[number].matched_size)
            return DrawnLabelled(number, draw_cut(rng, full, self.side), bool(rng.random() < 0.5))
        shot = draw_shot(
            self.pictures, rng, side=self.side, video=self.video, frames=self.count, patch=self.patch, middle=True
        )
        cut = draw_cut(rng, shot.side, self.side)
        if self.holes == 0 or rng.random() >= self.holes:
            return DrawnFrames(shot, cut)
        return DrawnFrames(shot, cut, draw_holes(rng, self.count, self.side // SCALE))

    def make(self, drawn: DrawnFrames | DrawnLabelled) -> Sample:
        if isinstance(drawn, DrawnLabelled):
            return self._labelled(drawn)
        shot, cut = make_shot(self.pictures, drawn.shot), drawn.cut
        wanted = {"truth": as_tensor(shot.views[shot.chief].image[cut.of_truth])}
        if self.points is not None:
            found = shot.points(self.points, shot.chief, drawn.shot)
            wanted["points"] = torch.from_numpy(found - np.array([cut.left, cut.top], np.float32))
        frames = [frame.image[cut.of_frame] for frame in shot.frames]
        for hole in drawn.holes:
            frames[hole.frame] = with_hole(frames[hole.frame], hole)
        return (stacked(frames),), wanted

    def _labelled(self, drawn: DrawnLabelled) -> Sample:
        labelled, cut = self.pictures.labelled[drawn.number], drawn.cut
        frames, uncut = labelled.matched()
        first = (FRAMES - self.count) // 2
        frames = frames[first : first + self.count]
        frames, truth = [frame[cut.of_frame] for frame in frames], uncut[cut.of_truth]
        if drawn.mirrored:
            frames, truth = [frame[:, ::-1] for frame in frames], truth[:, ::-1]
        wanted = {"truth": as_tensor(truth)}
        if self.points is not None:
            pose = whole(labelled.label, uncut, (cut.left, cut.top), drawn.mirrored)
            source = len(self.pictures.every) + drawn.number
            wanted["points"] = torch.from_numpy(self.points.of_crop(source, pose, self.side))
        return (stacked(frames),), wanted


def draw_holes(rng: np.random.Generator, count: int, side: int) -> tuple[Hole, ...]:
    """One for each of ``count`` frames of ``side`` pixels, a quarter to half as wide as the frame."""
    out = []
    for frame in range(count):
        x, y = (rng.uniform(0.2, 0.8, 2) * side).tolist()
        out.append(Hole(frame, (x, y), float(rng.uniform(0.125, 0.25)) * side, bool(rng.random() < 0.5)))
    return tuple(out)


def with_hole(frame: FloatArray, hole: Hole) -> FloatArray:
    """``[h, w, 3]`` with white where the hole is."""
    y, x = np.mgrid[: frame.shape[0], : frame.shape[1]]
    across, down = np.abs(x - hole.centre[0]), np.abs(y - hole.centre[1])
    inside = np.hypot(across, down) <= hole.half if hole.disc else np.maximum(across, down) <= hole.half
    return np.asarray(np.where(inside[..., None], 1.0, frame), np.float32)


def stacked(frames: list[FloatArray]) -> Tensor:
    """``[h, w, 3]`` each to ``[N, 3, h, w]``."""
    return torch.stack([as_tensor(frame) for frame in frames])
