"""Faces as a bad camera sees them, with a label for every pixel: what the parser is trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from mfrec.camera.protocols import SCALE
from mfrec.image.geometry import resize
from mfrec.pipeline import in_range
from mfrec.train.data.degrade import degrade, draw, through_jpeg
from mfrec.train.data.labelled_faces import UNLABELLED, LabelledFace, with_sides_exchanged
from mfrec.train.streams.stream import Sample, Stream, as_tensor, whole_blocks
from mfrec.types import FloatArray, Region

SMALL, SMALL_QUALITY = 32, 50
"""Side in pixels and JPEG quality of the bad version of a validation face."""

SMALLEST, LARGEST = 24, 64
"""Sides in pixels of what a degraded training face was sampled at."""


class ParserStream(Stream):
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

    def sample(self, index: int, rng: np.random.Generator) -> Sample:
        if not self.training:
            face = self.faces[index // 2]
            image = small_jpeg(face.image) if index % 2 else scaled(face.image)
            view = View(np.eye(3), mirrored=False)
            return as_sample(at_side(image, self.side), seen_labels(face.labels, view, self.side))
        number, other = (int(i) for i in rng.integers(len(self.faces), size=2))
        view = draw_view(rng)
        image = scaled(seen_image(self.small[number], view))
        labels = seen_labels(self.faces[number].labels, view, self.side)
        image = in_light(image, rng)
        if rng.random() < 0.3:
            image, labels = occluded(image, labels, scaled(self.small[other]), rng)
        if rng.random() < self.degraded:
            image = through_camera(image, rng)
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


@dataclass(frozen=True, eq=False)
class View:
    """How a face is looked at.

    Attributes:
        homography: ``[3, 3]`` float64, from the sample to the picture, both with the unit square for their borders.
        mirrored: whether the columns are reversed last.
    """

    homography: NDArray[np.float64]
    mirrored: bool

    def in_pixels(self, side: int, height: int, width: int) -> NDArray[np.float64]:
        """``[3, 3]`` from pixels of a sample of ``side`` to those of a picture ``[height, width]``."""
        to_unit = np.array([[1 / side, 0, 0.5 / side], [0, 1 / side, 0.5 / side], [0, 0, 1]])
        to_pixels = np.array([[width, 0, -0.5], [0, height, -0.5], [0, 0, 1]])
        return to_pixels @ self.homography @ to_unit


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
    return View(np.asarray(matrix, np.float64), bool(rng.random() < 0.5))


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


def in_light(image: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Another exposure, contrast, colour of light, a light from one side; one picture in ten is grey."""
    height, width = image.shape[:2]
    out = cv2.pow(image, float(np.exp(rng.normal(0, 0.25))))
    out = out * np.exp(rng.normal(0, 0.15) + rng.normal(0, 0.08, 3)).astype(np.float32)
    contrast = np.exp(rng.normal(0, 0.15))
    out = (out - 0.5) * np.float32(contrast) + np.float32(0.5 + rng.normal(0, 0.04))
    if rng.random() < 0.4:
        angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.6)
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        out = out * (1 + strength * (np.cos(angle) * x + np.sin(angle) * y))[..., None].astype(np.float32)
    if rng.random() < 0.1:
        out = np.repeat(out.mean(axis=2, keepdims=True), 3, axis=2)
    return np.asarray(np.clip(out, 0, 1), np.float32)


def occluded(
    image: FloatArray, labels: NDArray[np.uint8], other: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, NDArray[np.uint8]]:
    """Something in front of the face: a convex patch of one colour or of another picture, which is background."""
    height, width = labels.shape
    centre = rng.uniform(0.15, 0.85, 2) * (width, height)
    spokes = np.sort(rng.uniform(0, 2 * np.pi, 9))
    reach = rng.uniform(0.05, 0.22) * width * rng.uniform(0.6, 1.4, 2)
    rim = centre + np.stack([np.cos(spokes), np.sin(spokes)], axis=1) * reach
    mask = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(rim).astype(np.int32)), (1,))
    cover = np.roll(other, tuple(rng.integers(0, (height, width))), axis=(0, 1))
    if rng.random() < 0.5 or cover.shape != image.shape:
        cover = np.broadcast_to(rng.uniform(0, 1, 3).astype(np.float32), image.shape)
    out, hidden = image.copy(), labels.copy()
    out[mask > 0] = cover[mask > 0]
    hidden[(mask > 0) & (labels != UNLABELLED)] = Region.BACKGROUND
    return out, hidden


def through_camera(image: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A picture after a bad camera and its codec (:mod:`mfrec.train.data.degrade`), enlarged to where it was."""
    height, width = image.shape[:2]
    small = 2 * round(float(np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST)))) / 2)
    kind = ("still", "patch", "video")[int(rng.choice(3, p=(0.6, 0.08, 0.32)))]
    truth = resize(image, SCALE * small, SCALE * small, interpolation="area" if SCALE * small < height else "linear")
    frame = degrade([np.clip(truth, 0, 1)], draw(rng, kind, 1))[0].image
    how = "cubic" if rng.random() < 0.6 else "linear"
    out = resize(frame, height, width, interpolation=how)
    if rng.random() < 0.2:
        out = np.asarray(cv2.GaussianBlur(out, (0, 0), float(rng.uniform(0.3, 0.8)) * height / small), np.float32)
    return np.clip(out, 0, 1)
