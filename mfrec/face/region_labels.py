"""Region masks from the outlines of landmarks, and masks carried along a registration."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mfrec.face.regions import CERTAINTY, outlines
from mfrec.image.geometry import resize, warp
from mfrec.types import FloatArray, Landmarks, Region, RegionMasks

FINE_SIDE = 512
"""Pixels of the longer side that a head is drawn at: 8 x 8 parts of every pixel of a small one."""


CARRIED = "no landmarks; carried from the reference by the registration"


SUBPIXEL_BITS = 4
"""Binary digits after the point in the vertices that OpenCV fills."""


def label_regions(shape: tuple[int, int], landmarks: Landmarks, min_area: float = 0.002) -> RegionMasks:
    """Draw the outlines of :func:`~mfrec.face.regions.outlines` and give each pixel to the region that fills most of
    it.

    Every pixel is divided into 2 x 2 to 8 x 8 parts (more in smaller faces, where an eye is a few pixels), the
    parts are labelled, and the label of most parts wins. Confidence is the share of the pixel that the winner fills,
    lowered where no landmark supports the outline (hair, neck). Background gets its own share, so a pixel outside of
    everything drawn is certain only of not being any drawn region.

    Args:
        shape: ``(H, W)`` of the picture in pixels.
        landmarks: of one face, in pixels of that picture; they may lie outside of it.
        min_area: share of the rectangle around the landmarks; a region that fills less of the picture counts as unseen
            and leaves its pixels to what lies around it.

    Returns:
        Masks on the picture's grid.
    """
    labels, confidence = np.zeros(shape, np.uint8), np.ones(shape, np.float32)
    drawn = outlines(landmarks)
    corners = np.concatenate(list(drawn.values()))
    x0, y0 = np.clip(np.floor(corners.min(axis=0)) - 1, 0, (shape[1], shape[0])).astype(int)
    x1, y1 = np.clip(np.ceil(corners.max(axis=0)) + 2, (x0, y0), (shape[1], shape[0])).astype(int)
    if x0 == x1 or y0 == y1:
        return RegionMasks(labels, confidence, "landmarks")
    drawn = {region: polygon - (x0, y0) for region, polygon in drawn.items()}
    # Of the face and not of the picture: an eye must not vanish because the camera also saw the street.
    least = min_area * float(np.prod(np.ptp(landmarks.points, axis=0)))
    coverage = _coverage(drawn, (y1 - y0, x1 - x0))
    while small := [region for region, share in coverage.items() if share.sum() < least]:
        drawn = {region: polygon for region, polygon in drawn.items() if region not in small}
        coverage = _coverage(drawn, (y1 - y0, x1 - x0))
    certainty = np.ones(len(Region), np.float32)
    certainty[[int(region) for region in CERTAINTY]] = list(CERTAINTY.values())
    won, share = _winner(coverage, (y1 - y0, x1 - x0))
    labels[y0:y1, x0:x1], confidence[y0:y1, x0:x1] = won, share * certainty[won]
    return RegionMasks(labels, confidence, "landmarks")


def carry_regions(masks: RegionMasks, look_up: FloatArray) -> RegionMasks:
    """Bring masks to another grid.

    Args:
        masks: on the grid ``[h, w]`` that they were made on.
        look_up: ``[H, W, 2]`` backward map: for each pixel of the new grid its ``(x, y)`` in the old one.

    Returns:
        Masks ``[H, W]``; what points outside the old grid is ``BACKGROUND`` with confidence 0.
    """
    present = [Region(int(label)) for label in np.unique(masks.labels) if label != Region.BACKGROUND]
    coverage = {
        region: warp(masks.mask(region).astype(np.float32), look_up, interpolation="linear", fill=0.0)
        for region in present
    }
    labels, share = _winner(coverage, look_up.shape[:2])
    known = warp(masks.confidence, look_up, interpolation="linear", fill=0.0)
    return RegionMasks(labels, share * known, masks.source, masks.why)


def _coverage(polygons: dict[Region, NDArray[np.float64]], shape: tuple[int, int]) -> dict[Region, FloatArray]:
    """Share ``[H, W]`` of each pixel that each region fills when the polygons are painted in order."""
    height, width = shape
    parts = int(np.clip(FINE_SIDE // max(height, width), 2, 8))
    fine = np.zeros((height * parts, width * parts), np.uint8)
    for region, polygon in polygons.items():
        vertices = ((polygon + 0.5) * parts - 0.5) * (1 << SUBPIXEL_BITS)
        cv2.fillPoly(fine, [np.rint(vertices).astype(np.int32)], int(region), shift=SUBPIXEL_BITS)
    return {
        region: resize((fine == int(region)).astype(np.float32), height, width, interpolation="area")
        for region in polygons
    }


def _winner(coverage: dict[Region, FloatArray], shape: tuple[int, int]) -> tuple[NDArray[np.uint8], FloatArray]:
    """The label ``[H, W]`` with the largest share of each pixel, and that share; the rest is background."""
    regions = [Region.BACKGROUND, *coverage]
    shares = np.zeros((len(regions), *shape), np.float32)
    for i, share in enumerate(coverage.values(), start=1):
        shares[i] = share
    shares[0] = np.clip(1.0 - shares[1:].sum(axis=0), 0.0, 1.0)
    best = shares.argmax(axis=0)
    labels = np.array([int(region) for region in regions], np.uint8)[best]
    return labels, np.take_along_axis(shares, best[None], axis=0)[0]
