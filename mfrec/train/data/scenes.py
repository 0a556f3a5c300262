"""One face seen in several bad frames, cleaned and registered: what the fusion is trained on.

A scene is made by the product's own parts: the cleaning network, the dense registration, the planes. So the
network meets in training errors of registration and cleaning like those that it will meet in use. One thing differs:
here the cleaned frames are registered, in the product the raw ones; on held-out people that changes less than 0.06 dB.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mfrec.camera.noise import NoiseModel, noise_of
from mfrec.camera.protocols import SCALE
from mfrec.fusion.planes import planes_of
from mfrec.nets.clean import conditions
from mfrec.registration.dense import identity_registration, register
from mfrec.stages.clean import clean_frames
from mfrec.train.data.crops import crop, draw_pose, whole
from mfrec.train.data.pictures import FRAMES, Pictures, takes_labelled
from mfrec.train.data.points import PicturePoints
from mfrec.train.data.shots import cut_of, draw_shot
from mfrec.types import Canvas, Cleaned, FloatArray, FlowSettings

CLEAR_FLOW = FlowSettings()
"""Settings of the registration of cleaned frames."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A registered sequence and its truth.

    Attributes:
        stack: ``[N, 8, H, W]`` float16, see :func:`mfrec.fusion.planes.planes_of`.
        told: ``[N, 8]`` float32, see :func:`mfrec.nets.clean.conditions`.
        reference: position of the reference.
        truth: ``[H, W, 3]`` float16.
        points: ``[68, 2]`` float32 landmarks of the truth in its pixels, NaN where no face was found; None where nobody
            asked.
    """

    stack: NDArray[np.float16]
    told: FloatArray
    reference: int
    truth: NDArray[np.float16]
    points: FloatArray | None = None

    def cut(self, rows: slice, columns: slice) -> Scene:
        """A part of the canvas."""
        corner = np.array([columns.start, rows.start], np.float32)
        return replace(
            self,
            stack=self.stack[:, :, rows, columns],
            truth=self.truth[rows, columns],
            points=None if self.points is None else self.points - corner,
        )


def make_scene(
    pictures: Pictures,
    network: Any,
    rng: np.random.Generator,
    side: int = 128,
    video: float = 0.35,
    *,
    points: PicturePoints | None = None,
) -> Scene:
    """Draw one scene.

    Args:
        pictures: the true pictures.
        network: the cleaning network in evaluation mode.
        rng: everything is drawn from it.
        side: of the truth in pixels.
        video: share of scenes that come from one clip.
        points: of the pictures, where landmarks are wanted.
    """
    if takes_labelled(pictures, rng):
        return labelled_scene(pictures, network, rng, side, points)
    shot = draw_shot(pictures, rng, side=side, video=video)
    view = shot.views[shot.chief]
    full = len(view.image)
    noises = [frame.noise for frame in shot.frames]
    images = strangers([frame.image for frame in shot.frames], shot.chief, pictures, rng)
    scene = registered_scene(images, noises, shot.chief, network, view.image)
    if points is not None:
        scene = replace(scene, points=points.of_crop(view.source, view.pose, full, view.field))
    return scene.cut(*cut_of(rng, full, side))


def labelled_scene(
    pictures: Pictures, network: Any, rng: np.random.Generator, side: int, points: PicturePoints | None
) -> Scene:
    """A scene of labelled frames; the middle frame is the reference."""
    number = int(rng.integers(len(pictures.labelled)))
    labelled = pictures.labelled[number]
    images, truth = labelled.matched()
    noises = [noise_of(frame) for frame in labelled.frames]
    scene = registered_scene(images, noises, FRAMES // 2, network, truth)
    if points is not None:
        source, pose = len(pictures.every) + number, whole(labelled.label, truth)
        scene = replace(scene, points=points.of_crop(source, pose, truth.shape[1]))
    return scene.cut(*cut_of(rng, min(truth.shape[:2]), side))


def registered_scene(
    images: Sequence[FloatArray], noises: Sequence[NoiseModel], chief: int, network: Any, truth: FloatArray
) -> Scene:
    """Clean frames, register them onto the cleaned reference, and bring them onto its canvas.

    Args:
        images: ``[h, w, 3]`` RGB in [0, 1], all of one size.
        noises: what is known of their codec.
        chief: position of the reference.
        network: the cleaning network in evaluation mode.
        truth: ``[4 h, 4 w, 3]`` of the reference.
    """
    cleaned = [Cleaned(image, sigma, (0, 0), SCALE) for image, sigma in clean_frames(network, images, noises)]
    height, width = images[0].shape[:2]
    canvas = Canvas(0, 0, width, height, SCALE)
    to_frame = canvas.from_reference.inverse()
    stack = []
    for position, (image, clear) in enumerate(zip(images, cleaned, strict=True)):
        if position == chief:
            registration = identity_registration(canvas, image)
        else:
            registration = register(cleaned[chief].image, image, to_frame, canvas, settings=CLEAR_FLOW, cleaned=clear)
        stack.append(planes_of(image, clear, registration))
    told = np.stack([conditions(noise) for noise in noises])
    return Scene(np.stack(stack).astype(np.float16), told, chief, truth.astype(np.float16))


def strangers(images: list[FloatArray], chief: int, pictures: Pictures, rng: np.random.Generator) -> list[FloatArray]:
    """Put frames of somebody else, or noise, in the place of some frames of a few scenes; never of the reference."""
    chance = rng.random()
    if chance > 0.18:
        return images
    others = [k for k in range(len(images)) if k != chief]
    count = len(others) if chance < 0.06 else int(rng.integers(1, 4))
    out = list(images)
    small = images[0].shape[0]
    every = pictures.every
    picture = every[int(rng.integers(len(every)))]
    noise = rng.random() < 0.3
    for k in rng.permutation(others)[:count]:
        if noise:
            out[k] = np.asarray(rng.random(images[k].shape), np.float32)
        else:
            zoom = min(picture.shape[:2]) / small * float(rng.uniform(0.8, 1.0))
            pose = draw_pose(rng, picture.shape[0], picture.shape[1], small, zoom, turn=5, shift=0.3)
            out[k] = np.clip(crop(picture, pose, small), 0, 1)
    return out
