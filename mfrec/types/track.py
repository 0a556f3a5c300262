"""What a chain of stages hands on, and what it ends in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mfrec.types.arrays import FloatArray, freeze
from mfrec.types.face import Landmarks, Overview, Quality, ReferenceScore, RegionMasks, Subject, Wanted
from mfrec.types.frame import Dropped, Frame
from mfrec.types.geometry import Canvas, Similarity
from mfrec.types.imagined import Imagined
from mfrec.types.region import Region
from mfrec.types.registration import FlowSettings, Registration


@dataclass(frozen=True, eq=False)
class Cleaned:
    """A part of a frame after artifact removal and enlargement by a network.

    Attributes:
        image: ``[H, W, 3]`` float32 RGB in [0, 1], ``scale`` times the pixels of the part.
        sigma: ``[H, W]`` float32: expected standard deviation of a colour value, in [0, 1] grey levels.
        window: ``(x0, y0)``, the frame pixel of its top-left corner.
        scale: enlargement.
    """

    image: FloatArray
    sigma: FloatArray
    window: tuple[int, int]
    scale: int

    def __post_init__(self) -> None:
        freeze(self, "image")
        freeze(self, "sigma")

    @property
    def from_frame(self) -> Similarity:
        """Frame pixels to pixels of ``image``."""
        s, (x0, y0) = float(self.scale), self.window
        return Similarity(np.array([[s, 0, (0.5 - x0) * s - 0.5], [0, s, (0.5 - y0) * s - 0.5]]))


@dataclass(frozen=True, eq=False)
class Reposed:
    """A face brought into the pose of another picture.

    Attributes:
        image: ``[H, W, 3]`` float32 RGB in [0, 1] on the target's grid; the target itself where nothing was carried.
        validity: ``[H, W]`` float32 in [0, 1]: how well the source is known to show what is seen there, 0 where it does
            not.
        look_up: ``[H, W, 2]`` float32: for each pixel of the target its ``(x, y)`` in the source; meaningful where
            ``validity`` is above 0.
    """

    image: FloatArray
    validity: FloatArray
    look_up: FloatArray

    def __post_init__(self) -> None:
        for name in ("image", "validity", "look_up"):
            freeze(self, name)


@dataclass(frozen=True, eq=False)
class Observation:
    """One frame of the followed person, with what the stages have found out about it so far.

    Attributes:
        frame: the picture as read.
        box: face ``(x0, y0, x1, y1)`` in frame pixels; None when the detector missed the face and the
            frame was kept because it registers (tight crops).
        score: detector confidence in [0, 1]; 0 where ``box`` is None.
        landmarks: in frame pixels.
        embedding: ``[128]`` identity embedding, None where no landmarks were found.
        similarity: frame pixels to reference pixels.
        registration: dense registration onto the canvas.
        regions: masks on this frame's own grid.
        quality: region to what was measured there.
        cleaned: the part that the canvas can see, without its artifacts; None where no network has cleaned it.
        reposed: feature to what was decided about bringing it into the reference's pose; empty where the frame keeps
            its plain registration.
        as_reference: what speaks for the frame as reference, None before that is chosen.
    """

    frame: Frame
    box: FloatArray | None = None
    score: float = 0.0
    landmarks: Landmarks | None = None
    embedding: FloatArray | None = None
    similarity: Similarity | None = None
    registration: Registration | None = None
    regions: RegionMasks | None = None
    quality: Mapping[Region, Quality] = field(default_factory=dict)
    cleaned: Cleaned | None = None
    reposed: Mapping[str, str] = field(default_factory=dict)
    as_reference: ReferenceScore | None = None

    def __post_init__(self) -> None:
        freeze(self, "box")
        freeze(self, "embedding")


@dataclass(frozen=True, eq=False)
class Fused:
    """A picture made of many, and who gave each pixel.

    Attributes:
        image: ``[H, W, 3]`` float32 RGB in [0, 1].
        weight: ``[N, H, W]`` float32, the share that frame ``n`` has in each pixel; sums to 1 over
            ``n`` where the pixel was seen and to 0 where no frame saw it.
        observed: ``[H, W]`` float32: 1 where the frames measured the pixel, 0 where a prior made it up.
        uncertainty: ``[H, W]`` float32: expected standard deviation of the pixel in [0, 1] grey levels.
        consistency: ``[N]`` float32: root-mean-square difference between each frame and the result
            degraded the way the camera is said to have done it, in [0, 1] grey levels.
        method: name of the fusion.
    """

    image: FloatArray
    weight: FloatArray
    observed: FloatArray
    uncertainty: FloatArray
    consistency: FloatArray
    method: str

    def __post_init__(self) -> None:
        for name in ("image", "weight", "observed", "uncertainty", "consistency"):
            freeze(self, name)


@dataclass(frozen=True, eq=False)
class ByHand:
    """What the caller decided about one region.

    Attributes:
        name: as it was named: a feature (``"eyes"``) or a region (``"l_eye"``).
        regions: that it means.
        index: of the frame that gives it; None where that is left to the ranking.
        mask: ``[h, w]`` bool, where it is, on the grid of the reference frame or of the picture; None where that is
            left to the parsing.
        told: the options as they were given, for messages.
    """

    name: str
    regions: tuple[Region, ...]
    index: int | None = None
    mask: NDArray[np.bool_] | None = None
    told: str = ""

    def __post_init__(self) -> None:
        freeze(self, "mask", np.bool_)


@dataclass(frozen=True, eq=False)
class FaceTrack:
    """One person through the sequence: what every stage takes and returns.

    Attributes:
        observations: the frames in use, in the order of their index.
        dropped: what is not in use, with reasons.
        subjects: everybody who was seen.
        overview: a frame that shows most of them; None before they are looked for.
        reference: position in ``observations`` of the reference frame, None before it is chosen.
        reference_why: one sentence with the numbers that chose it.
        canvas: the output grid, None before alignment.
        flow: settings of the dense registration, for stages that register once more.
        sources: region to positions in ``observations``, best source first.
        fused: the result so far, None before fusion.
        warnings: sentences for the reader of the report.
        wanted: whom the caller pointed at, None where that was left to the tracking or to a number.
        by_hand: what the caller decided about single regions.
        imagined: what a generator drew, None in every run that is not stamped NOT EVIDENCE.
    """

    observations: tuple[Observation, ...]
    dropped: tuple[Dropped, ...] = ()
    subjects: tuple[Subject, ...] = ()
    overview: Overview | None = None
    reference: int | None = None
    reference_why: str = ""
    canvas: Canvas | None = None
    flow: FlowSettings = field(default_factory=FlowSettings)
    sources: Mapping[Region, tuple[int, ...]] = field(default_factory=dict)
    fused: Fused | None = None
    warnings: tuple[str, ...] = ()
    wanted: Wanted | None = None
    by_hand: tuple[ByHand, ...] = ()
    imagined: Imagined | None = None


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """What :func:`mfrec.reconstruct` returns. ``image`` is the result, the rest says why to believe it.

    Attributes:
        image: ``[H, W, 3]`` float32 RGB in [0, 1], the recipe's result.
        evidence: the same grid, from the ``evidence`` recipe (identical to ``image`` under that recipe).
        reference: the same grid, the reference frame enlarged by bicubic interpolation.
        weight, observed, uncertainty, consistency: see :class:`Fused`; they describe ``image``.
        track: the full state after the last stage, every registration and mask included.
        stamp: ``"ENHANCED"``, ``"RESTORED"`` or ``"NOT EVIDENCE"``.
        record: what ``run.json`` holds: inputs with hashes, versions, steps with resolved parameters.
    """

    image: FloatArray
    evidence: FloatArray
    reference: FloatArray
    weight: FloatArray
    observed: FloatArray
    uncertainty: FloatArray
    consistency: FloatArray
    track: FaceTrack
    stamp: str
    record: Mapping[str, Any]

    def __post_init__(self) -> None:
        for name in ("image", "evidence", "reference", "weight", "observed", "uncertainty", "consistency"):
            freeze(self, name)
