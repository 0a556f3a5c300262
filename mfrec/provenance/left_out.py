"""What a run left out: frames, or files that lay beside the pictures and were never meant as frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

NO_PICTURE = "not a picture"
"""The reason with which :mod:`mfrec.imageio.survey` leaves out a file that is of another kind altogether."""


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
