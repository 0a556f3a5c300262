"""Which frame the others are brought to: frontal, sharp, eyes open, little damaged by the codec.

The choice decides pose and expression of the result, so its numbers are part of the record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mfrec.colour import luma
from mfrec.errors import UsageError
from mfrec.filters import gaussian
from mfrec.geometry import similarity_map, warp
from mfrec.noise import noise_of
from mfrec.pose import eye_opening
from mfrec.types import FloatArray, Landmarks, Observation, Similarity

CHIP = 64
"""Side in pixels of the upright face chip on which sharpness is compared between frames."""

TYPICAL_POWER = 6
"""Correlations of faces lie close to one another, so their differences are raised to count beside the other parts."""

ENOUGH_DETAIL = 0.9
ENOUGH_OPENING = 0.8
"""Shares of the most detail and of the widest eye opening in a sequence from which on more of it decides nothing:
landmarks of small faces jitter by that much, and the edges of a hand are detail too."""


@dataclass(frozen=True)
class ReferenceScore:
    """What speaks for a frame as reference; each part in [0, 1], ``total`` is their product.

    Attributes:
        frontal: 1 when the nose lies midway between the two halves of the face, 0 in profile.
        sharp: energy of fine detail in the face, relative to the sharpest frame.
        open_eyes: eye opening relative to the widest in the sequence.
        clean: how little the codec has taken, relative to the best frame.
        detected: detector confidence; a frame without landmarks scores 0.1 here.
        typical: how much the face looks like that of the other frames, relative to the one that does most; low where
            something covers it.
    """

    frontal: float
    sharp: float
    open_eyes: float
    clean: float
    detected: float
    typical: float

    @property
    def total(self) -> float:
        return self.frontal * self.sharp * self.open_eyes * self.clean * self.detected * self.typical**TYPICAL_POWER


def frontality(landmarks: Landmarks) -> float:
    """1 for a frontal face, falling to 0 in profile, ``[0, 1]``.

    The nose tip divides the line between the outer eye corners; a head turned by ``a`` moves it towards one of them by
    about ``tan(a) * (nose depth / eye distance)``.
    """
    points = landmarks.points.astype(np.float64)
    left, right, tip = points[36], points[45], points[30]
    axis = right - left
    length = float(np.linalg.norm(axis))
    if length == 0:
        return 0.0
    place = float(np.dot(tip - left, axis)) / length**2
    return float(np.clip(1.0 - abs(place - 0.5) / 0.5, 0.0, 1.0))


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


def score_references(observations: Sequence[Observation]) -> list[ReferenceScore]:
    """Score every frame as a reference, relative to the others of its track."""
    noise = [noise_of(o.frame).sigma for o in observations]
    chips = [face_chip(o) for o in observations]
    detail = [chip_detail(chip) for chip in chips]
    alike = typicality(chips)
    opening = [eye_opening(o.landmarks) if o.landmarks is not None else 0.0 for o in observations]
    # A codec's blocks are detail too; the cleanliness below takes back what they earn here.
    best_detail, best_opening = max(1e-9, *detail), max(1e-9, *opening)
    best_alike = max(1e-9, *alike)
    scores = []
    for observation, sigma, fine, open_, like in zip(observations, noise, detail, opening, alike, strict=True):
        found = observation.landmarks is not None
        scores.append(
            ReferenceScore(
                frontal=frontality(observation.landmarks) if observation.landmarks is not None else 0.5,
                sharp=min(1.0, fine / (ENOUGH_DETAIL * best_detail)),
                open_eyes=min(1.0, open_ / (ENOUGH_OPENING * best_opening)) if found else 0.5,
                clean=min(noise) / sigma,
                detected=max(observation.score, 0.3) if found else 0.1,
                typical=like / best_alike,
            )
        )
    return scores


def choose_reference(observations: Sequence[Observation], wanted: str | int = "auto") -> tuple[int, str]:
    """Position of the reference in ``observations`` and one sentence that says why.

    Args:
        observations: the frames in use, at least one.
        wanted: ``"auto"``, a frame's index in the sequence, or its name.

    Raises:
        UsageError: the wanted frame is not in use.
    """
    if wanted != "auto":
        text = str(wanted)
        for position, observation in enumerate(observations):
            if observation.frame.name == text or str(observation.frame.index) == text:
                return position, "chosen by the user"
        names = ", ".join(f"{o.frame.index} ({o.frame.name})" for o in observations[:8])
        more = ", ..." if len(observations) > 8 else ""
        raise UsageError(f"reference frame '{text}' is not among the frames in use; they are {names}{more}")
    scores = score_references(observations)
    # Names break ties, so that the order in which the frames were listed does not matter.
    best = max(range(len(scores)), key=lambda i: (round(scores[i].total, 6), observations[i].frame.name))
    s = scores[best]
    why = (
        f"best of {len(scores)} frames: score {s.total:.2f} = frontal {s.frontal:.2f} x sharp {s.sharp:.2f} x "
        f"open eyes {s.open_eyes:.2f} x clean {s.clean:.2f} x detected {s.detected:.2f} x "
        f"typical {s.typical:.2f}^{TYPICAL_POWER}"
    )
    return best, why
