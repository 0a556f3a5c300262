"""Label the regions of every face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from mfrec.errors import UsageError
from mfrec.face.parsing import believable, disagreements, parse_faces
from mfrec.face.region_labels import CARRIED, carry_regions, label_regions, with_region
from mfrec.image.geometry import resize, taken_through, warp
from mfrec.pipeline import Run, in_range
from mfrec.types import ByHand, Canvas, FaceTrack, FloatArray, Landmarks, Observation, RegionMasks


def told(card: str, contradictions: Sequence[str]) -> str:
    """What to say of a frame where the network contradicts the landmarks; empty where it does not."""
    if not contradictions:
        return ""
    end = "" if believable(contradictions) else "; outlines of the landmarks were used instead"
    return f"the network '{card}' contradicts the landmarks: {', '.join(contradictions)}{end}"


def drawn_by_hand(reference: Observation, hand: ByHand, canvas: Canvas) -> Observation:
    """The reference with one region where somebody drew it.

    Raises:
        UsageError: the mask is neither of the reference's size nor of the picture's, or names nothing on this grid.
    """
    assert hand.mask is not None and reference.regions is not None
    (height, width), size = reference.frame.image.shape[:2], hand.mask.shape
    if size == reference.frame.size[::-1]:
        left, top = reference.frame.origin
        where = np.array(hand.mask[top : top + height, left : left + width])
    elif size == canvas.shape:
        where = np.zeros((height, width), bool)
        x0, y0 = canvas.x0, canvas.y0
        small = resize(hand.mask.astype(np.float32), canvas.height, canvas.width, interpolation="area") >= 0.5
        where[y0 : y0 + canvas.height, x0 : x0 + canvas.width] = small
    else:
        (rows, columns), (width, height) = canvas.shape, reference.frame.size
        raise UsageError(
            f"{hand.told}: the mask has {size[1]} x {size[0]} pixels; expected {width} x {height} as the reference "
            f"'{reference.frame.name}' has, or {columns} x {rows} as the picture has"
        )
    if not where.any():
        raise UsageError(
            f"{hand.told}: the mask covers less than a pixel of the reference '{reference.frame.name}'; draw it larger"
        )
    masks = with_region(reference.regions, hand.regions, where)
    return replace(reference, regions=replace(masks, source=f"{masks.source}; {hand.name} drawn by hand"))


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
        observations = [
            replace(o, regions=self._carried(track, o, reference) if masks is None else masks)
            for o, masks in zip(track.observations, drawn, strict=True)
        ]
        masked = [hand for hand in track.by_hand if hand.mask is not None]
        if masked and (track.reference is None or track.canvas is None):
            raise UsageError(f"{masked[0].told}: a mask is drawn on the reference; put 'align' before 'parse'")
        for hand in masked:
            assert track.reference is not None and track.canvas is not None
            observations[track.reference] = drawn_by_hand(observations[track.reference], hand, track.canvas)
        return replace(track, observations=tuple(observations))

    def _drawn(self, seen: Sequence[tuple[FloatArray, Landmarks]], run: Run) -> list[RegionMasks]:
        """Masks of frames with landmarks."""
        outlined = [label_regions(image.shape[:2], points, self.min_area) for image, points in seen]
        if self.method == "polygons" or not seen:
            return outlined
        parsed = parse_faces(
            run.network(self.card, "bisenet"),
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
        to_reference = taken_through(track.canvas.from_reference.inverse(), registration.landing)
        masks = carry_regions(reference, to_reference)
        trust = warp(registration.trust, registration.landing, interpolation="linear", fill=0.0)
        (x0, y0), (height, width) = registration.window, masks.labels.shape
        labels[y0 : y0 + height, x0 : x0 + width] = masks.labels
        confidence[y0 : y0 + height, x0 : x0 + width] = masks.confidence * trust
        return RegionMasks(labels, confidence, masks.source, CARRIED)
