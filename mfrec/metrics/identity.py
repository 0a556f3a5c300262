"""Identity embeddings: how alike two faces are to a recognition network.

The network is dlib's 128-d ResNet-34 (Davis King, CC0 model, trained on public face sets with a metric
loss; the method follows He et al., CVPR 2016). Two portraits of one person lie mostly below a distance of
0.6; on faces of 32 px the same person may lie beyond it, so a distance is an indication and no decision.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from mfrec.geometry import similarity_map, warp
from mfrec.landmarks import dlib_model, to_uint8
from mfrec.types import FloatArray, Landmarks, Similarity, frozen_array

CHIP = 150
"""Side in pixels of the aligned face that the network reads."""


@functools.cache
def _network() -> Any:
    import dlib

    return dlib.face_recognition_model_v1(str(dlib_model("dlib_face_recognition_resnet_model_v1.dat")))


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


def embed_all(faces: list[tuple[FloatArray, Landmarks]]) -> list[FloatArray]:
    """Embeddings of several faces; each result is what :func:`embed` gives for that face alone."""
    network = _network()
    return [frozen_array(network.compute_face_descriptor(face_chip(image, points))) for image, points in faces]


def face_chip(image: FloatArray, landmarks: Landmarks) -> Any:
    """The aligned square that the network was trained on, ``[150, 150, 3]`` uint8."""
    import dlib

    # dlib places faces by whole-pixel landmarks, which at 32 px is a fiftieth of the face: enlarge first.
    scale = CHIP / max(landmarks.interocular * 3.0, 1e-3)
    centre = landmarks.points.mean(axis=0)
    size = 3 * CHIP
    to_image = Similarity(
        np.array([[1 / scale, 0, centre[0] - (size - 1) / 2 / scale], [0, 1 / scale, centre[1] - (size - 1) / 2 / scale]])
    )
    cut = to_uint8(np.clip(warp(image, similarity_map(to_image, size, size)), 0, 1))
    points = to_image.inverse().apply(landmarks.points)
    parts = [dlib.point(int(round(x)), int(round(y))) for x, y in points]
    shape = dlib.full_object_detection(dlib.rectangle(0, 0, size, size), parts)
    return dlib.get_face_chip(cut, shape, CHIP, 0.25)


def identity_distance(a: FloatArray, b: FloatArray) -> float:
    """Euclidean distance of two embeddings ``[128]``; 0 is the same picture, below 0.6 mostly one person."""
    return float(np.linalg.norm(np.asarray(a, np.float64) - np.asarray(b, np.float64)))
