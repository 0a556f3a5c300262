"""How strong the sensor's noise is in a frame, as its pixels show: a dark scene, a long cable, a lifted gain.

Noise of a sensor is white; the power of detail falls with the square of its frequency at least (Field, "Relations
between the statistics of natural images and the response properties of cortical cells", JOSA A 1987). So the spread in
two bands of frequencies tells one from the other. It is measured robustly, after Donoho and Johnstone, "Ideal spatial
adaptation by wavelet shrinkage" (Biometrika 1994, section 4.1), in the flatter half of the picture, with the block
transform of the codecs in the place of the wavelets. What a codec rounded to nothing says nothing, so only bands count
whose quantiser is finer than what is measured there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mfrec.camera.history import BLOCK, FREQUENCY, middle, sliding_dct
from mfrec.image.colour import rgb_to_ycc
from mfrec.types import FloatArray

BANDS = (
    (FREQUENCY == 6) | (FREQUENCY == 7),
    (FREQUENCY == 8) | (FREQUENCY == 9),
    FREQUENCY >= 10,
)
"""High frequencies, in three groups; ``u + v`` is 6 to 7, 8 to 9, 10 to 14."""

CENTRES = (6.5, 8.5, 11.0)
"""Of them, about."""

MEDIAN = 0.6745
"""Median absolute value of a normal number of standard deviation 1."""

LEAST = 2.5 / 255.0
"""Below it the difference of two bands is chance."""

COARSE = 2.0
"""Steps of a quantiser, in units of the spread that is measured, from which on the spread is the quantiser's."""


def sensor_noise(image: FloatArray, steps: FloatArray | float = 0.0) -> float:
    """Standard deviation of the white noise of luma in a frame.

    Args:
        image: ``[H, W, 3]`` RGB in [0, 1]; the middle of it is looked at.
        steps: quantisation step of each 8 x 8 DCT coefficient of luma, ``[8, 8]``, or of all, in [0, 1] grey levels.

    Returns:
        In [0, 1] grey levels. 0 where the picture is too small, its codec has rounded the high frequencies, or what is
        there falls with frequency as detail does.
    """
    part = middle(image)
    if min(part.shape[:2]) < 2 * BLOCK:
        return 0.0
    every = sliding_dct(np.ascontiguousarray(rgb_to_ycc(part)[..., 0]))
    blocks = every[::4, ::4].reshape(-1, BLOCK, BLOCK)
    coarse = (blocks[:, (FREQUENCY >= 1) & (FREQUENCY <= 3)] ** 2).sum(axis=1)
    flat = blocks[coarse <= np.median(coarse)]
    step = np.broadcast_to(np.asarray(steps, np.float32), (BLOCK, BLOCK))
    low, *higher = (spread_of(flat[:, band], step[band]) for band in BANDS)
    if low is None:
        return 0.0
    # The finest band that the codec has left: there the share of detail is least.
    for spread, centre in zip(reversed(higher), reversed(CENTRES[1:]), strict=True):
        if spread is not None:
            falls = (CENTRES[0] / centre) ** 2
            noise = np.sqrt(max(0.0, (spread**2 - falls * low**2) / (1 - falls)))
            return float(min(noise, spread)) if noise > LEAST else 0.0
    return 0.0


def spread_of(coefficients: NDArray, steps: NDArray) -> float | None:
    """Robust standard deviation of coefficients without their rounding; None where that is most of it.

    Args:
        coefficients: ``[n, k]`` of ``k`` frequencies.
        steps: ``[k]`` of their quantiser.
    """
    spread, rounding = float(np.median(np.abs(coefficients))) / MEDIAN, float(np.sqrt((steps**2).mean()))
    if rounding >= COARSE * spread and rounding > 0:
        return None
    return float(np.sqrt(max(0.0, spread**2 - rounding**2 / 12)))
