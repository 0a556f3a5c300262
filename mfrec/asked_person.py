"""Whom ``--box`` and ``--like`` mean: a place in a frame, or the face of a photograph."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mfrec.errors import InputError, UsageError
from mfrec.types import FrameId, Wanted, frozen_array

if TYPE_CHECKING:
    from mfrec.options import Options
    from mfrec.types import FloatArray

BOX = "expected x,y,w,h@t: left, top, width and height in pixels, and a frame's index, or seconds as 12.5 or 0:12.5"


@dataclass(frozen=True)
class Place:
    """A rectangle of one frame; exactly one of ``index`` and ``time`` is given, or neither for the first frame.

    Attributes:
        box: ``(x0, y0, x1, y1)`` in pixels.
        index: of the frame.
        time: in seconds; the frame nearest to it is meant.
    """

    box: tuple[float, float, float, float]
    index: int | None = None
    time: float | None = None


def as_place(text: str) -> Place:
    """What ``--box`` says.

    Args:
        text: ``x,y,w,h``, ``x,y,w,h@12`` (a frame's index), ``x,y,w,h@12.5`` or ``x,y,w,h@1:02.5`` (a time).

    Raises:
        UsageError: anything else.
    """
    sides, at, moment = text.partition("@")
    try:
        x, y, width, height = (float(side) for side in sides.split(","))
        place = Place((x, y, x + width - 1, y + height - 1))
        if not (all(map(math.isfinite, place.box)) and width >= 1 and height >= 1):
            raise ValueError
        if not at:
            return place
        if moment.strip().isdecimal():
            return Place(place.box, index=int(moment))
        return Place(place.box, time=_seconds(moment))
    except ValueError:
        raise UsageError(f"--box is '{text}'; {BOX}") from None


def _seconds(text: str) -> float:
    """Seconds from ``12.5``, ``12s``, ``0:12.5`` or ``1:00:12``."""
    seconds = 0.0
    for part in text.strip().removesuffix("s").split(":"):
        seconds = 60 * seconds + float(part)
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError
    return seconds


def check_asked(options: Options) -> None:
    """Refuse what cannot be before a frame is opened.

    Raises:
        UsageError: a box that cannot be read, or more than one option that says whom to follow.
    """
    given = {"--subject": options.subject != "auto", "--box": options.box is not None, "--like": bool(options.like)}
    both = [name for name, there in given.items() if there]
    if len(both) > 1:
        raise UsageError(f"{' and '.join(both)} each say whom to follow; give one of them")
    if options.box is not None:
        as_place(options.box)


def asked_person(options: Options, frames: Sequence[FrameId]) -> Wanted | None:
    """Whom the caller points at; None where nobody is pointed at.

    Args:
        options: as they were given.
        frames: those that there are.

    Raises:
        UsageError: the box cannot be read, or names a frame that is not there.
        InputError: the photograph cannot be read, or does not show one face.
    """
    check_asked(options)
    if options.like:
        return Wanted(f"--like '{os.fspath(options.like)}'", embedding=photographed_face(Path(options.like)))
    if options.box is None:
        return None
    place, told = as_place(options.box), f"--box {options.box}"
    return Wanted(told, _frame_meant(place, told, frames), frozen_array(np.array(place.box)))


def _frame_meant(place: Place, told: str, frames: Sequence[FrameId]) -> int:
    """Index of the frame that a place lies in."""
    if place.time is not None:
        timed = [(abs(frame.time - place.time), frame.index) for frame in frames if frame.time is not None]
        if not timed:
            raise UsageError(f"{told} gives a time, but pictures have none; give a frame's index: {_range(frames)}")
        first, last = (pick(frame.time for frame in frames if frame.time is not None) for pick in (min, max))
        if not first - 1 <= place.time <= last + 1:
            raise UsageError(f"{told} lies outside of what was read: {first:.2f} s to {last:.2f} s")
        return min(timed)[1]
    if place.index is None:
        return min(frame.index for frame in frames)
    if place.index not in {frame.index for frame in frames}:
        raise UsageError(f"{told}: no frame with that index is in use; {_range(frames)}")
    return place.index


def _range(frames: Sequence[FrameId]) -> str:
    indices = [frame.index for frame in frames]
    return f"there are {len(indices)} frames, {min(indices)} to {max(indices)}"


def photographed_face(path: Path) -> FloatArray:
    """The identity embedding ``[128]`` of the one face that a photograph shows.

    Raises:
        InputError: no picture, or none with one face.
        WeightsError: the recognition network is not installed.
    """
    from mfrec.face.identity_gate import steady_embeddings
    from mfrec.face.landmarks import detect_landmarks
    from mfrec.face.search import look, upright_turn
    from mfrec.face.turn import turned
    from mfrec.imageio import stream

    if path.is_dir():
        raise InputError(f"--like '{path}' is a folder; give the file of one photograph that shows the person")
    pictures = stream(path)
    if pictures.unit == "video":
        pictures.close()
        raise InputError(f"--like '{path}' is a video; give a photograph, or one of its frames saved as PNG")
    photo = next(pictures)
    pictures.close()
    sighting = look(photo.image)
    if not sighting.faces:
        photo = turned(photo, upright_turn([photo]))
        sighting = look(photo.image)
    if len(sighting.faces) != 1:
        found = "no face" if not sighting.faces else f"{len(sighting.faces)} faces"
        raise InputError(
            f"--like '{path}' shows {found}; give a photograph of the person alone, the face upright and 40 pixels "
            "or larger, or cut it out of this one"
        )
    picture = sighting.picture(photo.image)
    (embedding,) = steady_embeddings([(picture, detect_landmarks(picture, sighting.faces[0].box))])
    return embedding
