"""Writing the record of a run, and reading it back."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mfrec.documents import DocumentError, check_schema, parse_json, read_bytes, read_text, shaped
from mfrec.errors import UsageError
from mfrec.pipeline import Run, Step
from mfrec.provenance.plain_json import to_json
from mfrec.provenance.schema import SCHEMA, Record
from mfrec.provenance.surroundings import machine, models, versions
from mfrec.types import FaceTrack, Frame, Subject
from mfrec.version import __version__

if TYPE_CHECKING:
    from mfrec.face.identity_gate import IdentityCheck
    from mfrec.recipe import Recipe

RECORD = "run.json"

SEAL = "seal"
"""The key of the record's own SHA-256, see :func:`sealed_json`."""

LIMIT = 1 << 26
"""Bytes that a record may have; one of 9,000 frames has as many."""


def make_record(
    *,
    recipe: Recipe,
    arguments: Mapping[str, Any],
    run: Run,
    inputs: Sequence[Mapping[str, Any]],
    track: FaceTrack,
    evidence: Recipe | None = None,
    evidence_steps: Sequence[Step] = (),
    warnings: Sequence[str] = (),
    identity: IdentityCheck | None = None,
    left_out: Mapping[str, Any] | None = None,
    coverage: Mapping[str, Any] | None = None,
    flattened: float = 0.0,
    given: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """What ``run.json`` holds, but for the digests of the outputs.

    Args:
        recipe: as it ran.
        arguments: of the call, enough to repeat it.
        run: its device, seed and steps.
        inputs: :func:`input_entry` of everything that was read, used or not.
        track: after the last stage.
        evidence: the recipe of the evidence picture; None where none was made.
        evidence_steps: how that one ran.
        warnings: for the reader.
        identity: how like the result is to the frames; None where there is no result.
        coverage: how many times the uncertainty holds most pixels; None where there is no result.
        left_out: how well frames are predicted by the others; None where there is no result.
        flattened: share of the picture whose fine detail is the evidence picture's, because that is flat there.
        given: files besides the frames, see :func:`mfrec.provenance.given.given_files`.

    Returns:
        JSON types only.
    """
    record: dict[str, Any] = {
        "mfrec": __version__,
        "schema": SCHEMA,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": "mfrec.reconstruct (Python)",
        "recipe": recipe.record(),
        "arguments": dict(arguments),
        "device": run.device,
        "seed": run.seed,
        "versions": versions(),
        "models": models(),
        "machine": machine(),
        "inputs": list(inputs),
        "used": _used(track),
        "dropped": [
            {"index": d.index, "name": d.name, "reason": d.reason, "stage": d.stage}
            for d in sorted(track.dropped, key=lambda d: (d.index is None, d.index or 0, d.name))
        ],
        "reference": _reference(track),
        "subjects": [
            {
                "number": s.number,
                "chosen": s.chosen,
                "frames": sorted(int(index) for index in s.boxes),
                "box": _box(s),
            }
            for s in track.subjects
        ],
        "given": list(given),
        "by_hand": _by_hand(track),
        "canvas": _canvas(track),
        "steps": [asdict(step) for step in run.steps],
        "regions": {
            region.name: [
                {
                    "index": track.observations[position].frame.index,
                    **asdict(track.observations[position].quality[region]),
                }
                for position in positions
                if region in track.observations[position].quality
            ]
            for region, positions in sorted(track.sources.items())
        },
        "refused": [
            {"region": region.name, "index": o.frame.index, "why": quality.refused}
            for o in track.observations
            for region, quality in sorted(o.quality.items())
            if quality.refused
        ],
        "warnings": list(warnings),
    }
    if evidence is not None:
        record["evidence"] = {
            "recipe": evidence.record(),
            "same_as_result": evidence.stages == recipe.stages,
            "steps": [asdict(step) for step in evidence_steps],
            "flattened": flattened,
        }
    if identity is not None:
        record["identity"] = identity.record()
    if left_out is not None:
        record["left_out_frame"] = dict(left_out)
    if coverage is not None:
        record["coverage"] = dict(coverage)
    if track.imagined is not None:
        record["imagined"] = track.imagined.record()
    return json.loads(to_json(record))


def _by_hand(track: FaceTrack) -> list[dict[str, Any]]:
    """The regions that the caller decided about, and which share of each its frame has in the picture."""
    from mfrec.face.region_labels import regions_shown

    out = []
    chief = None if track.reference is None else track.observations[track.reference]
    for hand in track.by_hand:
        share = None
        if track.fused is not None and chief is not None and chief.registration is not None and hand.index is not None:
            labels = regions_shown(chief, chief.registration, track.fused.image.shape[:2])
            position = [observation.frame.index for observation in track.observations].index(hand.index)
            region = np.isin(labels, hand.regions)
            share = float(track.fused.weight[position][region].mean()) if region.any() else None
        out.append({"region": hand.name, "index": hand.index, "drawn": hand.mask is not None, "share": share})
    return out


def _box(subject: Subject) -> str:
    """What ``--box`` takes to follow somebody: where the face is largest."""
    from mfrec.face.wanted import as_text

    if not subject.boxes:
        return ""
    index = max(sorted(subject.boxes), key=lambda i: float(subject.boxes[i][2] - subject.boxes[i][0]))
    return f"{as_text(subject.boxes[index])}@{index}"


def input_entry(frame: Frame) -> dict[str, Any]:
    """What the record says of a frame that was read. Taken at once, so that nobody has to keep the frame for it."""
    return {
        "index": frame.index,
        "name": frame.name,
        "path": None if frame.path is None else str(Path(frame.path).absolute()),
        "sha256": frame.sha256,
        "md5": frame.md5,
        "time": frame.time,
        "size": list(frame.size),
        "notes": list(frame.notes),
    }


def _canvas(track: FaceTrack) -> dict[str, int] | None:
    """The canvas in pixels of the reference frame as it was read."""
    if track.canvas is None or track.reference is None:
        return None
    x, y = track.observations[track.reference].frame.origin
    return {**asdict(track.canvas), "x0": track.canvas.x0 + x, "y0": track.canvas.y0 + y}


def _used(track: FaceTrack) -> list[dict[str, Any]]:
    from mfrec.camera.noise import noise_of
    from mfrec.imageio import to_uint8

    shares = None
    if track.fused is not None:
        shares = track.fused.weight.mean(axis=(1, 2), dtype=np.float64)
        shares = shares / max(float(shares.sum()), 1e-12)
    used = []
    for position, observation in enumerate(track.observations):
        registration, landmarks = observation.registration, observation.landmarks
        regions = observation.regions
        chief = observation.as_reference
        used.append(
            {
                "index": observation.frame.index,
                "name": observation.frame.name,
                "residual": None if registration is None else registration.residual,
                "displacement": None if registration is None else registration.displacement,
                "consistency": None if track.fused is None else float(track.fused.consistency[position]),
                "share": None if shares is None else float(shares[position]),
                "interocular": None if landmarks is None else landmarks.interocular,
                "score": observation.score,
                "landmarks": None if landmarks is None else landmarks.source,
                "regions": None if regions is None else {"source": regions.source, "why": regions.why},
                "as_reference": None if chief is None else {"total": chief.total, **asdict(chief)},
                "part": _part(observation.frame),
                "noise": noise_of(observation.frame).source,
                # Of that part. Another decoder may give other pixels for the same file; this tells.
                "pixels_sha256": hashlib.sha256(to_uint8(observation.frame.image).tobytes()).hexdigest(),
            }
        )
    return used


def _part(frame: Frame) -> list[int]:
    """``[x0, y0, width, height]`` of what was used of a frame, in pixels of the picture as it was read."""
    height, width = frame.image.shape[:2]
    return [*frame.origin, width, height]


def _reference(track: FaceTrack) -> dict[str, Any] | None:
    if track.reference is None:
        return None
    frame = track.observations[track.reference].frame
    return {"index": frame.index, "name": frame.name, "why": track.reference_why}


def read_record(path: Path) -> dict[str, Any]:
    """A ``run.json``, or that of the folder that is given.

    Returns:
        JSON types, as :class:`mfrec.provenance.schema.Record` describes them.

    Raises:
        UsageError: there is none, or it is not a record that this version can read.
    """
    try:
        path = path / RECORD if path.is_dir() else path
        text = read_text(path, LIMIT)
    except (DocumentError, OSError) as error:  # a name may be too long, a folder locked
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"no record at '{path}' ({why}); expected the {RECORD} that a run writes") from None
    try:
        record = dict(check_schema(parse_json(text), SCHEMA))
        shaped(record, Record)
    except DocumentError as error:
        raise UsageError(
            f"'{path}' is not the record of a run that can be read: {error}; expected the {RECORD} that a run writes"
        ) from None
    return record


def sealed_json(record: Mapping[str, Any]) -> str:
    """The text of a ``run.json``: the record, and last the SHA-256 of its text without that line.

    The seal tells a record that was changed from one that was not. It is no signature: anybody can make another.
    """
    body = {key: value for key, value in record.items() if key != SEAL}
    return to_json({**body, SEAL: hashlib.sha256(to_json(body).encode("ascii")).hexdigest()})


def seal_holds(path: Path, record: Mapping[str, Any]) -> bool:
    """Whether a file holds this record to the byte as mfrec wrote it.

    Args:
        path: of a ``run.json``.
        record: as :func:`read_record` read it from there.
    """
    try:
        return read_bytes(path, LIMIT) == sealed_json(record).encode("ascii")
    except DocumentError:
        return False
