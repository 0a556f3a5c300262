"""Letters in pictures: a font that knows most accents of Latin alphabets, and an escape for what it lacks."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

from PIL import ImageFont

FONT = "Vera.ttf"
"""Bitstream Vera Sans, as it comes with ReportLab, by which the PDF is set too. Pillow's own font draws an empty box
for an umlaut or a dash."""


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """The font, its letters some ``size`` pixels high; Pillow's own where ReportLab is not installed."""
    package = importlib.util.find_spec("reportlab")
    if package is None or not package.submodule_search_locations:
        return ImageFont.load_default(size)  # pyright: ignore[reportReturnType] (with a size it is a FreeTypeFont)
    return ImageFont.truetype(str(Path(package.submodule_search_locations[0]) / "fonts" / FONT), size)


def drawable(text: str) -> str:
    """The text with every letter that the font lacks written as an escape, in place of the box that is drawn for it."""
    return "".join(c if _known(c) else c.encode("unicode_escape").decode("ascii") for c in text)


@cache
def _known(letter: str) -> bool:
    """Whether the font has the letter: it draws something else than for a code point that no font has."""
    return letter.isprintable() and (letter.isspace() or _drawn(letter) != _drawn("\uffff"))


def _drawn(letter: str) -> tuple[tuple[int, int], list[int]]:
    mask = font(24).getmask(letter)
    return mask.size, list(mask)  # pyright: ignore[reportArgumentType] (it is a sequence of grey levels)
