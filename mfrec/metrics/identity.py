"""Identity embeddings: how alike two faces are to a recognition network.

The network is dlib's 128-d ResNet-34 (Davis King, CC0 model, trained on public face sets with a metric
loss; the method follows He et al., CVPR 2016). Two portraits of one person lie mostly below a distance of
0.6; on faces of 32 px the same person may lie beyond it, so a distance is an indication and no decision.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mfrec.face.landmarks import read_square
from mfrec.imageio import to_uint8
from mfrec.runtime.threads import shared_out, side_by_side
from mfrec.types import FloatArray, Landmarks, frozen_array

CHIP = 150
"""Side in pixels of the aligned face that the network reads."""

BATCH = 16
"""Faces that go through the network at once, at most. More gain no time, and 300 took 800 MB."""


@functools.cache
def _network() -> Any:
    from mfrec.nets.dlib_resnet import load_dlib_resnet

    return load_dlib_resnet()


def embed(image: FloatArray, landmarks: Landmarks) -> FloatArray:
    """Identity embedding of one face.

    Args:
        image: ``[H, W, 3]`` float32 RGB in [0, 1].
        landmarks: of the face, in pixels of ``image``.

    Returns:
        ``[128]`` float32, compared by :func:`identity_distance`.

    Raises:
        WeightsError: the network is not installed.
    """
    return embed_all([(image, landmarks)])[0]


def embed_all(faces: Sequence[tuple[FloatArray, Landmarks]]) -> list[FloatArray]:
    """Identity embeddings of many faces, which takes less time than one by one.

    Args:
        faces: picture and landmarks of each, as of :func:`embed`.

    Raises:
        WeightsError: the network is not installed.
    """
    parts = shared_out(faces, BATCH)
    found = side_by_side(partial(_embed_part, _network()), parts)
    return [embedding for part in found for embedding in part]


def _embed_part(network: Any, faces: Sequence[tuple[FloatArray, Landmarks]]) -> list[FloatArray]:
    """A few faces at once, on one thread."""
    import torch

    from mfrec.nets.threads import one_thread

    chips = np.stack([face_chip(*face) for face in faces])
    with torch.inference_mode(), one_thread():
        batch = torch.from_numpy(chips).permute(0, 3, 1, 2) / 255
        return [frozen_array(embedding) for embedding in network(batch).numpy()]


def face_chip(image: FloatArray, landmarks: Landmarks) -> NDArray[np.uint8]:
    """The upright face that the network reads, ``[150, 150, 3]`` uint8."""
    import dlib

    # dlib takes landmarks in whole pixels, which on a 32 px face would move it by a fiftieth of its size;
    # so the face is brought to about the chip's scale first, where an interocular distance is a third of it.
    step = max(landmarks.interocular, 1e-3) * 3.0 / CHIP
    size = 2 * CHIP
    cut, to_image = read_square(image, landmarks.points.mean(axis=0) - step * (size - 1) / 2, step, size)
    points = np.rint(to_image.inverse().apply(landmarks.points)).astype(int)
    parts = [dlib.point(int(x), int(y)) for x, y in points]
    shape = dlib.full_object_detection(dlib.rectangle(0, 0, size, size), parts)
    return dlib.get_face_chip(to_uint8(cut), shape, CHIP, 0.25)


def identity_distance(a: FloatArray, b: FloatArray) -> float:
    """Euclidean distance of two embeddings ``[128]``; 0 is the same picture, below 0.6 mostly one person."""
    return float(np.linalg.norm(np.asarray(a, np.float64) - np.asarray(b, np.float64)))


def identity_distances(vectors: NDArray) -> NDArray[np.float64]:
    """:func:`identity_distance` of every two of the embeddings ``[N, 128]``, ``[N, N]``; 0 of each from itself."""
    vectors = np.asarray(vectors, np.float64)
    squares = (vectors**2).sum(axis=1)
    distance = np.sqrt(np.maximum(squares[:, None] + squares - 2 * vectors @ vectors.T, 0.0))
    np.fill_diagonal(distance, 0.0)  # the difference of equal squares is not quite nothing
    return distance


def separation(same: NDArray, different: NDArray) -> float:
    """Area under the ROC curve: how often a distance of one person is below one of two people; ties count half.

    Args:
        same, different: distances ``[K]`` and ``[L]``, at least one each.
    """
    ordered = np.sort(same)
    nearer = np.searchsorted(ordered, different, "left") + np.searchsorted(ordered, different, "right")
    return float(nearer.mean() / (2 * len(same)))
