"""Score every region of every frame by the error to expect of it, refuse what shows something else, rank the frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mfrec.colour import luma
from mfrec.filters import gaussian
from mfrec.geometry import similarity_map, warp
from mfrec.noise import BLOCK, NoiseModel, noise_of
from mfrec.pipeline import Run, in_range
from mfrec.pose import Pose, eye_opening, mouth_opening, pose_gap, pose_of
from mfrec.region_error import (
    FLOOR,
    block_steps,
    blockiness,
    detail_in_blocks,
    expected_error,
    score_of,
    weighted_ratio,
)
from mfrec.regions import FEATURES, Region
from mfrec.superres import as_source
from mfrec.types import Canvas, FaceTrack, FloatArray, Observation, Quality

EYES_SHUT, EYES_OPEN = 0.15, 0.22
"""Eye aspect ratios below which eyes are shut and above which they are open; between the two nothing is said."""

MOUTH_GAP = 0.35
"""Difference of mouth aspect ratios above which two mouths have another expression. Landmarks of one mouth at 32 px
differ by less than half of that."""


class Measured(NamedTuple):
    """What is measured of a frame once, before its regions are looked at.

    Attributes:
        low: ``[H, W]`` luma on the canvas after a blur of two reference pixels.
        exposed: ``[H, W]`` on the canvas, where the frame is neither crushed nor clipped.
        labels: ``[h, w]`` region ids on the window of the frame that the canvas can see.
        detail: sum and count of :func:`~mfrec.region_error.detail_in_blocks` there, in pixels of the reference.
        steps: of :func:`~mfrec.region_error.block_steps` there.
        noise: of the frame, in the reference's light.
        pose, eyes, mouth: of the head; None where there are no landmarks.
    """

    low: FloatArray
    exposed: FloatArray
    labels: NDArray[np.uint8]
    detail: tuple[FloatArray, FloatArray]
    steps: FloatArray
    noise: NoiseModel
    pose: Pose | None
    eyes: float | None
    mouth: float | None


def labels_on_canvas(reference: Observation, canvas: Canvas) -> FloatArray:
    """The reference's region ids on the canvas, ``[H, W]``; 0 outside of the frame."""
    assert reference.regions is not None
    look_up = similarity_map(canvas.from_reference.inverse(), *canvas.shape)
    return warp(np.asarray(reference.regions.labels, np.float32), look_up, interpolation="nearest", fill=0.0)


def well_exposed(observation: Observation) -> FloatArray:
    """Where a registered frame is neither crushed nor clipped in any colour, ``[H, W]`` on the canvas, 0..1.

    Judged on the frame as it was read, before its light was matched to the reference's.
    """
    assert observation.registration is not None
    image = observation.frame.image
    fine = np.asarray(((image > 0.02) & (image < 0.98)).all(axis=-1), np.float32)
    return warp(fine, observation.registration.look_up, interpolation="linear")


def labels_on_window(labels: FloatArray, observation: Observation) -> NDArray[np.uint8]:
    """Region ids of the canvas ``[H, W]`` carried to the part of a frame that the canvas can see; 0 beyond it."""
    assert observation.registration is not None
    carried = warp(labels, observation.registration.landing, interpolation="nearest", fill=0.0)
    return np.asarray(carried, np.uint8)


def measure(observation: Observation, labels: FloatArray, canvas: Canvas, is_reference: bool) -> Measured:
    """Measure one registered frame; ``labels`` are the reference's region ids on the canvas, ``[H, W]``."""
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
        low=gaussian(luma(source.warped), 2.0 * canvas.scale),
        exposed=well_exposed(observation),
        labels=labels_on_window(labels, observation),
        detail=(total / size**4, count),
        steps=block_steps(plane, phase),
        noise=source.noise,
        pose=pose_of(landmarks),
        eyes=None if landmarks is None else eye_opening(landmarks),
        mouth=None if landmarks is None else mouth_opening(landmarks),
    )


def near(labels: NDArray[np.uint8], region: Region) -> FloatArray:
    """How far each pixel of a frame belongs to a region, ``[h, w]``: its mask, made soft for the smallest ones."""
    return gaussian((labels == region.value).astype(np.float32), 0.7)


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
    """Score each region of each frame by its expected error, from sharpness inside of blocks, block edges and noise.

    A region is refused where it shows something else than the reference: the head is turned too far, the expression
    differs, something covers it, or it is crushed or clipped. The reference's own regions are never refused. Where a
    registration is not trusted is for the fusion to weigh, pixel by pixel.

    Attributes:
        max_gap: degrees between the directions of two heads.
        max_residual: grey levels of 255 between the frame and the median of all, both blurred by two reference pixels.
            On development sequences 1 % of the regions lie above 15.
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
        canvas = track.canvas
        labels = labels_on_canvas(track.observations[track.reference], canvas)
        masks = {region: labels == region.value for region in Region if region is not Region.BACKGROUND}
        masks = {region: mask for region, mask in masks.items() if mask.any()}
        measured = []
        for position, o in enumerate(track.observations):
            measured.append(measure(o, labels, canvas, position == track.reference))
            run.progress(self.name, position + 1, len(track.observations))
        middle = np.median(np.stack([m.low for m in measured]), axis=0)
        quality: list[dict[Region, Quality]] = [{} for _ in measured]
        for region, mask in masks.items():
            shares = [near(m.labels, region) for m in measured]
            detail = [
                weighted_ratio(m.detail[0], m.detail[1], share) for m, share in zip(measured, shares, strict=True)
            ]
            for position, (m, share) in enumerate(zip(measured, shares, strict=True)):
                blocks = blockiness(m.steps, share)
                found = Quality(
                    score=score_of(expected_error(detail[position], max(detail), blocks, m.noise.sigma)),
                    sharpness=float(np.sqrt((detail[position] + FLOOR) / (max(detail) + FLOOR))),
                    blockiness=blocks,
                    noise=m.noise.sigma,
                    exposure=float(m.exposed[mask].mean()),
                    residual=float(np.sqrt(((m.low - middle)[mask] ** 2).mean())),
                    pose_gap=pose_gap(m.pose, measured[track.reference].pose),
                    area=float(mask.mean()),
                )
                if position != track.reference:
                    refused = self._refuse(region, found, m, measured[track.reference])
                    found = replace(found, refused=refused)
                quality[position][region] = found
        observations = [replace(o, quality=q) for o, q in zip(track.observations, quality, strict=True)]
        return replace(track, observations=tuple(observations), sources=rank_sources(observations))

    def _refuse(self, region: Region, found: Quality, mine: Measured, reference: Measured) -> str:
        """Why a region may not be taken from a frame; empty where it may."""
        if found.pose_gap is not None and found.pose_gap > self.max_gap:
            return f"head turned {found.pose_gap:.0f} degrees from the reference, at most {self.max_gap:g}"
        if found.residual * 255 > self.max_residual:
            return (
                f"unlike the other frames by {found.residual * 255:.0f} grey levels, at most {self.max_residual:g}: "
                "covered, lit otherwise or misplaced"
            )
        if found.exposure < self.min_exposure:
            return f"{(1 - found.exposure) * 100:.0f} % crushed or clipped"
        return expression_differs(region, mine, reference)


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
