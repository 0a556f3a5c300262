"""By how much a generator's faces turn along a direction, measured by landmarks, and whose faces they still are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mfrec.generative.directions import edited_styles, portrait_points, yaw
from mfrec.metrics.identity import embed_all, identity_distance
from mfrec.types import FloatArray

VIEWS = tuple(float(step) for step in np.linspace(-12, 12, 13))
"""Steps along the direction."""

PSI = 0.6
"""Truncation of the faces that are turned."""

WANTED = 30.0
"""Degrees over which the yaw should rise at every step."""


def measured(generator: Any, direction: FloatArray, faces: int, seed: int) -> dict[str, float]:
    """Draw faces, turn each along a direction of yaw, and measure the turn.

    Args:
        generator: a :class:`mfrec.nets.stylegan2.Stylegan2` in eval mode.
        direction: ``[latent]`` of yaw.
        faces: how many.
        seed: of the faces; other ones than those that the direction was learnt from.

    Returns:
        ``turn_faces``; ``turn_degrees``, mean of the largest range of yaw over which it rises at every step, and
        ``turn_least``, the smallest; ``turn_wanted``, share of the faces where it is :data:`WANTED` or more;
        ``turn_mean``, that range of the mean yaw of all faces; ``turn_identity``, mean distance to the face in the
        middle at both ends of each face's range.
    """
    z = torch.randn(faces, generator.latent, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        every = generator.truncated(z.to(generator.centre), PSI).cpu().numpy()
    curves, ranges, apart = [], [], []
    for styles in every:
        views = torch.from_numpy(np.stack([edited_styles(styles, direction, by) for by in VIEWS]))
        with torch.no_grad():
            made = generator.picture(views.to(generator.centre)).clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy()
        points = [portrait_points(portrait, generator.framing) for portrait in made]
        curves.append([yaw(found) for found in points])
        first, last = rising(curves[-1])
        ranges.append(curves[-1][last] - curves[-1][first])
        shown = [(made[k], points[k]) for k in (len(VIEWS) // 2, first, last)]
        middle, *ends = embed_all(shown)
        apart += [identity_distance(middle, end) for end in ends]
    mean = np.mean(curves, axis=0)
    first, last = rising(mean)
    return {
        "turn_faces": float(faces),
        "turn_degrees": float(np.mean(ranges)),
        "turn_least": float(np.min(ranges)),
        "turn_wanted": float(np.mean(np.array(ranges) >= WANTED)),
        "turn_mean": float(mean[last] - mean[first]),
        "turn_identity": float(np.mean(apart)),
    }


def rising(values: Sequence[float] | NDArray) -> tuple[int, int]:
    """First and last place of the run of values, each above the one before, that rises by most."""
    best, first = (0, 0), 0
    for k in range(1, len(values)):
        if not values[k] > values[k - 1]:
            first = k
        if values[k] - values[first] > values[best[1]] - values[best[0]]:
            best = (first, k)
    return best
