"""One person, filmed by a bad camera: the true frames, and what codecs left of them on the way to the analyst.

Real sequences move by themselves. Stills are moved, as the thesis that we build on made its sequences from CelebA:
rotation, zoom, shift, a smooth deformation, brightness.

What is random is drawn first, into values that go to JSON (:class:`DrawnShot`, :class:`DrawnView`, :class:`Cut`);
making pictures of them is pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from mfrec.camera.exports import CLIPS, draw_export
from mfrec.camera.noise import BLOCK
from mfrec.camera.protocols import SCALE
from mfrec.image.geometry import identity_map, warp
from mfrec.train.data.crops import Pose, crop, draw_pose, pose_of
from mfrec.train.data.degrade import Degradation, Degraded, degrade, draw
from mfrec.train.data.pictures import FRAMES, Pictures
from mfrec.train.data.points import PicturePoints
from mfrec.train.data.recorder import Recorder, draw_recorder, recorded, whole_side
from mfrec.train.data.told import Hearsay, draw_hearsay
from mfrec.types import Drawn, FloatArray, GeneratorState


@dataclass(frozen=True)
class Bend(Drawn):
    """A smooth deformation of a still, and another light.

    Attributes:
        field: of the generator from which the deformation is drawn.
        reach: standard deviation of the deformation in pixels of the view.
        gain: factor of every value.
    """

    field: GeneratorState
    reach: float
    gain: float


@dataclass(frozen=True)
class DrawnView(Drawn):
    """How a true frame is made from a picture.

    Attributes:
        source: number of the picture in :attr:`mfrec.train.data.pictures.Pictures.every`.
        pose: of the crop.
        bend: what comes after the crop; None for a frame of a real sequence.
    """

    source: int
    pose: Pose
    bend: Bend | None = None


@dataclass(frozen=True)
class DrawnShot(Drawn):
    """How a sequence is made.

    Attributes:
        whole: side of the true frames that the camera sees, in pixels.
        side: of what the export leaves of them.
        views: one a frame.
        chief: position of the reference.
        camera: what happens to them: their own files tell of it, or a recorder whose frames were exported.
        hearsay: what goes wrong with what is told of exported frames; None where their files tell.
    """

    whole: int
    side: int
    views: tuple[DrawnView, ...]
    chief: int
    camera: Degradation | Recorder
    hearsay: Hearsay | None = None


@dataclass(frozen=True)
class Cut(Drawn):
    """A square in a true frame, along whole pixels of the degraded one. All in pixels of the true frame."""

    left: int
    top: int
    side: int

    @property
    def of_truth(self) -> tuple[slice, slice]:
        """Rows and columns in the true frame."""
        return slice(self.top, self.top + self.side), slice(self.left, self.left + self.side)

    @property
    def of_frame(self) -> tuple[slice, slice]:
        """Rows and columns of the same in the degraded frame."""
        left, top, side = self.left // SCALE, self.top // SCALE, self.side // SCALE
        return slice(top, top + side), slice(left, left + side)


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
        corner: ``(x, y)`` of what is left of each view in the view as it was drawn, in its pixels.
    """

    views: tuple[View, ...]
    frames: tuple[Degraded, ...]
    chief: int
    corner: tuple[int, int] = (0, 0)

    def points(self, points: PicturePoints, number: int, drawn: DrawnShot) -> FloatArray:
        """The landmarks ``[68, 2]`` of a true frame in its pixels; NaN where its picture has no face."""
        view = self.views[number]
        found = points.of_crop(view.source, view.pose, drawn.whole, view.field)
        return found - np.array(self.corner, np.float32)


LONG = 0.5
"""Share of shots with more than :data:`~mfrec.train.data.pictures.FRAMES` frames that are really so long, where there
are such sequences: the others repeat frames to and fro, or move a still."""


def draw_shot(
    pictures: Pictures,
    rng: np.random.Generator,
    *,
    side: int,
    video: float,
    frames: int = FRAMES,
    patch: float = 0.25,
    broad: float = 0.0,
    wrong: float = 0.15,
    middle: bool = False,
) -> DrawnShot:
    """Draw a sequence and what spoils it.

    Args:
        pictures: what is filmed; stills or sequences.
        rng: everything is drawn from it.
        side: of the true frames in pixels. Those of a clip are half as large again, because a codec of video spends
            its bits otherwise on a very small picture; the caller cuts them.
        video: share of shots that are one H.264 clip, among those that are not exported.
        frames: how many.
        patch: share of the others in which patches are blurred, most of all in the middle frame.
        broad: share of shots that went to the analyst in one of the ways of :func:`mfrec.camera.exports.draw_export`.
        wrong: share of these of which nothing, or something false, is told.
        middle: the reference is always the middle frame, and not only mostly.
    """
    if broad > 0 and rng.random() < broad:
        return _draw_exported(pictures, rng, side=side, frames=frames, wrong=wrong, middle=middle)
    kind = "video" if rng.random() < video else "patch" if rng.random() < patch else "still"
    full = 8 * round(1.5 * side / 8) if kind == "video" else side
    zoom = float(rng.uniform(0.85, 1.15) if kind == "video" else rng.uniform(1.5, 2.05))
    views = draw_views(pictures, rng, full, zoom, frames)
    chief = draw_chief(rng, frames, middle=middle or kind == "patch")
    return DrawnShot(full, full, views, chief, draw(rng, kind, len(views)))


def _draw_exported(
    pictures: Pictures, rng: np.random.Generator, *, side: int, frames: int, wrong: float, middle: bool
) -> DrawnShot:
    way = draw_export(rng, frames)
    whole = whole_side(way, side // SCALE)
    left = whole - BLOCK * (way.cut != (0, 0))
    zoom = float(rng.uniform(0.85, 1.15) if way.codec in CLIPS else rng.uniform(1.5, 2.05))
    views = draw_views(pictures, rng, SCALE * whole, zoom, frames)
    chief = draw_chief(rng, frames, middle=middle)
    hearsay = draw_hearsay(rng, wrong, way.cut != (0, 0))
    return DrawnShot(SCALE * whole, SCALE * left, views, chief, draw_recorder(rng, way), hearsay)


def draw_chief(rng: np.random.Generator, frames: int, *, middle: bool) -> int:
    """Position of the reference: the middle, or half of the time any, unless the middle is asked for."""
    if middle or rng.random() < 0.5:
        return frames // 2
    return int(rng.integers(frames))


def make_shot(pictures: Pictures, drawn: DrawnShot) -> Shot:
    """The sequence that was drawn from these pictures."""
    views = [make_view(pictures, view, drawn.whole) for view in drawn.views]
    truths = [view.image for view in views]
    if isinstance(drawn.camera, Degradation):
        return Shot(tuple(views), tuple(degrade(truths, drawn.camera)), drawn.chief)
    assert drawn.hearsay is not None
    frames, (x, y) = recorded(truths, drawn.camera, drawn.hearsay)
    side, small = drawn.side, drawn.side // SCALE
    return Shot(
        tuple(replace(view, image=view.image[y : y + side, x : x + side]) for view in views),
        tuple(replace(frame, image=frame.image[:small, :small]) for frame in frames),
        drawn.chief,
        (x, y),
    )


def draw_views(
    pictures: Pictures, rng: np.random.Generator, side: int, zoom: float, frames: int = FRAMES
) -> tuple[DrawnView, ...]:
    """True frames of one person.

    Args:
        pictures: stills, sequences or both; of both, three in five are from sequences, see also :data:`LONG`. A
            sequence that is shorter runs to and fro.
        rng: everything is drawn from it.
        side: of the frames in pixels.
        zoom: picture pixels per frame pixel; less where the picture is too small for it.
        frames: how many.
    """
    lengths = [len(sequence) for sequence in pictures.sequences]
    long = [number for number, length in enumerate(lengths) if length >= frames] if frames > FRAMES else []
    if long and rng.random() < LONG:
        return _draw_real(pictures, rng, side, zoom, frames=frames, number=long[int(rng.integers(len(long)))])
    if lengths and (not pictures.stills or rng.random() < 0.6):
        return _draw_real(pictures, rng, side, zoom, frames=frames, number=int(rng.integers(len(lengths))))
    source = int(rng.integers(len(pictures.stills)))
    picture = pictures.stills[source]
    height, width = picture.shape[:2]
    pose = draw_pose(rng, height, width, side, fitting(zoom, picture, side, 1.0), turn=8, shift=0.6)
    motion = float(rng.uniform(0.2, 1.0))
    return tuple(draw_moved(source, pose, rng, side=side, motion=motion) for _ in range(frames))


def _draw_real(
    pictures: Pictures, rng: np.random.Generator, side: int, zoom: float, *, frames: int, number: int
) -> tuple[DrawnView, ...]:
    """Consecutive frames of a sequence, forwards or backwards."""
    sequence = pictures.sequences[number]
    height, width = sequence[0].shape[:2]
    pose = draw_pose(rng, height, width, side, fitting(zoom, sequence[0], side, 1.05), turn=8, shift=1.0)
    start = int(rng.integers(0, max(1, len(sequence) - frames + 1)))
    order = to_and_fro(start, len(sequence), frames)
    if rng.random() < 0.5:
        order.reverse()
    before = len(pictures.stills) + sum(len(other) for other in pictures.sequences[:number])
    return tuple(DrawnView(before + k, pose) for k in order)


def make_view(pictures: Pictures, drawn: DrawnView, side: int) -> View:
    """The true frame that was drawn from these pictures, ``side`` pixels large."""
    image = crop(pictures.every[drawn.source], drawn.pose, side)
    if drawn.bend is None:
        return View(image, drawn.source, drawn.pose)
    field = smooth_field(drawn.bend.field.generator(), side)
    field *= drawn.bend.reach / max(float(field.std()), 1e-6)
    bent = np.clip(drawn.bend.gain * warp(image, identity_map(side, side) + field), 0, 1)
    return View(np.asarray(bent, np.float32), drawn.source, drawn.pose, field)


def fitting(zoom: float, picture: NDArray[np.uint8], side: int, beyond: float) -> float:
    """``zoom``, or less where the crop would be more than ``beyond`` times as large as the picture."""
    return min(zoom, beyond * min(picture.shape[:2]) / side)


def to_and_fro(start: int, length: int, frames: int = FRAMES) -> list[int]:
    """The numbers of consecutive frames from ``start`` on, turning round at the ends."""
    period = max(1, 2 * (length - 1))
    places = [(start + k) % period for k in range(frames)]
    return [min(place, period - place) if length > 1 else 0 for place in places]


def draw_moved(source: int, pose: Pose, rng: np.random.Generator, *, side: int, motion: float) -> DrawnView:
    """A still under one more random motion and light.

    Args:
        source: number of the still.
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
    own = pose_of(np.column_stack([linear, centre - linear @ half]), pose.mirrored)
    field = GeneratorState.of(rng)
    white_field(rng, side)  # drawn and dropped, so that what follows is drawn after it
    return DrawnView(source, own, Bend(field, 0.012 * motion * side, float(1.0 + rng.normal(0, 0.05 * motion))))


def white_field(rng: np.random.Generator, side: int) -> FloatArray:
    """``[S, S, 2]`` independent normal numbers."""
    return rng.normal(0, 1, (side, side, 2)).astype(np.float32)


def smooth_field(rng: np.random.Generator, side: int) -> FloatArray:
    """``[S, S, 2]``: a random field without detail, of no particular strength."""
    return np.asarray(cv2.GaussianBlur(white_field(rng, side), (0, 0), side / 8), np.float32)


def draw_cut(rng: np.random.Generator, full: int, side: int) -> Cut:
    """A random square of ``side`` in one of ``full`` pixels."""
    left, top = (int(n) * SCALE for n in rng.integers(0, (full - side) // SCALE + 1, 2))
    return Cut(left, top, side)
