"""Label the regions of every face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from mfrec.face.parsing import believable, disagreements, parse_faces
from mfrec.face.regions import CERTAINTY, Region, outlines
from mfrec.image.geometry import resize, warp
from mfrec.pipeline import Run, in_range
from mfrec.types import FaceTrack, FloatArray, Landmarks, Observation, RegionMasks

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


def told(card: str, contradictions: Sequence[str]) -> str:
    """What to say of a frame where the network contradicts the landmarks; empty where it does not."""
    if not contradictions:
        return ""
    end = "" if believable(contradictions) else "; outlines of the landmarks were used instead"
    return f"the network '{card}' contradicts the landmarks: {', '.join(contradictions)}{end}"


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


@dataclass(frozen=True)
class Parse:
    """Label 19 face regions (CelebAMask-HQ classes) by a network that gives no pixel, or by outlines of landmarks.

    The network's masks are compared with the outlines of the landmarks. Where it has not found the face, the outlines
    are used for that frame, and its masks say why.

    A frame without landmarks gets the masks of the reference through its registration, less sure where the
    registration is not trusted. Without a registration, or where the reference has no landmarks either, nothing is
    known: ``BACKGROUND`` with confidence 0.

    Attributes:
        method: ``"network"`` or ``"polygons"``.
        card: of the network.
        side: pixels of the upright face that the network sees.
        min_area: share of the rectangle around the landmarks; smaller regions count as unseen.
    """

    method: Literal["network", "polygons"] = "network"
    card: str = "parser"
    side: int = 160
    min_area: float = 0.002

    learned = False

    name: ClassVar[str] = "parse"
    needs: ClassVar[frozenset[str]] = frozenset({"landmarks"})
    gives: ClassVar[frozenset[str]] = frozenset({"regions"})
    literature: ClassVar[tuple[str, ...]] = (
        "Lee, Liu, Wu, Luo: MaskGAN: Towards Diverse and Interactive Facial Image Manipulation. CVPR 2020 (classes)",
        "Yu, Wang, Peng, Gao, Yu, Sang: BiSeNet: Bilateral Segmentation Network for Real-time Semantic Segmentation. "
        "ECCV 2018 (network)",
        "Sagonas, Tzimiropoulos, Zafeiriou, Pantic: 300 Faces in-the-Wild Challenge. ICCV Workshops 2013 (landmarks)",
    )

    def __post_init__(self) -> None:
        in_range("parse.side", self.side, 64, 512)
        in_range("parse.min_area", self.min_area, 0, 1)

    def __call__(self, track: FaceTrack, run: Run) -> FaceTrack:
        seen = [(o.frame.image, o.landmarks) for o in track.observations if o.landmarks is not None]
        masks = iter(self._drawn(seen, run))
        drawn = [None if o.landmarks is None else next(masks) for o in track.observations]
        reference = None if track.reference is None else drawn[track.reference]
        observations = tuple(
            replace(o, regions=self._carried(track, o, reference) if masks is None else masks)
            for o, masks in zip(track.observations, drawn, strict=True)
        )
        return replace(track, observations=observations)

    def _drawn(self, seen: Sequence[tuple[FloatArray, Landmarks]], run: Run) -> list[RegionMasks]:
        """Masks of frames with landmarks."""
        outlined = [label_regions(image.shape[:2], points, self.min_area) for image, points in seen]
        if self.method == "polygons" or not seen:
            return outlined
        parsed = parse_faces(
            run.network(self.card),
            [image for image, _ in seen],
            [points for _, points in seen],
            side=self.side,
            min_area=self.min_area,
            source=self.card,
        )
        out = []
        for i, ((_, points), masks, outline) in enumerate(zip(seen, parsed, outlined, strict=True)):
            found = disagreements(masks, outline, points.interocular)
            out.append(replace(masks if believable(found) else outline, why=told(self.card, found)))
            run.progress(self.name, i + 1, len(seen))
        return out

    def _carried(self, track: FaceTrack, observation: Observation, reference: RegionMasks | None) -> RegionMasks:
        shape = observation.frame.image.shape[:2]
        labels, confidence = np.zeros(shape, np.uint8), np.zeros(shape, np.float32)
        registration = observation.registration
        if reference is None or registration is None or track.canvas is None:
            return RegionMasks(labels, confidence, "unknown", "neither it nor the reference has landmarks")
        to_reference = track.canvas.from_reference.inverse().apply(registration.landing).astype(np.float32)
        masks = carry_regions(reference, to_reference)
        trust = warp(registration.trust, registration.landing, interpolation="linear", fill=0.0)
        (x0, y0), (height, width) = registration.window, masks.labels.shape
        labels[y0 : y0 + height, x0 : x0 + width] = masks.labels
        confidence[y0 : y0 + height, x0 : x0 + width] = masks.confidence * trust
        return RegionMasks(labels, confidence, masks.source, CARRIED)
