"""Square pieces of a picture under a random similarity, averaged where they shrink it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mfrec.image.geometry import resize
from mfrec.types import Drawn, FloatArray


@dataclass(frozen=True)
class Pose(Drawn):
    """How a crop lies in a picture: the similarity that takes crop pixels to picture pixels, and a mirror.

    Where ``mirrored``, the similarity speaks of the crop before its columns were reversed.
    """

    matrix: tuple[tuple[float, float, float], tuple[float, float, float]]
    mirrored: bool


def draw_pose(
    rng: np.random.Generator, height: int, width: int, side: int, zoom: float, *, turn: float, shift: float
) -> Pose:
    """A random similarity from a square crop to a picture.

    Args:
        rng: four draws are made.
        height, width: of the picture.
        side: of the crop in pixels.
        zoom: picture pixels per crop pixel.
        turn: largest rotation in degrees.
        shift: largest distance of the centres, as a share of what the crop leaves free plus a twentieth of the
            picture.
    """
    angle = np.radians(rng.uniform(-turn, turn))
    cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
    free = np.maximum(np.array([width, height]) - zoom * side, 0) / 2 + 0.05 * min(width, height)
    centre = np.array([width, height]) / 2 - 0.5 + rng.uniform(-1, 1, 2) * free * shift
    half = (side - 1) / 2
    tx, ty = centre[0] - cos * half + sin * half, centre[1] - sin * half - cos * half
    rows = np.array([[cos, -sin, tx], [sin, cos, ty]])
    return pose_of(rows, bool(rng.random() < 0.5))


def pose_of(matrix: NDArray[np.float64], mirrored: bool) -> Pose:
    """A pose from ``[2, 3]``, its similarity."""
    (a, b, x), (c, d, y) = matrix.tolist()
    return Pose(((a, b, x), (c, d, y)), mirrored)


def whole(picture: NDArray, smaller: NDArray, corner: tuple[int, int] = (0, 0), mirrored: bool = False) -> Pose:
    """The pose of a picture ``[H, W, C]`` that was averaged down to ``smaller [h, w, C]`` and then cut at a corner.

    Args:
        picture, smaller: before and after.
        corner: ``(x, y)`` in ``smaller`` of the first pixel of the cut.
        mirrored: whether the columns were reversed last.
    """
    step = picture.shape[1] / smaller.shape[1]
    x, y = (step * (start + 0.5) - 0.5 for start in corner)
    return Pose(((step, 0.0, x), (0.0, step, y)), mirrored)


def crop(picture: NDArray[np.uint8], pose: Pose, side: int) -> FloatArray:
    """Cut ``[side, side, 3]`` in [0, 1] out of a picture; averaged over an area where it shrinks.

    Outside of the picture its border is mirrored.
    """
    matrix = np.array(pose.matrix, np.float64)
    zoom = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    fine = int(np.ceil(zoom - 0.05))  # cut with this many samples a pixel and average them
    if fine > 1:
        linear = matrix[:, :2] / fine
        shift = matrix[:, 2] - linear @ np.full(2, (fine - 1) / 2)
        matrix = np.column_stack([linear, shift])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    size = side * max(fine, 1)
    out = cv2.warpAffine(picture, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REFLECT)
    image = out.astype(np.float32) / np.float32(255)
    if fine > 1:
        image = resize(image, side, side, interpolation="area")
    return np.ascontiguousarray(image[:, ::-1]) if pose.mirrored else image
