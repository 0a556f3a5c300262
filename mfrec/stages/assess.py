"""Measure every region of every frame and rank the frames as its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mfrec.colour import luma
from mfrec.geometry import similarity_map, warp
from mfrec.noise import BLOCK, NoiseModel, noise_of
from mfrec.pipeline import Run
from mfrec.reference import frontality
from mfrec.regions import Region
from mfrec.superres import as_source, detail_energy
from mfrec.types import Canvas, FaceTrack, FloatArray, Observation, Quality

DETAIL_FLOOR = (1.0 / 255.0) ** 2
"""Energy of detail that rounding to 8 bits makes by itself, in squared [0, 1] grey levels."""


def blockiness(plane: FloatArray, phase: tuple[int, int] = (0, 0)) -> float:
    """How much stronger the steps across the 8 x 8 grid are than the steps inside blocks; 0 is none.

    After Wang, Bovik and Evan, "Blind measurement of blocking artifacts in images" (ICIP 2000), with differences
    in place of the spectrum: mean absolute step on the grid over mean absolute step elsewhere, minus 1, not below 0.
    """
    on, off = [], []
    for axis, start in ((1, phase[0]), (0, phase[1])):
        steps = np.abs(np.diff(plane, axis=axis))
        at_border = (np.arange(1, plane.shape[axis]) - start) % BLOCK == 0
        on.append(np.compress(at_border, steps, axis=axis).ravel())
        off.append(np.compress(~at_border, steps, axis=axis).ravel())
    border, inside = np.concatenate(on), np.concatenate(off)
    if border.size == 0 or inside.size == 0:
        return 0.0
    return float(max(0.0, border.mean() / max(float(inside.mean()), 1e-4) - 1.0))


class Measured(NamedTuple):
    """What is measured of a frame once, before its regions are looked at; maps are ``[H, W]`` on the canvas."""

    grey: FloatArray
    energy: FloatArray
    exposed: FloatArray
    noise: NoiseModel
    blocks: float


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


def pose_agreement(observation: Observation, reference: Observation) -> float:
    """1 for the reference's pose, falling to 0 as the head turns away from it; 0.5 where it is unknown."""
    if observation.landmarks is None or reference.landmarks is None:
        return 0.5
    mine, its = _nose_place(observation), _nose_place(reference)
    return float(np.clip(1.0 - 2.0 * abs(mine - its), 0.0, 1.0))


def _nose_place(observation: Observation) -> float:
    assert observation.landmarks is not None
    points = observation.landmarks.points
    side = 1.0 if np.linalg.norm(points[30] - points[36]) > np.linalg.norm(points[30] - points[45]) else -1.0
    return 0.5 * side * (1.0 - frontality(observation.landmarks))


def assess_region(
    mask: NDArray[np.bool_],
    *,
    grey: FloatArray,
    reference_grey: FloatArray,
    exposed: FloatArray,
    trust: FloatArray,
    detail: float,
    best_detail: float,
    noise: NoiseModel,
    blocks: float,
    pose: float,
) -> Quality:
    """Quality of one region of one frame, on the canvas.

    Args:
        mask: ``[H, W]`` the region.
        grey, reference_grey: ``[H, W]`` luma of the frame and of the reference, both on the canvas.
        exposed: ``[H, W]`` where the frame is neither crushed nor clipped, on the canvas, 0..1.
        trust: ``[H, W]`` of the registration.
        detail, best_detail: mean energy of detail in the region, of this frame and of the best frame.
        noise: of the frame.
        blocks: blockiness of the frame.
        pose: agreement with the reference's pose.

    Returns:
        The measurements, and ``score``: their product, each squashed to [0, 1].
    """
    values = grey[mask]
    exposure = float(exposed[mask].mean())
    residual = float(np.sqrt(((values - reference_grey[mask]) ** 2).mean()))
    sharpness = float(np.sqrt((detail + DETAIL_FLOOR) / (best_detail + DETAIL_FLOOR)))
    seen = float(trust[mask].mean())
    # The scales are where each kind of damage costs about as much as half the sharpness on development faces.
    clean = 1.0 / (1.0 + (noise.sigma * 255 / 8.0) ** 2)
    fits = 1.0 / (1.0 + (residual * 255 / 30.0) ** 2)
    score = sharpness * exposure * clean * fits * pose * seen / (1.0 + 0.25 * blocks)
    return Quality(
        score=float(np.clip(score, 0.0, 1.0)),
        sharpness=sharpness,
        blockiness=blocks,
        noise=noise.sigma,
        exposure=exposure,
        residual=residual,
        pose=pose,
        area=float(mask.mean()),
    )


@dataclass(frozen=True)
class Assess:
    """Score sharpness and damage of every region of every frame, and rank the frames as its source."""

    learned = False

    name: ClassVar[str] = "assess"
    needs: ClassVar[frozenset[str]] = frozenset({"registration", "regions"})
    gives: ClassVar[frozenset[str]] = frozenset({"quality", "sources"})
    literature: ClassVar[tuple[str, ...]] = (
        "Z. Wang, A. C. Bovik, B. L. Evan, Blind measurement of blocking artifacts in images, ICIP 2000",
    )

    def __call__(self, track: FaceTrack, run: Run) -> FaceTrack:
        assert track.reference is not None and track.canvas is not None
        reference = track.observations[track.reference]
        assert reference.regions is not None
        canvas = track.canvas
        labels = labels_on_canvas(reference, canvas)
        masks = {region: labels == region.value for region in Region if region is not Region.BACKGROUND}
        masks = {region: mask for region, mask in masks.items() if mask.any()}
        measured = []
        for position, o in enumerate(track.observations):
            assert o.registration is not None
            noise = noise_of(o.frame)
            source = as_source(o.frame.image, o.registration, noise, position == track.reference)
            grey = luma(source.warped)
            x0, y0 = o.registration.window
            blocks = blockiness(luma(source.image), ((noise.phase[0] - x0) % BLOCK, (noise.phase[1] - y0) % BLOCK))
            measured.append(Measured(grey, detail_energy(grey, canvas.scale), well_exposed(o), noise, blocks))
            run.progress(self.name, position + 1, len(track.observations))
        reference_grey = measured[track.reference].grey
        best = {region: max(float(m.energy[mask].mean()) for m in measured) for region, mask in masks.items()}
        observations = []
        for o, m in zip(track.observations, measured, strict=True):
            assert o.registration is not None
            pose = pose_agreement(o, reference)
            quality = {
                region: assess_region(
                    mask,
                    grey=m.grey,
                    reference_grey=reference_grey,
                    exposed=m.exposed,
                    trust=o.registration.trust,
                    detail=float(m.energy[mask].mean()),
                    best_detail=best[region],
                    noise=m.noise,
                    blocks=m.blocks,
                    pose=pose,
                )
                for region, mask in masks.items()
            }
            observations.append(replace(o, quality=quality))
        return replace(track, observations=tuple(observations), sources=rank_sources(observations))


def rank_sources(observations: list[Observation]) -> Mapping[Region, tuple[int, ...]]:
    """Positions of the frames for every region, best score first; names break ties."""
    regions = sorted({region for o in observations for region in o.quality})
    return {
        region: tuple(
            sorted(
                (i for i, o in enumerate(observations) if region in o.quality),
                key=lambda i: (-observations[i].quality[region].score, observations[i].frame.name),
            )
        )
        for region in regions
    }
