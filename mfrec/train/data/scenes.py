"""One face seen in several bad frames, cleaned and registered: what the fusion is trained on.

A scene is made by the product's own parts: the cleaning network, the registration of the raw frames from where their
landmarks put them, the planes, the trust that contradiction takes away. So the network meets in training errors of
registration and cleaning like those that it will meet in use. One thing differs: the landmarks are those of the good
pictures, because nobody finds them in half a face.

What is random is drawn first (:func:`draw_scene`), and :func:`make_scene` is pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mfrec.camera.conditions import conditions
from mfrec.camera.noise import NoiseModel, noise_of
from mfrec.camera.protocols import SCALE
from mfrec.fusion.belief import uncontradicted, undisputed, unlike
from mfrec.fusion.planes import planes_of
from mfrec.fusion.source import as_source
from mfrec.image.geometry import enlarge
from mfrec.registration.dense import identity_registration, register
from mfrec.stages.align import presmooth_for, start_similarity
from mfrec.stages.clean import clean_frames
from mfrec.train.data.crops import Pose, crop, draw_pose, whole
from mfrec.train.data.pictures import FRAMES, Pictures, takes_labelled
from mfrec.train.data.points import PicturePoints
from mfrec.train.data.shots import Cut, DrawnShot, draw_cut, draw_shot, make_shot
from mfrec.types import (
    Canvas,
    Cleaned,
    Drawn,
    FloatArray,
    FlowSettings,
    Frame,
    GeneratorState,
    Landmarks,
    Observation,
)


@dataclass(frozen=True)
class Stranger(Drawn):
    """What takes the place of one frame: somebody else, or noise.

    Attributes:
        place: of the frame.
        source: number of the other picture in :attr:`mfrec.train.data.pictures.Pictures.every`.
        pose: of the crop; None where it is noise.
        noise: of the generator from which the noise is drawn; None where it is a picture.
    """

    place: int
    source: int
    pose: Pose | None
    noise: GeneratorState | None


@dataclass(frozen=True)
class DrawnScene(Drawn):
    """A shot, who is put in its way, and the part of the canvas that is kept."""

    shot: DrawnShot
    strangers: tuple[Stranger, ...]
    cut: Cut


@dataclass(frozen=True)
class DrawnLabelledScene(Drawn):
    """Labelled frames; ``labelled`` is their number in :attr:`mfrec.train.data.pictures.Pictures.labelled`."""

    labelled: int
    cut: Cut


@dataclass(frozen=True, eq=False)
class Scene:
    """A registered sequence and its truth.

    Attributes:
        stack: ``[N, 8, H, W]`` float16, see :func:`mfrec.fusion.planes.planes_of`.
        told: ``[N, 8]`` float32, see :func:`mfrec.camera.conditions.conditions`.
        reference: position of the reference.
        truth: ``[H, W, 3]`` float16.
        points: ``[68, 2]`` float32 landmarks of the truth in its pixels, NaN where no face was found; None where nobody
            looked.
    """

    stack: NDArray[np.float16]
    told: FloatArray
    reference: int
    truth: NDArray[np.float16]
    points: FloatArray | None = None

    def cut(self, cut: Cut) -> Scene:
        """A part of the canvas."""
        rows, columns = cut.of_truth
        corner = np.array([cut.left, cut.top], np.float32)
        return replace(
            self,
            stack=self.stack[:, :, rows, columns],
            truth=self.truth[rows, columns],
            points=None if self.points is None else self.points - corner,
        )


def draw_scene(
    pictures: Pictures,
    rng: np.random.Generator,
    side: int = 128,
    video: float = 0.35,
    *,
    frames: int = FRAMES,
    broad: float = 0.0,
    wrong: float = 0.15,
) -> DrawnScene | DrawnLabelledScene:
    """Draw one scene.

    Args:
        pictures: the true pictures.
        rng: everything is drawn from it.
        side: of the truth in pixels.
        video, frames, broad, wrong: see :func:`mfrec.train.data.shots.draw_shot`. Labelled frames are as many as they
            are.
    """
    if takes_labelled(pictures, rng):
        number = int(rng.integers(len(pictures.labelled)))
        return DrawnLabelledScene(number, draw_cut(rng, SCALE * min(pictures.labelled[number].matched_size), side))
    shot = draw_shot(pictures, rng, side=side, video=video, frames=frames, broad=broad, wrong=wrong)
    strangers = draw_strangers(pictures, len(shot.views), shot.chief, shot.side // SCALE, rng)
    return DrawnScene(shot, strangers, draw_cut(rng, shot.side, side))


def make_scene(
    pictures: Pictures, network: Any, drawn: DrawnScene | DrawnLabelledScene, points: PicturePoints
) -> Scene:
    """The scene that was drawn.

    Args:
        pictures: that it was drawn from.
        network: the cleaning network in evaluation mode.
        drawn: what :func:`draw_scene` gave.
        points: of the pictures.
    """
    if isinstance(drawn, DrawnLabelledScene):
        return labelled_scene(pictures, network, drawn, points)
    shot = make_shot(pictures, drawn.shot)
    noises = [frame.noise for frame in shot.frames]
    images = with_strangers([frame.image for frame in shot.frames], drawn.strangers, pictures)
    found = [shot.points(points, number, drawn.shot) for number in range(len(images))]
    own = [
        None if image is not frame.image else at for image, frame, at in zip(images, shot.frames, found, strict=True)
    ]
    scene = registered_scene(images, noises, shot.chief, network, shot.views[shot.chief].image, points=own)
    return replace(scene, points=found[shot.chief]).cut(drawn.cut)


def labelled_scene(pictures: Pictures, network: Any, drawn: DrawnLabelledScene, points: PicturePoints) -> Scene:
    """A scene of labelled frames; the middle frame is the reference, and nobody knows the landmarks of the others."""
    labelled = pictures.labelled[drawn.labelled]
    images, truth = labelled.matched()
    noises = [noise_of(frame) for frame in labelled.frames]
    scene = registered_scene(images, noises, FRAMES // 2, network, truth, points=[None] * len(images))
    source, pose = len(pictures.every) + drawn.labelled, whole(labelled.label, truth)
    return replace(scene, points=points.of_crop(source, pose, truth.shape[1])).cut(drawn.cut)


def registered_scene(
    images: Sequence[FloatArray],
    noises: Sequence[NoiseModel],
    chief: int,
    network: Any,
    truth: FloatArray,
    *,
    points: Sequence[FloatArray | None],
) -> Scene:
    """Clean frames, register them onto the reference, and bring them onto its canvas.

    Args:
        images: ``[h, w, 3]`` RGB in [0, 1], all of one size.
        noises: what is known of their codec.
        chief: position of the reference.
        network: the cleaning network in evaluation mode.
        truth: ``[4 h, 4 w, 3]`` of the reference.
        points: ``[68, 2]`` landmarks of each frame in pixels of its truth, NaN or None where they are not known.
    """
    cleaned = [Cleaned(image, sigma, (0, 0), SCALE) for image, sigma in clean_frames(network, images, noises)]
    height, width = images[0].shape[:2]
    canvas = Canvas(0, 0, width, height, SCALE)
    target = enlarge(images[chief], SCALE)
    flow = FlowSettings(presmooth=presmooth_for(noises))
    observed = [as_observed(image, at) for image, at in zip(images, points, strict=True)]
    stack, sources = [], []
    for position, (image, clear, noise) in enumerate(zip(images, cleaned, noises, strict=True)):
        if position == chief:
            registration = identity_registration(canvas, image)
        else:
            to_frame = canvas.into_frame(start_similarity(observed[position], observed[chief]))
            registration = register(target, image, to_frame, canvas, settings=flow)
        stack.append(planes_of(image, clear, registration))
        sources.append(as_source(image, registration, noise, position == chief))
    planes = np.stack(stack)
    planes[:, 7] *= uncontradicted(unlike(sources, SCALE))
    for k, alike in enumerate(undisputed(planes.__getitem__, len(planes), chief, SCALE)):
        planes[k, 7] *= alike
    told = np.stack([conditions(noise) for noise in noises])
    return Scene(planes.astype(np.float16), told, chief, truth.astype(np.float16))


def as_observed(image: FloatArray, points: FloatArray | None) -> Observation:
    """A frame ``[h, w, 3]`` as the product's alignment sees it; ``points`` in pixels of its truth, as above."""
    if points is None or np.isnan(points).any():
        return Observation(Frame(image, 0, ""))
    height, width = image.shape[:2]
    into_frame = Canvas(0, 0, width, height, SCALE).from_reference.inverse()
    return Observation(Frame(image, 0, ""), landmarks=Landmarks(into_frame.apply(points).astype(np.float32)))


def draw_strangers(
    pictures: Pictures, frames: int, chief: int, small: int, rng: np.random.Generator
) -> tuple[Stranger, ...]:
    """Somebody else, or noise, for some frames of a few scenes; never for the reference.

    Args:
        pictures: whom they are drawn from.
        frames: how many the scene has.
        chief: position of the reference.
        small: side of the frames in pixels.
        rng: everything is drawn from it.
    """
    chance = rng.random()
    if chance > 0.18:
        return ()
    others = [k for k in range(frames) if k != chief]
    count = len(others) if chance < 0.06 else int(rng.integers(1, 4))
    source = int(rng.integers(len(pictures.every)))
    height, width = pictures.every[source].shape[:2]
    noise = rng.random() < 0.3
    out = []
    for place in rng.permutation(others)[:count].tolist():
        if noise:
            out.append(Stranger(place, source, None, GeneratorState.of(rng)))
            white_noise(rng, small)  # what follows is drawn after it
        else:
            zoom = min(height, width) / small * float(rng.uniform(0.8, 1.0))
            out.append(Stranger(place, source, draw_pose(rng, height, width, small, zoom, turn=5, shift=0.3), None))
    return tuple(out)


def with_strangers(images: Sequence[FloatArray], strangers: Sequence[Stranger], pictures: Pictures) -> list[FloatArray]:
    """The frames ``[h, h, 3]`` with strangers in their places."""
    out = list(images)
    small = len(images[0])
    for stranger in strangers:
        if stranger.pose is not None:
            picture = crop(pictures.every[stranger.source], stranger.pose, small)
            out[stranger.place] = np.clip(picture, 0, 1)
        elif stranger.noise is not None:
            out[stranger.place] = white_noise(stranger.noise.generator(), small)
    return out


def white_noise(rng: np.random.Generator, side: int) -> FloatArray:
    """``[side, side, 3]``, uniform in [0, 1]."""
    return np.asarray(rng.random((side, side, 3)), np.float32)
