"""Registered scenes of several frames, used again and again: what the network ``fusion`` is trained on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mfrec.cards.load import load_network
from mfrec.pipeline import in_range
from mfrec.train.data.pictures import FRAMES, Pictures
from mfrec.train.data.points import PicturePoints, mirrored
from mfrec.train.data.scene_store import SceneStore, digest
from mfrec.train.data.scenes import DrawnLabelledScene, DrawnScene, Scene, draw_scene, make_scene
from mfrec.train.streams.stream import Sample, Stream, as_tensor, whole_blocks
from mfrec.types import Drawn
from mfrec.version import __version__

FIRST = 16
"""Scenes among which the very first sample chooses."""

MISSING_LOG_VARIANCE = -7.0
"""What the plane of a missing frame says. It has no trust, so nothing depends on it."""


@dataclass(frozen=True)
class Variation(Drawn):
    """What is done to a scene that was used before.

    Attributes:
        mirrored: its columns are reversed.
        missing: which frames are left out, counted without the reference.
        copies: the reference takes the place of all others.
    """

    mirrored: bool
    missing: tuple[int, ...]
    copies: bool


@dataclass(frozen=True)
class SceneUse(Drawn):
    """A sample: the number of its scene, which :meth:`SceneStream.drawn_scene` resolves, and how it is varied."""

    scene: int
    variation: Variation | None


class SceneStream(Stream[SceneUse]):
    """Samples ``((stack [7, 8, H, W], told [7, 8], reference), {"truth": [3, H, W], "bicubic": [3, H, W]})``.

    ``"bicubic"`` is the raw reference on the canvas. See :mod:`mfrec.nets.fusion` for the inputs.

    A stream chooses each sample among the last ``pool`` scenes, and a new scene comes in every ``uses`` samples; which
    scenes these are follows from the number of the sample. A list takes each scene once, as it was made.

    Args:
        pictures: the true pictures.
        seed: of every sample.
        network: the cleaning network in evaluation mode; None takes the one of the card ``clean``.
        length: how many samples; None is without end.
        clean: name or path of a card, see :func:`mfrec.cards.load.load_network`.
        side: of the truth in pixels.
        video: share of scenes that come from one clip.
        pool: how many scenes are kept.
        uses: how often a scene is used, on average.
        cache: a folder for the scenes; empty keeps them in memory. Give one where several processes make samples, or
            each of them makes nearly every scene. What belongs to other pictures, settings or weights is not mixed up.
        points: give the landmarks of the truth as well, ``"points"`` ``[68, 2]``.

    Raises:
        InputError: labelled frames are too small for ``side``.
        WeightsError: the cleaning network cannot be loaded.
    """

    def __init__(
        self,
        pictures: Pictures,
        seed: int,
        network: Any = None,
        *,
        length: int | None = None,
        clean: str = "clean",
        side: int = 128,
        video: float = 0.35,
        pool: int = 256,
        uses: int = 8,
        cache: str = "",
        points: bool = False,
    ) -> None:
        super().__init__(seed, length)
        in_range("video", video, 0, 1)
        in_range("pool", pool, 1, 10**6)
        in_range("uses", uses, 1, 10**6)
        self.pictures, self.network = pictures, load_network(clean) if network is None else network
        self.side, self.video, self.uses = whole_blocks("side", side), video, uses
        pictures.check_side(side)
        self.as_made = length is not None
        self.pool = pool if length is None else length
        self.points = PicturePoints(pictures) if points else None
        folder = Path(cache).expanduser() / self._digest() if cache else None
        self.store = SceneStore(self._make, self.pool, folder)

    def draw(self, index: int, rng: np.random.Generator) -> SceneUse:
        if self.as_made:
            return SceneUse(index, None)
        newest = FIRST - 1 + index // self.uses
        oldest = max(0, newest - self.pool + 1)
        return SceneUse(int(rng.integers(oldest, newest + 1)), draw_variation(rng))

    def make(self, drawn: SceneUse) -> Sample:
        scene = self.store[drawn.scene]
        return as_sample(scene if drawn.variation is None else varied(scene, drawn.variation))

    def drawn_scene(self, number: int) -> DrawnScene | DrawnLabelledScene:
        """What is random about a scene; :func:`mfrec.train.data.scenes.make_scene` makes it again."""
        # The third number keeps the draws of scenes apart from those of samples.
        return draw_scene(self.pictures, np.random.default_rng((self.seed, number, 1)), self.side, self.video)

    def _make(self, number: int) -> Scene:
        return make_scene(self.pictures, self.network, self.drawn_scene(number), points=self.points)

    def _digest(self) -> str:
        """Stands for all that a scene depends on but its number."""
        texts = (__version__, str((self.seed, self.side, self.video, self.pool, self.points is not None)))
        weights = (value.cpu().numpy() for value in self.network.state_dict().values())
        labelled = (array for one in self.pictures.labelled for array in (one.label, *(f.image for f in one.frames)))
        return digest(texts, (*weights, *self.pictures.every, *labelled))


def draw_variation(rng: np.random.Generator, frames: int = FRAMES) -> Variation:
    """Half of the time mirrored; two in five times with only one to six of its frames, and one in eleven times with
    copies of the reference in the place of the others."""
    mirror = bool(rng.random() < 0.5)
    if rng.random() < 0.4:
        order = rng.permutation(frames - 1).tolist()
        return Variation(mirror, tuple(order[int(rng.integers(0, frames - 1)) :]), copies=False)
    return Variation(mirror, (), copies=bool(rng.random() < 0.15))


def varied(scene: Scene, variation: Variation) -> Scene:
    """The same scene with something else missing."""
    stack, told = scene.stack.copy(), scene.told.copy()
    truth, points = scene.truth, scene.points
    if variation.mirrored:
        stack, truth = stack[..., ::-1], truth[:, ::-1]
        points = None if points is None else mirrored(points, truth.shape[1])
    others = [k for k in range(len(stack)) if k != scene.reference]
    missing = [others[k] for k in variation.missing]
    stack[missing] = 0
    stack[missing, 6] = MISSING_LOG_VARIANCE
    if variation.copies:
        stack[others] = stack[scene.reference]
        told[others] = told[scene.reference]
    return Scene(stack, told, scene.reference, truth, points)


def as_sample(scene: Scene) -> Sample:
    """A scene as tensors, float32."""
    stack = torch.from_numpy(np.ascontiguousarray(scene.stack, np.float32))
    inputs = stack, torch.from_numpy(scene.told), torch.tensor(scene.reference)
    wanted = {"truth": as_tensor(scene.truth.astype(np.float32)), "bicubic": stack[scene.reference, 3:6].clamp(0, 1)}
    if scene.points is not None:
        wanted["points"] = torch.from_numpy(scene.points)
    return inputs, wanted
