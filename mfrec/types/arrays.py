"""Read-only arrays: what every value of mfrec holds its pixels in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


def frozen_array(array: Any, dtype: Any = np.float32) -> NDArray[Any]:
    """A C-contiguous, read-only array of ``dtype``; copied unless it already is one."""
    if (
        isinstance(array, np.ndarray)
        and array.dtype == dtype
        and not array.flags.writeable
        and array.flags.c_contiguous
    ):
        return array
    out = np.array(array, dtype=dtype, order="C", copy=True)
    out.setflags(write=False)
    return out


def freeze(value: Any, name: str, dtype: Any = np.float32) -> None:
    array = getattr(value, name)
    if array is not None:
        object.__setattr__(value, name, frozen_array(array, dtype))
