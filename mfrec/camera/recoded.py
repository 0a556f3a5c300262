"""The same picture compressed again: two files that are one observation.

A JPEG that was made from another picture's pixels holds just the coefficients that rounding those pixels' coefficients
to its own steps gives. Two frames of one scene, however still, differ by the noise of the sensor and do not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mfrec.image.colour import luma
from mfrec.image.cosines import cosine_transform
from mfrec.image.geometry import resize
from mfrec.types import FloatArray, Frame, JpegTables

SAME = 0.9
"""Share of the coefficients that are not zero from which on a picture is another one compressed again. Of frames of a
film of one moment, with the noise of a sensor (3 grey levels), it is 0.70."""

ALIKE = 4 / 255
"""Mean difference of two thumbnails up to which pictures are compared at all."""

TILE = 4
"""Blocks along a side of the smallest part that is compared by itself: a recorder copies the still background from
frame to frame, and a face that moves before it is in few blocks."""

TOLD = 24
"""Coefficients that are not zero, of which a part has to have so many to be judged."""

WORST = 0.6
"""Share in its worst part below which a picture is no copy, however much of the rest is alike."""


SHARED = 0.5
"""Share of the smaller of two parts of pictures that both have to show, to be compared."""

Rectangle = tuple[int, int, int, int]


def shared(frame: Frame, other: Frame) -> Rectangle | None:
    """``(x0, y0, x1, y1)`` of the whole picture that both frames hold, which may be parts cut out at other places; None
    where that is too little, or where they are of pictures of two sizes or a reduced copy."""
    if frame.size != other.size or frame.reduced or other.reduced:
        return None
    (ax, ay), (bx, by) = frame.origin, other.origin
    (ah, aw), (bh, bw) = frame.image.shape[:2], other.image.shape[:2]
    x0, y0, x1, y1 = max(ax, bx), max(ay, by), min(ax + aw, bx + bw), min(ay + ah, by + bh)
    if max(0, x1 - x0) * max(0, y1 - y0) < SHARED * min(ah * aw, bh * bw):
        return None
    return x0, y0, x1, y1


def _cut(plane: NDArray, frame: Frame, part: Rectangle) -> NDArray:
    """The pixels of a frame's ``plane`` that lie in a part of its whole picture."""
    (x, y), (x0, y0, x1, y1) = frame.origin, part
    return plane[y0 - y : y1 - y, x0 - x : x1 - x]


def recoded(frame: Frame, other: Frame) -> float:
    """Which share of a JPEG's coefficients are those of another picture, rounded to its steps; 0 where none can be.

    The share in a part of it, the first that is found, where that is below :data:`WORST`.

    Args:
        frame: read from a JPEG file.
        other: of a picture of the same size; of both only what they share is looked at.
    """
    part = shared(frame, other)
    if frame.jpeg is None or part is None:
        return 0.0
    (x, y), (x0, y0, x1, y1) = frame.origin, part
    left, top = ((phase + corner) % 8 for phase, corner in zip(frame.jpeg.phase, (x - x0, y - y0), strict=True))
    told = equal = judged = 0
    height = 8 * TILE
    # From the middle on, where the face is: most pictures of a series are told apart by the first row of parts.
    for row in sorted(range(y0 + top, y1 - 7, height), key=lambda row: abs(2 * row + height - y0 - y1)):
        count, same = _in_row(frame, other, frame.jpeg, (x0 + left, row, x1, min(row + height, y1)))
        shares = same[count >= TOLD] / count[count >= TOLD]
        if shares.min(initial=1.0) < WORST:
            return float(shares.min())
        told, equal, judged = told + int(count.sum()), equal + int(same.sum()), judged + len(shares)
    return equal / told if judged else 0.0


def _in_row(frame: Frame, other: Frame, tables: JpegTables, row: Rectangle) -> tuple[NDArray, NDArray]:
    """Of a row of parts, which begins at a block's corner: how many coefficients are told in each, and how many of
    these are the same in both pictures, ``[parts]``."""
    step = np.asarray(tables.luma, np.float64)
    got, expected = (np.rint(_coefficients(_cut(one.image, one, row)) / step) for one in (frame, other))
    told = (got != 0) | (expected != 0)
    told[..., 0, 0] = False
    parts = np.arange(0, told.shape[1], TILE)
    count, same = (
        np.add.reduceat(where.sum(axis=(0, 2, 3)), parts) if len(parts) else np.zeros(0, int)
        for where in (told, told & (got == expected))
    )
    return count, same


def _coefficients(image: FloatArray) -> NDArray:
    """DCT coefficients ``[n, m, 8, 8]`` of luma in units of 1/255, of the whole blocks of a picture."""
    grey = 255.0 * luma(image).astype(np.float64) - 128.0
    rows, columns = grey.shape[0] // 8, grey.shape[1] // 8
    blocks = grey[: 8 * rows, : 8 * columns].reshape(rows, 8, columns, 8).swapaxes(1, 2)
    return cosine_transform(blocks)


def copies_among(frames: Sequence[Frame]) -> dict[int, int]:
    """Which pictures are others of them compressed again: position to the position of the one to keep.

    Args:
        frames: stills, or parts of them; of two that are one picture the one with the finer steps is kept.
    """
    small: dict[tuple[int, Rectangle], FloatArray] = {}  # most frames share all of a picture with all others

    def thumbnail(i: int, part: Rectangle) -> FloatArray:
        if (i, part) not in small:
            seen = _cut(frames[i].image, frames[i], part)
            small[i, part] = resize(luma(seen), 32, 32, interpolation="area")
        return small[i, part]

    def alike(i: int, j: int) -> bool:
        part = shared(frames[i], frames[j])
        return part is not None and float(np.abs(thumbnail(i, part) - thumbnail(j, part)).mean()) < ALIKE

    def coarseness(i: int) -> float:
        jpeg = frames[i].jpeg
        return 0.0 if jpeg is None else float(jpeg.luma.mean())

    order = sorted(range(len(frames)), key=lambda i: (coarseness(i), frames[i].name))
    out: dict[int, int] = {}
    for place, i in enumerate(order):
        for j in order[:place]:
            if j not in out and alike(i, j) and recoded(frames[i], frames[j]) >= SAME:
                out[i] = j
                break
    return out
