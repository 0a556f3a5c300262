"""The schema of ``run.json``: which keys the record of a run has, and what each may hold.

It says what readers may rely on. Keys that it does not name are kept and not looked at, so that a later version of
mfrec can add some under the same number. A measurement that had no finite value is null.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from mfrec.provenance.about import About

SCHEMA = 1

Count = Annotated[int, Meta(ge=0, le=2**31)]

PlainName = Annotated[str, Meta(pattern=r"\A[_A-Za-z0-9-][A-Za-z0-9._-]*\Z", max_length=120)]
"""The name of a file in the record's own folder: no separator, nothing that leads elsewhere."""

Sha256 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]

Md5 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")]


class RecipeRecord(Struct):
    """A chain of stages; each stage with its parameters and its ``name``."""

    name: str
    stamp: str
    stages: list[dict[str, Any]]


class Step(Struct):
    """What ran, for how many seconds."""

    stage: str
    parameters: dict[str, Any]
    seconds: float
    method: str = ""
    literature: list[str] = []


class Evidence(Struct):
    """How the picture of the evidence recipe was made."""

    recipe: RecipeRecord
    steps: list[Step]
    same_as_result: bool = False


class Arguments(Struct):
    """Those of the call."""

    frames: list[str] = []
    recipe: str = ""
    settings: list[str] = []
    reference: str | int = "auto"
    scale: int | Literal["auto"] = 4
    crop: str = "auto"
    subject: str | int = "auto"
    turn: str | int = "auto"
    start: float | None = None
    end: float | None = None
    every: int = 1
    deinterlace: bool = False
    most: str | int = "auto"
    box: str | None = None
    like: str | None = None
    without: str = ""
    levels: bool = False
    source: list[str] = []
    mask: list[str] = []
    device: str = "auto"
    seed: Annotated[int, Meta(ge=0)] = 0


class Input(Struct):
    """A frame as it was read; ``size`` is ``[width, height]`` in pixels, ``time`` in seconds."""

    index: Count
    name: str
    sha256: str
    path: str | None = None
    md5: str = ""
    time: float | None = None
    size: tuple[Count, Count] = (0, 0)
    notes: list[str] = []


class AsReference(Struct):
    """What speaks for a frame as reference."""

    total: float
    sharp: float
    yaw: float | None = None
    pitch: float | None = None
    roll: float | None = None
    eyes: float | None = None
    mouth: float | None = None


class FrameRegions(Struct):
    """Where the regions of a frame are from."""

    source: str
    why: str = ""


class Used(Struct):
    """A frame of the result: ``part`` is ``[x0, y0, width, height]`` of what was used of it, in pixels of the frame;
    ``share`` is that of the result's pixels, ``residual`` and ``consistency`` are in [0, 1] grey levels."""

    index: Count
    name: str
    part: tuple[int, int, Count, Count] | None = None
    residual: float | None = None
    consistency: float | None = None
    share: float | None = None
    interocular: float | None = None
    regions: FrameRegions | None = None
    as_reference: AsReference | None = None
    noise: str = ""


class Dropped(Struct):
    """What was left out; ``index`` is null for what was no frame."""

    index: Count | None
    name: str
    reason: str
    stage: str


class Reference(Struct):
    """The reference frame."""

    index: Count
    name: str
    why: str


class Person(Struct):
    """Somebody whom the frames show; ``box`` is what ``--box`` takes to follow them."""

    number: Count
    chosen: bool
    frames: list[Count]
    box: str = ""


class GivenFile(Struct):
    """A file besides the frames that decided about the result, and the option that named it."""

    option: str
    path: str
    sha256: Sha256


class CanvasRecord(Struct):
    """The rectangle of the reference frame that the result shows."""

    x0: int
    y0: int
    width: Count
    height: Count
    scale: Count


class Source(Struct):
    """A frame that shows a region."""

    index: Count
    score: float


class Refused(Struct):
    """A region that may not be taken from a frame."""

    region: str
    index: Count
    why: str


class Identity(Struct):
    """How like the result is to its frames, in words."""

    text: str


class LeftOutFrame(Struct):
    """A frame that was left out and predicted by the others; ``ratio`` in units of what its codec's noise explains."""

    index: Count
    name: str
    ratio: float


class LeftOut(Struct):
    """All frames that were left out in turn, with the ratio over all, null where there is none."""

    text: str
    ratio: float | None = None
    frames: list[LeftOutFrame] = []


class Coverage(Struct):
    """How many times the stated uncertainty holds a share of the pixels; ``factor`` is null where that is not known."""

    kind: str
    share: float
    text: str
    factor: float | None = None


class ModelFile(Struct):
    """A file of weights: by its hash, or by its size and the package that it is from."""

    name: str
    sha256: str = ""
    bytes: Count = 0
    package: str = ""


class Digests(Struct):
    """Of a file."""

    sha256: Sha256
    md5: Md5


class ByHandRecord(Struct):
    """A region that the caller decided about: ``index`` of the frame that gives it, whether a mask was drawn, and the
    share of the source in the region; null where that was left to the stages."""

    region: str
    index: Count | None = None
    drawn: bool = False
    share: float | None = None


class LevelsRecord(Struct):
    """The grey levels, in [0, 1], that became black and white in ``levels.png``."""

    low: float
    high: float


class FlickerRecord(Struct):
    """Change between registered successive frames in units of the source's, null where none were compared."""

    text: str
    ratio: float | None = None
    detail: float | None = None
    pairs: Count = 0


class UpscaledRecord(Struct):
    """What ``mfrec upscale`` made: of pictures or of a video, how many, by which method and whose weights."""

    kind: str
    frames: Count
    method: str
    scale: Count
    asked: dict[str, Any]
    weights: dict[str, str] = {}
    sound: str = ""
    coding: str = ""
    face: str = ""
    flicker: FlickerRecord | None = None


class Record(Struct):
    """The whole of ``run.json``; ``case`` is what the run was made for."""

    schema: int
    mfrec: str
    created: str
    command: str
    recipe: RecipeRecord
    steps: list[Step]
    arguments: Arguments
    versions: dict[str, str]
    machine: dict[str, str | int | None]
    inputs: list[Input]
    used: list[Used]
    dropped: list[Dropped]
    subjects: list[Person]
    regions: dict[str, list[Source]]
    warnings: list[str]
    given: list[GivenFile] = []
    models: list[ModelFile] = []
    refused: list[Refused] = []
    reference: Reference | None = None
    canvas: CanvasRecord | None = None
    device: str = "cpu"
    seed: int = 0
    evidence: Evidence | None = None
    identity: Identity | None = None
    by_hand: list[ByHandRecord] = []
    left_out_frame: LeftOut | None = None
    coverage: Coverage | None = None
    levels: LevelsRecord | None = None
    upscaled: UpscaledRecord | None = None
    outputs: dict[PlainName, Digests] = {}
    case: About | None = None
    seal: str = ""
