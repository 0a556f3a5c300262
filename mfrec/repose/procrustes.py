"""The whole face by one similarity, put in through a feathered mask of its features, with the target's colours.

What the thesis calls "DLIB": Earl, "Switching Eds: face swapping with Python, dlib, and OpenCV" (2015, program
``faceswap``). One similarity takes the landmarks of brows, eyes, nose and mouth onto the target's (ordinary Procrustes
analysis, Gower, Psychometrika 40(1), 1975, but with the ratio of spreads as the scale, as the program has it). The mask
is the hull of eyes and brows and that of nose and mouth, of both pictures together, feathered over a fixed number of
pixels; the colour is corrected by the ratio of the two pictures, both blurred.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mfrec.image.geometry import inside, similarity_map, warp
from mfrec.types import FloatArray, Landmarks, RegionMasks, Reposed, Similarity

ALIGNED = (*range(17, 35), *range(36, 61))
"""Landmarks that decide where the face goes: brows, eyes, nose and the mouth's outline (the program leaves out 35)."""

HULLS = ((*range(17, 27), *range(36, 48)), (*range(27, 35), *range(48, 61)))
"""Landmarks of the two hulls of the mask: eyes with brows, nose with mouth."""

FEATHER = 11
"""Side of the Gaussian kernel that widens the mask and softens its edge, in pixels of the target."""

COLOUR_BLUR = 0.6
"""Side of the kernel of the blurs whose ratio corrects the colour, in inter-ocular distances of the target."""

DARK, RAISED = 1 / 255, 128 / 255
"""A blurred source this dark or darker is raised before it divides."""


def procrustes(
    source: FloatArray,
    target: FloatArray,
    landmarks: tuple[Landmarks, Landmarks],
    masks: tuple[RegionMasks, RegionMasks],
) -> Reposed:
    """Move, turn and scale the source's face onto the target's and blend its features in.

    Args:
        source, target: ``[h, w, 3]`` and ``[H, W, 3]`` float32 RGB in [0, 1].
        landmarks: of source and target, each in its own pixels.
        masks: not used; the hulls of the landmarks are the mask.

    Returns:
        The target with the source's features; ``validity`` is the source's share in each pixel, 0 where it lies outside
        of the source.

    Raises:
        ValueError: the landmarks of a face all lie on one point.
    """
    del masks
    here, there = landmarks
    to_source = fitted(there.points[list(ALIGNED)], here.points[list(ALIGNED)])
    height, width = target.shape[:2]
    look_up = similarity_map(to_source, height, width)
    # The program reads the nearest four pixels and does not filter before it shrinks; that is part of the method.
    warped = warp(source, look_up, interpolation="linear", fill=0.0)
    carried = warp(feature_mask(here, *source.shape[:2]), look_up, interpolation="linear", fill=0.0)
    share = np.maximum(feature_mask(there, height, width), carried) * inside(look_up, *source.shape[:2])
    share = np.clip(share, 0.0, 1.0)[..., None]
    lit = in_colours_of(target, warped, there.interocular)
    image = np.where(share > 0, target * (1 - share) + np.clip(lit, 0.0, 1.0) * share, target)
    return Reposed(image.astype(np.float32), share[..., 0].astype(np.float32), look_up)


def fitted(points: NDArray, onto: NDArray) -> Similarity:
    """The similarity that takes points ``[K, 2]`` onto others: centroids, ratio of spreads, rotation by SVD.

    Raises:
        ValueError: all points of one side are the same.
    """
    points, onto = np.asarray(points, np.float64), np.asarray(onto, np.float64)
    centre, goal = points.mean(axis=0), onto.mean(axis=0)
    spread, wanted = (points - centre).std(), (onto - goal).std()
    if min(spread, wanted) < 1e-9:
        raise ValueError("these landmarks are no face: they lie on one point")
    left, _, right = np.linalg.svd((onto - goal).T @ (points - centre))
    # A mirrored face would be no rotation.
    flip = np.diag([1.0, np.sign(np.linalg.det(left @ right))])
    linear = wanted / spread * (left @ flip @ right)
    return Similarity(np.column_stack([linear, goal - linear @ centre]))


def feature_mask(landmarks: Landmarks, height: int, width: int) -> FloatArray:
    """``[height, width]`` in [0, 1]: 1 in the two hulls and :data:`FEATHER` around them, soft at the edge."""
    mask = np.zeros((height, width), np.float32)
    for hull in HULLS:
        corners = cv2.convexHull(np.rint(landmarks.points[list(hull)]).astype(np.int32))
        cv2.fillConvexPoly(mask, corners, 1.0)
    grown = (cv2.GaussianBlur(mask, (FEATHER, FEATHER), 0) > 0).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(grown, (FEATHER, FEATHER), 0), np.float32)


def in_colours_of(target: FloatArray, source: FloatArray, unit: float) -> FloatArray:
    """``source [H, W, 3]`` times the ratio of both pictures blurred; ``unit`` is the distance of the eyes in pixels."""
    side = int(COLOUR_BLUR * unit) | 1
    wanted, found = (np.asarray(cv2.GaussianBlur(image, (side, side), 0)) for image in (target, source))
    found = np.where(found <= DARK, found + RAISED, found)
    return np.asarray(source * wanted / found, np.float32)
