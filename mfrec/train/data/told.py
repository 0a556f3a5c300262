"""What a network is told of a frame's codec in training: what a file would say, an estimate with its error, or a lie.

In use the file tells, or the pixels are asked (:mod:`mfrec.camera.noise`), and neither is always right. A network that
only ever heard the truth would believe everything; so in training it hears estimates that are off by as much as the
estimator is, and now and then what is wrong altogether.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mfrec.camera.exports import Export
from mfrec.camera.noise import (
    BLOCK,
    COARSEST_QUANTISER,
    NoiseModel,
    from_quantiser,
    from_tables,
    ijg_tables,
    noise_of,
    quantiser_of,
)
from mfrec.image.colour import luma
from mfrec.types import Drawn, FloatArray, Frame

OFF = 2.5
"""Standard deviation of the error of an estimated quantiser: some 0.4 octaves of the error that it stands for."""

LATTICE = 0.8, 0.6
"""Share of former JPEGs whose tables are found in the pixels, on their own grid and cut off it."""

GRID = 0.5
"""Share of other cut frames of which the codec's grid is known."""


@dataclass(frozen=True)
class Hearsay(Drawn):
    """What goes wrong with what is said of one frame.

    Attributes:
        off: error of an estimated quantiser.
        lattice: whether the tables of a former JPEG are found in its pixels.
        grid: whether the grid of another codec is known.
        instead: what is said instead of all that: ``"video"``, ``"unknown"`` or ``"jpeg"``; empty where nothing is.
        number: the quantiser or the JPEG quality of that.
    """

    off: float
    lattice: bool
    grid: bool
    instead: str = ""
    number: float = COARSEST_QUANTISER


def draw_hearsay(rng: np.random.Generator, wrong: float, cut: bool) -> Hearsay:
    """Draw it. What is said instead of the truth is coarse video half of the time, which use would assume.

    Args:
        rng: everything is drawn from it.
        wrong: share of frames of which something else is said.
        cut: whether the frame is cut off its codec's grid.
    """
    off, lattice, grid = float(rng.normal(0, OFF)), rng.random() < LATTICE[cut], rng.random() < GRID
    if rng.random() >= wrong:
        return Hearsay(off, lattice, grid)
    chance = rng.random()
    if chance < 0.65:
        return Hearsay(off, lattice, grid, "video" if chance < 0.5 else "unknown")
    if chance < 0.85:
        return Hearsay(off, lattice, grid, "jpeg", int(rng.integers(40, 96)))
    return Hearsay(off, lattice, grid, "video", float(rng.uniform(15, 31)))


def instead_of(truth: NoiseModel, hearsay: Hearsay) -> NoiseModel:
    """What is said of a frame whose own file would tell the truth."""
    if hearsay.instead == "jpeg":
        return from_tables(ijg_tables(int(hearsay.number)), "false")
    if hearsay.instead == "video":
        return from_quantiser(hearsay.number, "video", "false")
    return from_quantiser(hearsay.number, "unknown", "false") if hearsay.instead == "unknown" else truth


def told_of(
    frame: Frame, before: FloatArray, export: Export, number: int, hearsay: Hearsay
) -> tuple[NoiseModel, tuple[int, int]]:
    """What is said of an exported frame, and where the codec's blocks are said to begin.

    Args:
        frame: as it was read.
        before: ``[h, w, 3]`` the same before any codec.
        export: the way between both.
        number: of the frame in its clip.
        hearsay: what goes wrong.

    Returns:
        The model, and ``(x, y)`` of a block corner in the frame.
    """
    left, top = export.cut
    corner = (-left % BLOCK, -top % BLOCK)
    if frame.quantiser is not None or (frame.jpeg is not None and export.saved == "file"):
        return instead_of(noise_of(frame), hearsay), (0, 0)
    if export.codec == "jpeg" and hearsay.lattice:
        return instead_of(from_tables(ijg_tables(export.strength[number]), "found in the pixels"), hearsay), corner
    error = float(np.sqrt(((luma(frame.image) - luma(before)) ** 2).mean()))
    estimated = from_quantiser(float(np.clip(quantiser_of(error) + hearsay.off, 6, 51)), "video", "estimated")
    return instead_of(estimated, hearsay), corner if hearsay.grid else (0, 0)
