"""The values that travel between stages.

Conventions, the same everywhere in mfrec:

* an image is float32 RGB in [0, 1], shape ``[H, W, 3]``; a map is float32 ``[H, W]``;
* a point is ``(x, y)`` in pixels, pixel centres lie at integers, the origin is the centre of the
  top-left pixel, so a picture of width ``W`` covers ``x`` in ``[-0.5, W - 0.5]``;
* every value is immutable: dataclasses are frozen and arrays are made read-only on entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mfrec.face.regions import Region

FloatArray = NDArray[np.float32]


def frozen_array(array: Any, dtype: Any = np.float32) -> NDArray[Any]:
    """A C-contiguous, read-only array of ``dtype``; copied unless it already is one."""
    if (
        isinstance(array, np.ndarray)
        and array.dtype == dtype
        and not array.flags.writeable
        and array.flags.c_contiguous
    ):
        return array
    out = np.array(array, dtype=dtype, order="C", copy=True)
    out.setflags(write=False)
    return out


def _freeze(value: Any, name: str, dtype: Any = np.float32) -> None:
    array = getattr(value, name)
    if array is not None:
        object.__setattr__(value, name, frozen_array(array, dtype))


@dataclass(frozen=True, eq=False)
class JpegTables:
    """How a JPEG file rounded its numbers: what the decoder knows about the error of each coefficient.

    Attributes:
        luma, chroma: quantisation steps ``[8, 8]`` in units of 1/255, row = vertical frequency.
        subsampling: horizontal and vertical chroma subsampling, ``(2, 2)`` for 4:2:0.
        phase: ``(x, y)`` of the top-left corner of a block, in pixels of the picture, 0..7
            (non-zero after a crop).
    """

    luma: FloatArray
    chroma: FloatArray
    subsampling: tuple[int, int] = (2, 2)
    phase: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        _freeze(self, "luma")
        _freeze(self, "chroma")


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture as it was read, and where it came from.

    Attributes:
        image: ``[H, W, 3]`` float32 RGB in [0, 1].
        index: position in the sequence as it was given, from 0.
        name: file name, ``clip.mp4#12`` for frame 12 of a video, or ``array 3``.
        path: the file; None for an array.
        sha256, md5: hex digests of the file's bytes (for a video, of the whole file; for an array, of
            its bytes).
        time: seconds from the start of the video, None where unknown.
        jpeg: the quantisation tables where the file was a JPEG, else None.
        key: whether the codec coded this frame by itself (intra); None where that has no meaning.
        quantiser: mean H.264 quantisation parameter (QP, 0 to 51) over the frame's macroblocks; None where unknown.
        notes: what was done on reading ("EXIF orientation 6 applied", "limited range expanded").
    """

    image: FloatArray
    index: int
    name: str
    path: Path | None = None
    sha256: str = ""
    md5: str = ""
    time: float | None = None
    jpeg: JpegTables | None = None
    key: bool | None = None
    quantiser: float | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _freeze(self, "image")
        if self.image.ndim != 3 or self.image.shape[2] != 3:
            raise ValueError(f"a frame's image is [H, W, 3], not {self.image.shape}")


@dataclass(frozen=True)
class Dropped:
    """A frame, file or observation that is not used, and why. Nothing is left out without one.

    Attributes:
        name: of the file or frame.
        reason: one sentence with the numbers.
        index: position in the sequence, None for a file that could not be read.
        stage: which stage left it out.
        frame: the picture, where it could be read, so that the report can show what was left out.
    """

    name: str
    reason: str
    index: int | None = None
    stage: str = "read"
    frame: Frame | None = field(default=None, repr=False, compare=False)


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
        _freeze(self, "points")
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
class Similarity:
    """Rotation, uniform scale and translation: ``target = matrix[:, :2] @ source + matrix[:, 2]``.

    Attributes:
        matrix: ``[2, 3]`` float64.
    """

    matrix: NDArray[np.float64]

    def __post_init__(self) -> None:
        _freeze(self, "matrix", np.float64)
        if self.matrix.shape != (2, 3):
            raise ValueError(f"a similarity is a [2, 3] matrix, not {self.matrix.shape}")

    @classmethod
    def identity(cls) -> Similarity:
        return cls(np.eye(2, 3))

    @property
    def scale(self) -> float:
        """Length in the target of a unit length in the source."""
        return float(np.hypot(self.matrix[0, 0], self.matrix[1, 0]))

    @property
    def rotation(self) -> float:
        """Angle in degrees from the x axis towards the y axis (clockwise on the screen)."""
        return float(np.degrees(np.arctan2(self.matrix[1, 0], self.matrix[0, 0])))

    def apply(self, points: Any) -> NDArray[np.float64]:
        """Map points ``[..., 2]`` from source to target."""
        return np.asarray(points, np.float64) @ self.matrix[:, :2].T + self.matrix[:, 2]

    def inverse(self) -> Similarity:
        linear = np.asarray(np.linalg.inv(self.matrix[:, :2]), np.float64)
        return Similarity(np.column_stack([linear, -linear @ self.matrix[:, 2]]))

    def after(self, first: Similarity) -> Similarity:
        """The map that applies ``first`` and then this one."""
        linear = self.matrix[:, :2] @ first.matrix[:, :2]
        return Similarity(np.column_stack([linear, self.apply(first.matrix[:, 2])]))


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
        _freeze(self, "labels", np.uint8)
        _freeze(self, "confidence")

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

    @property
    def total(self) -> float:
        likely = self.clean * self.detected * self.typical**TYPICAL_POWER
        return self.frontal * self.sharp * self.open_eyes * self.neutral * likely

    @property
    def text(self) -> str:
        """The product with its parts."""
        return (
            f"score {self.total:.2f} = frontal {self.frontal:.2f} x sharp {self.sharp:.2f} x "
            f"open eyes {self.open_eyes:.2f} x neutral {self.neutral:.2f} x clean {self.clean:.2f} x "
            f"detected {self.detected:.2f} x typical {self.typical:.2f}^{TYPICAL_POWER}"
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
        area: share of the frame's pixels that belong to the region.
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


@dataclass(frozen=True)
class Canvas:
    """The grid of the output: a rectangle of the reference frame, ``scale`` times enlarged.

    Canvas pixel ``X`` lies at ``x = x0 + (X + 0.5) / scale - 0.5`` of the reference frame.

    Attributes:
        x0, y0: first column and row of the reference frame that the canvas covers.
        width, height: size of that rectangle in reference pixels.
        scale: super-resolution factor, a whole number.
    """

    x0: int
    y0: int
    width: int
    height: int
    scale: int

    @property
    def shape(self) -> tuple[int, int]:
        """``(H, W)`` of the output in pixels."""
        return self.height * self.scale, self.width * self.scale

    @property
    def from_reference(self) -> Similarity:
        """Reference-frame pixels to canvas pixels."""
        s = float(self.scale)
        return Similarity(np.array([[s, 0, (0.5 - self.x0) * s - 0.5], [0, s, (0.5 - self.y0) * s - 0.5]]))

    def into_frame(self, to_reference: Similarity) -> Similarity:
        """Canvas pixels to pixels of the frame whose pixels ``to_reference`` takes to the reference's."""
        return to_reference.inverse().after(self.from_reference.inverse())


@dataclass(frozen=True)
class FlowSettings:
    """Parameters of the dense flow; lengths in samples of the flow grid (half reference pixels).

    Attributes:
        patch, stride: side of the patches that are matched, and how far apart they lie.
        iterations: of the search in each patch.
        refinement, smoothness: iterations of the variational refinement, and the weight of its smoothness term.
        presmooth: standard deviation of the blur that both pictures get first.
    """

    patch: int = 12
    stride: int = 4
    iterations: int = 25
    refinement: int = 5
    smoothness: float = 40.0
    presmooth: float = 0.75


@dataclass(frozen=True, eq=False)
class Registration:
    """Where every pixel of the canvas lies in a frame, and the other way round.

    Attributes:
        look_up: ``[H, W, 2]`` float32: for each canvas pixel, its ``(x, y)`` in the frame
            (backward map: ``geometry.warp(frame.image, look_up)`` brings the frame onto the canvas).
        landing: ``[h, w, 2]`` float32: for each pixel of the frame's window, its ``(x, y)`` on the canvas.
        trust: ``[H, W]`` float32 in [0, 1]: 0 outside the frame, low where the flows forward and backward do not
            undo each other. Whether a frame shows the same thing as the others there is for the fusion to judge.
        gain, offset: ``[3]`` float32 each: ``gain * frame + offset`` has the reference's light.
        residual: root-mean-square difference, in [0, 1] grey levels, to the picture that the frame was registered onto
            (the reference, later the estimate), over all canvas pixels that the frame can see.
        displacement: mean length of the dense correction beyond the similarity, in frame pixels.
        closure: median forward-backward error in frame pixels.
        window: ``(x0, y0)``, the frame pixel that ``landing[0, 0]`` speaks of; the window is the part of the
            frame that the canvas can see, so a small face in a large frame costs little.
    """

    look_up: FloatArray
    landing: FloatArray
    trust: FloatArray
    gain: FloatArray
    offset: FloatArray
    residual: float
    displacement: float
    closure: float
    window: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        for name in ("look_up", "landing", "trust", "gain", "offset"):
            _freeze(self, name)

    @property
    def spacing(self) -> float:
        """How many canvas pixels lie between neighbouring pixels of the frame: the median over its window."""
        if min(self.landing.shape[:2]) < 2:
            return 1.0
        right = np.linalg.norm(np.diff(self.landing, axis=1), axis=-1)
        down = np.linalg.norm(np.diff(self.landing, axis=0), axis=-1)
        return max(float(np.sqrt(np.median(right) * np.median(down))), 1e-3)


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
        _freeze(self, "image")
        _freeze(self, "sigma")

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
            _freeze(self, name)


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
        _freeze(self, "box")
        _freeze(self, "embedding")


@dataclass(frozen=True, eq=False)
class Subject:
    """A person who was seen in the sequence, for the report's numbered picture.

    Attributes:
        number: what ``--subject`` takes, from 1; 1 is the person followed by default.
        boxes: frame index to face box ``[4]`` in that frame's pixels.
        chosen: whether this is the person that was followed.
    """

    number: int
    boxes: Mapping[int, FloatArray]
    chosen: bool


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
            _freeze(self, name)


@dataclass(frozen=True, eq=False)
class FaceTrack:
    """One person through the sequence: what every stage takes and returns.

    Attributes:
        observations: the frames in use, in the order of their index.
        dropped: what is not in use, with reasons.
        subjects: everybody who was seen.
        reference: position in ``observations`` of the reference frame, None before it is chosen.
        reference_why: one sentence with the numbers that chose it.
        canvas: the output grid, None before alignment.
        flow: settings of the dense registration, for stages that register once more.
        sources: region to positions in ``observations``, best source first.
        fused: the result so far, None before fusion.
        warnings: sentences for the reader of the report.
    """

    observations: tuple[Observation, ...]
    dropped: tuple[Dropped, ...] = ()
    subjects: tuple[Subject, ...] = ()
    reference: int | None = None
    reference_why: str = ""
    canvas: Canvas | None = None
    flow: FlowSettings = FlowSettings()
    sources: Mapping[Region, tuple[int, ...]] = field(default_factory=dict)
    fused: Fused | None = None
    warnings: tuple[str, ...] = ()


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
            _freeze(self, name)
