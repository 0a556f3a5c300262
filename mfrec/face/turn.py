"""Frames turned by quarters: what a camera that lies on its side saw, brought upright without touching a value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mfrec.types import Frame, JpegTables, frozen_array

TURNS = (0, 90, 180, 270)
"""Degrees clockwise."""


def turned(frame: Frame, degrees: int) -> Frame:
    """A frame turned clockwise, which its notes then say.

    Args:
        frame: as it was read.
        degrees: one of :data:`TURNS`; 0 gives the frame itself.

    Raises:
        ValueError: another angle.
    """
    if degrees not in TURNS:
        raise ValueError(f"frames are turned by {TURNS} degrees, not by {degrees}")
    if not degrees:
        return frame
    jpeg, (height, width) = frame.jpeg, frame.image.shape[:2]
    for _ in range(degrees // 90):
        jpeg = None if jpeg is None else _quarter(jpeg, height)
        height, width = width, height
    return replace(
        frame,
        image=frozen_array(np.rot90(frame.image, -degrees // 90)),
        jpeg=jpeg,
        notes=(*frame.notes, f"turned by {degrees} degrees clockwise"),
    )


def _quarter(tables: JpegTables, height: int) -> JpegTables:
    """Tables of a picture of that height after a quarter turn clockwise: ``(x, y)`` becomes ``(height - 1 - y, x)``.

    Mirroring changes the sign of odd coefficients only, so the steps stay; transposing exchanges the frequencies.
    """
    (x, y), (across, down) = tables.phase, tables.subsampling
    return JpegTables(tables.luma.T, tables.chroma.T, (down, across), ((height - y) % 8, x))
