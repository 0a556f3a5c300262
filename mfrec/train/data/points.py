"""Landmarks of training samples: found once in each picture, then carried along with whatever is done to it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mfrec.face.detect import detect_faces
from mfrec.face.landmarks import detect_landmarks
from mfrec.image.geometry import warp
from mfrec.train.data.crops import Pose
from mfrec.train.data.pictures import Pictures
from mfrec.types import FloatArray

_JAW_TO_NOSE = (*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1))
_EYES = (45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40)
_MOUTH = (*range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1))

MIRRORED = np.array((*_JAW_TO_NOSE, *_EYES, *_MOUTH))
"""Which of the 68 points of a face takes each place in its mirror image."""


class PicturePoints:
    """The landmarks of pictures, each looked for when it is first asked for.

    Args:
        pictures: of one split; their numbers are those of :attr:`mfrec.train.data.pictures.Pictures.every`, and the
            labels come after them.
    """

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = (*pictures.every, *(labelled.label for labelled in pictures.labelled))
        self._known: dict[int, FloatArray] = {}

    def of(self, source: int) -> FloatArray:
        """``[68, 2]`` in pixels of the picture with that number, of its largest face; NaN where no face is found."""
        if source not in self._known:
            self._known[source] = face_points(self._pictures[source])
        return self._known[source]

    def of_crop(self, source: int, pose: Pose, side: int, field: FloatArray | None = None) -> FloatArray:
        """``[68, 2]`` float32 in pixels of a crop; NaN where the picture has no face.

        Args:
            source: number of the picture.
            pose, side: of the crop, see :func:`mfrec.train.data.crops.crop`.
            field: ``[side, side, 2]`` how the crop was bent afterwards, see :class:`mfrec.train.data.shots.View`.
        """
        points = self.of(source)
        if np.isnan(points).any():
            return points
        matrix = np.array(pose.matrix)
        points = np.linalg.solve(matrix[:, :2], (points - matrix[:, 2]).T).T.astype(np.float32)
        if pose.mirrored:
            points = mirrored(points, side)
        return points if field is None else unbent(points, field)


def mirrored(points: FloatArray, width: int) -> FloatArray:
    """Landmarks ``[68, 2]`` of the mirror image of a picture of that width."""
    return points[MIRRORED] * np.array([-1, 1], np.float32) + np.array([width - 1, 0], np.float32)


def unbent(points: FloatArray, field: FloatArray) -> FloatArray:
    """Where points of a picture lie after it was read at ``identity + field``; the field is smooth and small."""
    there = points
    for _ in range(3):
        there = points - warp(field, there[None], interpolation="linear")[0]
    return there


def face_points(picture: NDArray[np.uint8]) -> FloatArray:
    """The landmarks ``[68, 2]`` of the largest face in a picture ``[H, W, 3]``; NaN where there is none."""
    image = picture.astype(np.float32) / np.float32(255)
    faces = detect_faces(image, smallest=min(image.shape[:2]) / 6)
    if not faces:
        return np.full((68, 2), np.nan, np.float32)
    return detect_landmarks(image, max(faces, key=lambda face: face.side).box).points
