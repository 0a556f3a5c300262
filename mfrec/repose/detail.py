"""Add the detail of one picture to another that is only blurred, without touching what the other still shows.

A blurred target ``t = G s`` of the true scene ``s`` keeps its coarse part, light and colour included. A picture ``r``
carried over from another frame has the detail, but its coarse part is of another moment. ``t + r - G r`` takes each
from where it is right, and blurred by ``G`` it is nearly the target again (high-frequency transfer as in Freeman,
Jones and Pasztor, "Example-based super-resolution", IEEE CG&A 2002). ``G`` is a Gaussian found from the two pictures.

How much of the detail is right nobody sees, but in the octave below it, which the target still shows, the two can be
compared: detail is added by the share of ``r`` that best explains ``t`` there, locally. That is the Wiener gain of one
band, taken for the next.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mfrec.image.colour import luma
from mfrec.image.filters import gaussian
from mfrec.types import FloatArray

BLURS = (0.0, 0.04, 0.08, 0.12, 0.16)
"""Standard deviations in inter-ocular distances at which two pictures are compared: as blurred as a target may be."""

FAINT = 0.29 / 255.0
"""Contrast below which nothing can be said: what rounding to 8 bits does."""

NEARBY = 0.2
"""Standard deviation, in inter-ocular distances, of the window in which the share of the detail is found."""


def fitting_blur(picture: FloatArray, target: FloatArray, where: NDArray[np.bool_], unit: float) -> tuple[float, float]:
    """The blur after which a picture is most like the target.

    Args:
        picture, target: ``[H, W, 3]`` RGB in [0, 1], registered and in one light.
        where: ``[H, W]``, where they are compared; not empty.
        unit: inter-ocular distance in pixels.

    Returns:
        Standard deviation in pixels, one of :data:`BLURS`, and the root-mean-square difference of the luma after it.
    """
    a, b = luma(picture), luma(target)
    blurs = [blur * unit for blur in BLURS]
    errors = [float(np.sqrt((((gaussian(a, blur) if blur else a) - b)[where] ** 2).mean())) for blur in blurs]
    best = int(np.argmin(errors))
    return blurs[best], errors[best]


def with_detail(target: FloatArray, picture: FloatArray, where: NDArray[np.bool_], unit: float) -> FloatArray:
    """A blurred target with the detail that a registered picture has beyond it.

    Args:
        target: ``[H, W, 3]`` RGB in [0, 1], blurred where ``where`` says so.
        picture: ``[H, W, 3]``, sharper.
        where: ``[H, W]``, where the blur is judged.
        unit: inter-ocular distance in pixels.

    Returns:
        ``[H, W, 3]`` in [0, 1]; the target itself where the picture is no sharper, or ``where`` is empty.
    """
    blur = fitting_blur(picture, target, where, unit)[0] if where.any() else 0.0
    if blur == 0:
        return target
    soft = gaussian(picture, blur)
    share = believed(soft, target, 2 * blur, NEARBY * unit)[..., None]
    return np.clip(target + share * (picture - soft), 0.0, 1.0).astype(np.float32)


def believed(picture: FloatArray, target: FloatArray, sigma: float, window: float) -> FloatArray:
    """The share, ``[H, W]`` in [0, 1], of a picture's luma that best explains the target's nearby (least squares).

    Args:
        picture, target: ``[H, W, 3]``, equally blurred.
        sigma: only what a Gaussian of so many pixels takes away is compared.
        window: standard deviation of what is near, in pixels.
    """
    ours, theirs = (plane - gaussian(plane, sigma) for plane in (luma(picture), luma(target)))
    explained, whole = gaussian(ours * theirs, window), gaussian(ours * ours, window)
    return np.asarray(np.clip(explained / (whole + FAINT**2), 0.0, 1.0), np.float32)
