"""What the networks are told of a frame's codec: eight numbers of a noise model."""

from __future__ import annotations

import numpy as np

from mfrec.camera.noise import NoiseModel
from mfrec.types import FloatArray

CONDITIONS = 8
"""Numbers that describe the codec, see :func:`conditions`."""


def conditions(noise: NoiseModel) -> FloatArray:
    """What the network is told about the codec of a frame, ``[8]`` float32 of order one.

    Base-2 logarithms of the error's standard deviation in grey levels of 1/255, less 3, in four bands of luma (mean
    of the frequencies with ``u + v`` = 0, 1 to 2, 3 to 5, 6 and more) and two of chroma (0, 1 to 2); then whether the
    frame was coded by itself, and whether it is of a video.
    """
    u = np.add.outer(np.arange(8), np.arange(8))
    bands = [u == 0, (u >= 1) & (u <= 2), (u >= 3) & (u <= 5), u >= 6]
    variances = [noise.luma[band].mean() for band in bands] + [noise.chroma[band].mean() for band in bands[:2]]
    levels = np.log2(255.0 * np.sqrt(np.array(variances))) - 3.0
    return np.array([*levels, noise.kind == "still", noise.kind == "video"], np.float32)
