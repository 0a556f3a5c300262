"""What a run left out: frames, or files that lay beside the pictures and were never meant as frames."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

NO_PICTURE = "not a picture"
"""The reason with which :mod:`mfrec.imageio.survey` leaves out a file that is of another kind altogether."""


NUMBER = re.compile(r"\d+(?:\.\d+)?")
"""Of a sentence, a number that may be another one for the next frame."""


class Missing(Protocol):
    """A frame that was left out: its place in the sequence, its name (``clip.mp4#12`` of a clip), its file, and why."""

    @property
    def index(self) -> int | None: ...
    @property
    def name(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def why(self) -> str: ...


M = TypeVar("M", bound=Missing)


def together(missing: Iterable[M]) -> list[list[M]]:
    """Frames that were left out, in their order, of a long clip hundreds, in as few groups as say the same."""
    runs: list[list[M]] = []
    for one in missing:
        if runs and _continues(runs[-1][-1], one):
            runs[-1].append(one)
        else:
            runs.append([one])
    return runs


def _continues(before: Missing, one: Missing) -> bool:
    """Whether a frame is the next one of a clip, left out for the same reason but for its numbers."""
    clip = one.name.rpartition("#")[0]
    return (
        before.index is not None
        and one.index == before.index + 1
        and clip != ""
        and clip == before.name.rpartition("#")[0]
        and one.sha256 == before.sha256
        and NUMBER.sub("", one.why) == NUMBER.sub("", before.why)
    )


def one_reason(reasons: Sequence[str]) -> str:
    """One reason for all: a number that differs is given from the least to the greatest."""
    columns = zip(*(NUMBER.findall(reason) for reason in reasons), strict=True)
    ends = [(min(column, key=float), max(column, key=float)) for column in columns]
    numbers = iter([low if low == high else f"{low} to {high}" for low, high in ends])
    return NUMBER.sub(lambda _: next(numbers), reasons[0])


def up_to(last: str, count: int) -> str:
    """What follows the name of the first of a group: its last frame, and how many they are; empty for one alone."""
    return "" if count == 1 else f" to #{last.rpartition('#')[2]}: {count} frames"


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
