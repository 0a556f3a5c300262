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

EVERY_LONG = 3
"""One in so many scenes has as many frames as there are at most, the others :data:`FRAMES`."""


@dataclass(frozen=True)
class Variation(Drawn):
    """What is done to a scene that was used before.

    Attributes:
        mirrored: its columns are reversed.
        kept: which frames stay beside the reference, in the order of the scene, counted without the reference.
        missing: how many frames without anything to see come after them.
        copies: the reference takes the place of all others.
    """

    mirrored: bool
    kept: tuple[int, ...]
    missing: int
    copies: bool


@dataclass(frozen=True)
class SceneUse(Drawn):
    """A sample: the number of its scene, which :meth:`SceneStream.drawn_scene` resolves, and how it is varied."""

    scene: int
    variation: Variation | None


class SceneStream(Stream[SceneUse]):
    """Samples ``((stack [N, 8, H, W], told [N, 8], reference), {"truth": [3, H, W], "bicubic": [3, H, W]})``.

    ``"bicubic"`` is the raw reference on the canvas. See :mod:`mfrec.nets.fusion` for the inputs.

    A stream chooses each sample among the last ``pool`` scenes, and a new scene comes in every ``uses`` samples; which
    scenes these are follows from the number of the sample, and so does how many frames of it are used, ``N``. A list
    takes each scene once, as it was made.

    Args:
        pictures: the true pictures.
        seed: of every sample.
        network: the cleaning network in evaluation mode; None takes the one of the card ``clean``.
        length: how many samples; None is without end.
        clean: name or path of a card, see :func:`mfrec.cards.load.load_network`.
        side: of the truth in pixels.
        video: share of scenes that come from one clip, among those that are not exported.
        broad: share of scenes that went to the analyst in one of the ways of :func:`mfrec.camera.exports.draw_export`.
        wrong: share of these of which nothing, or something false, is told.
        frames: how many a sample has at most.
        together: so many consecutive samples have the same number of frames. Give the batch of the recipe, because the
            samples of a batch must.
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
        broad: float = 0.45,
        wrong: float = 0.15,
        frames: int = 31,
        together: int = 8,
        pool: int = 256,
        uses: int = 8,
        cache: str = "",
        points: bool = False,
    ) -> None:
        super().__init__(seed, length)
        for name, share in (("video", video), ("broad", broad), ("wrong", wrong)):
            in_range(name, share, 0, 1)
        for name, count, low, high in (
            ("frames", frames, FRAMES, 1000),
            ("together", together, 1, 10**6),
            ("pool", pool, 1, 10**6),
            ("uses", uses, 1, 10**6),
        ):
            in_range(name, count, low, high)
        self.pictures, self.network = pictures, load_network(clean) if network is None else network
        self.side, self.video, self.broad, self.wrong = whole_blocks("side", side), video, broad, wrong
        self.frames, self.together, self.uses = frames, together, uses
        pictures.check_side(side)
        self.as_made = length is not None
        self.pool = pool if length is None else length
        self.points, self.pointed = PicturePoints(pictures), points
        folder = Path(cache).expanduser() / self._digest() if cache else None
        self.store = SceneStore(self._make, self.pool, folder)

    def draw(self, index: int, rng: np.random.Generator) -> SceneUse:
        if self.as_made:
            return SceneUse(index, None)
        # The third number keeps what a whole batch shares apart from the draws of its samples.
        count = draw_count(np.random.default_rng((self.seed, index // self.together, 2)), self.frames)
        newest = FIRST - 1 + index // self.uses
        oldest = max(0, newest - self.pool + 1)
        number = int(rng.integers(oldest, newest + 1))
        if count > FRAMES:  # the next one that is long enough, or the last
            number = min(number + -number % EVERY_LONG, newest - newest % EVERY_LONG)
        return SceneUse(number, draw_variation(rng, self.length_of(number), count))

    def length_of(self, number: int) -> int:
        """How many frames a scene has."""
        return self.frames if number % EVERY_LONG == 0 else FRAMES

    def make(self, drawn: SceneUse) -> Sample:
        scene = self.store[drawn.scene]
        scene = scene if drawn.variation is None else varied(scene, drawn.variation)
        return as_sample(scene, pointed=self.pointed)

    def drawn_scene(self, number: int) -> DrawnScene | DrawnLabelledScene:
        """What is random about a scene; :func:`mfrec.train.data.scenes.make_scene` makes it again."""
        # The third number keeps the draws of scenes apart from those of samples.
        rng = np.random.default_rng((self.seed, number, 1))
        return draw_scene(
            self.pictures,
            rng,
            self.side,
            self.video,
            frames=self.length_of(number),
            broad=self.broad,
            wrong=self.wrong,
        )

    def _make(self, number: int) -> Scene:
        return make_scene(self.pictures, self.network, self.drawn_scene(number), self.points)

    def _digest(self) -> str:
        """Stands for all that a scene depends on but its number."""
        shares = self.video, self.broad, self.wrong
        texts = (__version__, str((self.seed, self.side, *shares, self.frames, self.pool)))
        weights = (value.cpu().numpy() for value in self.network.state_dict().values())
        labelled = (array for one in self.pictures.labelled for array in (one.label, *(f.image for f in one.frames)))
        return digest(texts, (*weights, *self.pictures.every, *labelled))


def draw_count(rng: np.random.Generator, most: int) -> int:
    """How many frames the samples of a batch have: mostly :data:`FRAMES`, one in five times fewer, one in three times
    more, up to ``most``, evenly in their logarithm."""
    chance = rng.random()
    if chance < 0.2:
        return int(rng.integers(1, FRAMES))
    if chance < 0.65 or most == FRAMES:
        return FRAMES
    return round(float(np.exp(rng.uniform(np.log(FRAMES + 1), np.log(most)))))


def draw_variation(rng: np.random.Generator, frames: int, count: int) -> Variation:
    """Half of the time mirrored, and one in eleven times with copies of the reference in the place of the others.

    Args:
        rng: everything is drawn from it.
        frames: of the scene.
        count: of the sample; those beside the reference are neighbours of each other half of the time, and any
            otherwise. Where the scene has fewer, the rest is missing.
    """
    mirror, copies = bool(rng.random() < 0.5), bool(rng.random() < 0.09)
    others = min(frames, count) - 1
    if rng.random() < 0.5:
        start = int(rng.integers(frames - others))
        kept = range(start, start + others)
    else:
        kept = sorted(rng.permutation(frames - 1)[:others].tolist())
    return Variation(mirror, tuple(kept), count - 1 - others, copies)


def varied(scene: Scene, variation: Variation) -> Scene:
    """The same scene with some of its frames. Those that it does not have, because it is of labelled frames, are
    missing."""
    others = [k for k in range(len(scene.stack)) if k != scene.reference]
    there = [others[k] for k in variation.kept if k < len(others)]
    missing = variation.missing + len(variation.kept) - len(there)
    chosen = sorted([scene.reference, *there])
    reference = chosen.index(scene.reference)
    if variation.copies:
        chosen = [scene.reference] * len(chosen)
    stack, told = scene.stack[chosen], scene.told[chosen]
    if missing:
        nothing = np.zeros((missing, *stack.shape[1:]), stack.dtype)
        nothing[:, 6] = MISSING_LOG_VARIANCE
        stack = np.concatenate([stack, nothing])
        told = np.concatenate([told, np.zeros((missing, told.shape[1]), told.dtype)])
    truth, points = scene.truth, scene.points
    if variation.mirrored:
        stack, truth = stack[..., ::-1], truth[:, ::-1]
        points = None if points is None else mirrored(points, truth.shape[1])
    return Scene(stack, told, reference, truth, points)


def as_sample(scene: Scene, *, pointed: bool = False) -> Sample:
    """A scene as tensors, float32; with its landmarks where they are asked for."""
    stack = torch.from_numpy(np.ascontiguousarray(scene.stack, np.float32))
    inputs = stack, torch.from_numpy(scene.told), torch.tensor(scene.reference)
    wanted = {"truth": as_tensor(scene.truth.astype(np.float32)), "bicubic": stack[scene.reference, 3:6].clamp(0, 1)}
    if pointed and scene.points is not None:
        wanted["points"] = torch.from_numpy(scene.points)
    return inputs, wanted
