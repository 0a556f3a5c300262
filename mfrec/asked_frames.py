"""Which frames ``--without`` leaves out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mfrec.errors import UsageError
from mfrec.types import FrameId

BY_HAND = "left out by hand"
"""The reason in the record of a frame that the caller left out."""

RANGE = re.compile(r"(\d+)\s*-\s*(\d+)")


def left_out_by_hand(without: str, frames: Sequence[FrameId]) -> frozenset[int]:
    """Indices of the frames that are to be left out.

    Args:
        without: ``12,15-18``: indices, ranges of them with both ends, and names, separated by commas. What is a frame's
            name is meant as that before it is read as a number.
        frames: those that there are.

    Raises:
        UsageError: something in it is no frame, or it leaves none.
    """
    indices, names = {frame.index for frame in frames}, {}
    for frame in frames:
        names.setdefault(frame.name, frame.index)
    out: set[int] = set()
    for part in filter(None, (part.strip() for part in without.split(","))):
        between = RANGE.fullmatch(part)
        if part in names:
            out.add(names[part])
        elif part.isdecimal() and int(part) in indices:
            out.add(int(part))
        elif between and int(between[1]) <= int(between[2]):
            first, last = int(between[1]), int(between[2])
            inside = {index for index in indices if first <= index <= last}
            if not inside:
                raise UsageError(_unknown(part, indices))
            out |= inside
        else:
            raise UsageError(_unknown(part, indices))
    if frames and out == indices:
        raise UsageError(f"--without {without} leaves none of the {len(frames)} frames; leave out fewer")
    return frozenset(out)


def _unknown(part: str, indices: set[int]) -> str:
    there = f"; there are {len(indices)}, {min(indices)} to {max(indices)}" if indices else ""
    return f"--without: '{part}' is no frame{there}; expected indices, ranges such as 15-18, or names, with commas"
