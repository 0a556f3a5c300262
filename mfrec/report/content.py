"""What the report says, independent of whether it becomes a web page or a PDF.

:func:`gather` turns a :class:`~mfrec.types.Reconstruction` into plain rows and pictures. Nothing is computed
here that the reconstruction does not already know; numbers become text in one place only.
"""

from __future__ import annotations

import json
import shlex
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mfrec.face.region_error import error_of
from mfrec.imageio import to_uint8
from mfrec.provenance.leading import leading_share, leading_words
from mfrec.provenance.left_out import count_others, is_other, one_reason, together, up_to
from mfrec.provenance.summary import reference_line
from mfrec.provenance.surroundings import model_text
from mfrec.report import pictures
from mfrec.report.answers import Answers, answers
from mfrec.report.codec import codec_picture, codec_words
from mfrec.report.pictures import GREY_LEVELS, Comparison, Rgb
from mfrec.types import Dropped, FloatArray, Frame, Observation, Reconstruction, ReferenceScore, Region

IDENTITY = (
    "Whether this is a particular person is decided on the original frames. Those in use are attached to this report, "
    "large ones as the part that is said beside them. The computed picture is a guide to them, not a substitute."
)
"""The sentence that every report carries."""

STAMPS = {
    "ENHANCED": (
        "Computed from the frames listed here. No trained network took part in making a pixel; networks found the "
        "face, its landmarks and its regions. Every step and parameter is stated below."
    ),
    "RESTORED": (
        "Computed from the frames listed here with networks that learnt from pictures of other people how to undo "
        "compression and blur. They were trained to be right on average, never to look sharp, and the frames bound "
        "what they say; still, fine detail is partly what faces usually look like. Meant for leads and comparison; the "
        "evidence picture beside it does without them."
    ),
    "NOT EVIDENCE": (
        "Parts of this picture were imagined by a generative model. It illustrates; it shows nothing that may be "
        "relied on."
    ),
}
"""What a label means, for a reader who has never seen one."""

MEASURED = (
    "share that the frames' data have in the balance with the prior (smoothness, or what a network expects), at the "
    "size of a frame pixel; detail finer than that is always partly assumed"
)
"""What the observed share means."""

LEFT_OUT = (
    "the evidence picture is made without a frame, seen through the declared camera, and compared with that frame on "
    "the face: 1 is as well as the noise of its codec allows; no truth is needed for this"
)
"""What the number of the left-out frame means."""

COVERAGE = (
    "marginal: over all pixels of inputs of this kind, faces, cameras and codecs like those that it was measured on; "
    "it promises nothing for a single feature of a single picture"
)
"""What the factor of coverage promises."""

IDENTITY_DISTANCE = (
    "distances of identity embeddings, where one person mostly stays below 0.6 on good pictures; a result is warned of "
    "that lies farther from the frames than any frame from the others, and than a plain enlargement; an indication of "
    "what the computation did, no decision about who this is"
)
"""What the identity figures mean."""

UNCERTAINTY = (
    "one standard deviation of a pixel, expected over many faces and no bound for this one; it knows nothing of what "
    "all frames share, of a wrong person, or of a region that was registered wrongly"
)
"""What the uncertainty means."""

NETWORK_METHODS = ("learned", "network", "unet")
"""Methods of stages that run the network which their parameter ``card`` names."""

ONE_BY_ONE = "Frame by frame, each with its own figures, they are in run.json under 'dropped'."
"""Where neighbours that are one line here are told apart."""

ATTACHED_PIXELS = 24_000_000
"""Originals are attached whole while all frames together have no more pixels than this (about 40 MB of PNG)."""

REGION_NAMES = {
    Region.BACKGROUND: "background",
    Region.SKIN: "skin",
    Region.NOSE: "nose",
    Region.EYEGLASSES: "glasses",
    Region.L_EYE: "left eye",
    Region.R_EYE: "right eye",
    Region.L_BROW: "left brow",
    Region.R_BROW: "right brow",
    Region.L_EAR: "left ear",
    Region.R_EAR: "right ear",
    Region.MOUTH: "inside of the mouth",
    Region.U_LIP: "upper lip",
    Region.L_LIP: "lower lip",
    Region.HAIR: "hair",
    Region.HAT: "hat",
    Region.EARRING: "earring",
    Region.NECKLACE: "necklace",
    Region.NECK: "neck",
    Region.CLOTH: "clothes",
}
"""What readers call the regions; left and right are the person's own."""


@dataclass(frozen=True, eq=False)
class FrameRow:
    """One line of the table of frames. Numbers are None where they were never measured.

    Attributes:
        position: in the arrays of the reconstruction, None for what was left out.
        index: in the sequence as it was given, None for what could not be read.
        state: ``"reference"``, ``"used"`` or ``"left out"``.
        why: one sentence.
        colour: ``#rrggbb`` of the frame in the source map.
        original: ``[h, w, 3]`` float32 in [0, 1] as it was read, None where there is no picture.
        attached: says so where ``original`` is not the whole frame.
        displacement, residual, consistency: in frame pixels and grey levels. share: of all pixels, 0..1.
        comparison: against the result.
        noise: where the error of its numbers is known from.
        as_reference: pose, eyes, mouth and detail, and the score that they give the frame as reference.
        codec, codec_picture: what a video codec did to the face, see :mod:`mfrec.report.codec`.
    """

    position: int | None
    index: int | None
    name: str
    time: str
    sha256: str
    md5: str
    state: str
    why: str
    notes: tuple[str, ...] = ()
    colour: str = "#000000"
    original: FloatArray | None = None
    size: str = ""
    attached: str = ""
    residual: float | None = None
    displacement: float | None = None
    interocular: float | None = None
    share: float | None = None
    consistency: float | None = None
    comparison: Comparison | None = None
    noise: str = ""
    as_reference: str = ""
    codec: str = ""
    codec_picture: Rgb | None = None


@dataclass(frozen=True)
class LeftOut:
    """Neighbouring frames of one file that were left out for the same reason and have no picture here.

    Attributes:
        first, last: the rows of the first and of the last of them, which may be the same.
        count: how many they are.
        why: the reason; where it has other numbers for each of them, from the least to the greatest.
    """

    first: FrameRow
    last: FrameRow
    count: int
    why: str

    @property
    def rest(self) -> str:
        """What follows the name of the first, see :func:`mfrec.provenance.left_out.up_to`."""
        return up_to(self.last.name, self.count)


@dataclass(frozen=True)
class Source:
    """A frame as the source of a region: its row in the table.

    Attributes:
        score: in [0, 1]. error: what it stands for, in grey levels.
        sharpness: in [0, 1], beside the best frame.
        refused: why the region may not come from this frame; empty where it may.
    """

    row: FrameRow
    score: float
    error: float
    sharpness: float
    refused: str = ""


@dataclass(frozen=True)
class StepRow:
    """One stage: what it did, with what."""

    stage: str
    method: str
    parameters: tuple[tuple[str, str], ...]
    seconds: str
    literature: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Content:
    """Everything that the report shows.

    Attributes:
        made: when, as the record says it.
        image, evidence, reference: uint8 ``[H, W, 3]``; ``image`` is larger where it bears the words NOT EVIDENCE, and
            ``evidence`` is None where it equals the result.
        sources_after: the source map without ``leader``, the frame that is the main source nearly everywhere;
            None and empty where no frame is.
        sources, uncertainty, observed: the maps as coloured pictures, uint8 ``[H, W, 3]``.
        uncertainty_limit, difference_limit: ends of the legends in grey levels.
        regions_map: ``[H, W]`` uint8 labels on the canvas.
        regions: name of each region, its sources best first, and the frames that were refused.
        subjects: the numbered picture, None where one person was seen.
        facts: label, value and, where the label alone might mislead, what it means.
        evidence_steps: those of the evidence picture that are not among ``steps``.
        surroundings: title, then label and value, of the call, its arguments, the versions and the machine.
        outputs: file name, SHA-256, MD5.
        others: names of the files beside the pictures that are none.
        answers: what a generator drew; None in every run that is not stamped NOT EVIDENCE.
    """

    title: str
    made: str
    stamp: str
    meaning: str
    warnings: tuple[str, ...]
    facts: tuple[tuple[str, str, str], ...]
    image: Rgb
    evidence: Rgb | None
    reference: Rgb
    reference_name: str
    reference_why: str
    scale: int
    sources: Rgb
    sources_after: Rgb | None
    leader: str
    uncertainty: Rgb
    uncertainty_limit: float
    uncertainty_mean: float
    observed: Rgb
    observed_mean: float
    difference_limit: float
    regions_map: NDArray[np.uint8]
    rows: tuple[FrameRow, ...]
    regions: tuple[tuple[str, tuple[Source, ...], tuple[Source, ...]], ...]
    subjects: Rgb | None
    subjects_note: str
    steps: tuple[StepRow, ...]
    evidence_steps: tuple[StepRow, ...]
    surroundings: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    outputs: tuple[tuple[str, str, str], ...]
    others: tuple[str, ...]
    answers: Answers | None = None

    @property
    def used(self) -> tuple[FrameRow, ...]:
        """The rows of the frames in use, in the order of the weights."""
        return tuple(row for row in self.rows if row.position is not None)

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """The rows without a picture, of a long clip hundreds, as few as say the same."""
        runs = together([row for row in self.rows if row.original is None])
        return tuple(LeftOut(run[0], run[-1], len(run), one_reason([row.why for row in run])) for run in runs)


def visible(text: str) -> str:
    """``text`` with every character that has no picture of its own written as an escape.

    A file name may hold line breaks, characters that reverse the direction of writing, or bytes that are no text;
    a report that obeyed them could show one name and mean another.
    """
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    return "".join(c.encode("unicode_escape").decode("ascii") if unicodedata.category(c) in hidden else c for c in text)


def plain(value: Any) -> str:
    """A recorded value as text: strings as they are, nothing as "none", everything else as JSON."""
    if value is None or value in ("", []):
        return "none"
    if isinstance(value, str):
        return visible(value)
    return visible(json.dumps(value, ensure_ascii=False, default=str))


def clock(seconds: float | None) -> str:
    """``h:mm:ss.mmm`` without empty leading parts; empty where the time is unknown."""
    if seconds is None:
        return ""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    tail = f"{rest / 1000:06.3f}"
    return f"{minutes // 60}:{minutes % 60:02d}:{tail}" if minutes >= 60 else f"{minutes}:{tail}"


def gather(reconstruction: Reconstruction) -> Content:
    """Put together what the report of a reconstruction says."""
    track, record = reconstruction.track, reconstruction.record
    comparisons = [pictures.compare(reconstruction.image, o) for o in track.observations]
    rows = _rows(reconstruction, comparisons)
    used = [row for row in rows if row.position is not None]
    by_position = {row.position: row for row in used}
    reference = by_position.get(track.reference)
    height, width = reconstruction.uncertainty.shape
    scale = track.canvas.scale if track.canvas is not None else 1
    same = np.array_equal(reconstruction.evidence, reconstruction.image)
    limit = pictures.uncertainty_limit(reconstruction.uncertainty)
    uncertainty_mean = float(reconstruction.uncertainty.mean()) * GREY_LEVELS
    observed_mean = float(reconstruction.observed.mean())
    compared = [(row.consistency, row.name) for row in used if row.consistency is not None]
    worst, worst_name = max(compared, key=lambda each: each[0], default=(None, ""))
    leader = pictures.dominant(reconstruction.weight)
    subjects, subjects_note = _subjects(reconstruction)
    beside = [step for step in record.get("evidence", {}).get("steps", ()) if step not in record.get("steps", ())]
    others = tuple(visible(d.name) for d in track.dropped if is_other(d.index, d.reason))
    counts = (f"{len(used)} used", f"{len(rows) - len(used)} left out", count_others(len(others)))
    leading = leading_words([row.name for row in used], [row.share for row in used])
    most = leading_share(row.share for row in used)
    coverage = record.get("coverage", {})
    effective = 1 / max(sum((row.share or 0.0) ** 2 for row in used), 1e-9)
    facts = [
        *_case(record.get("case") or {}),
        ("Frames", ", ".join(filter(None, counts)) + (leading and f"; {leading}"), ""),
        (
            "Effective number of frames",
            f"{effective:.1f}",
            "1 / sum over frames of (mean share squared): as many frames with equal shares would be mixed as evenly",
        ),
        ("Reference", reference.name if reference is not None else "none", ""),
        ("Result", f"{width} \u00d7 {height} px (reference enlarged \u00d7{scale})", ""),
        ("Recipe", plain(record.get("recipe", {}).get("name", "")), ""),
        ("Uncertainty", f"\u00b1{uncertainty_mean:.1f} grey levels on average", UNCERTAINTY),
        ("Coverage", plain(coverage.get("text", "not known")), COVERAGE if coverage.get("factor") else ""),
        ("Measured", f"{observed_mean * 100:.0f} %", MEASURED),
        ("Identity", plain(record.get("identity", {}).get("text", "not compared")), IDENTITY_DISTANCE),
        ("Left-out frame", plain(record.get("left_out_frame", {}).get("text", "not computed")), LEFT_OUT),
        ("Least consistent", "not compared" if worst is None else f"{worst_name}: {worst:.1f} grey levels", ""),
    ]
    return Content(
        title=f"Face reconstruction from {len(used)} frame{'s' if len(used) != 1 else ''}"
        + ("" if most is None else f", {100 * most:.0f} % of it from one"),
        made=plain(record.get("created", "")),
        stamp=reconstruction.stamp,
        meaning=STAMPS.get(reconstruction.stamp, ""),
        warnings=tuple(dict.fromkeys(visible(w) for w in (*record.get("warnings", ()), *track.warnings))),
        facts=tuple(facts),
        image=pictures.result(reconstruction),
        evidence=None if same else to_uint8(reconstruction.evidence),
        reference=to_uint8(reconstruction.reference),
        reference_name=reference.name if reference is not None else "",
        reference_why=visible(track.reference_why),
        scale=scale,
        sources=pictures.source_map(reconstruction.weight),
        sources_after=None if leader is None else pictures.source_map(reconstruction.weight, beside=leader),
        leader="" if leader is None else by_position[leader].name,
        uncertainty=pictures.uncertainty_map(reconstruction.uncertainty, limit),
        uncertainty_limit=limit,
        uncertainty_mean=uncertainty_mean,
        observed=pictures.observed_map(reconstruction.observed),
        observed_mean=observed_mean,
        difference_limit=pictures.difference_limit(comparisons),
        regions_map=_regions_map(reconstruction),
        rows=rows,
        regions=tuple(
            (
                REGION_NAMES[region],
                tuple(_source(by_position[p], track.observations[p], region) for p in positions),
                tuple(
                    _source(by_position[p], o, region)
                    for p, o in enumerate(track.observations)
                    if region in o.quality and o.quality[region].refused
                ),
            )
            for region, positions in sorted(track.sources.items())
        ),
        subjects=subjects,
        subjects_note=subjects_note,
        steps=tuple(_step(step) for step in record.get("steps", ())),
        evidence_steps=tuple(_step(step) for step in beside),
        surroundings=tuple(_surroundings(record)),
        outputs=tuple(
            (visible(name), digests.get("sha256", ""), digests.get("md5", ""))
            for name, digests in record.get("outputs", {}).items()
        ),
        others=others,
        answers=answers(track.imagined),
    )


def _rows(reconstruction: Reconstruction, comparisons: Sequence[Comparison | None]) -> tuple[FrameRow, ...]:
    track = reconstruction.track
    dropped_frames = [d.frame for d in track.dropped if d.frame is not None]
    frames = [o.frame for o in track.observations] + dropped_frames
    whole = sum(frame.image.shape[0] * frame.image.shape[1] for frame in frames) <= ATTACHED_PIXELS
    total = reconstruction.weight.sum(axis=(1, 2))
    share = total / max(float(total.sum()), 1e-9)
    palette = pictures.colours(len(track.observations))
    noise = {entry.get("index"): entry.get("noise", "") for entry in reconstruction.record.get("used", ())}
    consistency = reconstruction.consistency
    rows = []
    for i, observation in enumerate(track.observations):
        frame, registration = observation.frame, observation.registration
        is_reference = i == track.reference
        window = None
        if not whole and registration is not None:
            window = pictures.footprint(registration, reconstruction.uncertainty.shape)
        original, attached = _attached(frame, whole, window)
        rows.append(
            FrameRow(
                position=i,
                index=frame.index,
                name=visible(frame.name),
                time=clock(frame.time),
                sha256=frame.sha256,
                md5=frame.md5,
                state="reference" if is_reference else "used",
                why=visible(track.reference_why) if is_reference else "",
                notes=tuple(visible(note) for note in frame.notes),
                colour="#{:02x}{:02x}{:02x}".format(*palette[i].tolist()),
                original=original,
                size=_size(frame),
                attached=attached,
                residual=None if registration is None else registration.residual * GREY_LEVELS,
                displacement=None if registration is None else registration.displacement,
                interocular=None if observation.landmarks is None else observation.landmarks.interocular,
                share=float(share[i]),
                consistency=None if np.isnan(consistency[i]) else float(consistency[i]) * GREY_LEVELS,
                comparison=comparisons[i],
                noise=visible(noise.get(frame.index, "")),
                as_reference="" if observation.as_reference is None else _as_reference(observation.as_reference),
                codec=codec_words(observation),
                codec_picture=codec_picture(observation),
            )
        )
    known = {entry.get("index"): entry for entry in reconstruction.record.get("inputs", ())}
    rows += [_dropped_row(d, whole, known.get(d.index, {})) for d in track.dropped if not is_other(d.index, d.reason)]
    return tuple(sorted(rows, key=lambda row: (row.index is None, row.index or 0, row.name)))


def _dropped_row(dropped: Dropped, whole: bool, entry: Mapping[str, Any]) -> FrameRow:
    frame = dropped.frame
    original, attached = _attached(frame, whole, None) if frame is not None else (None, "")
    return FrameRow(
        position=None,
        index=dropped.index,
        name=visible(dropped.name),
        time=clock(frame.time if frame is not None else entry.get("time")),
        sha256=frame.sha256 if frame is not None else entry.get("sha256", ""),
        md5=frame.md5 if frame is not None else entry.get("md5", ""),
        state="left out",
        why=f"{visible(dropped.reason)} (stage {dropped.stage})",
        notes=tuple(visible(note) for note in frame.notes) if frame is not None else (),
        original=original,
        size=_size(frame) if frame is not None else "",
        attached=attached,
    )


def _size(frame: Frame) -> str:
    width, height = frame.size
    return f"{width} \u00d7 {height} px"


def _attached(frame: Frame, whole: bool, window: tuple[slice, slice] | None) -> tuple[FloatArray, str]:
    """The part of a frame that goes into the report, and a sentence where that is not all of it."""
    image, (x, y) = frame.image, frame.origin
    if whole:
        height, width = image.shape[:2]
        if frame.reduced:
            return image, f"attached as a copy of {width} x {height} px: nothing of this frame is in the result"
        if (width, height) == frame.size:
            return image, ""
        return image, (
            f"only x {x} to {x + width - 1}, y {y} to {y + height - 1} is attached: the surroundings of the face"
        )
    if window is not None:
        rows, columns = window
        return image[rows, columns], (
            f"only x {x + columns.start} to {x + columns.stop - 1}, y {y + rows.start} to {y + rows.stop - 1} is "
            "attached, which is what the result covers: the frames together are too large for one file"
        )
    factor = -(-max(image.shape[:2]) // 256)
    note = f"attached with every {factor}th pixel: the frames together are too large for one file"
    return image[::factor, ::factor], note


def _source(row: FrameRow, observation: Observation, region: Region) -> Source:
    quality = observation.quality.get(region)
    if quality is None:
        return Source(row, 0.0, GREY_LEVELS, 0.0)
    error = error_of(quality.score) * GREY_LEVELS if quality.score > 0 else GREY_LEVELS
    return Source(row, quality.score, error, quality.sharpness, visible(quality.refused))


def _as_reference(score: ReferenceScore) -> str:
    return f"as reference {reference_line({'total': score.total, **asdict(score)})}"


def _regions_map(reconstruction: Reconstruction) -> NDArray[np.uint8]:
    """The reference frame's regions on the canvas; all background where there are none."""
    track = reconstruction.track
    shape = reconstruction.uncertainty.shape
    if track.reference is None:
        return np.zeros(shape, np.uint8)
    observation = track.observations[track.reference]
    if observation.regions is None or observation.registration is None:
        return np.zeros(shape, np.uint8)
    x, y = np.moveaxis(np.rint(observation.registration.look_up).astype(int), -1, 0)
    height, width = observation.regions.labels.shape
    return observation.regions.labels[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]


def _subjects(reconstruction: Reconstruction) -> tuple[Rgb | None, str]:
    track = reconstruction.track
    seen = track.overview
    if len(track.subjects) < 2 or seen is None:
        return None, ""
    followed = [person.number for person in track.subjects if person.chosen]
    chosen = ", ".join(map(str, followed)) or "none"
    counts = ", ".join(f"{person.number} in {len(person.boxes)}" for person in track.subjects)
    hidden = [str(person.number) for person in track.subjects if person.number not in seen.boxes]
    elsewhere = f" Not in this frame: {', '.join(hidden)}." if hidden else ""
    note = (
        f"Frame {visible(seen.name)}. Followed: subject {chosen} (heavy box). "
        f"Number of frames that show each: {counts}.{elsewhere} "
        "To follow somebody else, run again with --subject and the number."
    )
    return pictures.subjects(seen, followed), note


def _step(step: Mapping[str, Any]) -> StepRow:
    parameters = {visible(str(key)): plain(value) for key, value in step.get("parameters", {}).items()}
    if "card" in parameters and parameters.get("method", "") not in ("", *NETWORK_METHODS):
        parameters["card"] += f" (a network, which the method {parameters['method']} does not use)"
    return StepRow(
        stage=plain(step.get("stage", "")),
        method=plain(step.get("method", "")),
        parameters=tuple(parameters.items()),
        seconds=f"{float(step.get('seconds', 0.0)):.2f} s",
        literature=tuple(plain(reference) for reference in step.get("literature", ())),
    )


def _case(case: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What the run was made for, as the first of the facts; nothing where nobody said."""
    title = ", ".join(plain(case[key]) for key in ("number", "title") if case.get(key))
    rest = [f"{key} {plain(case[key])}" for key in ("exhibit", "analyst") if case.get(key)]
    return [("Case", title or rest.pop(0), ", ".join(rest))] if title or rest else []


def _surroundings(record: Mapping[str, Any]) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    command = record.get("command", "")
    call = {
        "Made": record.get("created", ""),
        "Command": command if isinstance(command, str) else shlex.join(str(part) for part in command),
        "mfrec": record.get("mfrec", ""),
        "Device": record.get("device", ""),
        "Seed": record.get("seed", ""),
    }
    groups = [("Run", call)]
    groups += [(key.capitalize(), dict(record.get(key, {}))) for key in ("arguments", "versions", "machine")]
    groups.insert(0, ("Case", {key.capitalize(): value for key, value in (record.get("case") or {}).items()}))
    groups.insert(
        -1,
        (
            "Models on this computer, used or not",
            {model["name"]: model_text(model) for model in record.get("models", ())},
        ),
    )
    for pairs in (pairs for _, pairs in groups):
        for label, value in pairs.items():
            if isinstance(value, list) and len(value) > 4:
                # The files are in the table of frames; here a long list would bury the other arguments.
                pairs[label] = f"{plain(value[0])} and {len(value) - 1} more"
    return [
        (title, tuple((visible(str(label)), plain(value)) for label, value in pairs.items()))
        for title, pairs in groups
        if pairs
    ]
