"""One eye, cut out of a picture of a face so that its corners always lie at the same two places.

The cut is the normalisation of Zhang, Sugano, Fritz and Bulling, "Appearance-based gaze estimation in the wild" (CVPR
2015), by a similarity alone: a perspective that a small face would need cannot be told from its landmarks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mfrec.image.geometry import similarity_map, taken_through, warp
from mfrec.types import FloatArray, Landmarks, Similarity, frozen_array

HEIGHT, WIDTH = 48, 80
"""Pixels of the cut."""

CORNERS = frozen_array(np.array([[15.5, 23.5], [63.5, 23.5]], np.float32))
"""Where the two corners of the eye lie in the cut, ``(x, y)``."""

EYE = 48.0
"""Pixels between the corners."""

Side = Literal["left", "right"]
"""Of the picture, not of the person."""

SIDES: tuple[Side, ...] = ("left", "right")

_CORNER_POINTS = {"left": (36, 39), "right": (42, 45)}


OPEN = 0.2
"""Eye aspect ratio from which an eye counts as open."""


def aspect_ratio(landmarks: Landmarks, side: Side) -> float:
    """Height of an eye over its width: Soukupová and Čech, "Real-time eye blink detection using facial landmarks" (CVWW
    2016), equation 1. About 0.3 when open; they take it for closed below 0.2."""
    first = _CORNER_POINTS[side][0]
    p = landmarks.points[first : first + 6].astype(np.float64)
    width = np.linalg.norm(p[0] - p[3])
    return float((np.linalg.norm(p[1] - p[5]) + np.linalg.norm(p[2] - p[4])) / max(2 * width, 1e-9))


@dataclass(frozen=True, eq=False)
class EyeCut:
    """A cut.

    Attributes:
        image: ``[HEIGHT, WIDTH, 3]`` float32 RGB in [0, 1]; beyond the picture its border is repeated.
        to_image: takes pixels of the cut to pixels of the picture.
    """

    image: FloatArray
    to_image: Similarity


def cut_eye(image: FloatArray, landmarks: Landmarks, side: Side) -> EyeCut:
    """Cut one eye out.

    Args:
        image: ``[H, W, 3]`` float32 RGB in [0, 1].
        landmarks: of the face, in pixels of ``image``.
        side: which eye.

    Raises:
        ValueError: the corners of the eye coincide or are not finite.
    """
    corners = landmarks.points[list(_CORNER_POINTS[side])].astype(np.float64)
    across = corners[1] - corners[0]
    length = float(np.hypot(*across))
    if not (math.isfinite(length) and length > 1e-3):
        raise ValueError(f"the corners of the {side} eye lie at {corners.tolist()}, so there is no eye between them")
    a, b = across / EYE
    turn = np.array([[a, -b], [b, a]])
    to_image = Similarity(np.column_stack([turn, corners.mean(axis=0) - turn @ CORNERS.mean(axis=0)]))
    # Where the cut has fewer pixels than the picture, each is the mean of several readings.
    finer = max(1, math.ceil(length / EYE))
    step = Similarity(np.array([[1 / finer, 0, (1 / finer - 1) / 2], [0, 1 / finer, (1 / finer - 1) / 2]]))
    places = taken_through(to_image, similarity_map(step, HEIGHT * finer, WIDTH * finer))
    read = warp(image, places).reshape(HEIGHT, finer, WIDTH, finer, 3).mean(axis=(1, 3))
    return EyeCut(np.clip(read, 0.0, 1.0), to_image)
