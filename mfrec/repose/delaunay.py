"""The face as flat triangles between the landmarks, each warped by itself, with the target's colours.

Piecewise-affine warping on a Delaunay triangulation (Goshtasby, "Piecewise linear mapping functions for image
registration", Pattern Recognition 1986), and the ratio of the blurred pictures for the colour, as programs that swap
faces by dlib's landmarks do it.
"""

from __future__ import annotations

import numpy as np

from mfrec.image.filters import gaussian
from mfrec.image.geometry import inside, warp
from mfrec.image.raster import rasterise
from mfrec.registration.dense import without_aliases
from mfrec.types import FloatArray, Landmarks, RegionMasks, Reposed

COLOUR_SIGMA = 0.6
"""Blur of the pictures whose ratio corrects the colour, in inter-ocular distances."""


def delaunay(
    source: FloatArray,
    target: FloatArray,
    landmarks: tuple[Landmarks, Landmarks],
    masks: tuple[RegionMasks, RegionMasks],
) -> Reposed:
    """Warp the source's face triangle by triangle into the target's.

    Args:
        source, target: ``[h, w, 3]`` and ``[H, W, 3]`` float32 RGB in [0, 1].
        landmarks: of source and target, each in its own pixels.
        masks: not used; the landmarks' convex hull is what can be warped.

    Returns:
        The warped face; ``validity`` is 1 inside the target's landmarks, and 0 where a triangle is turned over in
        the source (it faces away from the camera there) or lies outside of it.

    Raises:
        ValueError: the landmarks lie on one line.
    """
    from scipy.spatial import Delaunay, QhullError

    del masks
    here, there = (points.points.astype(np.float64) for points in landmarks)
    try:
        triangles = Delaunay(there).simplices
    except QhullError:
        raise ValueError("these landmarks are no face: they lie on one line") from None
    height, width = target.shape[:2]
    raster = rasterise(np.column_stack([there, np.zeros(68)]), triangles, height, width)
    look_up = raster.read(here, triangles)
    upright = _area(here[triangles]) * _area(there[triangles]) > 0
    valid = (raster.triangle >= 0) & upright[np.maximum(raster.triangle, 0)] & inside(look_up, *source.shape[:2])
    step = landmarks[0].interocular / max(landmarks[1].interocular, 1e-6)
    warped = np.clip(warp(without_aliases(source, step), look_up), 0.0, 1.0)
    weight = valid.astype(np.float32)
    sigma = max(1.0, COLOUR_SIGMA * landmarks[1].interocular)
    seen = gaussian(weight, sigma)[..., None] + 1e-6
    wanted, found = (gaussian(image * weight[..., None], sigma) / seen for image in (target, warped))
    lit = np.clip(warped * (wanted + 0.02) / (found + 0.02), 0.0, 1.0)
    return Reposed(np.where(valid[..., None], lit, target), weight, look_up)


def _area(corners: np.ndarray) -> np.ndarray:
    """Twice the signed area ``[T]`` of triangles ``[T, 3, 2]``."""
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
