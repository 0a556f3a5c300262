"""How sure a recognition network is of a face: SER-FIQ, stochastic embedding robustness.

Terhörst, Kolf, Damer, Kirchbuchner and Kuijper, "SER-FIQ: unsupervised estimation of face image quality based on
stochastic embedding robustness", CVPR 2020, algorithm 1 and equation 1: the picture is embedded ``m`` times with
another part of the network dropped each time, and the quality falls with the mean distance of the embeddings. The
weights of the authors are not for commercial use, so the network is our own (``models/recognition.toml``), and values
can be compared only with values of that network. The quality of a picture is the mean of that of its face and of the
face's mirror image: what a network finds easy about one of them is not the camera's merit.

The score says how much of a face the network sees, not whose face it is: a sharp picture of somebody else scores high.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mfrec.face.landmarks import read_square
from mfrec.metrics.pair import checked_picture
from mfrec.types import FloatArray, Landmarks

if TYPE_CHECKING:
    from mfrec.nets.recognition import Recognition

PASSES = 100
"""Passes of the metric, as in the paper; the loss takes ten."""


def serfiq(image: Any, landmarks: Landmarks, *, passes: int = PASSES, seed: int = 0) -> float:
    """SER-FIQ score of one face.

    Args:
        image: ``[H, W, 3]`` RGB, floating point in [0, 1].
        landmarks: of the face, in pixels of ``image``; on a degraded picture best those of the truth.
        passes: ``m``; the draws of 100 passes move the score by about a tenth of what those of 10 do.
        seed: of the dropout; the same seed drops the same units of every picture, so that two can be compared.

    Returns:
        In (0, 1], more is better; a picture that the network is wholly sure of would have 1.

    Raises:
        ValueError: fewer than two passes, a shape that is no colour picture's, a value not finite or outside [0, 1].
        TypeError: not floating point.
        WeightsError: the network is missing or damaged.
    """
    if passes < 2:
        raise ValueError(f"SER-FIQ compares embeddings of several passes; {passes} cannot be compared")
    picture = checked_picture(image).astype(np.float32)
    if picture.ndim != 3:
        raise ValueError(f"the picture has shape {picture.shape}, expected [H, W, 3]; repeat a grey one three times")
    import torch

    face = upright(picture, landmarks)
    with torch.inference_mode():
        both = [
            _network().stochastic(side, passes, torch.Generator().manual_seed(seed))[:, 0].numpy()
            for side in (face, face.flip(3))
        ]
    return float(np.mean([quality(embeddings) for embeddings in both]))


def quality(embeddings: NDArray) -> float:
    """Equation 1, ``2 sigmoid(-2 / m^2 * sum of the distances of all pairs)``, of the directions of ``[m, D]``."""
    from scipy.spatial.distance import pdist

    vectors = np.asarray(embeddings, np.float64)
    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return float(2.0 / (1.0 + math.exp(2.0 * pdist(vectors).sum() / len(vectors) ** 2)))


SLOPE, MIDDLE = 20.0, 0.8
"""Of the logistic function by which the loss spreads scores over [0, 1] (:class:`mfrec.train.losses.SerFiq`)."""


@functools.cache
def _network() -> Recognition:
    from mfrec.cards.load import load_network

    return load_network("recognition")


def upright(image: FloatArray, landmarks: Landmarks) -> Any:
    """The face ``[1, 3, 192, 192]`` as a tensor; a larger one is brought to that size first."""
    import torch

    from mfrec.nets.recognition import FINE_SIDE, upright_faces

    size = 2 * FINE_SIDE
    step = max(landmarks.interocular, 1e-3) / (0.36 * FINE_SIDE)
    first = landmarks.points[27:55].mean(axis=0) - step * (size - 1) / 2
    cut, to_image = read_square(image, first, step, size)
    points = to_image.inverse().apply(landmarks.points).astype(np.float32)
    pictures = torch.from_numpy(cut.transpose(2, 0, 1)[None])
    return upright_faces(pictures, torch.from_numpy(points[None]), FINE_SIDE, finer=1)[0]
