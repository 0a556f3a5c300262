"""Landmark error: how far facial points have moved, in units of the distance between the eyes.

Normalised mean error as in the 300-W challenge (Sagonas et al., "300 faces in-the-wild challenge", Image and
Vision Computing 47, 2016, equation 1), with the distance between the centres of the eyes as the unit (Jesorsky et
al., "Robust face detection using the Hausdorff distance", AVBPA 2001, equation 6). Both sets of points have to come
from the same detector: two detectors disagree about truth by more than a good reconstruction does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mfrec.types import Landmarks


def landmark_error(found: Landmarks, truth: Landmarks) -> float:
    """Mean distance of corresponding points, as a share of the truth's inter-ocular distance.

    Args:
        found, truth: on one grid, in pixels.

    Returns:
        0 for identical points; 0.08 is commonly called a failure.

    Raises:
        ValueError: a coordinate is not finite, or the eyes of the truth coincide.
    """
    return float(point_errors(found, truth).mean())


def point_errors(found: Landmarks, truth: Landmarks) -> NDArray[np.float64]:
    """``[68]`` distance of each point, as a share of the truth's inter-ocular distance; see :func:`landmark_error`."""
    for name, landmarks in (("result", found), ("truth", truth)):
        if not np.isfinite(landmarks.points).all():
            raise ValueError(f"landmarks of the {name} are NaN or infinite")
    unit = truth.interocular
    if unit < 1e-6:
        raise ValueError("the eyes of the truth coincide, so there is no unit to measure landmarks in")
    return np.linalg.norm(found.points.astype(np.float64) - truth.points.astype(np.float64), axis=1) / unit
