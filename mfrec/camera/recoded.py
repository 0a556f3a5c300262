"""The same picture compressed again: two files that are one observation.

A JPEG that was made from another picture's pixels holds just the coefficients that rounding those pixels' coefficients
to its own steps gives. Two frames of one scene, however still, differ by the noise of the sensor and do not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mfrec.image.colour import luma
from mfrec.image.cosines import cosine_transform
from mfrec.image.geometry import resize
from mfrec.types import FloatArray, Frame

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


def _cut(plane: np.ndarray, frame: Frame, part: Rectangle) -> np.ndarray:
    """The pixels of a frame's ``plane`` that lie in a part of its whole picture."""
    (x, y), (x0, y0, x1, y1) = frame.origin, part
    return plane[y0 - y : y1 - y, x0 - x : x1 - x]


def recoded(frame: Frame, other: Frame) -> float:
    """Which share of a JPEG's coefficients are those of another picture, rounded to its steps; 0 where none can be.

    The share in its worst part where that is below :data:`WORST`.

    Args:
        frame: read from a JPEG file.
        other: of a picture of the same size; of both only what they share is looked at.
    """
    part = shared(frame, other)
    if frame.jpeg is None or part is None:
        return 0.0
    (x, y), (x0, y0, _, _) = frame.origin, part
    phase = (frame.jpeg.phase[0] - (x0 - x)) % 8, (frame.jpeg.phase[1] - (y0 - y)) % 8
    own, theirs = (_coefficients(_cut(picture.image, picture, part), phase) for picture in (frame, other))
    step = np.asarray(frame.jpeg.luma, np.float64)
    got, expected = np.rint(own / step), np.rint(theirs / step)
    told = (got != 0) | (expected != 0)
    told[..., 0, 0] = False
    count, equal = told.sum(axis=(2, 3)), (told & (got == expected)).sum(axis=(2, 3))
    if not count.any():
        return 0.0
    tops, lefts = (np.arange(0, size, TILE) for size in count.shape)
    count, equal = (np.add.reduceat(np.add.reduceat(one, tops, axis=0), lefts, axis=1) for one in (count, equal))
    judged = count >= TOLD
    worst = float((equal[judged] / count[judged]).min()) if judged.any() else 0.0
    return float(equal.sum() / count.sum()) if worst >= WORST else worst


def _coefficients(image: FloatArray, phase: tuple[int, int]) -> np.ndarray:
    """DCT coefficients ``[n, m, 8, 8]`` of luma in units of 1/255, of blocks on the grid of the file."""
    grey = 255.0 * luma(image).astype(np.float64)[phase[1] :, phase[0] :] - 128.0
    rows, columns = grey.shape[0] // 8, grey.shape[1] // 8
    blocks = grey[: 8 * rows, : 8 * columns].reshape(rows, 8, columns, 8).swapaxes(1, 2)
    return cosine_transform(blocks)


def copies_among(frames: Sequence[Frame]) -> dict[int, int]:
    """Which pictures are others of them compressed again: position to the position of the one to keep.

    Args:
        frames: stills, or parts of them; of two that are one picture the one with the finer steps is kept.
    """
    greys = [luma(frame.image) for frame in frames]

    def alike(i: int, j: int) -> bool:
        part = shared(frames[i], frames[j])
        if part is None:
            return False
        one, other = (resize(_cut(greys[k], frames[k], part), 32, 32, interpolation="area") for k in (i, j))
        return float(np.abs(one - other).mean()) < ALIKE

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
