"""What was made of one frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from mfrec.types import FloatArray, Frame


class Made(NamedTuple):
    """A larger picture.

    Attributes:
        image: ``[scale H, scale W, 3]`` float32 in [0, 1].
        used: indices of the frames that it was made of; none where only interpolation was left to do.
        part: ``(y0, y1, x0, x1)``, the rows and columns that the method made; None for all of them.
    """

    image: FloatArray
    used: frozenset[int]
    part: tuple[int, int, int, int] | None = None


Enlarge = Callable[[Sequence[Frame], int], Made]
"""Successive frames, and the position among them of the one that is enlarged, to what was made of it."""
