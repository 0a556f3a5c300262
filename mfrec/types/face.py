"""What is known of a face in one frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mfrec.types.arrays import FloatArray, freeze
from mfrec.types.region import Region


@dataclass(frozen=True, eq=False)
class Landmarks:
    """68 points (300-W scheme) in pixels of the frame they were found in.

    Attributes:
        points: ``[68, 2]`` float32, ``(x, y)``.
        source: which detector found them (``"dlib"``, ``"fan"``).
    """

    points: FloatArray
    source: str = "dlib"

    def __post_init__(self) -> None:
        freeze(self, "points")
        if self.points.shape != (68, 2):
            raise ValueError(f"landmarks are [68, 2], not {self.points.shape}")

    @property
    def left_eye(self) -> FloatArray:
        """Centre of the eye on the left of the picture, ``[2]``."""
        return self.points[36:42].mean(axis=0)

    @property
    def right_eye(self) -> FloatArray:
        """Centre of the eye on the right of the picture, ``[2]``."""
        return self.points[42:48].mean(axis=0)

    @property
    def interocular(self) -> float:
        """Distance between the eye centres in pixels, the unit of landmark errors."""
        return float(np.linalg.norm(self.right_eye - self.left_eye))


@dataclass(frozen=True, eq=False)
class RegionMasks:
    """Which region every pixel of a frame belongs to.

    Attributes:
        labels: ``[H, W]`` uint8, ids of :class:`~mfrec.face.regions.Region`.
        confidence: ``[H, W]`` float32 in [0, 1].
        source: ``"landmarks"``, the name of the parser's card, or ``"unknown"``.
        why: why it is that source where another was asked for, or what in it contradicts the landmarks; may be empty.
    """

    labels: NDArray[np.uint8]
    confidence: FloatArray
    source: str = "landmarks"
    why: str = ""

    def __post_init__(self) -> None:
        freeze(self, "labels", np.uint8)
        freeze(self, "confidence")

    def mask(self, *regions: Region) -> NDArray[np.bool_]:
        """``[H, W]`` bool: where any of the regions is."""
        return np.isin(self.labels, [int(region) for region in regions])


TYPICAL_POWER = 6
"""Correlations of faces lie close to one another, so their differences are raised to count beside the other parts of
:class:`ReferenceScore`."""


@dataclass(frozen=True)
class ReferenceScore:
    """What speaks for a frame as reference; each part in [0, 1], ``total`` is their product.

    Attributes:
        frontal: 1 when the head looks into the camera, 0 in profile.
        sharp: energy of fine detail in the face, relative to the sharpest frame.
        open_eyes: eye opening relative to the widest in the sequence.
        clean: how little the codec has taken, relative to the best frame.
        detected: detector confidence; a frame without landmarks scores 0.1 here.
        typical: how much the face looks like that of the other frames, relative to the one that does most; low where
            something covers it.
        neutral: 1 for a mouth at rest, 0.5 for one that is wide open.
        size: pixels of the face along a side relative to the largest one's.
        yaw, pitch, roll: of the head in degrees, see :mod:`mfrec.face.pose`; None without landmarks.
        eyes, mouth: their aspect ratios; None without landmarks.
    """

    frontal: float
    sharp: float
    open_eyes: float
    clean: float
    detected: float
    typical: float
    neutral: float
    yaw: float | None
    pitch: float | None
    roll: float | None
    eyes: float | None
    mouth: float | None
    size: float = 1.0

    @property
    def total(self) -> float:
        likely = self.clean * self.detected * self.typical**TYPICAL_POWER
        return self.frontal * self.sharp * self.open_eyes * self.neutral * self.size * likely

    @property
    def text(self) -> str:
        """The product with its parts."""
        return (
            f"score {self.total:.2f} = frontal {self.frontal:.2f} x sharp {self.sharp:.2f} x "
            f"open eyes {self.open_eyes:.2f} x neutral {self.neutral:.2f} x size {self.size:.2f} x "
            f"clean {self.clean:.2f} x detected {self.detected:.2f} x typical {self.typical:.2f}^{TYPICAL_POWER}"
        )


@dataclass(frozen=True)
class Quality:
    """What was measured of one region of one frame; ``score`` in [0, 1] orders sources, 1 is best.

    Attributes:
        score: the verdict, comparable between frames and tracks: it stands for an expected error, see
            :func:`mfrec.face.region_error.error_of`.
        sharpness: fine detail relative to the best frame's same region, 0..1.
        content: what its 8 x 8 blocks still hold beside the best frame's, 0..1.
        blockiness: strength of the 8 x 8 grid beyond that of ordinary edges, 0 is none.
        noise: standard deviation of the noise, in [0, 1] grey levels.
        exposure: share of the region that is neither crushed nor clipped, 0..1.
        residual: root-mean-square difference to the median of the registered frames after a blur of two reference
            pixels or more, as it fits best, in [0, 1] grey levels: large where something covers the face or the
            registration went astray.
        pose_gap: degrees between the direction of the head and the reference's; None where one is unknown.
        area: share of the picture's pixels that the reference's region has, the same for all frames.
        refused: why the region may not be taken from this frame; empty where it may.
    """

    score: float
    sharpness: float
    content: float
    blockiness: float
    noise: float
    exposure: float
    residual: float
    pose_gap: float | None
    area: float
    refused: str = ""


@dataclass(frozen=True, eq=False)
class Subject:
    """A person who was seen in the sequence, for the report's numbered picture.

    Attributes:
        number: what ``--subject`` takes, from 1; 1 is the person followed by default.
        boxes: frame index to face box ``[4]`` in pixels of that frame as it was read.
        chosen: whether this is the person that was followed.
    """

    number: int
    boxes: Mapping[int, FloatArray]
    chosen: bool


@dataclass(frozen=True, eq=False)
class Wanted:
    """Whom the caller pointed at; a place or a face, never both.

    Attributes:
        told: the option as it was given, for messages.
        index: of the frame that ``box`` lies in; -1 without one.
        box: ``(x0, y0, x1, y1)`` in pixels of that frame once it is upright.
        embedding: ``[128]``, of the face in a photograph, see :func:`mfrec.face.identity_gate.steady_embeddings`.
    """

    told: str
    index: int = -1
    box: FloatArray | None = None
    embedding: FloatArray | None = None

    def __post_init__(self) -> None:
        freeze(self, "box")
        freeze(self, "embedding")


@dataclass(frozen=True, eq=False)
class Overview:
    """A frame in which people are numbered.

    Attributes:
        index, name: of the frame.
        image: ``[H, W, 3]`` float32 RGB in [0, 1], no larger than one looks at.
        boxes: number of each person who is seen in it to the face box ``[4]`` in pixels of ``image``.
    """

    index: int
    name: str
    image: FloatArray
    boxes: Mapping[int, FloatArray]

    def __post_init__(self) -> None:
        freeze(self, "image")
