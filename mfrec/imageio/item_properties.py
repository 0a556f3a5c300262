"""What an AVIF or HEIF file says of the shape of its picture, which decoders pass over (ISO/IEC 23008-12, 6.5)."""

from __future__ import annotations

from fractions import Fraction

from mfrec.imageio.boxes import Box, boxes, within
from mfrec.imageio.reading import RefusedError

SEQUENCES = (b"avis", b"msf1", b"hevc", b"hevx")
"""First brands of files whose pictures are shown one after the other: a track describes them, no item."""

SAMPLE_ENTRY = 78
"""Bytes of a visual sample entry before the boxes in it (ISO/IEC 14496-12, 12.1.3)."""

MOST_ITEMS = 100_000
"""Of one file; a damaged count says more."""


def described(data: bytes) -> list[Box]:
    """All properties that a file's items may have, in their order; see :func:`main_properties`."""
    return list(boxes(within(data, b"meta", b"iprp", b"ipco")))


def main_properties(data: bytes) -> list[Box]:
    """The properties of a file's main picture, or of its first track of pictures; none where it describes neither.

    Args:
        data: the whole file, AVIF or HEIF.
    """
    if data[8:12] in SEQUENCES:
        entries = within(data, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")[8:]
        first = next(boxes(entries), None)
        if first is not None:
            return list(boxes(first.body[SAMPLE_ENTRY:]))
    found = described(data)
    numbers = _associations(within(data, b"meta", b"iprp", b"ipma"), _main_item(data))
    return [found[n - 1] for n in numbers if 0 < n <= len(found)]


def _main_item(data: bytes) -> int:
    head = within(data, b"meta", b"pitm")
    return int.from_bytes(head[4:8] if head[:1] == b"\1" else head[4:6], "big")


def main_items(data: bytes) -> frozenset[int]:
    """The items that a file's main picture is coded in: itself, or the tiles that it is put together from (8.11.12)."""
    main, table = _main_item(data), within(data, b"meta", b"iref")
    size = 4 if table[:1] == b"\1" else 2
    for box in boxes(table[4:]):
        numbers = [int.from_bytes(box.body[at : at + size], "big") for at in (0, *range(size + 2, len(box.body), size))]
        if box.kind == b"dimg" and numbers[0] == main:
            return frozenset(numbers[1:])
    return frozenset([main])


def _associations(table: bytes, item: int) -> list[int]:
    """The numbers, from 1, of the properties of an item (ISO/IEC 23008-12, 9.3.1)."""
    wide_items, wide_numbers = table[:1] != b"\0", bool(table[3:4] and table[3] & 1)
    at, step = 8, 2 if wide_numbers else 1
    for _ in range(min(int.from_bytes(table[4:8], "big"), MOST_ITEMS)):
        begin = at + (4 if wide_items else 2)
        if begin >= len(table):
            break
        numbers = [table[k : k + step] for k in range(begin + 1, begin + 1 + step * table[begin], step)]
        if int.from_bytes(table[at:begin], "big") == item:
            # The highest bit says whether a reader must understand the property.
            return [int.from_bytes(number, "big") & (0x7FFF if wide_numbers else 0x7F) for number in numbers]
        at = begin + 1 + step * table[begin]
    return []


def pixel_aspect(found: list[Box]) -> float:
    """Width of a stored pixel divided by its height (``pasp``, ISO/IEC 14496-12, 12.1.4); 1 where nothing is said."""
    body = next((box.body for box in found if box.kind == b"pasp"), b"")
    across, down = int.from_bytes(body[:4], "big"), int.from_bytes(body[4:8], "big")
    return across / down if across and down else 1.0


def clean_aperture(found: list[Box], width: int, height: int) -> tuple[slice, slice] | None:
    """Rows and columns of a stored picture that are to be shown (``clap``, ISO/IEC 14496-12, 12.1.4).

    None where that is all of it.

    Raises:
        RefusedError: they are no whole pixels, or do not lie within the picture.
    """
    body = next((box.body for box in found if box.kind == b"clap"), None)
    if body is None:
        return None
    fields = [int.from_bytes(body[k : k + 4], "big", signed=True) for k in range(0, 32, 4)]
    if len(body) < 32 or min(fields[1::2]) <= 0:
        raise RefusedError("the part of it that is to be shown (clap) makes no sense; export it as PNG or TIFF")
    wide, high, right, down = (Fraction(*fields[k : k + 2]) for k in range(0, 8, 2))
    left, top = right + (width - wide) / 2, down + (height - high) / 2
    inside = left >= 0 and top >= 0 and wide > 0 and high > 0 and left + wide <= width and top + high <= height
    if not inside or any(value.denominator > 1 for value in (left, top, wide, high)):
        raise RefusedError(
            f"the part of it that is to be shown (clap: {float(wide):g}x{float(high):g} pixels from "
            f"{float(left):g}, {float(top):g}) is not made of its pixels; export it as PNG or TIFF"
        )
    return slice(int(top), int(top + high)), slice(int(left), int(left + wide))
