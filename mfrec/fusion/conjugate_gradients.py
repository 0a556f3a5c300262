"""The linear solver of the estimates."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mfrec.types import FloatArray


def conjugate_gradients(apply: Callable[[NDArray], NDArray], residual: NDArray, x: FloatArray, steps: int) -> None:
    """Improve the solution ``x`` of ``apply(x) = b`` in place, given ``b - apply(x)`` (Hestenes and Stiefel 1952)."""
    direction = residual.copy()
    energy = float(np.vdot(residual, residual))
    for _ in range(steps):
        if energy < 1e-12:
            break
        applied = apply(direction)
        step = np.float32(energy / float(np.vdot(direction, applied)))
        x += step * direction
        residual -= step * applied
        after = float(np.vdot(residual, residual))
        direction = residual + np.float32(after / energy) * direction
        energy = after
