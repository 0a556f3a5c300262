"""A schematic face: 68 landmarks that belong to nobody, and their mirror image."""

from __future__ import annotations

import numpy as np

from mfrec.face.pose import MIRROR
from mfrec.types import Landmarks, Region

# Frontal, in a picture of 100 px, numbered as in the 300-W scheme.
JAW = [(50 + 40 * np.sin(a), 40 + 55 * np.cos(a)) for a in np.linspace(-np.pi / 2, np.pi / 2, 17)]
BROWS = [(18, 32), (23, 28), (29, 27), (35, 28), (41, 31), (59, 31), (65, 28), (71, 27), (77, 28), (82, 32)]
NOSE = [(50, 40), (50, 46), (50, 52), (50, 58), (43, 63), (46, 65), (50, 66), (54, 65), (57, 63)]
EYES = [
    (24, 40),
    (28, 37),
    (33, 37),
    (37, 40),
    (33, 42),
    (28, 42),
    (63, 40),
    (67, 37),
    (72, 37),
    (76, 40),
    (72, 42),
    (67, 42),
]
OUTER = [
    (36, 77),
    (41, 74),
    (46, 72),
    (50, 73),
    (54, 72),
    (59, 74),
    (64, 77),
    (59, 82),
    (54, 85),
    (50, 85),
    (46, 85),
    (41, 82),
]
INNER = [(38, 77), (46, 75), (50, 76), (54, 75), (62, 77), (54, 81), (50, 81), (46, 81)]
POINTS = np.array([*JAW, *BROWS, *NOSE, *EYES, *OUTER, *INNER], np.float64)
SWAP = {Region.L_EYE: Region.R_EYE, Region.L_BROW: Region.R_BROW}
SWAP |= {b: a for a, b in SWAP.items()}


def face(size: float = 100.0) -> Landmarks:
    """The schematic face in a picture of ``size`` px."""
    return Landmarks(((POINTS + 0.5) * size / 100 - 0.5).astype(np.float32))


def mirrored(landmarks: Landmarks, width: int) -> Landmarks:
    """The landmarks of the mirror image of a picture of that width."""
    points = landmarks.points.copy()
    points[:, 0] = width - 1 - points[:, 0]
    return Landmarks(points[list(MIRROR)])


def area(polygon: np.ndarray) -> float:
    """Of a polygon ``[K, 2]``, in square pixels."""
    x, y = polygon.T
    return abs(float(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))) / 2
