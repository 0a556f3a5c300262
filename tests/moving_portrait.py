"""Frames of the portrait under known motion: what registration and fusion are tested with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mfrec.image.geometry import identity_map, resize, warp
from mfrec.imageio import jpeg_bytes
from mfrec.types import Canvas, FloatArray, Frame, Observation, Similarity

SIDE = 40
SCALE = 4


@dataclass(frozen=True, eq=False)
class Filmed:
    """Small frames, the truth of the reference at ``SCALE`` times their size, and how each was moved.

    ``shifts[k]`` is where frame ``k`` shows what the reference shows at the origin, in frame pixels.
    """

    frames: tuple[Frame, ...]
    truth: FloatArray
    shifts: tuple[tuple[float, float], ...]
    canvas: Canvas

    def observations(self) -> tuple[Observation, ...]:
        return tuple(Observation(frame, similarity=Similarity.identity()) for frame in self.frames)


def film_shifts(
    portrait: FloatArray,
    shifts: tuple[tuple[float, float], ...],
    *,
    noise: float = 0.0,
    quality: tuple[int, ...] | None = None,
    seed: int = 0,
) -> Filmed:
    """Move the portrait by sub-pixel shifts and sample it with square pixels; the first frame is the reference."""
    from mfrec.imageio import read

    rng = np.random.default_rng(seed)
    size = SIDE * SCALE
    start = (portrait.shape[0] - size) // 2
    images = []
    for dx, dy in shifts:
        look_up = identity_map(size, size) + np.float32(start) - SCALE * np.array([dx, dy], np.float32)
        small = resize(warp(portrait, look_up), SIDE, SIDE, interpolation="area")
        images.append(np.clip(small + rng.normal(0, noise, small.shape), 0, 1).astype(np.float32))
    frames = []
    for index, image in enumerate(images):
        if quality is None:
            frames.append(Frame(image, index, f"{index}.png"))
        else:
            frames.append(decode_jpeg(jpeg_bytes(image, quality[index]), index, read))
    truth = portrait[start : start + size, start : start + size]
    return Filmed(tuple(frames), truth, shifts, Canvas(0, 0, SIDE, SIDE, SCALE))


def decode_jpeg(data: bytes, index: int, read) -> Frame:
    """A real JPEG file, read the way a user's is."""
    import tempfile
    from dataclasses import replace
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{index}.jpg"
        path.write_bytes(data)
        return replace(read(path).frames[0], index=index)


def psnr_inside(image: FloatArray, truth: FloatArray, border: int = 12) -> float:
    """PSNR without the border, where frames have no content to share."""
    inner = slice(border, -border)
    return float(-10 * np.log10(((image - truth)[inner, inner] ** 2).mean()))
