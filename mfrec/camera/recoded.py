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


def recoded(frame: Frame, other: Frame) -> float:
    """Which share of a JPEG's coefficients are those of another picture, rounded to its steps; 0 where none can be.

    The share in its worst part where that is below :data:`WORST`.

    Args:
        frame: read from a JPEG file.
        other: of the same size.
    """
    if frame.jpeg is None or frame.image.shape != other.image.shape:
        return 0.0
    own, theirs = (_coefficients(picture.image, frame.jpeg.phase) for picture in (frame, other))
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
        frames: stills; of two that are one picture the one with the finer steps is kept.
    """
    small = [resize(luma(frame.image), 32, 32, interpolation="area") for frame in frames]

    def coarseness(i: int) -> float:
        jpeg = frames[i].jpeg
        return 0.0 if jpeg is None else float(jpeg.luma.mean())

    order = sorted(range(len(frames)), key=lambda i: (coarseness(i), frames[i].name))
    out: dict[int, int] = {}
    for place, i in enumerate(order):
        for j in order[:place]:
            near = j not in out and float(np.abs(small[i] - small[j]).mean()) < ALIKE
            if near and recoded(frames[i], frames[j]) >= SAME:
                out[i] = j
                break
    return out
