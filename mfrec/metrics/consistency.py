"""Data consistency: would the camera have seen the frame that it saw, if the result were the truth?

The result is put through the declared camera of :mod:`mfrec.camera.forward` (Elad and Feuer, "Restoration of a single
superresolution image from several blurred, noisy, and undersampled measured images", IEEE TIP 6(12), 1997, equation
1) and compared with the frame. A result far beyond the frame's own noise has changed what was measured; a small value
proves nothing about the detail that the camera could not see.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mfrec.metrics.pair import checked_picture

PSF_SIGMA = 0.5
"""Standard deviation of the point-spread function where nothing is known, pixel aperture included, in frame pixels."""


def consistency(result: Any, frame: Any, psf_sigma: float = PSF_SIGMA) -> float:
    """Root-mean-square difference between a frame and the result as the camera would have seen it.

    Args:
        result: ``[s h, s w]`` or ``[s h, s w, 3]``, floating point in [0, 1]; covers what the frame covers.
        frame: ``[h, w]`` or ``[h, w, 3]``, floating point in [0, 1].
        psf_sigma: standard deviation of the Gaussian point-spread function, pixel aperture included, in frame pixels.

    Returns:
        In [0, 1] grey levels, 0 where the result explains the frame exactly.

    Raises:
        ValueError: the result is not a whole number of times as large as the frame, one is grey and the other in
            colour, or a value is not finite or outside [0, 1].
        TypeError: not floating point.
    """
    from mfrec.camera.forward import degrade
    from mfrec.registration.dense import identity_registration
    from mfrec.types import Canvas

    result, frame = checked_picture(result, "result"), checked_picture(frame, "frame")
    (height, width), (rows, columns) = result.shape[:2], frame.shape[:2]
    scale = height // rows
    if result.ndim != frame.ndim or scale < 1 or (height, width) != (scale * rows, scale * columns):
        raise ValueError(
            f"the result has shape {result.shape} and the frame {frame.shape}; expected the frame's shape with both "
            "sides multiplied by one whole number"
        )
    if result.ndim == 2:
        result, frame = np.dstack([result] * 3), np.dstack([frame] * 3)
    frame = frame.astype(np.float32)
    canvas = Canvas(0, 0, columns, rows, scale)
    registration = identity_registration(canvas, frame)
    expected = degrade(result.astype(np.float32), registration, canvas, psf_sigma)
    return float(np.sqrt(np.nanmean((expected - frame).astype(np.float64) ** 2)))
