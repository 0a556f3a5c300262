"""Faces as a bad camera sees them, with a label for every pixel: what the parser is trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from mfrec.camera.protocols import SCALE
from mfrec.image.geometry import resize
from mfrec.pipeline import in_range
from mfrec.train.data.degrade import Degradation, degrade, draw, through_jpeg
from mfrec.train.data.labelled_faces import UNLABELLED, LabelledFace, with_sides_exchanged
from mfrec.train.streams.stream import Sample, Stream, as_tensor, whole_blocks
from mfrec.types import Drawn, FloatArray, Region

SMALL, SMALL_QUALITY = 32, 50
"""Side in pixels and JPEG quality of the bad version of a validation face."""

SMALLEST, LARGEST = 24, 64
"""Sides in pixels of what a degraded training face was sampled at."""


@dataclass(frozen=True)
class View(Drawn):
    """How a face is looked at.

    Attributes:
        homography: ``3 x 3``, from the sample to the picture, both with the unit square for their borders.
        mirrored: whether the columns are reversed last.
    """

    homography: tuple[tuple[float, ...], ...]
    mirrored: bool

    def in_pixels(self, side: int, height: int, width: int) -> NDArray[np.float64]:
        """``[3, 3]`` from pixels of a sample of ``side`` to those of a picture ``[height, width]``."""
        to_unit = np.array([[1 / side, 0, 0.5 / side], [0, 1 / side, 0.5 / side], [0, 0, 1]])
        to_pixels = np.array([[width, 0, -0.5], [0, height, -0.5], [0, 0, 1]])
        return to_pixels @ np.array(self.homography) @ to_unit


STRAIGHT = View(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)), mirrored=False)
"""A face as it is."""


@dataclass(frozen=True)
class Lighting(Drawn):
    """Another light and another camera's colours.

    Attributes:
        power: exponent of every value.
        gain: factor of each colour.
        contrast: factor about the middle grey.
        middle: what the middle grey becomes.
        side: where light from one side comes from, an angle in radians, and its strength; None for none.
        grey: without colour.
    """

    power: float
    gain: tuple[float, ...]
    contrast: float
    middle: float
    side: tuple[float, float] | None
    grey: bool


@dataclass(frozen=True)
class Occluder(Drawn):
    """Something in front of the face.

    Attributes:
        rim: points ``(x, y)`` in pixels; their convex hull is covered.
        roll: rows and columns by which the other picture is moved round.
        colour: of all of it; None shows the other picture.
    """

    rim: tuple[tuple[float, ...], ...]
    roll: tuple[int, int]
    colour: tuple[float, ...] | None


@dataclass(frozen=True)
class Filmed(Drawn):
    """A bad camera, and the enlargement of its frame.

    Attributes:
        small: side of the frame in pixels.
        degradation: of one frame.
        interpolation: of the enlargement.
        blur: standard deviation after it, in pixels; 0 for none.
    """

    small: int
    degradation: Degradation
    interpolation: Literal["cubic", "linear"]
    blur: float


@dataclass(frozen=True)
class DrawnFace(Drawn):
    """A training sample.

    Attributes:
        face: its number.
        other: number of the face that an occluder shows.
        view, lighting: always another.
        occluder, filmed: None for nothing.
    """

    face: int
    other: int
    view: View
    lighting: Lighting
    occluder: Occluder | None
    filmed: Filmed | None


@dataclass(frozen=True)
class ListedFace(Drawn):
    """A validation sample: the number of a face, and whether it is its bad version."""

    listed: int
    bad: bool


class ParserStream(Stream[DrawnFace | ListedFace]):
    """Samples ``((image [3, S, S],), {"labels": [S, S]})``, labels int64.

    A training sample is a face under another pose of the camera, in another light, perhaps with something in front of
    it, and mostly degraded: sampled at 24 to 64 px, through the codec, enlarged again. Pixels from outside of the
    picture repeat its border, as they do in the product, and are ``UNLABELLED``. A validation sample is a face as it is
    (even numbers) or the same at 32 px and JPEG quality 50, enlarged (odd numbers).

    Args:
        faces: with labels, about aligned.
        seed: of every sample.
        length: how many samples to validate with; None is an endless stream to train with.
        side: of the pictures in pixels.
        degraded: share of the training samples that are degraded.
    """

    def __init__(
        self,
        faces: tuple[LabelledFace, ...],
        seed: int,
        *,
        length: int | None = None,
        side: int = 192,
        degraded: float = 0.75,
    ) -> None:
        super().__init__(seed, None if length is None else min(length, 2 * len(faces)))
        in_range("degraded", degraded, 0, 1)
        self.faces, self.side, self.degraded, self.training = (
            faces,
            whole_blocks("side", side),
            degraded,
            length is None,
        )
        # Views are drawn at the side of the stream: a quarter of the work at 128 px.
        self.small = tuple(at_side(face.image, self.side) for face in faces) if self.training else ()

    def draw(self, index: int, rng: np.random.Generator) -> DrawnFace | ListedFace:
        if not self.training:
            return ListedFace(index // 2, bad=index % 2 == 1)
        number, other = (int(i) for i in rng.integers(len(self.faces), size=2))
        view, lighting = draw_view(rng), draw_lighting(rng)
        occluder = draw_occluder(rng, self.side) if rng.random() < 0.3 else None
        return DrawnFace(
            number,
            other,
            view,
            lighting,
            occluder,
            draw_filmed(rng, self.side) if rng.random() < self.degraded else None,
        )

    def make(self, drawn: DrawnFace | ListedFace) -> Sample:
        if isinstance(drawn, ListedFace):
            face = self.faces[drawn.listed]
            image = small_jpeg(face.image) if drawn.bad else scaled(face.image)
            return as_sample(at_side(image, self.side), seen_labels(face.labels, STRAIGHT, self.side))
        image = in_light(scaled(seen_image(self.small[drawn.face], drawn.view)), drawn.lighting)
        labels = seen_labels(self.faces[drawn.face].labels, drawn.view, self.side)
        if drawn.occluder is not None:
            image, labels = occluded(image, labels, scaled(self.small[drawn.other]), drawn.occluder)
        if drawn.filmed is not None:
            image = through_camera(image, drawn.filmed)
        return as_sample(image, labels)


def as_sample(image: FloatArray, labels: NDArray[np.uint8]) -> Sample:
    """Picture ``[S, S, 3]`` and labels ``[S, S]`` as tensors."""
    return (as_tensor(np.clip(image, 0, 1)),), {"labels": torch.from_numpy(labels.astype(np.int64))}


def at_side(image: NDArray[Any], side: int) -> NDArray[Any]:
    """A picture ``[H, W, 3]`` averaged down or enlarged to ``[side, side, 3]``, of the same kind."""
    shrinks = len(image) > side
    return cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def scaled(image: NDArray[np.uint8]) -> FloatArray:
    """8 bits as float32 in [0, 1]."""
    return image.astype(np.float32) / np.float32(255)


def small_jpeg(image: NDArray[np.uint8]) -> FloatArray:
    """A picture at :data:`SMALL` px and JPEG quality :data:`SMALL_QUALITY`, enlarged bicubically to where it was."""
    height, width = image.shape[:2]
    small = np.clip(resize(scaled(image), SMALL, SMALL, interpolation="area"), 0, 1)
    return np.clip(resize(through_jpeg(small, SMALL_QUALITY).image, height, width), 0, 1)


def draw_view(rng: np.random.Generator) -> View:
    """A random turn, zoom, stretch, shift and perspective.

    One view in five is far off, so that the face lies partly outside of the sample.
    """
    far = rng.random() < 0.2
    angle = np.radians(np.clip(rng.normal(0, 12), -45, 45))
    zoom = np.exp(rng.uniform(-0.35, 0.35)) * np.exp(rng.normal(0, 0.06, 2))
    shift = rng.normal(0, 0.2 if far else 0.05, 2)
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float64) / 2
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = (half * zoom) @ turn.T + shift + rng.normal(0, 0.04, (4, 2)) + 0.5
    matrix = cv2.getPerspectiveTransform((half + 0.5).astype(np.float32), corners.astype(np.float32))
    rows = tuple(tuple(row) for row in np.asarray(matrix, np.float64).tolist())
    return View(rows, bool(rng.random() < 0.5))


def seen_image(image: NDArray[np.uint8], view: View) -> NDArray[np.uint8]:
    """A picture ``[S, S, 3]`` under a view, on its own grid; beyond it its border is repeated."""
    side = len(image)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    matrix = view.in_pixels(side, side, side)
    out = cv2.warpPerspective(image, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out[:, ::-1] if view.mirrored else out, np.uint8)


def seen_labels(labels: NDArray[np.uint8], view: View, side: int) -> NDArray[np.uint8]:
    """Labels ``[H, W]`` under a view, ``[side, side]``; left and right change names in a mirror.

    Outside of the picture they are ``UNLABELLED``.
    """
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    out = cv2.warpPerspective(
        labels,
        view.in_pixels(side, *labels.shape),
        (side, side),
        flags=flags,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(UNLABELLED,),
    )
    return with_sides_exchanged(np.asarray(out[:, ::-1], np.uint8)) if view.mirrored else np.asarray(out, np.uint8)


def draw_lighting(rng: np.random.Generator) -> Lighting:
    """Another exposure, contrast, colour of light, a light from one side; one picture in ten is grey."""
    power = float(np.exp(rng.normal(0, 0.25)))
    gain = tuple(np.exp(rng.normal(0, 0.15) + rng.normal(0, 0.08, 3)).tolist())
    contrast, middle = float(np.exp(rng.normal(0, 0.15))), 0.5 + float(rng.normal(0, 0.04))
    side = (float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0, 0.6))) if rng.random() < 0.4 else None
    return Lighting(power, gain, contrast, middle, side, bool(rng.random() < 0.1))


def in_light(image: FloatArray, lighting: Lighting) -> FloatArray:
    """A picture ``[H, W, 3]`` in [0, 1] as another light shows it."""
    height, width = image.shape[:2]
    out = cv2.pow(image, lighting.power)
    out = out * np.array(lighting.gain, np.float32)
    out = (out - 0.5) * np.float32(lighting.contrast) + np.float32(lighting.middle)
    if lighting.side is not None:
        angle, strength = lighting.side
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        out = out * (1 + strength * (np.cos(angle) * x + np.sin(angle) * y))[..., None].astype(np.float32)
    if lighting.grey:
        out = np.repeat(out.mean(axis=2, keepdims=True), 3, axis=2)
    return np.asarray(np.clip(out, 0, 1), np.float32)


def draw_occluder(rng: np.random.Generator, side: int) -> Occluder:
    """A convex patch in a picture of ``side`` pixels, of one colour or of another picture."""
    centre = rng.uniform(0.15, 0.85, 2) * side
    spokes = np.sort(rng.uniform(0, 2 * np.pi, 9))
    reach = rng.uniform(0.05, 0.22) * side * rng.uniform(0.6, 1.4, 2)
    rim = centre + np.stack([np.cos(spokes), np.sin(spokes)], axis=1) * reach
    down, right = rng.integers(0, (side, side)).tolist()
    colour = tuple(rng.uniform(0, 1, 3).tolist()) if rng.random() < 0.5 else None
    return Occluder(tuple(tuple(point) for point in rim.tolist()), (down, right), colour)


def occluded(
    image: FloatArray, labels: NDArray[np.uint8], other: FloatArray, occluder: Occluder
) -> tuple[FloatArray, NDArray[np.uint8]]:
    """Something in front of the face, which is background; ``image`` and ``other`` are of one size."""
    mask = np.zeros(labels.shape, np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(np.array(occluder.rim)).astype(np.int32)), (1,))
    cover = np.roll(other, occluder.roll, axis=(0, 1))
    if occluder.colour is not None:
        cover = np.broadcast_to(np.array(occluder.colour, np.float32), image.shape)
    out, hidden = image.copy(), labels.copy()
    out[mask > 0] = cover[mask > 0]
    hidden[(mask > 0) & (labels != UNLABELLED)] = Region.BACKGROUND
    return out, hidden


def draw_filmed(rng: np.random.Generator, side: int) -> Filmed:
    """A bad camera for a picture of ``side`` pixels."""
    small = 2 * round(float(np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST)))) / 2)
    kind = ("still", "patch", "video")[int(rng.choice(3, p=(0.6, 0.08, 0.32)))]
    degradation = draw(rng, kind, 1)
    interpolation = "cubic" if rng.random() < 0.6 else "linear"
    blur = float(rng.uniform(0.3, 0.8)) * side / small if rng.random() < 0.2 else 0.0
    return Filmed(small, degradation, interpolation, blur)


def through_camera(image: FloatArray, filmed: Filmed) -> FloatArray:
    """A picture after a bad camera and its codec (:mod:`mfrec.train.data.degrade`), enlarged to where it was."""
    height, width = image.shape[:2]
    side = SCALE * filmed.small
    truth = resize(image, side, side, interpolation="area" if side < height else "linear")
    frame = degrade([np.clip(truth, 0, 1)], filmed.degradation)[0].image
    out = resize(frame, height, width, interpolation=filmed.interpolation)
    if filmed.blur > 0:
        out = np.asarray(cv2.GaussianBlur(out, (0, 0), filmed.blur), np.float32)
    return np.clip(out, 0, 1)
