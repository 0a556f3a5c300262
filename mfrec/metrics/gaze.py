"""Gaze error: the angle between where two eyes look.

The gaze of a picture is estimated by our own network (``models/gaze.toml``), a ResNet-18 that learnt from drawn eyes
(:mod:`mfrec.nets.gaze`). Its error on drawn eyes that it has not seen is on its card. On photographs it was not
measured, for want of photographs with known gaze, and is likely to be larger. So there the metric is a *change*: both
pictures are cut by the same landmarks and read by the same network, and what is reported is the angle between its two
answers. A small one says that a restoration left the gaze as it was, not that the gaze is known. An eye that is closed
in the truth does not count.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mfrec.face.eyes import OPEN, SIDES, aspect_ratio, cut_eye
from mfrec.metrics.pair import checked_pair
from mfrec.types import FloatArray, Landmarks


def gaze_error(result: Any, truth: Any, landmarks: Landmarks) -> float:
    """Angle between the gaze of the truth and that of the result, the mean of the open eyes.

    Args:
        result, truth: ``[H, W, 3]`` RGB, floating point in [0, 1].
        landmarks: of the truth's face; both pictures are cut by them.

    Returns:
        Degrees, 0 for equal pictures.

    Raises:
        ValueError: shapes differ or are no colour picture's, a value is not finite or outside [0, 1], or both eyes of
            the truth are closed.
        TypeError: not floating point.
        WeightsError: the network is missing or damaged.
    """
    pictures = [image.astype(np.float32) for image in checked_pair(result, truth)]
    if pictures[0].ndim != 3:
        raise ValueError(
            f"the pictures have shape {pictures[0].shape}, expected [H, W, 3]; repeat a grey one three times"
        )
    seen = [i for i, side in enumerate(SIDES) if aspect_ratio(landmarks, side) >= OPEN]
    if not seen:
        raise ValueError(f"both eyes of the truth are closed (aspect ratio below {OPEN}), so there is no gaze")
    found = [face_gaze(image, landmarks)[seen] for image in pictures]
    return float(angles(found[0], found[1]).mean())


def face_gaze(image: FloatArray, landmarks: Landmarks) -> NDArray[np.float64]:
    """Gaze ``[2, 2]`` of the eyes on the left and on the right of the picture, see :func:`estimate_gaze`."""
    left, right = (cut_eye(image, landmarks, side).image for side in SIDES)
    return estimate_gaze([left, right[:, ::-1]]) * np.array([[1.0, 1.0], [-1.0, 1.0]])


def estimate_gaze(eyes: Sequence[FloatArray], card: str = "gaze") -> NDArray[np.float64]:
    """Gaze of cut eyes that have the nose to their right.

    Args:
        eyes: ``[48, 80, 3]`` each, as :func:`mfrec.face.eyes.cut_eye` cuts; mirror those of the other side.
        card: name or path of the card of another network that estimates gaze.

    Returns:
        ``[K, 2]`` yaw and pitch in radians, to the right of the picture and up.

    Raises:
        WeightsError: the network is missing or damaged.
    """
    import torch

    from mfrec.nets.threads import one_thread

    batch = torch.from_numpy(np.ascontiguousarray(np.stack(eyes).transpose(0, 3, 1, 2), np.float32))
    with torch.inference_mode(), one_thread():
        return _network(card)(batch).gaze.numpy().astype(np.float64)


def angles(a: NDArray, b: NDArray) -> NDArray[np.float64]:
    """Angle in degrees between the directions of gazes ``[..., 2]`` (yaw and pitch in radians)."""
    dot = (directions(a) * directions(b)).sum(axis=-1)
    # The arc cosine of nearly 1 has no digits left; the chord has.
    chord = np.linalg.norm(directions(a) - directions(b), axis=-1)
    return np.degrees(np.where(dot > 0, 2 * np.arcsin(np.clip(chord / 2, 0, 1)), np.arccos(np.clip(dot, -1, 1))))


def directions(gaze: NDArray) -> NDArray[np.float64]:
    """Unit vectors ``[..., 3]`` of gazes ``[..., 2]``: x to the right, y down, z to the camera."""
    yaw, pitch = np.moveaxis(np.asarray(gaze, np.float64), -1, 0)
    return np.stack([np.sin(yaw) * np.cos(pitch), -np.sin(pitch), np.cos(yaw) * np.cos(pitch)], axis=-1)


@functools.cache
def _network(card: str) -> Any:
    from mfrec.cards.load import load_network

    return load_network(card)
