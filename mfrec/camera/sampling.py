"""Frames that were enlarged before they were saved: found, and brought back to their own sampling.

A capture of a player's window at twice its size has four times the pixels and nothing more to say; what reads its noise
and its blocks at their own size is misled. An enlarged row is a linear map of the row that it was made from, so it lies
in a space of as many dimensions as that had pixels (Gallagher, "Detection of linear and cubic interpolation in JPEG
compressed images", CRV 2005, and Popescu and Farid, "Exposing digital forgeries by detecting traces of resampling",
IEEE TSP 2005, look for the same dependence in its periodicity, which enlargement by two about pixel centres does not
have). Projecting onto that space leaves next to nothing for the true size and kernel, and much for their neighbours;
the same least squares give the pixels back from which the enlargement was made.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mfrec.image.colour import luma
from mfrec.types import FloatArray

SMALLEST_FACTOR, LARGEST_FACTOR = 1.4, 3.1

STRIP = 160
"""Columns that are looked at, from the left border; further ones would say the same."""

LINES = 64
"""Rows that are looked at, at most, spread evenly."""

BORDER = 4
"""Outermost pixels that are left out: programs differ in what they take to lie beyond the border."""

CLOSE = 0.012
"""Root-mean-square rest, in [0, 1] grey levels, that an enlarged row may leave: three grey levels, for captures that
were saved as JPEG. Rounding to 8 bits leaves 0.3."""

NARROW = 0.6
"""The rest must be smaller than this share of what neighbouring sizes leave."""

KERNELS = ("cubic 0.75", "cubic 0.5", "linear", "lanczos 3", "nearest")
"""Catmull-Rom's family by its slope (OpenCV has 0.75, most others 0.5), triangle, windowed sinc, box."""


@dataclass(frozen=True)
class Enlargement:
    """What a frame was made from.

    Attributes:
        width, height: of the frame before it was enlarged, in pixels.
        factor: by which, along both sides.
        kernel: one of :data:`KERNELS`.
    """

    width: int
    height: int
    factor: float
    kernel: str


def find_enlargement(image: FloatArray) -> Enlargement | None:
    """Find out whether a whole picture was enlarged, by 1.4 to 3.1 times.

    Args:
        image: ``[H, W, 3]`` RGB in [0, 1], not cut since.

    Returns:
        None where no size explains it clearly better than its neighbours.
    """
    height, width = image.shape[:2]
    if min(height, width) < 2 * STRIP // 5:
        return None
    rows = luma(image[np.linspace(0, height - 1, min(LINES, height)).astype(int), :STRIP])
    sizes = np.arange(int(np.ceil(width / LARGEST_FACTOR)), int(width / SMALLEST_FACTOR) + 1)
    # Along a strip, sizes of a wide picture that differ by less than one pixel in it cannot be told apart.
    sizes = sizes[:: max(1, width // (2 * STRIP))]
    most, found = NARROW, None
    for kernel in KERNELS:
        rests = np.array([rest_of(rows, width / size, kernel) for size in sizes])
        best = int(rests.argmin())
        around = np.abs(sizes - sizes[best]) * rows.shape[1] / width
        neighbours = rests[(around >= 2) & (around <= 6)]
        if rests[best] < CLOSE and len(neighbours) and rests[best] < most * np.median(neighbours):
            most, found = float(rests[best] / np.median(neighbours)), (int(sizes[best]), kernel)
    if found is None:
        return None
    coarse, kernel = found
    size = min(range(coarse - 2, coarse + 3), key=lambda n: rest_of(rows, width / n, kernel))
    # The size is told by how much better it is than its neighbours, the kernel by what it leaves at that size. Enlarged
    # by exactly two, "cubic 0.5" and "linear" span the same space: the commoner one, which stands first, is taken.
    at_size = {name: rest_of(rows, width / size, name) for name in KERNELS}
    kernel = next(name for name in KERNELS if at_size[name] <= 1.05 * min(at_size.values()))
    return Enlargement(size, max(1, round(height * size / width)), width / size, kernel)


def reduced(image: FloatArray, width: int, height: int, kernel: str) -> FloatArray:
    """The picture ``[height, width, 3]`` whose enlargement comes nearest to ``image``, in [0, 1]."""
    rows, columns = image.shape[:2]
    down = np.linalg.pinv(enlarging(rows, rows / height, kernel)[:, :height])
    across = np.linalg.pinv(enlarging(columns, columns / width, kernel)[:, :width])
    out = np.einsum("yh,hwc,xw->yxc", down, image.astype(np.float64), across, optimize=True)
    return np.clip(out, 0, 1).astype(np.float32)


def rest_of(rows: FloatArray, factor: float, kernel: str) -> float:
    """What no row before enlargement explains, root mean square, of the left parts of rows ``[n, W]``."""
    inner = slice(BORDER, rows.shape[1] - BORDER)
    basis = _basis(rows.shape[1], round(factor, 9), kernel)
    values = rows[:, inner].astype(np.float64)
    rest = values - (values @ basis) @ basis.T
    # As many numbers as the basis has vectors fit whatever they are.
    freedom = 1 - basis.shape[1] / basis.shape[0]
    return float(np.sqrt((rest**2).mean() / max(freedom, 0.05)))


@functools.lru_cache(maxsize=1024)
def _basis(columns: int, factor: float, kernel: str) -> NDArray[np.float64]:
    """Orthonormal columns that span the inner part of all enlarged rows."""
    matrix = enlarging(columns, factor, kernel)[BORDER : columns - BORDER]
    used = np.abs(matrix).sum(axis=0) > 1e-6
    return np.asarray(np.linalg.qr(matrix[:, used])[0], np.float64)


def enlarging(columns: int, factor: float, kernel: str) -> NDArray[np.float64]:
    """The matrix ``[columns, n]`` that enlarges a row by ``factor``; rows sum to 1. Pixel centres lie as in
    :mod:`mfrec.image.geometry`; beyond the border the last pixel is repeated."""
    name, _, parameter = kernel.partition(" ")
    centre = (np.arange(columns) + 0.5) / factor - 0.5
    count = int(np.ceil((columns) / factor - 1e-9))
    reach = {"cubic": 2, "linear": 1, "lanczos": 3, "nearest": 1}[name]
    out = np.zeros((columns, count))
    line = np.arange(columns)
    for step in range(1 - reach, reach + 1):
        place = np.floor(centre).astype(int) + step
        weight = _weight(name, parameter, np.asarray(centre - place, np.float64))
        np.add.at(out, (line, np.clip(place, 0, count - 1)), weight)
    return out / out.sum(axis=1, keepdims=True)


def _weight(name: str, parameter: str, distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of a pixel at a distance in its own pixels (Keys, IEEE TASSP 1981, for the cubic ones)."""
    d = np.abs(distance)
    if name == "linear":
        return np.maximum(1 - d, 0)
    if name == "nearest":
        return ((distance >= -0.5) & (distance < 0.5)).astype(float)
    if name == "lanczos":
        reach = float(parameter)
        return np.where(d < reach, np.sinc(d) * np.sinc(d / reach), 0.0)
    slope = -float(parameter)
    inner = (slope + 2) * d**3 - (slope + 3) * d**2 + 1
    outer = slope * (d**3 - 5 * d**2 + 8 * d - 4)
    return np.where(d <= 1, inner, np.where(d < 2, outer, 0.0))
