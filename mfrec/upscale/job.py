"""``mfrec upscale``: larger pictures of a picture, a folder or a video, published as a folder with their record."""

from __future__ import annotations

import contextlib
import datetime
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mfrec.errors import InputError
from mfrec.image.stamp import METADATA, marked
from mfrec.imageio import FrameStream, stream
from mfrec.imageio.clip_clock import ClipClock, clip_clock
from mfrec.imageio.pieces import MILLISECONDS, Piece, Sound, join, sound_of
from mfrec.imageio.survey import Survey, survey
from mfrec.nets.threads import one_thread as one_thread_of_torch
from mfrec.outputs import write_record
from mfrec.pipeline import Progress, silent
from mfrec.provenance.digests import check_unchanged, file_digests, source_digest
from mfrec.provenance.schema import SCHEMA
from mfrec.provenance.surroundings import machine, models, versions
from mfrec.publication.folder import resolved, staged, writing
from mfrec.publication.unfinished import Unfinished, remove_others
from mfrec.runtime.interruption import uninterrupted
from mfrec.runtime.threads import one_thread
from mfrec.types import Dropped
from mfrec.upscale.asked import Asked
from mfrec.upscale.film import Film, flicker_of
from mfrec.upscale.followed_face import FollowedFace, follow
from mfrec.upscale.made import Enlarge
from mfrec.upscale.methods import Method, find_method
from mfrec.upscale.steadying import steadied_as_asked
from mfrec.upscale.stills import Stills, names_of
from mfrec.version import __version__

FACE = "face"
"""The note of where the face lies."""

LITERATURE = (
    "E. Dubois, S. Sabri, Noise reduction in image sequences using motion-compensated temporal filtering, IEEE "
    "Transactions on Communications 1984"
)
"""Of what steadies."""


def upscale_into(
    out: str | os.PathLike[str],
    source: str | os.PathLike[str],
    asked: Asked,
    *,
    command: str = "mfrec.upscale (Python)",
    overwrite: bool = False,
    progress: Progress = silent,
    say: Callable[[str], None] = lambda _text: None,
) -> dict[str, Any]:
    """Enlarge a picture, a folder of pictures or a video, and publish it as the folder ``out`` with its record.

    What is finished outlives a run that is stopped: the same call goes on with it, and ends with the same files.

    Args:
        out: see :func:`mfrec.publication.folder.staged`.
        source: a file, or a folder as :func:`mfrec.imageio.stream` takes it.
        asked: how.
        command: for the record.
        overwrite: replace an earlier output.
        progress: called as ``progress(stage, done, total)``.
        say: is told what a run that is stopped leaves, and what this one found of an earlier one.

    Returns:
        What ``run.json`` holds.

    Raises:
        UsageError, InputError, WeightsError: see :class:`Asked`, :func:`mfrec.imageio.stream`,
            :func:`mfrec.upscale.methods.find_method` and :func:`mfrec.publication.folder.staged`.
    """
    path = Path(source)
    work: Unfinished | None = None
    try:
        with staged(out, overwrite=overwrite, originals=[path]) as folder:
            method = find_method(asked)
            found = survey([path])
            _check_kind(found, asked, path)
            with writing(Path(out)), uninterrupted():
                request = _request(found, path, asked, method)
                work = Unfinished(resolved(out), request)
            if work.pieces:
                say(f"an earlier run left {len(work.pieces)} finished parts, which are kept: going on after them")
            # Nothing imports PyTorch for a picture that no network makes.
            with one_thread(), one_thread_of_torch() if method.weights else contextlib.nullcontext():
                made = _made(found, path, asked, method, work=work, progress=progress)
            record = _record(made, path, asked, method, command)
            with writing():
                files = made.write(folder, METADATA if method.draws else f"{method.stamp}, {method.name}")
            # Once its sound was copied too.
            check_unchanged({"path": file, "sha256": digest} for file, digest in request["files"] if digest)
            with writing():
                write_record(record, folder, files)
    except BaseException as error:
        if work is not None:
            with uninterrupted():
                # Where the input is at fault the pieces are of no use to the next run either.
                if isinstance(error, InputError):
                    work.discard()
                elif work.leave():
                    say(
                        f"{len(work.pieces)} finished parts stay in '{work.place}': the same command goes on after "
                        "them; remove that folder to give them up"
                    )
        raise
    with uninterrupted():
        work.discard()
        remove_others(resolved(out))
    return record


def _check_kind(found: Survey, asked: Asked, path: Path) -> None:
    """Refuse options of a video for pictures.

    Raises:
        InputError: there are some.
    """
    given = [name for name, value in (("--start", asked.start), ("--end", asked.end)) if value is not None]
    given += ["--deinterlace"] * asked.deinterlace + ["--lossless"] * asked.lossless
    if found.video is None and given:
        raise InputError(f"{given[0]} is for a video, and '{path}' leads to pictures; leave it out")


def _request(found: Survey, path: Path, asked: Asked, method: Method) -> dict[str, Any]:
    """Everything that decides about the result, but for the machine."""
    files = [found.video] if found.video is not None else found.pictures
    return {
        "source": source_digest(),
        "versions": versions(),
        "files": [[str(file), file_digests(file)["sha256"] if file.is_file() else ""] for file in files],
        "asked": asked.record(),
        "weights": dict(method.weights),
        "parameters": dict(method.parameters),
    }


@dataclass(frozen=True)
class Result:
    """What was made of an input, and what is said of it.

    Attributes:
        write: writes the files into a folder, with a comment in each; gives their paths.
        frames: how many pictures there are.
        facts: for the record's key ``upscaled``.
        inputs: for the record.
        dropped: what could not be used.
        warnings: for the reader.
        seconds: that it took, of this run alone.
    """

    write: Callable[[Path, str], list[Path]]
    frames: int
    facts: Mapping[str, Any]
    inputs: Sequence[Mapping[str, Any]]
    dropped: Sequence[Dropped]
    warnings: Sequence[str]
    seconds: float


def _made(found: Survey, path: Path, asked: Asked, method: Method, *, work: Unfinished, progress: Progress) -> Result:
    """All pieces, made or found."""
    begun = time.perf_counter()
    enlarge, faces = _with_face(path, asked, method, work, progress)
    before = len(work.pieces)
    if found.video is None:
        frames = Stills(path, asked, method, enlarge).make(work, progress)
        result = _of_stills(work, method, frames)
    else:
        clock = clip_clock(found.video, deinterlace=asked.deinterlace)
        frames = Film(found.video, asked, clock, method, enlarge).make(work, progress)
        result = _of_film(found.video, asked, method, clock=clock, work=work, frames=frames)
    warnings = [*result.warnings]
    if before:
        warnings.append(
            f"The run was stopped and gone on with after {before} parts: what the reading found out about the file is "
            "said of what was read last."
        )
    return replace(
        result,
        facts={**result.facts, "face": faces},
        warnings=warnings,
        seconds=time.perf_counter() - begun,
    )


def _with_face(path: Path, asked: Asked, method: Method, work: Unfinished, progress: Progress) -> tuple[Enlarge, str]:
    """What is done with each frame, and a sentence about the face that is followed; empty where none is."""
    if not asked.face:
        return steadied_as_asked(method.enlarge, asked, method.scale), ""
    noted = work.noted(FACE)
    if noted is None:
        frames = stream(path, start=asked.start, end=asked.end, deinterlace=asked.deinterlace, progress=progress)
        boxes, words = follow(frames, asked)
        work.note(FACE, {"boxes": {str(index): box for index, box in boxes.items()}, "words": words})
    else:
        boxes, words = {int(index): box for index, box in noted["boxes"].items()}, noted["words"]
    return steadied_as_asked(FollowedFace(method, boxes), asked, method.scale), words


def _of_stills(work: Unfinished, method: Method, frames: FrameStream) -> Result:
    pieces = list(work.pieces)
    facts = [piece.facts for piece in pieces]
    names = names_of(facts, [piece.file.suffix for piece in pieces])
    names = [marked(name, method.stamp) for name in names]

    def write(folder: Path, _comment: str) -> list[Path]:
        files = [folder / name for name in names]
        for piece, file in zip(pieces, files, strict=True):
            file.write_bytes(piece.file.read_bytes())
        return files

    pictures = [
        {"file": name, "index": entry["input"]["index"], "size": entry["size"], "used": entry["used"]}
        for name, entry in zip(names, facts, strict=True)
    ]
    told = {"kind": "pictures", "frames": len(facts), "pictures": pictures}
    inputs = [entry["input"] for entry in facts]
    return Result(write, len(facts), told, inputs, frames.dropped, list(frames.warnings_of_files), 0.0)


def _of_film(
    path: Path, asked: Asked, method: Method, *, clock: ClipClock, work: Unfinished, frames: FrameStream
) -> Result:
    pieces, sound = list(work.pieces), sound_of(path, clock)
    facts = [piece.facts for piece in pieces]
    name = marked(f"upscaled{sound.suffix}", method.stamp)
    parts = [Piece(piece.file, tuple(piece.facts["ticks"])) for piece in pieces]
    whole = asked.start is None and asked.end is None

    def write(folder: Path, comment: str) -> list[Path]:
        join(folder / name, parts, clock, sound, path, whole=whole, comment=comment)
        return [folder / name]

    used = [count for entry in facts for count in entry["used"]]
    ticks = [tick for entry in facts for tick in entry["ticks"]]
    flicker = flicker_of(pieces)
    width, height = facts[0]["size"]
    shown = clock.seconds(ticks[-1] + clock.step - ticks[0])
    told = {
        "kind": "video",
        "file": name,
        "frames": len(used),
        "size": [width * method.scale, height * method.scale],
        "seconds": float(shown),
        "rate": float(len(used) / shown),
        "used": {"mean": sum(used) / len(used), "least": min(used), "most": max(used)},
        "damaged": sum(entry["damaged"] for entry in facts),
        "sound": sound.words,
        "flicker": {
            "ratio": flicker.ratio,
            "detail": flicker.detail,
            "levels": list(flicker.levels),
            "pairs": flicker.pairs,
            "text": flicker.text,
        },
        "coding": _coding_words(asked, height * method.scale, width * method.scale),
    }
    digests = file_digests(path)
    entry = {
        "index": 0,
        "name": path.name,
        "path": str(path.absolute()),
        **digests,
        "time": None,
        "size": [width, height],
        "notes": [],
    }
    return Result(write, len(used), told, [entry], frames.dropped, _film_warnings(clock, sound, frames), 0.0)


def _coding_words(asked: Asked, height: int, width: int) -> str:
    layout = asked.coding.layout(height, width)
    strength = "lossless" if asked.lossless else f"constant rate factor {asked.crf}"
    return f"H.264, {layout}, {strength}"


def _film_warnings(clock: ClipClock, sound: Sound, frames: FrameStream) -> list[str]:
    out = list(frames.warnings_of_files)
    if clock.counted:
        rate = float(1 / (clock.unit * clock.step))
        assumed = ", which is assumed: it does not say its rate either" if clock.assumed else ""
        out.append(f"The file has no time stamps: the frames are stamped at {rate:g} per second{assumed}.")
    if sound.container == MILLISECONDS and (1000 * clock.unit).denominator != 1:
        out.append("Matroska, which the sound needs, keeps whole milliseconds: the time stamps are rounded to them.")
    return out


def _record(made: Result, path: Path, asked: Asked, method: Method, command: str) -> dict[str, Any]:
    """What ``run.json`` holds, but for the outputs."""
    parameters = {
        "method": method.name,
        "scale": method.scale,
        "window": asked.window,
        "steady": asked.steadies,
        **dict(method.parameters),
    }
    literature = [LITERATURE] if asked.steadies else []
    return {
        "mfrec": __version__,
        "schema": SCHEMA,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": command,
        "recipe": {"name": "upscale", "stamp": method.stamp, "stages": [{"name": "upscale", **asked.record()}]},
        "arguments": {"frames": [str(path.absolute())]},
        "upscaled": {
            "method": method.name,
            "scale": method.scale,
            "weights": dict(method.weights),
            "asked": asked.record(),
            **dict(made.facts),
        },
        "device": asked.device,
        "seed": asked.seed,
        "versions": versions(),
        "models": models(),
        "machine": machine(),
        "inputs": list(made.inputs),
        "used": [],
        "dropped": [{"index": d.index, "name": d.name, "reason": d.reason, "stage": d.stage} for d in made.dropped],
        "subjects": [],
        "regions": {},
        "steps": [
            {
                "stage": "upscale",
                "parameters": parameters,
                "seconds": made.seconds,
                "method": method.name,
                "literature": literature,
            }
        ],
        "warnings": list(made.warnings),
    }
