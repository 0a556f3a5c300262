"""Pictures on a canvas that they were not made on: the bicubic reference, and a result on another cut."""

from __future__ import annotations

import numpy as np

from mfrec.errors import UsageError
from mfrec.image.geometry import enlarge, similarity_map, warp
from mfrec.types import Canvas, FaceTrack, FloatArray


def bicubic(image: FloatArray, canvas: Canvas) -> FloatArray:
    """The part of a frame that the canvas covers, enlarged by bicubic interpolation.

    Args:
        image: ``[h, w, 3]`` in [0, 1], the reference frame.
        canvas: a rectangle of it.

    Returns:
        ``[H, W, 3]`` float32 in [0, 1], the same pixels as an enlargement of the whole frame has there.
    """
    # Bicubic interpolation reads two pixels to each side; enlarging the whole of a large frame would be a waste.
    margin = 3
    above, before = min(margin, canvas.y0), min(margin, canvas.x0)
    part = image[
        canvas.y0 - above : canvas.y0 + canvas.height + margin, canvas.x0 - before : canvas.x0 + canvas.width + margin
    ]
    (rows, columns), top, left = canvas.shape, above * canvas.scale, before * canvas.scale
    return enlarge(part, canvas.scale)[top : top + rows, left : left + columns]


def on_canvas(track: FaceTrack, canvas: Canvas) -> FloatArray:
    """A track's result ``[H, W, 3]`` on another canvas of the same reference frame."""
    if track.fused is None or track.canvas is None:
        raise UsageError("the evidence recipe gave no picture; restore mfrec/recipes/evidence.toml")
    if track.canvas == canvas:
        return track.fused.image
    look_up = similarity_map(track.canvas.from_reference.after(canvas.from_reference.inverse()), *canvas.shape)
    return np.clip(warp(track.fused.image, look_up), 0.0, 1.0)
