"""What a video codec did to the face of a frame, as a small picture and in words."""

from __future__ import annotations

import numpy as np

from mfrec.image.colour import luma
from mfrec.image.geometry import resize
from mfrec.report.pictures import UNCERTAIN, Rgb, ramp
from mfrec.types import CodecView, FloatArray, Observation

SIDE = 96
"""Pixels of the longer side of the picture."""

RANGES = {"H.264 QP": (10.0, 45.0), "MPEG quantiser scale": (1.0, 31.0), "VP9 q index": (0.0, 255.0)}
"""Quantisers that are drawn black and pale yellow."""

TINT = 0.6
"""Share of the colour of a block in the picture; the rest is the frame in grey."""

NAMES = {"I": "coded by itself (I)", "P": "coded from earlier frames (P)", "B": "coded from both sides (B)"}


def codec_words(observation: Observation) -> str:
    """A sentence on the blocks of the face; empty where nothing is known or no face was found."""
    view, box = observation.frame.codec, observation.box
    if view is None or box is None:
        return ""
    parts = [NAMES[view.kind]] if view.kind in NAMES else []
    over = _over(view, box)
    if over is not None:
        quantisers = view.quantisers[over] if view.quantisers is not None else None
        if quantisers is not None and quantisers.size:
            low, middle, high = float(quantisers.min()), float(quantisers.mean()), float(quantisers.max())
            if round(low) == round(high):
                parts.append(f"{view.unit} {low:.0f} all over the face")
            else:
                parts.append(f"{view.unit} {low:.0f} to {high:.0f} over the face, {middle:.0f} in the mean")
        if view.copied is not None:
            parts.append(f"{100 * float(view.copied[over].mean()):.0f} % of its blocks repeat the frame before")
    return ", ".join(parts)


def codec_picture(observation: Observation) -> Rgb | None:
    """The face in grey under the colours of its blocks: dark where finely, pale where coarsely rounded, blue where the
    block repeats the frame before. None where nothing is known of them, ``[H, W, 3]`` else."""
    frame, box = observation.frame, observation.box
    view = frame.codec
    if view is None or box is None or (view.quantisers is None and view.copied is None):
        return None
    height, width = frame.image.shape[:2]
    x0, y0 = np.clip(np.floor(box[:2]), 0, (width - 2, height - 2)).astype(int)
    x1, y1 = np.clip(np.ceil(box[2:]) + 1, (x0 + 2, y0 + 2), (width, height)).astype(int)
    grid = view.quantisers if view.quantisers is not None else view.copied
    assert grid is not None
    columns = np.clip((np.arange(x0, x1) + 0.5 - view.origin[0]) // view.block[0], 0, grid.shape[1] - 1).astype(int)
    rows = np.clip((np.arange(y0, y1) + 0.5 - view.origin[1]) // view.block[1], 0, grid.shape[0] - 1).astype(int)
    grey = np.repeat(255.0 * luma(frame.image[y0:y1, x0:x1])[..., None], 3, axis=2)
    tint = grey
    if view.quantisers is not None:
        low, high = RANGES.get(view.unit, (0.0, 1.0))
        tint = ramp(np.clip((view.quantisers[np.ix_(rows, columns)] - low) / (high - low), 0, 1), UNCERTAIN).astype(
            float
        )
    mixed = (1 - TINT) * grey + TINT * tint
    if view.copied is not None:
        mixed[view.copied[np.ix_(rows, columns)]] = (70, 130, 200)
    factor = SIDE / max(mixed.shape[:2])
    size = (max(1, round(factor * mixed.shape[0])), max(1, round(factor * mixed.shape[1])))
    return np.rint(np.clip(resize(mixed, *size, interpolation="nearest"), 0, 255)).astype(np.uint8)


def _over(view: CodecView, box: FloatArray) -> tuple[slice, slice] | None:
    """Rows and columns of the blocks under a box."""
    grid = view.quantisers if view.quantisers is not None else view.copied
    if grid is None:
        return None
    (width, height), (x, y) = view.block, view.origin
    left, right = (int(np.clip((at - x) // width, 0, grid.shape[1] - 1)) for at in (box[0], box[2]))
    top, bottom = (int(np.clip((at - y) // height, 0, grid.shape[0] - 1)) for at in (box[1], box[3]))
    return slice(top, bottom + 1), slice(left, right + 1)
