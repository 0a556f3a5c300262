"""The plain ways of making one picture of registered frames: their mean and their median."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mfrec.fusion.source import Source
from mfrec.types import FloatArray


def mean_of(sources: Sequence[Source]) -> tuple[FloatArray, FloatArray]:
    """Mean of the registered frames where they can be seen: ``image [H, W, 3]``, ``weight [N, H, W]``."""
    seen = np.stack([(source.registration.trust > 0).astype(np.float32) for source in sources])
    weight = seen / np.maximum(seen.sum(axis=0), 1)
    image = sum(w[..., None] * source.warped for w, source in zip(weight, sources, strict=True))
    return np.clip(np.asarray(image, np.float32), 0, 1), weight


def median_of(sources: Sequence[Source]) -> tuple[FloatArray, FloatArray]:
    """Median of the registered frames, each colour by itself; black where no frame sees the pixel.

    The weight of a frame is the share of the colours at which it is the median (half for each of the middle two);
    frames of one value share alike, so that their order does not matter.
    """
    seen = np.stack([source.registration.trust > 0 for source in sources])
    values = np.where(seen[..., None], np.stack([source.warped for source in sources]), np.nan)
    count = seen.sum(axis=0)
    ordered = np.sort(values, axis=0)  # NaN comes last
    image = np.zeros(values.shape[1:], np.float32)
    weight = np.zeros(seen.shape, np.float32)
    for middle in (np.maximum((count - 1) // 2, 0), np.minimum(count // 2, len(sources) - 1)):
        place = np.broadcast_to(middle[None, ..., None], (1, *values.shape[1:]))
        median = np.take_along_axis(ordered, place, axis=0)[0]
        image += median / 2
        same = values == median
        weight += (same / np.maximum(same.sum(axis=0), 1)).mean(axis=-1) / 2
    return np.clip(np.nan_to_num(image), 0, 1), weight
