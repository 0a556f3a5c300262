"""Marks on copies: arrows, text, rectangles and a scale, drawn by the desk over a picture of a run.

The picture of the run stays as it is. A note is ``notes/RUN-NN.png`` with a strip below that says what it was made
from, and ``notes/RUN-NN.json`` with the marks and the picture's SHA-256, from which the same PNG can be drawn again.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta, Struct
from PIL import Image, ImageDraw

from mfrec.desk.case import Case, now
from mfrec.desk.places import child, number_of, write_whole
from mfrec.desk.refusal import RefusalError
from mfrec.desk.words import word
from mfrec.documents import DocumentError, parse_json, read_text, shaped
from mfrec.errors import MfrecError
from mfrec.image.lettering import drawable, font
from mfrec.imageio import png_bytes, read, to_uint8
from mfrec.provenance.plain_json import to_json
from mfrec.publication.claims import sha256

PICTURES = ("reconstruction.png", "evidence.png", "reference.png")
"""What can be drawn on."""

NOTE = re.compile(r"[0-9]{2,6}-[0-9]{2,4}")

COLOURS = {"yellow": (255, 214, 10), "cyan": (60, 220, 255), "red": (255, 70, 70), "white": (255, 255, 255)}

SIDE = 1200
"""The longer side that a note has about, so that letters can be read."""

MOST = 200
"""Marks of a note."""

Coordinate = Annotated[float, Meta(ge=-10_000, le=100_000)]


class Mark(Struct):
    """One mark, in pixels of the picture.

    Attributes:
        kind: an arrow to ``(x1, y1)``, a rectangle between the two corners, text at ``(x0, y0)``, or a scale that
            begins there and is ``length`` reference pixels long.
    """

    kind: Literal["arrow", "box", "text", "scale"]
    x0: Coordinate
    y0: Coordinate
    x1: Coordinate = 0.0
    y1: Coordinate = 0.0
    text: Annotated[str, Meta(max_length=200)] = ""
    colour: Literal["yellow", "cyan", "red", "white"] = "yellow"
    length: Annotated[float, Meta(gt=0, le=10_000)] = 10.0


class Note(Struct):
    """What is drawn on what."""

    picture: Literal["reconstruction.png", "evidence.png", "reference.png"]
    marks: Annotated[list[Mark], Meta(min_length=1, max_length=MOST)]
    text: Annotated[str, Meta(max_length=4000)] = ""


class Kept(Struct):
    """The file beside a note's PNG."""

    schema: int
    run: str
    created: str
    sha256: str
    stamp: str
    scale: int
    note: Note


def draw(image: Image.Image, note: Note, *, stamp: str, scale: int, strip: str) -> np.ndarray:
    """A copy of a picture with marks, enlarged by a whole number, and a strip of text below.

    Args:
        image: RGB.
        note: marks in its pixels.
        stamp: label of the picture.
        scale: pixels of the picture a pixel of the reference frame.
        strip: what the copy was made from.

    Returns:
        ``[H, W, 3]`` uint8.
    """
    factor = max(1, round(SIDE / max(image.size)))
    large = image.convert("RGB").resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    pen, letters = max(2, round(max(large.size) / 300)), font(max(14, max(large.size) // 28))
    canvas = ImageDraw.Draw(large)

    def at(x: float, y: float) -> tuple[float, float]:
        return (x + 0.5) * factor, (y + 0.5) * factor

    for mark in note.marks:
        ink, start, end = COLOURS[mark.colour], at(mark.x0, mark.y0), at(mark.x1, mark.y1)
        if mark.kind == "scale":
            end = start[0] + mark.length * scale * factor, start[1]
        for colour, width in (((0, 0, 0), pen + 2), (ink, pen)):
            if mark.kind == "box":
                # The line is drawn inwards: a wider one begins a pixel farther out, so that it is seen on both sides.
                out = (width - pen) / 2
                across, down = ((min(a, b) - out, max(a, b) + out) for a, b in zip(start, end, strict=True))
                canvas.rectangle([across[0], down[0], across[1], down[1]], outline=colour, width=width)
            elif mark.kind in ("arrow", "scale"):
                canvas.line([start, end], fill=colour, width=width)
                for line in _ends(mark.kind, start, end, pen):
                    canvas.line(line, fill=colour, width=width)
        label = drawable(mark.text) if mark.kind != "scale" else word("note.scale", length=f"{mark.length:g}")
        if label:
            x, y = start
            if mark.kind == "box":
                x, y = min(start[0], end[0]), min(start[1], end[1]) - letters.size - 2 * pen
            y += 2 * pen if mark.kind == "scale" else 0
            canvas.text(
                (x, y),
                label,
                font=letters,
                fill=ink,
                stroke_width=max(1, round(letters.size / 14)),
                stroke_fill=(0, 0, 0),
            )
    lines = [drawable(line) for line in (f"{stamp}   {word('note.copy')}", strip)]
    size = max(13, large.width // 45)
    while size > 8 and max(map(font(size).getlength, lines)) > large.width - 16:
        size -= 1
    small = font(size)
    sheet = Image.new("RGB", (large.width, large.height + round(small.size * 1.5 * len(lines)) + 12), (255, 255, 255))
    sheet.paste(large, (0, 0))
    writer = ImageDraw.Draw(sheet)
    for row, line in enumerate(lines):
        writer.text((8, large.height + 6 + round(row * small.size * 1.5)), line, font=small, fill=(24, 28, 33))
    return np.asarray(sheet)


def _ends(kind: str, start: tuple[float, float], end: tuple[float, float], pen: int) -> list[list[tuple[float, float]]]:
    """The head of an arrow, or the two ticks of a scale."""
    if kind == "scale":
        return [[(x, start[1] - 3 * pen), (x, start[1] + 3 * pen)] for x in (start[0], end[0])]
    angle, size = math.atan2(start[1] - end[1], start[0] - end[0]), 7 * pen
    return [
        [end, (end[0] + size * math.cos(angle + turn), end[1] + size * math.sin(angle + turn))]
        for turn in (0.45, -0.45)
    ]


def add(case: Case, run: str, folder: Path, summary: dict[str, Any], note: Note) -> dict[str, Any]:
    """Draw a note and keep it.

    Args:
        case: of the run.
        run: its number.
        folder: its output.
        summary: see :meth:`mfrec.desk.results.Results.summary`.
        note: what is drawn.

    Raises:
        RefusalError: the picture is not there, or the note cannot be written.
    """
    path = child(folder, note.picture)
    try:
        digest = sha256(path)
        image = Image.fromarray(to_uint8(read([path]).frames[0].image))
    except (OSError, MfrecError) as error:
        raise RefusalError("refused.missing", 404, name=f"{note.picture} ({error})") from None
    stamp = summary["stamp"] if note.picture == "reconstruction.png" else "ENHANCED"
    scale = int((summary["canvas"] or {}).get("scale", 1))
    strip = f"{case.key} / run {run} / {note.picture}, SHA-256 {digest[:16]}..."
    drawn = draw(image, note, stamp=stamp, scale=scale, strip=strip)
    notes = case.part("notes")
    with case.lock:
        taken = [int(entry.stem.rsplit("-", 1)[-1]) for entry in notes.glob(f"{number_of(run)}-*.png")]
        name = f"{run}-{max(taken, default=0) + 1:02d}"
        kept = Kept(1, run, now(), digest, stamp, scale, note)
        words = {"Software": "mfrec", "Title": f"Marked copy of {note.picture}", "Comment": stamp}
        write_whole(child(notes, f"{name}.json"), to_json(msgspec.to_builtins(kept)).encode("ascii"))
        write_whole(child(notes, f"{name}.png"), png_bytes(drawn, words))
    return shown(case, name)


def shown(case: Case, name: str) -> dict[str, Any]:
    """What the page is told of a note.

    Raises:
        RefusalError: there is none, or its file is damaged.
    """
    if not NOTE.fullmatch(name):
        raise RefusalError("refused.name", 404, name=name[:80])
    try:
        kept = shaped(parse_json(read_text(child(case.folder, "notes", f"{name}.json"), 1 << 20)), Kept)
    except DocumentError as error:
        raise RefusalError("refused.missing", 404, name=f"{name}: {error}") from None
    return {
        "name": name,
        "run": kept.run,
        "created": kept.created,
        "picture": kept.note.picture,
        "text": kept.note.text,
    }


def listed(case: Case) -> list[dict[str, Any]]:
    """All notes of a case, in the order of their names."""
    out = []
    for path in sorted(case.part("notes").glob("*.json")):
        try:
            out.append(shown(case, path.stem))
        except RefusalError:
            continue
    return out
