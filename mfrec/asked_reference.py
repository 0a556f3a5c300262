"""Which frame is meant by ``--reference``, and a clear word where it is not to be had."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from mfrec.errors import UsageError
from mfrec.types import Dropped, FaceTrack, Frame


def check_reference(wanted: str | int, track: FaceTrack) -> None:
    """Say why a frame that is to be the reference is not in use, before a stage looks for it in vain.

    Args:
        wanted: ``"auto"`` or the index of a frame that was read.
        track: so far.

    Raises:
        UsageError: the frame was left out.
    """
    indices = [observation.frame.index for observation in track.observations]
    if wanted == "auto" or wanted in indices:
        return
    for dropped in track.dropped:
        if dropped.index == wanted:
            raise UsageError(_left_out(wanted, dropped, [observation.frame for observation in track.observations]))


def find_reference(reference: str | int, frames: Sequence[Frame], dropped: Sequence[Dropped] = ()) -> str | int:
    """``"auto"``, or the index of the frame that is meant.

    Args:
        reference: ``"auto"``, an index (a number, or its digits), or a frame's name.
        frames: as they were read.
        dropped: what could not be read.

    Raises:
        UsageError: there is no such frame, it could not be read, or several have that name.
    """
    if reference == "auto":
        return reference
    named = [frame.index for frame in frames if frame.name == reference]
    if len(named) == 1:
        return named[0]
    if named:
        raise UsageError(
            f"--reference '{reference}' names {len(named)} frames; give an index, one of {', '.join(map(str, named))}"
        )
    indices = [frame.index for frame in frames]
    for item in dropped:
        if item.name == reference or (item.index is not None and str(item.index) == str(reference)):
            raise UsageError(_left_out(reference, item, frames))
    if str(reference).isdecimal():
        if int(reference) in indices:
            return int(reference)
        every = [*indices, *(item.index for item in dropped if item.index is not None)]
        raise UsageError(
            f"--reference is {reference}, but there is no such frame; they are counted from {min(every)} "
            f"to {max(every)}"
        )
    near = difflib.get_close_matches(str(reference), [frame.name for frame in frames], 1, cutoff=0.0)
    raise UsageError(
        f"--reference '{reference}' is no frame's name; did you mean '{near[0]}'? Or give auto, or an index from 0"
    )


def _left_out(reference: str | int, dropped: Dropped, frames: Sequence[Frame]) -> str:
    shown = sorted(frames, key=lambda frame: frame.index)[:8]
    names = ", ".join(f"{frame.index} ({frame.name})" for frame in shown)
    more = f" and {len(frames) - len(shown)} more" if len(frames) > len(shown) else ""
    name = "" if str(reference) == dropped.name else f" ({dropped.name})"
    return (
        f"--reference {reference}{name} was left out: {dropped.reason} (stage {dropped.stage}); "
        f"give auto, or one of the frames in use: {names}{more}"
    )
