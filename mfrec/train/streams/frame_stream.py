"""Seven bad frames and the truth of the middle one: what the thesis's multi-frame networks are trained on."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mfrec.pipeline import in_range
from mfrec.train.data.crops import whole
from mfrec.train.data.pictures import FRAMES, Pictures, takes_labelled
from mfrec.train.data.points import PicturePoints
from mfrec.train.data.shots import cut_of, draw_shot, of_frame
from mfrec.train.streams.stream import Sample, Stream, as_tensor, whole_blocks
from mfrec.types import FloatArray


class FrameStream(Stream):
    """Samples ``((frames [7, 3, h, w],), {"truth": [3, 4 h, 4 w]})``; the reference is the middle frame.

    Labelled frames are taken as they are, mirrored and cut; all else is degraded on the fly.

    Args:
        pictures: the true pictures.
        seed: of every sample.
        length: how many samples; None is without end.
        side: of the truth in pixels.
        video: share of samples that are an H.264 clip.
        patch: share of the others that have blurred patches.
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
        points: bool = False,
    ) -> None:
        super().__init__(seed, length)
        in_range("video", video, 0, 1)
        in_range("patch", patch, 0, 1)
        self.pictures, self.side, self.video, self.patch = pictures, whole_blocks("side", side), video, patch
        self.points = PicturePoints(pictures) if points else None
        pictures.check_side(side)

    def sample(self, index: int, rng: np.random.Generator) -> Sample:
        if takes_labelled(self.pictures, rng):
            return self._labelled(rng)
        shot = draw_shot(self.pictures, rng, side=self.side, video=self.video, patch=self.patch, middle=True)
        view = shot.views[shot.chief]
        full = len(view.image)
        cut = cut_of(rng, full, self.side)
        wanted = {"truth": as_tensor(view.image[cut])}
        if self.points is not None:
            found = self.points.of_crop(view.source, view.pose, full, view.field)
            wanted["points"] = torch.from_numpy(found - np.array([cut[1].start, cut[0].start], np.float32))
        return (stacked([frame.image[of_frame(cut)] for frame in shot.frames]),), wanted

    def _labelled(self, rng: np.random.Generator) -> Sample:
        """Labelled frames, cut and mirrored at random."""
        number = int(rng.integers(len(self.pictures.labelled)))
        label = self.pictures.labelled[number].label
        frames, uncut = self.pictures.labelled[number].matched()
        cut = cut_of(rng, min(uncut.shape[:2]), self.side)
        frames, truth = [frame[of_frame(cut)] for frame in frames], uncut[cut]
        mirrored = bool(rng.random() < 0.5)
        if mirrored:
            frames, truth = [frame[:, ::-1] for frame in frames], truth[:, ::-1]
        wanted = {"truth": as_tensor(truth)}
        if self.points is not None:
            pose = whole(label, uncut, (cut[1].start, cut[0].start), mirrored)
            source = len(self.pictures.every) + number
            wanted["points"] = torch.from_numpy(self.points.of_crop(source, pose, self.side))
        return (stacked(frames),), wanted


def stacked(frames: list[FloatArray]) -> Tensor:
    """``[h, w, 3]`` each to ``[N, 3, h, w]``."""
    assert len(frames) == FRAMES
    return torch.stack([as_tensor(frame) for frame in frames])
