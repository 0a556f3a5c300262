"""A picture to look at: the truth beside every result, enlarged by whole factors, with its figures underneath."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mfrec.metrics.names import METRICS

if TYPE_CHECKING:
    from mfrec.evaluation.result import Evaluation, Row

MOST_ROWS = 12
"""Truths that fit on a sheet; of more, so many are shown, spread evenly."""

SIDE = 192
"""Pixels that the smaller side of a picture has at least on the sheet."""

CAPTIONED = ("psnr", "ssim", "identity")
"""Metrics that are written under a picture, where they were measured."""

GAP, LINE, SIZE = 12, 18, 14
"""Space between pictures, height of a line of text and size of the letters, in pixels."""


def contact_sheet(evaluation: Evaluation) -> NDArray[np.uint8]:
    """Draw the sheet: one line a truth, one column a method.

    Args:
        evaluation: whose files are read once more.

    Returns:
        ``[H, W, 3]`` uint8.

    Raises:
        InputError: a file cannot be read any more.
    """
    from PIL import Image, ImageDraw, ImageFont

    from mfrec.evaluation.pairs import read_one
    from mfrec.imageio import to_uint8

    truths = list(dict.fromkeys(pair.truth for pair in evaluation.pairs))
    shown = truths if len(truths) <= MOST_ROWS else [truths[i * len(truths) // MOST_ROWS] for i in range(MOST_ROWS)]
    lines: list[list[tuple[NDArray[np.uint8], list[str]]]] = []
    for truth in shown:
        line = [(enlarged(to_uint8(read_one(truth))), ["truth", truth.name])]
        for pair, row in zip(evaluation.pairs, evaluation.rows, strict=True):
            if pair.truth == truth:
                line.append((enlarged(to_uint8(read_one(pair.picture))), [row.method, *figures(row)]))
        lines.append(line)

    text = 2 + len(CAPTIONED)
    widths = [max(line[i][0].shape[1] for line in lines if i < len(line)) for i in range(max(map(len, lines)))]
    heights = [max(picture.shape[0] for picture, _ in line) + text * LINE for line in lines]
    note = f"{len(shown)} of {len(truths)} truths" if len(shown) < len(truths) else ""
    size = (sum(widths) + GAP * (len(widths) + 1), sum(heights) + GAP * (len(heights) + 1) + (LINE if note else 0))
    sheet = Image.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(SIZE)
    y = GAP
    for line, height in zip(lines, heights, strict=True):
        x = GAP
        for (picture, words), width in zip(line, widths, strict=False):
            sheet.paste(Image.fromarray(picture), (x, y))
            for i, word in enumerate(words):
                pen.text((x, y + picture.shape[0] + 2 + i * LINE), fitted(word, width, pen, font), "black", font)
            x += width + GAP
        y += height + GAP
    if note:
        pen.text((GAP, y), note, "black", font)
    return np.asarray(sheet)


def figures(row: Row) -> list[str]:
    """The captioned metrics of one picture as text."""
    values: Mapping[str, float] = row.values
    return [f"{name} {format(values[name], METRICS[name].form)}" for name in CAPTIONED if name in values]


def enlarged(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture with every pixel repeated until its smaller side has :data:`SIDE` pixels."""
    factor = max(1, -(-SIDE // min(picture.shape[:2])))
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def fitted(word: str, width: int, pen: Any, font: Any) -> str:
    """Text that is no wider than ``width`` pixels, cut where it would be."""
    # Letters that the built-in font lacks would come out as boxes; a file name may hold any.
    word = word.encode("latin-1", "replace").decode("latin-1")
    while len(word) > 1 and pen.textlength(word, font=font) > width:
        word = word[:-1]
    return word
