"""The output of a case that measures: one file of figures, with what was asked, what was read, and by which mfrec.

It ends with its own SHA-256, as a ``run.json`` does, so that a figure that somebody changed is none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from mfrec.documents import DocumentError, check_schema, parse_json, read_text, shaped
from mfrec.provenance.digests import check_unchanged, file_digests
from mfrec.provenance.record import seal_holds, sealed_json
from mfrec.provenance.surroundings import surroundings
from mfrec.publication.files import write_file
from mfrec.publication.folder import make_parents, resolved, writing

SCHEMA = 1

LIMIT = 1 << 24
"""Bytes that such a file may have."""


class FileRead(Struct):
    """A file and its SHA-256."""

    path: str
    sha256: str


class Measured(Struct):
    """The whole file.

    Attributes:
        asked: the case as JSON types.
        surroundings: see :func:`mfrec.provenance.surroundings.surroundings`.
        read: every file that decided about the figures.
        found: the figures; a number that is not finite is its name as text, ``"inf"``.
    """

    schema: int
    asked: dict[str, Any]
    surroundings: dict[str, str]
    read: list[FileRead]
    found: dict[str, Any]
    seal: str = ""


def measure_into(
    out: Path, asked: Mapping[str, Any], files: Iterable[Path], work: Callable[[], Mapping[str, Any]]
) -> None:
    """Measure, and write what was found; ``out`` is there, whole, when this returns.

    Args:
        out: a file that does not exist.
        asked: the case.
        files: that ``work`` reads.
        work: gives the figures, JSON types and finite or infinite floats.

    Raises:
        UsageError: ``out`` exists, or cannot be written.
        InputError: a file was changed meanwhile.
        MfrecError, OSError: whatever ``work`` raises, or a file cannot be read.
    """
    read = [{"path": str(file), "sha256": file_digests(file)["sha256"]} for file in files]
    found = work()
    check_unchanged(read)
    written = {"schema": SCHEMA, "asked": asked, "surroundings": surroundings(), "read": read, "found": named(found)}
    with writing(out):
        make_parents(resolved(out))
    write_file(out, sealed_json(written).encode("ascii"))


def found_in(out: Path, asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """What such a file says was found; None where it is not what :func:`measure_into` would write now.

    Args:
        out: the file.
        asked: the case.
    """
    try:
        value = dict(check_schema(parse_json(read_text(out, LIMIT)), SCHEMA))
        said = shaped(value, Measured)
        if said.asked != asked or said.surroundings != surroundings() or not seal_holds(out, value):
            return None
        same = all(file_digests(Path(file.path))["sha256"] == file.sha256 for file in said.read)
    except (DocumentError, OSError, ValueError):
        return None
    return said.found if same else None


def named(value: Any) -> Any:
    """The same with the name of every float that is not finite in its place: JSON has none."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Mapping):
        return {key: named(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [named(item) for item in value]
    return repr(float(value)) if isinstance(value, float) and not math.isfinite(value) else value
