"""Score every region of every frame by the error to expect of it, refuse what shows something else, rank the frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mfrec.camera.noise import BLOCK, NoiseModel, noise_of
from mfrec.face.pose import Pose, eye_opening, mouth_opening, pose_gap, pose_of
from mfrec.face.region_error import (
    FAINT,
    FLOOR,
    block_steps,
    blockiness,
    content_in_blocks,
    detail_in_blocks,
    detail_of,
    error_of,
    expected_error,
    score_of,
    weighted_ratio,
)
from mfrec.face.region_labels import labels_on_canvas
from mfrec.face.regions import FEATURES
from mfrec.fusion.source import as_source
from mfrec.image.colour import luma
from mfrec.image.filters import gaussian
from mfrec.image.geometry import warp
from mfrec.image.median import median_of
from mfrec.pipeline import Run, in_range
from mfrec.runtime.threads import side_by_side
from mfrec.types import ByHand, Canvas, FaceTrack, FloatArray, Observation, Quality, Region

EYES_SHUT, EYES_OPEN = 0.15, 0.22
"""Eye aspect ratios below which eyes are shut and above which they are open; between the two nothing is said."""

MOUTH_GAP = 0.35
"""Difference of mouth aspect ratios above which two mouths have another expression. Landmarks of one mouth at 32 px
differ by less than half of that."""


SUPPORT = 0.15
"""How far around a region its quality is read, as the standard deviation of a soft edge in inter-ocular distances. An
eye or a lip of a small face has one to five pixels, which is too few to tell detail from noise, and blur, codec blocks
and misplaced outlines do not end at its border."""

LEAST_SUPPORT = 0.7
"""The least of it, in pixels of the reference; all of it where there are no landmarks."""

COARSE = (2.0, 2.8, 4.0)
"""Blurs in reference pixels after which frames are compared with the median of all, which has the first of them. The
others are for a sharp frame among blurred ones, which is unlike them by its sharpness alone."""

DOUBTFUL = 1.5
"""Expected error of the reference's region over that of a frame's from which on the reference's is too poor to say
that its expression is another one. What both show in the coarse still speaks."""


class Measured(NamedTuple):
    """What is measured of a frame once, before its regions are looked at.

    Attributes:
        low: ``[K, H, W]`` luma on the canvas after the blurs :data:`COARSE`.
        exposed: ``[H, W]`` on the canvas, where the frame is neither crushed nor clipped.
        detail: sum and count of :func:`~mfrec.face.region_error.detail_in_blocks` on the window of the frame that the
            canvas can see, in pixels of the reference.
        content: of :func:`~mfrec.face.region_error.content_in_blocks` there.
        steps: of :func:`~mfrec.face.region_error.block_steps` there.
        noise: of the frame, in the reference's light.
        pose, eyes, mouth: of the head; None where there are no landmarks.
    """

    low: FloatArray
    exposed: FloatArray
    detail: tuple[FloatArray, FloatArray]
    content: FloatArray
    steps: FloatArray
    noise: NoiseModel
    pose: Pose | None
    eyes: float | None
    mouth: float | None


def well_exposed(observation: Observation) -> FloatArray:
    """Where the light of a registered frame is neither crushed nor clipped, ``[H, W]`` on the canvas, 0..1.

    Judged on the frame as it was read, before its light was matched to the reference's. One colour at its end is no
    loss of the picture: the blue of a dark lip is black in a good frame too.
    """
    assert observation.registration is not None
    light = luma(observation.frame.image)
    fine = np.asarray((light > 0.02) & (light < 0.98), np.float32)
    return warp(fine, observation.registration.look_up, interpolation="linear")


def around(mask: NDArray[np.bool_], reference: Observation, canvas: Canvas) -> FloatArray:
    """How far each pixel of the canvas belongs to a region and its near surroundings, ``[H, W]`` in [0, 1]."""
    wanted = 0.0 if reference.landmarks is None else SUPPORT * reference.landmarks.interocular
    return gaussian(mask.astype(np.float32), max(LEAST_SUPPORT, wanted) * canvas.scale)


def on_window(support: FloatArray, observation: Observation) -> FloatArray:
    """A map of the canvas ``[H, W]`` carried to the part of a frame that the canvas can see; 0 beyond it."""
    assert observation.registration is not None
    return warp(support, observation.registration.landing, interpolation="linear", fill=0.0)


def measure(observation: Observation, canvas: Canvas, is_reference: bool) -> Measured:
    """Measure one registered frame."""
    registration = observation.registration
    assert registration is not None
    source = as_source(observation.frame.image, registration, noise_of(observation.frame), is_reference)
    x0, y0 = registration.window
    phase = ((source.noise.phase[0] - x0) % BLOCK, (source.noise.phase[1] - y0) % BLOCK)
    plane = luma(source.image)
    total, count = detail_in_blocks(plane, phase)
    # A second difference over a frame pixel that is `size` reference pixels wide counts as one over a reference pixel.
    size = registration.spacing / canvas.scale
    landmarks = observation.landmarks
    return Measured(
        low=np.stack([gaussian(luma(source.warped), blur * canvas.scale) for blur in COARSE]),
        exposed=well_exposed(observation),
        detail=(total / size**2, count),
        content=content_in_blocks(plane, phase),
        steps=block_steps(plane, phase),
        noise=source.noise,
        pose=pose_of(landmarks),
        eyes=None if landmarks is None else eye_opening(landmarks),
        mouth=None if landmarks is None else mouth_opening(landmarks),
    )


def expression_differs(region: Region, one: Measured, other: Measured) -> str:
    """Why a region of one frame has another expression than in the other; empty where it has not, or is unknown."""
    if region in FEATURES["eyes"] and one.eyes is not None and other.eyes is not None:
        if min(one.eyes, other.eyes) < EYES_SHUT and max(one.eyes, other.eyes) > EYES_OPEN:
            return f"eyes {one.eyes:.2f} open, in the reference {other.eyes:.2f}"
    elif (
        region in FEATURES["mouth"]
        and one.mouth is not None
        and other.mouth is not None
        and abs(one.mouth - other.mouth) > MOUTH_GAP
    ):
        return f"mouth {one.mouth:.2f} open, in the reference {other.mouth:.2f}"
    return ""


@dataclass(frozen=True)
class Assess:
    """Score each region of each frame by its expected error, from what its blocks hold, block edges and noise.

    A region is refused where it shows something else than the reference: the head is turned too far, the expression
    differs, something covers it, or it is crushed or clipped. The reference's own regions are never refused. Where a
    registration is not trusted is for the fusion to weigh, pixel by pixel.

    Attributes:
        max_gap: degrees between the directions of two heads.
        max_residual: grey levels of 255 between the frame and the median of all, both blurred (:data:`COARSE`). On
            development sequences 1 % of the regions lie above 15.
        min_exposure: share of the region that is neither crushed nor clipped.
    """

    max_gap: float = 35.0
    max_residual: float = 20.0
    min_exposure: float = 0.5

    learned = False

    name: ClassVar[str] = "assess"
    needs: ClassVar[frozenset[str]] = frozenset({"registration", "regions"})
    gives: ClassVar[frozenset[str]] = frozenset({"quality", "sources"})
    literature: ClassVar[tuple[str, ...]] = (
        "Z. Wang, A. C. Bovik, B. L. Evan, Blind measurement of blocking artifacts in images, ICIP 2000",
        "T. Soukupov\u00e1, J. \u010cech, Real-time eye blink detection using facial landmarks, CVWW 2016",
    )

    def __post_init__(self) -> None:
        in_range("assess.max_gap", self.max_gap, 0, 180)
        in_range("assess.max_residual", self.max_residual, 0, 255)
        in_range("assess.min_exposure", self.min_exposure, 0, 1)

    def __call__(self, track: FaceTrack, run: Run) -> FaceTrack:
        assert track.reference is not None and track.canvas is not None
        canvas, chief = track.canvas, track.reference
        labels = labels_on_canvas(track.observations[chief], canvas)
        masks = {region: labels == region.value for region in Region if region is not Region.BACKGROUND}
        masks = {region: mask for region, mask in masks.items() if mask.any()}

        def measured_one(position: int) -> Measured:
            return measure(track.observations[position], canvas, position == chief)

        measured = []
        for one in side_by_side(measured_one, range(len(track.observations))):
            measured.append(one)
            run.progress(self.name, len(measured), len(track.observations))
        middle = np.ravel(median_of([m.low[0] for m in measured]))

        def of_region(region: Region) -> list[Quality]:
            """The quality of one region in every frame."""
            mask = masks[region]
            inside = np.flatnonzero(mask)
            support = around(mask, track.observations[chief], canvas)
            shares = [on_window(support, o) for o in track.observations]
            detail = [detail_of(m.detail[0], m.detail[1], share) for m, share in zip(measured, shares, strict=True)]
            content = [weighted_ratio(m.content, 1.0, share) for m, share in zip(measured, shares, strict=True)]
            found = []
            for position, (m, share) in enumerate(zip(measured, shares, strict=True)):
                blocks = blockiness(m.steps, share)
                error = expected_error(
                    detail[position],
                    content[position],
                    blocks,
                    m.noise.sigma,
                    best_detail=max(detail),
                    best_content=max(content),
                )
                apart = (np.ravel(low)[inside] - middle[inside] for low in m.low)
                found.append(
                    Quality(
                        score=score_of(error),
                        sharpness=float(np.sqrt((detail[position] + FLOOR) / (max(detail) + FLOOR))),
                        content=(content[position] + FAINT) / (max(content) + FAINT),
                        blockiness=blocks,
                        noise=m.noise.sigma,
                        exposure=float(np.ravel(m.exposed)[inside].mean()),
                        residual=min(float(np.sqrt((off**2).mean())) for off in apart),
                        pose_gap=pose_gap(m.pose, measured[chief].pose),
                        area=float(mask.mean()),
                    )
                )
            return [
                one
                if position == chief
                else replace(one, refused=self._refuse(region, (one, m), (found[chief], measured[chief])))
                for position, (one, m) in enumerate(zip(found, measured, strict=True))
            ]

        quality: list[dict[Region, Quality]] = [{} for _ in measured]
        for region, found in zip(masks, side_by_side(of_region, masks), strict=True):
            for own, one in zip(quality, found, strict=True):
                own[region] = one
        observations = [replace(o, quality=q) for o, q in zip(track.observations, quality, strict=True)]
        warnings = (*track.warnings, *overruled(track.by_hand, observations))
        return replace(track, observations=tuple(observations), sources=rank_sources(observations), warnings=warnings)

    def _refuse(self, region: Region, frame: tuple[Quality, Measured], reference: tuple[Quality, Measured]) -> str:
        """Why a region may not be taken from a frame; empty where it may."""
        found = frame[0]
        if found.pose_gap is not None and found.pose_gap > self.max_gap:
            return f"head turned {found.pose_gap:.0f} degrees from the reference, at most {self.max_gap:g}"
        if found.residual * 255 > self.max_residual:
            return (
                f"unlike the other frames by {found.residual * 255:.0f} grey levels, at most {self.max_residual:g}: "
                "covered, lit otherwise or misplaced"
            )
        if found.exposure < self.min_exposure:
            return f"{(1 - found.exposure) * 100:.0f} % crushed or clipped"
        if error_of(reference[0].score) > DOUBTFUL * error_of(found.score):
            return ""
        return expression_differs(region, frame[1], reference[1])


def overruled(by_hand: Sequence[ByHand], observations: Sequence[Observation]) -> list[str]:
    """A sentence for each region that is taken by hand from a frame from which it would not be taken."""
    out = []
    for hand in by_hand:
        for o in observations:
            reasons = {o.quality[region].refused for region in hand.regions if region in o.quality} - {""}
            if o.frame.index == hand.index and reasons:
                out.append(
                    f"{hand.told} overrules what was measured of frame '{o.frame.name}': {'; '.join(sorted(reasons))}. "
                    "That part of the picture may show another moment than the rest."
                )
    return out


def rank_sources(observations: Sequence[Observation]) -> Mapping[Region, tuple[int, ...]]:
    """Positions of the frames for every region, best score first; names break ties. Refused ones are left out."""
    regions = sorted({region for o in observations for region in o.quality})
    return {
        region: tuple(
            sorted(
                (i for i, o in enumerate(observations) if region in o.quality and not o.quality[region].refused),
                key=lambda i: (-observations[i].quality[region].score, observations[i].frame.name),
            )
        )
        for region in regions
    }
