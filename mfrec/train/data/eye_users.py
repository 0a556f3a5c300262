"""Drawn eyes in the protocol of U2Eyes: users with two eyes, head poses, points that they look at, five iris textures.

U2Eyes (Porta et al., ICCV workshops 2019) has for each user 125 head poses, five planes at five distances, and 47
points that are looked at in a square of 220 mm, 15 on a regular grid and 32 that are not; its users share five eye
textures, and one texture at a time is left out of training. Here the users are drawn
(:mod:`mfrec.train.data.synthetic_eyes`), so the pictures are nobody's. Both eyes lie side by side as a camera sees
them, 48 x 160 px, sharp and without noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from mfrec.face.eyes import EYE
from mfrec.train.data.synthetic_eyes import Eye, draw_eye, render_eye
from mfrec.types import Drawn, FloatArray

USERS, POSES, LOOKS = 20, 125, 47
"""As many as the protocol has of each."""

SQUARE = 220.0
"""Millimetres along each side of what is looked at; the camera is in its middle."""

DISTANCES = (350.0, 425.0, 500.0, 575.0, 650.0)
"""Of the planes, in millimetres; each has five by five places 40 mm apart."""

STEP = 40.0

BETWEEN = 62.0
"""Millimetres between the eyes."""

USER_SEED, LOOK_SEED = 2**35, 2**36
"""Of users and of the points that are not on a grid. Seeds of training and tables of single eyes lie below."""


@dataclass(frozen=True)
class IrisTexture:
    """What all eyes of a texture share.

    Attributes:
        colour: RGB under white light. fibres, limbus: see :class:`mfrec.train.data.synthetic_eyes.Eye`.
        seed: of its spokes.
    """

    colour: tuple[float, float, float]
    fibres: float
    limbus: float
    seed: int

    @property
    def spokes(self) -> tuple[float, ...]:
        """Brightness of 48 fibres, from the left clockwise."""
        return tuple(np.random.default_rng(self.seed).normal(0, 1, 48).tolist())


TEXTURES = (
    IrisTexture((0.24, 0.13, 0.07), 0.35, 0.9, 11),
    IrisTexture((0.13, 0.07, 0.04), 0.20, 0.6, 12),
    IrisTexture((0.33, 0.42, 0.52), 0.50, 1.1, 13),
    IrisTexture((0.38, 0.40, 0.38), 0.45, 0.5, 14),
    IrisTexture((0.34, 0.36, 0.20), 0.30, 1.3, 15),
)
"""User ``u`` has texture ``u % 5``."""


@dataclass(frozen=True)
class EyePair(Drawn):
    """Both eyes of a user at one moment.

    Attributes:
        user, pose, look: numbers, from 0.
        place: of the middle between the eyes, ``(x, y, z)`` in millimetres to the right, down and away from the camera.
        left: as it lies in the picture.
        right: mirrored, so that the nose is to its right.
    """

    user: int
    pose: int
    look: int
    place: tuple[float, float, float]
    left: Eye
    right: Eye

    @property
    def texture(self) -> int:
        """Number of the iris texture."""
        return self.user % len(TEXTURES)


def draw_pair(user: int, pose: int, look: int, rng: np.random.Generator) -> EyePair:
    """The eyes of a user who looks somewhere.

    Args:
        user, pose, look: of :data:`USERS`, :data:`POSES` and :data:`LOOKS`.
        rng: of the uniform noise on the pose, and of light and small differences of the moment.
    """
    x, y = (STEP * (number - 2) for number in (pose % 5, pose // 5 % 5))
    place = np.array([x, y, DISTANCES[pose // 25]]) + rng.uniform(-STEP / 2, STEP / 2, 3)
    turned = rng.uniform(-0.15, 0.15, 2)
    target = look_at(look)
    moment = draw_eye(rng)
    eyes = []
    for side in (-1.0, 1.0):
        eye = one_eye(place, side)
        # Angles against the line to the camera, which is in the middle of the square.
        toward, camera = angles(target - eye[:2], eye[2]), angles(-eye[:2], eye[2])
        gaze = (toward[0] - camera[0], toward[1] - camera[1])
        head = (float(-camera[0] + turned[0]), float(-camera[1] + turned[1]))
        mirror = -1.0 if side > 0 else 1.0
        eyes.append(of_user(user, moment, (mirror * gaze[0], gaze[1]), (mirror * head[0], head[1]), side > 0))
    x, y, z = place.tolist()
    return EyePair(user, pose, look, (x, y, z), eyes[0], eyes[1])


def one_eye(place: np.ndarray, side: float) -> np.ndarray:
    """Place ``(x, y, z)`` of the eye on the left (-1) or on the right (1) of the picture."""
    return place + np.array([side * BETWEEN / 2, 0.0, 0.0])


def looked_at(pair: EyePair, gazes: np.ndarray) -> np.ndarray:
    """Where both eyes look if each has that gaze: the mean of where their lines meet the plane of the square.

    A gaze tracker knows from its calibration where the head is; here it is known because it was drawn.

    Args:
        pair: whose eyes.
        gazes: ``[2, 2]`` yaw and pitch against the line to the camera in radians, of the left eye and of the right one
            as it lies in :class:`EyePair`, mirrored.

    Returns:
        ``(x, y)`` in millimetres from the middle of the square.
    """
    met = []
    for side, (yaw, pitch) in zip((-1.0, 1.0), gazes, strict=True):
        x, y, z = one_eye(np.array(pair.place), side)
        camera = angles(np.array([-x, -y]), z)
        across, up = -side * yaw + camera[0], pitch + camera[1]
        met.append((x + z * math.tan(across), y - z * math.tan(up)))
    return np.mean(met, axis=0)


def angles(offset: np.ndarray, distance: float) -> tuple[float, float]:
    """Yaw to the right and pitch upwards of a point ``(x, y)`` at a distance, in radians."""
    return math.atan2(float(offset[0]), distance), math.atan2(-float(offset[1]), distance)


def look_at(look: int) -> np.ndarray:
    """A point ``(x, y)`` of the square in millimetres: 15 on a grid of five by three, then 32 that lie anywhere."""
    if look < 15:
        return SQUARE * np.array([(look % 5) / 4 - 0.5, (look // 5) / 2 - 0.5])
    return np.random.default_rng((LOOK_SEED, look)).uniform(-SQUARE / 2, SQUARE / 2, 2)


def of_user(user: int, moment: Eye, gaze: tuple[float, float], head: tuple[float, float], right: bool) -> Eye:
    """One eye: the user's shape, skin and texture, the moment's light, and a good camera."""
    own = draw_eye(np.random.default_rng((USER_SEED, user)))
    texture = TEXTURES[user % len(TEXTURES)]
    x, y, z = moment.light
    return replace(
        own,
        gaze=gaze,
        head=head,
        colour=texture.colour,
        fibres=texture.fibres,
        limbus=texture.limbus,
        blink=min(1.15, max(0.85, moment.blink)),
        pupil=moment.pupil,
        light=(-x if right else x, y, z),
        ambient=max(0.5, moment.ambient),
        reflections=moment.reflections,
        place=((0.0, 0.0), (0.0, 0.0)),
        width=EYE,
        blur=0.0,
        noise=0.0,
        quality=0,
        gain=(1.0, 1.0, 1.0),
        gamma=1.0,
        seed=2 * user + int(right),
    )


def render_pair(pair: EyePair) -> FloatArray:
    """Both eyes side by side, ``[48, 160, 3]`` float32 RGB in [0, 1]."""
    spokes = TEXTURES[pair.texture].spokes
    left, right = (render_eye(eye, spokes).image for eye in (pair.left, pair.right))
    return np.concatenate([left, right[:, ::-1]], axis=1)


def cut_pair(image: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The left eye of :func:`render_pair` and the right one mirrored, ``[48, 80, 3]`` each."""
    half = image.shape[1] // 2
    return image[:, :half], np.ascontiguousarray(image[:, half:][:, ::-1])
