"""Every warp and every resize of mfrec, and the one convention they share.

Pixel centres lie at integers; a picture of width ``W`` covers ``x`` in ``[-0.5, W - 0.5]``. Enlarging
by ``s`` therefore maps ``x`` to ``s * (x + 0.5) - 0.5``, which is what OpenCV's ``resize`` does.
A *backward map* ``[H, W, 2]`` holds, for every pixel of the picture to be made, the ``(x, y)`` in the
picture to be read.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mfrec.types import FloatArray, Similarity

INTERPOLATION = {
    "nearest": cv2.INTER_NEAREST_EXACT,
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "lanczos": cv2.INTER_LANCZOS4,
    "area": cv2.INTER_AREA,
}


def identity_map(height: int, width: int) -> FloatArray:
    """Backward map ``[H, W, 2]`` that changes nothing."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.dstack([x, y])


def similarity_map(target_to_source: Similarity, height: int, width: int) -> FloatArray:
    """Backward map ``[H, W, 2]`` of a similarity that takes target pixels to source pixels."""
    x, y = np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64)[:, None]
    out = np.empty((height, width, 2), np.float32)
    for axis, (of_x, of_y, shift) in enumerate(target_to_source.matrix):
        out[..., axis] = of_x * x + (of_y * y + shift)
    return out


def taken_through(similarity: Similarity, look_up: NDArray) -> FloatArray:
    """The places ``[H, W, 2]`` of a map, taken from source to target by a similarity.

    What :meth:`Similarity.apply` gives, which is made for few points: up to the rounding of float32, eighteen times as
    fast.
    """
    return np.asarray(cv2.transform(np.asarray(look_up, np.float32), similarity.matrix), np.float32)


def warp(image: NDArray, look_up: FloatArray, *, interpolation: str = "cubic", fill: float | None = None) -> FloatArray:
    """Read ``image`` at the places that ``look_up`` names.

    Args:
        image: ``[h, w]`` or ``[h, w, C]`` float32.
        look_up: ``[H, W, 2]`` backward map, ``(x, y)`` in pixels of ``image``.
        interpolation: ``"nearest"``, ``"linear"``, ``"cubic"`` or ``"lanczos"``.
        fill: value outside the picture; None repeats the border pixel.

    Returns:
        ``[H, W]`` or ``[H, W, C]`` float32; cubic and Lanczos may overshoot the range of ``image``.
    """
    kind = cv2.INTER_NEAREST if interpolation == "nearest" else INTERPOLATION[interpolation]
    border = cv2.BORDER_REPLICATE if fill is None else cv2.BORDER_CONSTANT
    source = np.asarray(image, np.float32)
    # remap rounds coordinates to 1/32 px, which is the accuracy of every warp here. The empty second map says that
    # the first holds both coordinates.
    both = np.asarray(look_up, np.float32)
    second = np.empty((0, 0), np.float32)
    out = cv2.remap(source, both, second, kind, borderMode=border, borderValue=(fill or 0.0,) * 4)
    return out.astype(np.float32, copy=False)


def inside(look_up: FloatArray, height: int, width: int) -> NDArray[np.bool_]:
    """``[H, W]`` bool: where a backward map points into a picture of that size."""
    x, y = look_up[..., 0], look_up[..., 1]
    return (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)


def resize(image: NDArray, height: int, width: int, *, interpolation: str = "cubic") -> FloatArray:
    """Resize ``[h, w]`` or ``[h, w, C]`` to ``[height, width]``; ``"area"`` averages and is for shrinking.

    ``"cubic"`` does not filter before shrinking.
    """
    out = cv2.resize(np.asarray(image, np.float32), (width, height), interpolation=INTERPOLATION[interpolation])
    return out.astype(np.float32, copy=False)


def resize_map(look_up: FloatArray, height: int, width: int) -> FloatArray:
    """A backward map ``[h, w, 2]`` on a grid of ``[height, width]`` pixels that covers the same area.

    Linear between the old centres, and straight on beyond the outermost: :func:`resize` repeats values there, which is
    right for a picture, and moves the border of a map by up to half an old pixel.
    """
    out = np.asarray(look_up, np.float32)
    for axis, size in ((0, height), (1, width)):
        old = out.shape[axis]
        place = (np.arange(size) + 0.5) * (old / size) - 0.5
        first = np.clip(np.floor(place).astype(int), 0, max(old - 2, 0))
        share = np.asarray(place - first, np.float32).reshape([-1 if k == axis else 1 for k in range(3)])
        before, after = (np.take(out, at, axis=axis) for at in (first, np.minimum(first + 1, old - 1)))
        out = before + share * (after - before)
    return out


def enlarge(image: NDArray, scale: int) -> FloatArray:
    """Bicubic enlargement by a whole factor, the plain alternative that everything is compared with."""
    height, width = image.shape[:2]
    return np.clip(resize(image, height * scale, width * scale), 0.0, 1.0)


def fit_similarity(source: NDArray, target: NDArray) -> Similarity:
    """Least-squares similarity that takes points ``[K, 2]`` to points ``[K, 2]`` (Umeyama 1991).

    Raises:
        ValueError: the points do not determine one (fewer than two, or all the same).
    """
    here, there = np.asarray(source, np.float64), np.asarray(target, np.float64)
    if len(here):
        middle, aim = here.mean(axis=0), there.mean(axis=0)
        x, y = (here - middle).T
        u, v = (there - aim).T
        size = float((x * x + y * y).sum())
        # In the plane rotation and scale are one complex number, and this is its linear regression.
        a, b = (x @ u + y @ v, x @ v - y @ u) if size else (0.0, 0.0)
        if np.hypot(a, b) > 0 and np.isfinite([a, b]).all():
            turn = np.array([[a, -b], [b, a]]) / size
            return Similarity(np.column_stack([turn, aim - turn @ middle]))
    raise ValueError(f"no similarity through {len(source)} points: they coincide or are too few")
