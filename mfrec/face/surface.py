"""A light 3-D face: its surface, how it is fitted to landmarks, and where its points lie in a picture.

The surface (``surface.npz``) is a grid of rays through the MakeHuman base mesh, with identity and expression modes
from its targets; both are CC0 1.0, and ``scripts/make_face_surface.py`` says how it was made. It is fitted as a
linear model under scaled orthography with a Gaussian prior on the modes (Blanz and Vetter, "A morphable model for
the synthesis of 3D faces", SIGGRAPH 1999; Huber et al., "A multiresolution 3D morphable face model and fitting
framework", VISAPP 2016, for landmarks alone). One identity serves all frames of a person; each frame has its own
pose and expression.

Units: the surface is in inter-ocular distances of the mean face, ``x`` to the right of the picture, ``y`` down,
``z`` away from the camera.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from mfrec.types import FloatArray, Landmarks, frozen_array

ROUNDS = 12
"""Alternations between the poses and the modes; the residual changes by less than 0.1 % after that."""

CHANGE = 0.5
"""Expected change of expression between frames of one person, as a share of that between people."""

ERROR = 0.04
"""Expected error of a landmark in inter-ocular distances ; sets how far the modes may follow it."""

CONTOUR_ERROR = 0.08
"""The same of the jaw line (points 0 to 16): detectors put it on the outline of the head, which is another line of the
surface in every pose."""


@dataclass(frozen=True, eq=False)
class Surface:
    """The mean face and its modes.

    Attributes:
        mean: ``[V, 3]``.
        identity, expression: ``[K, V, 3]`` displacements of one standard deviation.
        triangles: ``[T, 3]`` vertex numbers.
        marks: ``[68, V]``, weights of the vertices in each landmark; rows sum to 1.
    """

    mean: FloatArray
    identity: FloatArray
    expression: FloatArray
    triangles: NDArray[np.int32]
    marks: FloatArray


@dataclass(frozen=True, eq=False)
class Face:
    """The surface fitted to one frame.

    Attributes:
        shape: ``[V, 3]``, with this person's identity and this frame's expression, not turned.
        vertices: ``[V, 3]``: ``x`` and ``y`` in pixels of the frame, ``z`` in the same pixels away from the camera.
        rotation: ``[3, 3]``, surface to camera.
        scale: pixels in a unit of the surface.
        residual: root-mean-square distance of the inner landmarks (17 to 67) from their places on the modelled
            surface, in inter-ocular distances.
    """

    shape: FloatArray
    vertices: FloatArray
    rotation: NDArray[np.float64]
    scale: float
    residual: float


@functools.cache
def surface() -> Surface:
    """The surface that mfrec ships."""
    with resources.as_file(resources.files("mfrec.face") / "surface.npz") as path, np.load(path) as data:
        side, places = int(data["side"]), data["landmarks"].astype(np.float64)
        mean, identity, expression = (data[name].astype(np.float32) for name in ("mean", "identity", "expression"))
    number = np.arange(side * side).reshape(side, side)
    a, b, c, d = number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]
    triangles = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    marks = np.zeros((68, side * side))
    for row, (x, y) in enumerate(places):
        left, top = min(int(x), side - 2), min(int(y), side - 2)
        for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
            marks[row, number[top + i, left + j]] += (1 - abs(y - top - i)) * (1 - abs(x - left - j))
    return Surface(
        mean=frozen_array(mean),
        identity=frozen_array(identity),
        expression=frozen_array(expression),
        triangles=frozen_array(triangles, np.int32),
        marks=frozen_array(marks),
    )


def fit(frames: Sequence[Landmarks]) -> list[Face]:
    """Fit one person's face to the landmarks of one or more frames.

    Args:
        frames: landmarks of the same person in each frame, in pixels of that frame.

    Returns:
        The face in each frame.

    Raises:
        ValueError: no frames, or landmarks that coincide or are not finite.
    """
    if not frames:
        raise ValueError("no landmarks to fit a face to")
    s = surface()
    points = [frame.points.astype(np.float64) for frame in frames]
    for found in points:
        if not np.isfinite(found).all() or np.ptp(found, axis=0).min() <= 0:
            raise ValueError("these landmarks are no face: they coincide or are not finite")
    error = _errors()
    marks = s.marks.astype(np.float64)
    mean = marks @ s.mean
    # All frames share the identity and the usual expression; each has its own change of the latter.
    every = np.concatenate([s.identity, s.expression]).astype(np.float64)
    shared, expression = marks @ every, marks @ s.expression.astype(np.float64)
    person, moods = np.zeros(len(shared)), np.zeros((len(frames), len(expression)))
    poses = []
    for _ in range(ROUNDS):
        shapes = [mean + np.tensordot(person, shared, 1) + np.tensordot(mood, expression, 1) for mood in moods]
        poses = [_pose(shape, found, error) for shape, found in zip(shapes, points, strict=True)]
        person, moods = _modes(mean, shared, expression, poses=poses, points=points, error=error)
    faces = []
    for pose, mood, found in zip(poses, moods, points, strict=True):
        shape = s.mean + np.tensordot(person, every, 1) + np.tensordot(mood, s.expression, 1)
        faces.append(_face(shape, pose, found))
    return faces


def _errors() -> NDArray[np.float64]:
    """Expected error of each landmark, ``[68]``."""
    out = np.full(68, ERROR)
    out[:17] = CONTOUR_ERROR
    return out


def _face(shape: NDArray, pose: tuple[NDArray, float, NDArray], points: NDArray) -> Face:
    rotation, scale, shift = pose
    vertices = scale * shape.astype(np.float64) @ rotation.T
    vertices[:, :2] += shift
    left = (points - (surface().marks @ vertices)[:, :2])[17:] / scale
    residual = float(np.sqrt((left**2).sum(axis=1).mean()))
    return Face(frozen_array(shape), frozen_array(vertices), rotation, float(scale), residual)


def _pose(shape: NDArray, points: NDArray, error: NDArray) -> tuple[NDArray, float, NDArray]:
    """Rotation, scale and shift of scaled orthography, weighted least squares: a linear start, then Gauss-Newton."""
    weight = 1.0 / error**2
    middle3, middle2 = (np.average(p, axis=0, weights=weight) for p in (shape, points))
    root = np.sqrt(weight)[:, None]
    x, y = shape - middle3, points - middle2
    affine = np.linalg.lstsq(root * x, root * y, rcond=None)[0].T
    u, sizes, v = np.linalg.svd(affine, full_matrices=False)
    scale, two = float(sizes.mean()), u @ v
    rotation = np.vstack([two, np.cross(two[0], two[1])])
    for _ in range(5):
        turned = x @ rotation.T
        # Small turns about the camera's axes, and a relative change of scale.
        columns = np.zeros((len(x), 2, 4))
        columns[:, :, 0] = np.stack([np.zeros(len(x)), -turned[:, 2]], 1)
        columns[:, :, 1] = np.stack([turned[:, 2], np.zeros(len(x))], 1)
        columns[:, :, 2] = np.stack([-turned[:, 1], turned[:, 0]], 1)
        columns[:, :, 3] = turned[:, :2]
        left = y - scale * turned[:, :2]
        step = np.linalg.lstsq(
            (root[..., None] * columns * scale).reshape(-1, 4), (root * left).reshape(-1), rcond=None
        )[0]
        rotation = _turn(step[:3]) @ rotation
        scale *= 1.0 + step[3]
    return rotation, scale, middle2 - scale * (rotation @ middle3)[:2]


def _turn(vector: NDArray) -> NDArray:
    """Rotation matrix of an axis times an angle in radians (Rodrigues)."""
    angle = float(np.linalg.norm(vector))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def _modes(
    mean: NDArray,
    shared: NDArray,
    expression: NDArray,
    *,
    poses: Sequence[tuple[NDArray, float, NDArray]],
    points: Sequence[NDArray],
    error: NDArray,
) -> tuple[NDArray, NDArray]:
    """Modes ``[K]`` of all frames, change of expression ``[N, E]`` of each: ridge regression, priors 1 and CHANGE."""
    k, e, n = len(shared), len(expression), len(points)
    system, right = np.diag([1.0] * k + [CHANGE**-2] * (n * e)), np.zeros(k + n * e)
    for i, ((rotation, scale, shift), found) in enumerate(zip(poses, points, strict=True)):
        camera = rotation[:2]
        left = (((found - shift) / scale - mean @ camera.T) / error[:, None]).reshape(-1)
        both = np.concatenate([shared, expression]) @ camera.T / error[:, None]
        columns = both.reshape(k + e, -1).T
        where = np.concatenate([np.arange(k), k + i * e + np.arange(e)])
        system[np.ix_(where, where)] += columns.T @ columns
        right[where] += columns.T @ left
    found = np.linalg.solve(system, right)
    return found[:k], found[k:].reshape(n, e)


def pose_gap(a: Face, b: Face) -> float:
    """Angle in degrees between the directions from which the camera sees two faces; roll in the picture is no gap."""
    return float(np.degrees(np.arccos(np.clip(a.rotation[2] @ b.rotation[2], -1.0, 1.0))))
