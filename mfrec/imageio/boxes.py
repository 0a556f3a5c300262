"""The boxes of an ISO base media file: MP4, MOV, HEIF, AVIF (ISO/IEC 14496-12)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Box(NamedTuple):
    """A box of an ISO base media file: its four letters, and what is in it."""

    kind: bytes
    body: bytes


def boxes(data: bytes) -> Iterator[Box]:
    """The boxes that lie one after the other; they end where one does not fit (ISO/IEC 14496-12, 4.2)."""
    at = 0
    while at + 8 <= len(data):
        size, kind, begin = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], at + 8
        if size == 1:
            size, begin = int.from_bytes(data[at + 8 : at + 16], "big"), at + 16
        end = at + size if size else len(data)
        if not begin <= end <= len(data):
            return
        yield Box(kind, data[begin:end])
        at = end


def within(data: bytes, *path: bytes) -> bytes:
    """What is in the first box at the end of a path of kinds; nothing where there is none."""
    for kind in path:
        data = next((box.body for box in boxes(data) if box.kind == kind), b"")
        data = data[4:] if kind == b"meta" else data
    return data


class Place(NamedTuple):
    """A box of a file on a disk: its four letters, and the bytes from ``start`` up to ``end`` that are in it."""

    kind: bytes
    start: int
    end: int


def boxes_of_file(path: Path) -> Iterator[Place]:
    """The boxes of a file one after the other; the last may say that it ends behind the file's end."""
    at, length = 0, path.stat().st_size
    with path.open("rb") as file:
        while at + 8 <= length:
            file.seek(at)
            header = file.read(16)
            size, kind, begin = int.from_bytes(header[:4], "big"), header[4:8], at + 8
            if size == 1:
                size, begin = int.from_bytes(header[8:], "big"), at + 16
            end = at + size if size else length
            if end < begin:
                return
            yield Place(kind, begin, end)
            at = end  # a damaged size may lead beyond any file
