"""Running a run again from its record, and comparing every output."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mfrec.documents import DocumentError
from mfrec.errors import InputError, UsageError
from mfrec.pipeline import Progress, silent
from mfrec.provenance.difference import Difference, compare
from mfrec.provenance.given import given_again
from mfrec.provenance.record import RECORD, SEAL, read_record
from mfrec.provenance.surroundings import model_text

if TYPE_CHECKING:
    from mfrec.types import Reconstruction

JUDGED = ("reconstruction.png", "reconstruction-NOT-EVIDENCE.png", "evidence.png", "reference.png", "provenance.npz")
"""The outputs of a reconstruction that decide whether it was repeated on another kind of processor."""


@dataclass(frozen=True)
class Rerun:
    """What :func:`rerun` found.

    Attributes:
        differences: one an output, in the record's order.
        surroundings: versions and machine that are not as recorded, in words.
        elsewhere: whether this processor computes with other instructions than the recorded one did, or the record
            does not say; the versions are the same.
        judged: names of the outputs that decide there.
    """

    differences: tuple[Difference, ...]
    surroundings: tuple[str, ...]
    elsewhere: bool = False
    judged: tuple[str, ...] = JUDGED

    @property
    def identical(self) -> bool:
        """Whether every output is."""
        return all(difference.identical for difference in self.differences)

    @property
    def confirmed(self) -> bool:
        """Whether the run was repeated: to the bit, or on another kind of processor within what that may change.

        There pictures and arrays are judged; the other files of a reconstruction show the same numbers once more, in
        colours and in text. A video of ``mfrec upscale`` is coded anew from pictures that differ by little, and what
        comes of that has no bound: it has to be identical.
        """
        judged = [found for found in self.differences if found.name in self.judged]
        return self.identical or (self.elsewhere and bool(judged) and all(found.within for found in judged))


def rerun(
    path: Path,
    *,
    frames: Path | Sequence[Path] | None = None,
    given: Sequence[Path] = (),
    progress: Progress = silent,
) -> Rerun:
    """Repeat a run from its record and compare every output. Nothing is written beside the record.

    The date, the command, the durations, the versions and the machine of the first run are put into the new record
    before its files are written, so that every file is comparable byte for byte; other versions and another machine
    are reported for themselves.

    Args:
        path: a ``run.json``, or the folder that holds it.
        frames: where the originals are now, if they were moved; they are recognised by their SHA-256.
        given: likewise where masks and the photograph of the person are.
        progress: called as ``progress(stage, done, total)``.

    Raises:
        UsageError: no usable record.
        InputError: the originals are missing or not the recorded ones.
    """
    from mfrec.outputs import write_outputs

    record = read_record(path)
    folder = path if path.is_dir() else path.parent
    outputs = record.get("outputs")
    if outputs and record.get("upscaled"):
        return _upscaled_again(record, folder, frames, progress)
    if not outputs or not record.get("evidence"):
        raise UsageError(f"'{path}' is not the record of a finished reconstruction; there is nothing to compare with")
    repeated = _repeat(record, frames, given, progress)
    again = with_history(repeated, record)
    with tempfile.TemporaryDirectory(prefix="mfrec-rerun-") as temporary:
        new = Path(temporary)
        write_outputs(again, new, pdf="report.pdf" in outputs)
        differences = [compare(name, outputs[name], folder / name, new / name) for name in outputs]
        ours, theirs = read_record(folder), read_record(new)
        keys = (ours.keys() | theirs.keys()) - {"outputs", SEAL}  # those were compared one by one
        changed = sorted(key for key in keys if ours.get(key) != theirs.get(key))
        differences.append(Difference(RECORD, not changed, f"differs in {', '.join(changed)}" if changed else ""))
    return Rerun(
        tuple(differences), tuple(_changed_surroundings(record, repeated.record)), _elsewhere(record, repeated.record)
    )


def _upscaled_again(
    record: Mapping[str, Any], folder: Path, frames: Path | Sequence[Path] | None, progress: Progress
) -> Rerun:
    """Repeat a run of ``mfrec upscale``; see :func:`rerun`."""
    from mfrec.upscale.asked import Asked
    from mfrec.upscale.job import upscale_into

    try:
        asked = Asked.recorded(record["upscaled"]["asked"])
    except DocumentError as error:
        raise UsageError(f"the record is damaged: what was asked of it cannot be read ({error})") from None
    given = frames if frames is not None else record["arguments"].get("frames", ())
    places = [Path(given)] if isinstance(given, str | os.PathLike) else [Path(place) for place in given]
    if len(places) != 1 or not os.path.lexists(places[0]):
        raise InputError(
            f"the original '{places[0] if places else ''}' is not where it was in the recorded run; if it was moved, "
            "name its new place, one file or folder, with --frames"
        )
    with tempfile.TemporaryDirectory(prefix="mfrec-rerun-") as temporary:
        new = Path(temporary) / "again"
        upscale_into(new, places[0], asked, progress=progress)
        again = read_record(new)
        _check_inputs(record["inputs"], again["inputs"], moved=frames is not None)
        differences = [compare(name, digests, folder / name, new / name) for name, digests in record["outputs"].items()]
        keys = ("upscaled", "recipe", "dropped")
        changed = [key for key in keys if record.get(key) != again.get(key)]
        differences.append(Difference(RECORD, not changed, f"differs in {', '.join(changed)}" if changed else ""))
    return Rerun(
        tuple(differences),
        tuple(_changed_surroundings(record, again)),
        _elsewhere(record, again),
        tuple(record["outputs"]),
    )


def _repeat(
    record: Mapping[str, Any], frames: Path | Sequence[Path] | None, given: Sequence[Path], progress: Progress
) -> Reconstruction:
    from mfrec.options import Options
    from mfrec.recipe import from_record
    from mfrec.reconstruction import reconstruct

    arguments = record.get("arguments", {})
    source = frames if frames is not None else [Path(p) for p in arguments.get("frames", ())]
    if not source:
        raise InputError("the recorded run was given arrays and not files; save them as PNG and pass --frames FOLDER")
    if frames is None:
        for path in (Path(p) for p in arguments["frames"]):
            if not os.path.lexists(path):
                raise InputError(
                    f"the original '{path}' is not where it was in the recorded run; if it was moved, name its new "
                    "place with --frames"
                )
    # The settings are in the recorded recipe already.
    options = (option.name for option in fields(Options) if option.name not in ("recipe", "settings"))
    names = (*options, "device", "seed")
    missing = [name for name in names if name not in arguments]
    if missing:
        raise UsageError(f"the record is damaged: it has no argument {', '.join(missing)}; expected what a run writes")
    places = given_again(record.get("given", ()), given)
    asked = {name: arguments[name] for name in names}
    pairs = [mask.partition("=") for mask in asked["mask"]]
    if not {*filter(None, [asked["like"]]), *(path for _, _, path in pairs)} <= places.keys():
        raise UsageError("the record is damaged: it has no hash of a mask or a photograph that the run was given")
    asked["like"] = places.get(asked["like"])
    asked["mask"] = [f"{region}={places[path]}" for region, _, path in pairs]
    again = reconstruct(source, recipe=from_record(record["recipe"]), progress=progress, **asked)
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
    # Files that were given say where they were; they were recognised by their hashes.
    merged |= {key: record[key] for key in ("given", "case") if key in record}
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


def _elsewhere(record: Mapping[str, Any], again: Mapping[str, Any]) -> bool:
    """Whether only the kind of processor differs."""
    kinds = [
        tuple((of.get("machine") or {}).get(key) for key in ("processor", "instructions")) for of in (record, again)
    ]
    return record.get("versions") == again.get("versions") and kinds[0] != kinds[1]


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
