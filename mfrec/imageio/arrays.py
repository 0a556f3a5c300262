"""Arrays as frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mfrec.errors import InputError
from mfrec.imageio.limits import size_reason
from mfrec.imageio.reading import Findings, digests, finished
from mfrec.pipeline import Progress
from mfrec.types import FloatArray, Frame


def array_frames(arrays: Sequence[NDArray[Any]], every: int, findings: Findings, progress: Progress) -> Iterator[Frame]:
    """Arrays ``[H, W, 3]`` as frames; ``every`` is only for their names.

    Raises:
        InputError: one of them is no picture.
    """
    for index, array in enumerate(arrays):
        name = f"array {index * every}"
        image, notes = _array_image(array, name)
        frame = Frame(finished(image), index, name, None, *digests([np.ascontiguousarray(array).data]), notes=notes)
        findings.compare(name, image.shape, [frame.image])
        yield frame
        progress("read", index + 1, len(arrays))


def _array_image(array: NDArray[Any], name: str) -> tuple[FloatArray, tuple[str, ...]]:
    """Check and scale one array."""
    if array.ndim != 3 or array.shape[2] != 3:
        raise InputError(f"{name} has shape {list(array.shape)}; a frame is [H, W, 3] in the order red, green, blue")
    reason = size_reason(array.shape[1], array.shape[0])
    if reason is not None:
        raise InputError(f"{name} has {reason}")
    if array.dtype == np.uint8:
        return array.astype(np.float32) / np.float32(255), ("8-bit array",)
    if array.dtype == np.uint16:
        return array.astype(np.float32) / np.float32(65535), ("16-bit array",)
    if not np.issubdtype(array.dtype, np.floating):
        raise InputError(f"{name} holds {array.dtype}; give uint8, uint16, or floating point in [0, 1]")
    if not np.all(np.isfinite(array)):
        bad = np.count_nonzero(~np.isfinite(array))
        raise InputError(f"{name} holds {bad} values that are NaN or infinite; every value must be in [0, 1]")
    low, high = float(array.min()), float(array.max())
    # A hair beyond the range is rounding of whoever computed the array, anything more is another range.
    if low < -1e-6 or high > 1 + 1e-6:
        hint = "divide by 255" if 1 < high <= 255 and low >= 0 else "scale or clip it"
        raise InputError(f"{name} has values from {low:.6g} to {high:.6g}; floating point must be in [0, 1], so {hint}")
    return np.clip(array, 0, 1).astype(np.float32), ()
