"""Region masks from the outlines of landmarks, and masks carried along a registration."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mfrec.face.regions import CERTAINTY, outlines
from mfrec.image.geometry import resize, similarity_map, warp
from mfrec.types import Canvas, FloatArray, Landmarks, Observation, Region, RegionMasks, Registration

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


def labels_on_canvas(reference: Observation, canvas: Canvas) -> FloatArray:
    """The reference's region ids on the canvas, ``[H, W]``; 0 outside of the frame."""
    assert reference.regions is not None
    look_up = similarity_map(canvas.from_reference.inverse(), *canvas.shape)
    return warp(np.asarray(reference.regions.labels, np.float32), look_up, interpolation="nearest", fill=0.0)


def regions_shown(observation: Observation, registration: Registration, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Region ids ``[H, W]`` on the canvas of what the frame shows there.

    Outlines from landmarks are drawn anew at the canvas's resolution, where an eye has a shape; other masks are
    carried. A frame without masks is all ``BACKGROUND``.
    """
    masks, landmarks = observation.regions, observation.landmarks
    if masks is None:
        return np.zeros(shape, np.uint8)
    if landmarks is None or masks.source != "landmarks":
        return carry_regions(masks, registration.look_up).labels
    height, width = registration.landing.shape[:2]
    points = landmarks.points - np.array(registration.window, np.float32)
    nearest = np.clip(points, 0, (width - 1, height - 1)).astype(np.float32)
    # Beyond its window nothing is registered; landmarks there keep their distance from its border.
    stretch = (registration.landing[-1, -1] - registration.landing[0, 0]) / (max(width - 1, 1), max(height - 1, 1))
    landed = warp(registration.landing, nearest[None], interpolation="linear")[0] + (points - nearest) * stretch
    return label_regions(shape, Landmarks(landed)).labels


def with_region(masks: RegionMasks, members: Sequence[Region], where: NDArray[np.bool_]) -> RegionMasks:
    """Masks in which a region, or a feature of several, is just where somebody drew it.

    What lies in the drawing and belonged to another region becomes the first of ``members``; what belonged to them and
    lies outside of it becomes skin.

    Args:
        masks: ``[H, W]``.
        members: the regions that were drawn as one.
        where: ``[H, W]``.
    """
    labels, confidence = np.array(masks.labels), np.array(masks.confidence)
    before = np.isin(labels, members)
    labels[where & ~before] = members[0]
    labels[before & ~where] = Region.SKIN
    confidence[where] = 1.0
    return RegionMasks(labels, confidence, masks.source, masks.why)


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
