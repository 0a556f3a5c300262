"""One person, filmed by a bad camera: the true frames, and what a codec left of them.

Real sequences move by themselves. Stills are moved, as the thesis that we build on made its sequences from CelebA:
rotation, zoom, shift, a smooth deformation, brightness.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mfrec.camera.protocols import SCALE
from mfrec.image.geometry import identity_map, warp
from mfrec.train.data.crops import Pose, crop, draw_pose
from mfrec.train.data.degrade import Degraded, degrade, draw
from mfrec.train.data.pictures import FRAMES, Pictures
from mfrec.types import FloatArray


@dataclass(frozen=True, eq=False)
class View:
    """A true frame, and how it was made from a picture.

    Attributes:
        image: ``[S, S, 3]`` RGB in [0, 1].
        source: number of the picture in :attr:`mfrec.train.data.pictures.Pictures.every`.
        pose: of the crop.
        field: ``[S, S, 2]`` backward map relative to the identity, applied after the crop; None where nothing was bent.
    """

    image: FloatArray
    source: int
    pose: Pose
    field: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class Shot:
    """A sequence before and after the camera.

    Attributes:
        views: the true frames.
        frames: the same, degraded, at a quarter of the size.
        chief: position of the reference.
    """

    views: tuple[View, ...]
    frames: tuple[Degraded, ...]
    chief: int


def draw_shot(
    pictures: Pictures,
    rng: np.random.Generator,
    *,
    side: int,
    video: float,
    patch: float = 0.25,
    middle: bool = False,
) -> Shot:
    """Draw a sequence of :data:`~mfrec.train.data.pictures.FRAMES` frames and degrade it.

    Args:
        pictures: what is filmed; stills or sequences.
        rng: everything is drawn from it.
        side: of the true frames in pixels. Those of a clip are half as large again, because a codec of video spends
            its bits otherwise on a very small picture; the caller cuts them.
        video: share of shots that are one H.264 clip.
        patch: share of the others in which patches are blurred, most of all in the middle frame.
        middle: the reference is always the middle frame, and not only mostly.
    """
    kind = "video" if rng.random() < video else "patch" if rng.random() < patch else "still"
    full = 8 * round(1.5 * side / 8) if kind == "video" else side
    zoom = float(rng.uniform(0.85, 1.15) if kind == "video" else rng.uniform(1.5, 2.05))
    views = draw_views(pictures, rng, full, zoom)
    chief = len(views) // 2
    if not middle and kind != "patch" and rng.random() >= 0.5:
        chief = int(rng.integers(len(views)))
    frames = degrade([view.image for view in views], draw(rng, kind, len(views)))
    return Shot(tuple(views), tuple(frames), chief)


def draw_views(pictures: Pictures, rng: np.random.Generator, side: int, zoom: float) -> list[View]:
    """True frames of one person, :data:`~mfrec.train.data.pictures.FRAMES` of them.

    Args:
        pictures: stills, sequences or both; of both, three in five are from sequences. A sequence that is shorter
            runs to and fro.
        rng: everything is drawn from it.
        side: of the frames in pixels.
        zoom: picture pixels per frame pixel; less where the picture is too small for it.
    """
    if pictures.sequences and (not pictures.stills or rng.random() < 0.6):
        number = int(rng.integers(len(pictures.sequences)))
        sequence = pictures.sequences[number]
        height, width = sequence[0].shape[:2]
        pose = draw_pose(rng, height, width, side, fitting(zoom, sequence[0], side, 1.05), turn=8, shift=1.0)
        start = int(rng.integers(0, max(1, len(sequence) - FRAMES + 1)))
        order = to_and_fro(start, len(sequence))
        if rng.random() < 0.5:
            order.reverse()
        before = len(pictures.stills) + sum(len(other) for other in pictures.sequences[:number])
        return [View(crop(sequence[k], pose, side), before + k, pose) for k in order]
    source = int(rng.integers(len(pictures.stills)))
    picture = pictures.stills[source]
    height, width = picture.shape[:2]
    pose = draw_pose(rng, height, width, side, fitting(zoom, picture, side, 1.0), turn=8, shift=0.6)
    motion = rng.uniform(0.2, 1.0)
    return [moved(picture, source, pose, rng, side=side, motion=motion) for _ in range(FRAMES)]


def fitting(zoom: float, picture: NDArray[np.uint8], side: int, beyond: float) -> float:
    """``zoom``, or less where the crop would be more than ``beyond`` times as large as the picture."""
    return min(zoom, beyond * min(picture.shape[:2]) / side)


def to_and_fro(start: int, length: int) -> list[int]:
    """The numbers of consecutive frames from ``start`` on, turning round at the ends."""
    period = max(1, 2 * (length - 1))
    places = [(start + k) % period for k in range(FRAMES)]
    return [min(place, period - place) if length > 1 else 0 for place in places]


def moved(
    picture: NDArray[np.uint8], source: int, pose: Pose, rng: np.random.Generator, *, side: int, motion: float
) -> View:
    """A still under one more random motion and light.

    Args:
        picture: the still.
        source: its number.
        pose: of the face at rest.
        rng: everything is drawn from it.
        side: of the view in pixels.
        motion: how much, 0 is none.
    """
    (a, b, x), (c, d, y) = pose.matrix
    angle, scale = np.radians(rng.normal(0, 3 * motion)), np.exp(rng.normal(0, 0.025 * motion))
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    linear = np.array([[a, b], [c, d]]) @ np.array([[cos, -sin], [sin, cos]])
    half = np.full(2, (side - 1) / 2)
    centre = np.array([[a, b], [c, d]]) @ half + [x, y] + rng.normal(0, 0.02 * motion * side, 2)
    shift = centre - linear @ half
    own = Pose(((*linear[0], shift[0]), (*linear[1], shift[1])), pose.mirrored)
    image = crop(picture, own, side)
    field = rng.normal(0, 1, (side, side, 2)).astype(np.float32)
    field = np.asarray(cv2.GaussianBlur(field, (0, 0), side / 8), np.float32)
    field *= 0.012 * motion * side / max(float(field.std()), 1e-6)
    gain = 1.0 + rng.normal(0, 0.05 * motion)
    bent = np.clip(gain * warp(image, identity_map(side, side) + field), 0, 1)
    return View(np.asarray(bent, np.float32), source, own, field)


def cut_of(rng: np.random.Generator, full: int, side: int) -> tuple[slice, slice]:
    """Rows and columns of a random square of ``side`` in one of ``full`` pixels, along whole frame pixels."""
    left, top = (int(n) * SCALE for n in rng.integers(0, (full - side) // SCALE + 1, 2))
    return slice(top, top + side), slice(left, left + side)


def of_frame(cut: tuple[slice, slice]) -> tuple[slice, slice]:
    """The same cut on the degraded frame."""
    rows, columns = cut
    return slice(rows.start // SCALE, rows.stop // SCALE), slice(columns.start // SCALE, columns.stop // SCALE)
