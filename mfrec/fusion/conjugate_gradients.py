"""The linear solver of the estimates."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mfrec.types import FloatArray

SETTLED = 1e-5
"""Share of the energy of the first residual that is left when nothing worth showing changes any more: colours that are
bounded by frames get there after six steps, and the four more moved them by 0.1 grey levels."""


def conjugate_gradients(apply: Callable[[NDArray], NDArray], residual: NDArray, x: FloatArray, steps: int) -> None:
    """Improve the solution ``x`` of ``apply(x) = b`` in place, given ``b - apply(x)`` (Hestenes and Stiefel 1952).

    It ends after so many steps, or earlier at :data:`SETTLED`. Planes are worked on in place: pages for new ones took a
    tenth of the solver's time.

    Args:
        apply: the matrix; it gives a new array, which is spent here.
        residual: ``b - apply(x)``; spent as well.
        x: where to begin, and the solution.
        steps: at most.
    """
    direction, part = residual.copy(), np.empty_like(x)
    energy = float(np.vdot(residual, residual))
    enough = max(1e-12, SETTLED * energy)
    for _ in range(steps):
        if energy < enough:
            break
        applied = apply(direction)
        step = np.float32(energy / float(np.vdot(direction, applied)))
        x += np.multiply(step, direction, out=part)
        residual -= np.multiply(step, applied, out=applied)
        after = float(np.vdot(residual, residual))
        direction *= np.float32(after / energy)
        direction += residual
        energy = after
