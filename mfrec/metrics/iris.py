"""Iris and pupil error: how far the centres have moved, in units of the distance between the eyes.

The worst eye counts, as in Jesorsky, Kirchberg and Frischholz, "Robust face detection using the Hausdorff distance"
(AVBPA 2001, equation 6), and results are read as the thesis on gaze reads them: as the curve of the share of pictures
whose error is below a bound (``mfrec bench --plot errors``). The usual bounds: 0.25 lies still in the eye, 0.10 in the
iris, 0.05 in the pupil (Timm and Barth, VISAPP 2011, section 3).

Both pictures are cut by the truth's landmarks and searched in the same way (:mod:`mfrec.face.iris`), so the error says
what the picture changed. An eye that is closed in the truth has no iris and does not count.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mfrec.face.eyes import OPEN, SIDES, aspect_ratio, cut_eye
from mfrec.face.iris import find_iris
from mfrec.metrics.pair import checked_pair
from mfrec.types import Landmarks


def iris_error(result: Any, truth: Any, landmarks: Landmarks) -> float:
    """Distance of the centres of the iris, of the eye where it is larger.

    Args:
        result, truth: ``[H, W, 3]`` RGB, floating point in [0, 1].
        landmarks: of the truth's face; both pictures are cut by them.

    Returns:
        A share of the truth's inter-ocular distance, 0 for equal pictures.

    Raises:
        ValueError: shapes differ or are no colour picture's, a value is not finite or outside [0, 1], or both eyes of
            the truth are closed.
        TypeError: not floating point.
    """
    return max(error[0] for error in centre_errors(result, truth, landmarks))


def pupil_error(result: Any, truth: Any, landmarks: Landmarks) -> float:
    """The same of the centres of the pupil; see :func:`iris_error`."""
    return max(error[1] for error in centre_errors(result, truth, landmarks))


def centre_errors(result: Any, truth: Any, landmarks: Landmarks) -> list[tuple[float, float]]:
    """Errors of iris and pupil of each open eye; arguments as :func:`iris_error`."""
    pictures = [image.astype(np.float32) for image in checked_pair(result, truth)]
    if pictures[0].ndim != 3:
        raise ValueError(
            f"the pictures have shape {pictures[0].shape}, expected [H, W, 3]; repeat a grey one three times"
        )
    errors = []
    for side in SIDES:
        if aspect_ratio(landmarks, side) < OPEN:
            continue
        cuts = [cut_eye(image, landmarks, side) for image in pictures]
        ours, theirs = (find_iris(cut.image) for cut in cuts)
        scale = float(np.hypot(*cuts[0].to_image.matrix[:, 0])) / landmarks.interocular
        errors.append(
            (
                float(np.linalg.norm(ours.centre - theirs.centre)) * scale,
                float(np.linalg.norm(ours.pupil - theirs.pupil)) * scale,
            )
        )
    if not errors:
        raise ValueError(f"both eyes of the truth are closed (aspect ratio below {OPEN}), so there is no iris")
    return errors
