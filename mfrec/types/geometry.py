"""Plane maps and the grid of the output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mfrec.types.arrays import freeze


@dataclass(frozen=True, eq=False)
class Similarity:
    """Rotation, uniform scale and translation: ``target = matrix[:, :2] @ source + matrix[:, 2]``.

    Attributes:
        matrix: ``[2, 3]`` float64.
    """

    matrix: NDArray[np.float64]

    def __post_init__(self) -> None:
        freeze(self, "matrix", np.float64)
        if self.matrix.shape != (2, 3):
            raise ValueError(f"a similarity is a [2, 3] matrix, not {self.matrix.shape}")

    @classmethod
    def identity(cls) -> Similarity:
        return cls(np.eye(2, 3))

    @property
    def scale(self) -> float:
        """Length in the target of a unit length in the source."""
        return float(np.hypot(self.matrix[0, 0], self.matrix[1, 0]))

    @property
    def rotation(self) -> float:
        """Angle in degrees from the x axis towards the y axis (clockwise on the screen)."""
        return float(np.degrees(np.arctan2(self.matrix[1, 0], self.matrix[0, 0])))

    def apply(self, points: Any) -> NDArray[np.float64]:
        """Map points ``[..., 2]`` from source to target."""
        return np.asarray(points, np.float64) @ self.matrix[:, :2].T + self.matrix[:, 2]

    def inverse(self) -> Similarity:
        linear = np.asarray(np.linalg.inv(self.matrix[:, :2]), np.float64)
        return Similarity(np.column_stack([linear, -linear @ self.matrix[:, 2]]))

    def after(self, first: Similarity) -> Similarity:
        """The map that applies ``first`` and then this one."""
        linear = self.matrix[:, :2] @ first.matrix[:, :2]
        return Similarity(np.column_stack([linear, self.apply(first.matrix[:, 2])]))


MAX_SCALE = 8
"""Beyond the practical limit of reconstruction by far (Lin and Shum, TPAMI 2004); more would only be interpolation."""


@dataclass(frozen=True)
class Canvas:
    """The grid of the output: a rectangle of the reference frame, ``scale`` times enlarged.

    Canvas pixel ``X`` lies at ``x = x0 + (X + 0.5) / scale - 0.5`` of the reference frame.

    Attributes:
        x0, y0: first column and row of the reference frame that the canvas covers.
        width, height: size of that rectangle in reference pixels.
        scale: super-resolution factor, a whole number.
    """

    x0: int
    y0: int
    width: int
    height: int
    scale: int

    @property
    def shape(self) -> tuple[int, int]:
        """``(H, W)`` of the output in pixels."""
        return self.height * self.scale, self.width * self.scale

    @property
    def from_reference(self) -> Similarity:
        """Reference-frame pixels to canvas pixels."""
        s = float(self.scale)
        return Similarity(np.array([[s, 0, (0.5 - self.x0) * s - 0.5], [0, s, (0.5 - self.y0) * s - 0.5]]))

    def into_frame(self, to_reference: Similarity) -> Similarity:
        """Canvas pixels to pixels of the frame whose pixels ``to_reference`` takes to the reference's."""
        return to_reference.inverse().after(self.from_reference.inverse())
