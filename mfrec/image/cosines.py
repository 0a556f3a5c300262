"""The discrete cosine transform of small blocks, as codecs use it.

Blocks are so small that two products with a matrix are all it takes; :mod:`scipy.fft` would do the same, and importing
it loads all special functions of SciPy, which takes a tenth of a second.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray


@functools.cache
def cosines(size: int) -> NDArray[np.float64]:
    """The matrix of the orthonormal transform (DCT-II) of ``size`` samples: frequency by place, rows of length 1."""
    frequency, place = np.arange(size)[:, None], np.arange(size)
    table = np.sqrt(2 / size) * np.cos(np.pi * frequency * (2 * place + 1) / (2 * size))
    table[0] = np.sqrt(1 / size)
    table.setflags(write=False)
    return table


def cosine_transform(blocks: NDArray) -> NDArray:
    """Orthonormal transform of square blocks ``[..., n, n]``, in the type that they have."""
    table = cosines(blocks.shape[-1]).astype(blocks.dtype)
    return table @ blocks @ table.T
