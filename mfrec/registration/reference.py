"""Which frame the others are brought to: frontal, sharp, eyes open, mouth at rest, little damaged by the codec.

The choice decides pose and expression of the result, so its numbers are part of the record.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mfrec.camera.noise import NoiseModel, noise_of
from mfrec.errors import UsageError
from mfrec.face.pose import Pose, eye_opening, mouth_opening, pose_of
from mfrec.image.colour import luma
from mfrec.image.filters import gaussian
from mfrec.image.geometry import similarity_map, warp
from mfrec.runtime.threads import side_by_side
from mfrec.types import FloatArray, Observation, ReferenceScore, Similarity

CHIP = 64
"""Side in pixels of the upright face chip on which sharpness is compared between frames."""

ENOUGH_DETAIL = 0.9
ENOUGH_OPENING = 0.8
"""Shares of the most detail and of the widest eye opening in a sequence from which on more of it decides nothing:
landmarks of small faces jitter by that much, and the edges of a hand are detail too."""


ENOUGH_SIZE = 0.9
"""Share of the largest face's side from which on more decides nothing: boxes of one face differ by as much."""

PITCH_DOUBT = 10.0
"""Degrees by which the pitch of a level head differs from person to person under one generic head."""

MOUTH_REST = 0.15
"""Mouth aspect ratio up to which a mouth is at rest: lips that are closed seem so far open on small faces."""


def frontality(pose: Pose) -> float:
    """1 for a frontal face, falling to 0 in profile, ``[0, 1]``.

    ``1 - 0.72 tan(angle)``: the share that is left of the narrower half of the face. Pitch counts as far as it is more
    than what differs from person to person.
    """
    pitch = max(0.0, abs(pose.pitch) - PITCH_DOUBT)
    angle = min(math.hypot(pose.yaw, pitch), 89.0)
    return float(np.clip(1.0 - 0.72 * math.tan(math.radians(angle)), 0.0, 1.0))


def neutrality(mouth: float) -> float:
    """1 for a mouth at rest, falling to 0.5 for one that is wide open; ``mouth`` is its aspect ratio."""
    return float(1.0 - 0.5 * np.clip((mouth - MOUTH_REST) / 0.5, 0.0, 1.0))


def face_chip(observation: Observation) -> FloatArray:
    """The luma of the face on a chip of fixed size, ``[CHIP, CHIP]``, unblurred."""
    image = observation.frame.image
    height, width = image.shape[:2]
    if observation.landmarks is not None:
        points = observation.landmarks.points
        low, high = points.min(axis=0), points.max(axis=0)
    elif observation.box is not None:
        low, high = observation.box[:2], observation.box[2:]
    else:
        low, high = np.array([0.15 * width, 0.15 * height]), np.array([0.85 * width, 0.85 * height])
    side = float(max(high[0] - low[0], high[1] - low[1], 1.0))
    step = side / CHIP
    corner = (low + high) / 2 - step * (CHIP - 1) / 2
    chip_to_frame = Similarity(np.array([[step, 0, corner[0]], [0, step, corner[1]]]))
    return warp(luma(image), similarity_map(chip_to_frame, CHIP, CHIP))


def face_side(observation: Observation) -> float | None:
    """Pixels of the face along a side, by its box or else its landmarks; None where there is neither."""
    if observation.box is not None:
        width, height = observation.box[2:] - observation.box[:2]
    elif observation.landmarks is not None:
        width, height = np.ptp(observation.landmarks.points, axis=0)
    else:
        return None
    return math.sqrt(max(float(width * height), 0.0))


def chip_detail(chip: FloatArray) -> float:
    """Root-mean-square of the fine detail of a chip, at unit contrast.

    Small faces carry less detail in a chip of fixed size, which is what counts here.
    """
    band = gaussian(chip, 1.0) - gaussian(chip, 2.5)
    return float(band.std() / max(float(chip.std()), 0.02))


def typicality(chips: Sequence[FloatArray]) -> list[float]:
    """How much each chip looks like the others, [0, 1]: the median of its correlations with them.

    A frame in which a hand covers the mouth looks like none of the others. Two frames cannot outvote each other.
    """
    if len(chips) < 3:
        return [1.0] * len(chips)
    soft = np.stack([gaussian(chip, 2.0).ravel() for chip in chips])
    soft = soft - soft.mean(axis=1, keepdims=True)
    soft = soft / np.maximum(np.linalg.norm(soft, axis=1, keepdims=True), 1e-6)
    alike = soft @ soft.T
    others = ~np.eye(len(chips), dtype=bool)
    return [float(np.clip(np.median(row[keep]), 0, 1)) for row, keep in zip(alike, others, strict=True)]


def errors_told(noises: Sequence[NoiseModel]) -> list[float]:
    """Error of each frame, :attr:`~mfrec.camera.noise.NoiseModel.sigma`; frames whose error was estimated share one.

    An estimate would prefer a blurred frame, which looks little coded. Their median stands beside what files tell.
    """
    estimates = [noise.sigma for noise in noises if noise.estimated]
    return [float(np.median(estimates)) if noise.estimated else noise.sigma for noise in noises]


def score_references(observations: Sequence[Observation]) -> list[ReferenceScore]:
    """Score every frame as a reference, relative to the others of its track."""
    looked_at = list(side_by_side(lambda o: (noise_of(o.frame), face_chip(o)), observations))
    noise = errors_told([known for known, _ in looked_at])
    chips = [chip for _, chip in looked_at]
    detail = [chip_detail(chip) for chip in chips]
    alike = typicality(chips)
    opening = [eye_opening(o.landmarks) if o.landmarks is not None else 0.0 for o in observations]
    # A codec's blocks are detail too; the cleanliness below takes back what they earn here.
    best_detail, best_opening = max(1e-9, *detail), max(1e-9, *opening)
    best_alike = max(1e-9, *alike)
    sides = [face_side(o) for o in observations]
    largest = max(1e-9, *(side for side in sides if side is not None), 1e-9)
    scores = []
    measured = zip(observations, noise, detail, opening, alike, sides, strict=True)
    for observation, sigma, fine, open_, like, side in measured:
        found = observation.landmarks is not None
        pose = pose_of(observation.landmarks)
        mouth = mouth_opening(observation.landmarks) if observation.landmarks is not None else 0.0
        scores.append(
            ReferenceScore(
                frontal=0.5 if pose is None else frontality(pose),
                sharp=min(1.0, fine / (ENOUGH_DETAIL * best_detail)),
                open_eyes=min(1.0, open_ / (ENOUGH_OPENING * best_opening)) if found else 0.5,
                clean=min(noise) / sigma,
                detected=max(observation.score, 0.3) if found else 0.1,
                typical=like / best_alike,
                neutral=neutrality(mouth) if found else 0.5,
                yaw=None if pose is None else pose.yaw,
                pitch=None if pose is None else pose.pitch,
                roll=None if pose is None else pose.roll,
                eyes=open_ if found else None,
                mouth=mouth if found else None,
                size=1.0 if side is None else min(1.0, side / (ENOUGH_SIZE * largest)),
            )
        )
    return scores


def choose_reference(
    observations: Sequence[Observation], wanted: str | int = "auto"
) -> tuple[int, str, list[ReferenceScore]]:
    """Position of the reference in ``observations``, one sentence that says why, and the scores of all frames.

    Args:
        observations: the frames in use, at least one.
        wanted: ``"auto"``, a frame's index in the sequence, or its name.

    Raises:
        UsageError: the wanted frame is not in use.
    """
    scores = score_references(observations)
    if wanted != "auto":
        text = str(wanted)
        for position, observation in enumerate(observations):
            if observation.frame.name == text or str(observation.frame.index) == text:
                return position, "chosen by the user", scores
        names = ", ".join(f"{o.frame.index} ({o.frame.name})" for o in observations[:8])
        more = ", ..." if len(observations) > 8 else ""
        raise UsageError(f"reference frame '{text}' is not among the frames in use; they are {names}{more}")
    # What a decoder made up may look sharp: a damaged frame is the reference only where there is no other.
    whole = [i for i, observation in enumerate(observations) if not observation.frame.damaged]
    # Names break ties, so that the order in which the frames were listed does not matter.
    best = max(whole or range(len(scores)), key=lambda i: (round(scores[i].total, 6), observations[i].frame.name))
    of = f"{len(whole)} undamaged of {len(scores)}" if 0 < len(whole) < len(scores) else f"{len(scores)}"
    return best, f"best of {of} frames: {scores[best].text}", scores
