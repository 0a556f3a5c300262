"""Frames turned by quarters: what a camera that lies on its side saw, brought upright without touching a value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mfrec.types import CodecView, FloatArray, Frame, JpegTables, frozen_array

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
    codec, (x, y), (across, down) = frame.codec, frame.origin, frame.size
    for _ in range(degrees // 90):
        jpeg = None if jpeg is None else _quarter(jpeg, height)
        codec = None if codec is None else _quarter_view(codec, height)
        x, y = down - y - height, x
        height, width, across, down = width, height, down, across
    return replace(
        frame,
        image=frozen_array(np.rot90(frame.image, -degrees // 90)),
        jpeg=jpeg,
        origin=(x, y),
        whole=None if frame.whole is None else (across, down),
        codec=codec,
        notes=(*frame.notes, f"turned by {degrees} degrees clockwise"),
    )


def turned_box(box: FloatArray, degrees: int, height: int, width: int) -> FloatArray:
    """A rectangle ``(x0, y0, x1, y1)`` of a picture where it lies once that is turned clockwise.

    Args:
        box: in pixels of the picture as it is.
        degrees: one of :data:`TURNS`.
        height, width: of the picture as it is.
    """
    x0, y0, x1, y1 = (float(edge) for edge in box)
    for _ in range(degrees // 90):
        x0, y0, x1, y1 = height - 1 - y1, x0, height - 1 - y0, x1
        height, width = width, height
    return frozen_array(np.array([x0, y0, x1, y1], np.float32))


def _quarter_view(view: CodecView, height: int) -> CodecView:
    """Blocks of a picture of that height after a quarter turn clockwise."""
    grid = view.quantisers if view.quantisers is not None else view.copied
    rows = 0 if grid is None else grid.shape[0]
    (across, down), (x, y) = view.block, view.origin
    return replace(
        view,
        quantisers=None if view.quantisers is None else np.rot90(view.quantisers, -1),
        copied=None if view.copied is None else np.rot90(view.copied, -1),
        block=(down, across),
        origin=(height - y - rows * down, x),
    )


def _quarter(tables: JpegTables, height: int) -> JpegTables:
    """Tables of a picture of that height after a quarter turn clockwise: ``(x, y)`` becomes ``(height - 1 - y, x)``.

    Mirroring changes the sign of odd coefficients only, so the steps stay; transposing exchanges the frequencies.
    """
    (x, y), (across, down) = tables.phase, tables.subsampling
    return JpegTables(tables.luma.T, tables.chroma.T, (down, across), ((height - y) % 8, x))
