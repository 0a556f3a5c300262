"""A simulated surveillance camera that films a public-domain portrait, with its truth.

The portrait is NASA's picture of the astronaut Eileen Collins (public domain), which scikit-image ships. The
camera is simulated in linear light and in the order in which a real one works: the head turns and is projected,
the lens blurs, square pixels integrate, photons and electronics add noise, the gain drifts, values are coded as
sRGB, and one real H.264 encoder compresses the clip.

What is random is drawn first, into a :class:`Shoot` that can be written to JSON and read back; filming it is pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mfrec.types import Drawn, FloatArray, GeneratorState, frozen_array

SCALE = 4
"""Pixels of the truth along one side of a pixel of the sensor."""


HEAD = (222.0, 106.0)
"""Where the centre of the head lies in scikit-image's portrait, ``(x, y)`` in pixels."""


FIELD = 176.0
"""Side of the filmed square in pixels of the portrait: the head, from the hair to the chin, fills it."""


SETTLED = 1e-9
"""Pixels of the portrait; a warp rounds positions to 1/32."""


@dataclass(frozen=True)
class Camera:
    """What a small fixed camera in a room does to a scene. Lengths are in pixels of its sensor.

    Attributes:
        psf: standard deviation of the lens' Gaussian point-spread function, before a pixel integrates.
        full_well: photo-electrons that make white; their square root is the photon noise.
        read_noise: standard deviation of the electronics' noise in electrons.
        drift: amplitude of the slow change of gain (automatic exposure), as a share.
        fps: frames per second that the recorder keeps.
    """

    psf: float = 0.5
    full_well: float = 2500.0
    read_noise: float = 10.0
    drift: float = 0.06
    fps: int = 5


@dataclass(frozen=True)
class Motion:
    """How a person who looks at something moves within two seconds.

    Attributes:
        yaw, pitch, roll: amplitude of the head's turn in degrees.
        sway: amplitude of the head's shift in the picture, in pixels of the sensor.
        shake: amplitude of the camera's own shift, in pixels of the sensor.
        approach: amplitude of the change of size, as a share.
        relief: how far the face stands out of the plane of the ears, in pixels of the portrait.
        distance: of the camera from the head, in pixels of the portrait; it sets the perspective.
    """

    yaw: float = 5.0
    pitch: float = 3.0
    roll: float = 2.0
    sway: float = 1.2
    shake: float = 0.5
    approach: float = 0.02
    relief: float = 45.0
    distance: float = 1500.0


@dataclass(frozen=True)
class Shoot(Drawn):
    """How a portrait is filmed: all that was set or drawn, as plain values.

    Attributes:
        size: side of a frame in pixels of the sensor.
        crf: constant rate factor of the H.264 encoder.
        camera, motion: the physical parameters.
        poses: ``yaw``, ``pitch``, ``roll`` (degrees), ``sway_x``, ``sway_y``, ``shake_x``, ``shake_y`` (pixels of the
            portrait), ``size`` and ``gain`` (factors) of every frame.
        noise: of the generator from which the noise of the sensor is drawn.
    """

    size: int
    crf: int
    camera: Camera
    motion: Motion
    poses: Mapping[str, tuple[float, ...]]
    noise: GeneratorState

    @property
    def frames(self) -> int:
        """How many frames the film has."""
        return len(self.poses["gain"])


@dataclass(frozen=True, eq=False)
class Film:
    """A clip, and what nobody but the simulation knows about it.

    Attributes:
        clip: bytes of an MP4 file.
        truth: ``[N, SCALE * S, SCALE * S, 3]`` float32 RGB in [0, 1]: every frame as a camera with ``SCALE`` times
            the pixels, no lens, no noise and no codec would have taken it, at the same pose and exposure.
        shoot: everything that was set or drawn.
    """

    clip: bytes
    truth: FloatArray
    shoot: Shoot

    def __post_init__(self) -> None:
        object.__setattr__(self, "truth", frozen_array(self.truth))


def to_linear(image: NDArray) -> NDArray:
    """sRGB values in [0, 1] to linear light (IEC 61966-2-1)."""
    return np.where(image <= 0.04045, image / 12.92, ((np.maximum(image, 0.04045) + 0.055) / 1.055) ** 2.4)


def from_linear(light: NDArray) -> FloatArray:
    """Linear light to sRGB values, clipped to [0, 1]."""
    light = np.clip(light, 0.0, 1.0)
    coded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055)
    return coded.astype(np.float32)


def wander(rng: np.random.Generator, frames: int, amplitude: float) -> NDArray[np.float64]:
    """A smooth path ``[frames]`` that stays within ``amplitude``: two slow sinusoids of random phase."""
    t = np.arange(frames) / max(frames - 1, 1)
    phase = rng.uniform(0, 2 * np.pi, 2)
    slow, fast = rng.uniform(0.6, 1.0), rng.uniform(1.2, 2.2)
    return amplitude * (0.7 * np.sin(2 * np.pi * slow * t + phase[0]) + 0.3 * np.sin(2 * np.pi * fast * t + phase[1]))


def head_relief(x: NDArray, y: NDArray, depth: float) -> tuple[NDArray, NDArray]:
    """Height of the head over its own plane, and the share of its motion that a point takes part in.

    A smooth bump of 70 by 85 pixels in front of a background that does not turn; hair and neck follow in part.

    Args:
        x, y: position relative to the centre of the head, in pixels of the portrait.
        depth: of the bump, in the same pixels.
    """
    square = (x / 70.0) ** 2 + (y / 85.0) ** 2
    inside = np.maximum(1.0 - square, 0.0)
    height = depth * inside * np.sqrt(inside)
    carried = 1.0 / (1.0 + np.exp((np.sqrt(square) - 1.3) / 0.1))
    return height, carried


def rotation(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    """``[3, 3]`` rotation: yaw about the vertical first, then pitch, then roll in the picture; degrees."""
    y, p, r = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return about_z @ about_x @ about_y


def view(side: int, pose: dict[str, float], motion: Motion) -> FloatArray:
    """Where each pixel of one frame lies in the portrait.

    Every point of the head is turned about the head's centre and projected by a pin-hole. The inverse that a
    backward map needs is found by fixed-point iteration; it converges because the turns are small, and ends where no
    point moves by :data:`SETTLED` any more.

    Args:
        side: of the frame in pixels; it covers ``FIELD`` pixels of the portrait.
        pose: ``yaw``, ``pitch``, ``roll`` in degrees; ``sway_x``, ``sway_y``, ``shake_x``, ``shake_y`` in pixels of the
            portrait; ``size`` as a factor.
        motion: supplies ``relief`` and ``distance``.

    Returns:
        ``[side, side, 2]`` backward map, ``(x, y)`` in pixels of the portrait.
    """
    axis = (np.arange(side) + 0.5) / side * FIELD - FIELD / 2
    u, v = np.meshgrid(axis - pose["shake_x"], axis - pose["shake_y"])
    turn = rotation(pose["yaw"], pose["pitch"], pose["roll"])
    x, y = u, v
    for _ in range(30):
        z, carried = head_relief(x, y, motion.relief)
        # The portrait is a projection of the head already: undo it, turn the head, project it again.
        near = 1.0 - z / motion.distance
        flat_x, flat_y = x * near, y * near
        px, py, pz = (row[0] * flat_x + row[1] * flat_y - row[2] * z for row in turn)
        seen = pose["size"] / (1.0 + pz / motion.distance)
        before = x, y
        x, y = u - carried * (px * seen + pose["sway_x"] - x), v - carried * (py * seen + pose["sway_y"] - y)
        if max(np.abs(x - before[0]).max(), np.abs(y - before[1]).max()) < SETTLED:
            break
    return np.dstack([x + HEAD[0], y + HEAD[1]]).astype(np.float32)


def astronaut() -> FloatArray:
    """The portrait, ``[512, 512, 3]`` float32 RGB in [0, 1]. It is read from scikit-image's own folder."""
    from skimage import data

    return (data.astronaut() / 255.0).astype(np.float32)


def draw_shoot(
    *,
    frames: int = 15,
    size: int = 48,
    seed: int = 0,
    crf: int = 23,
    camera: Camera = Camera(),
    motion: Motion = Motion(),
) -> Shoot:
    """Draw how a portrait is filmed; the same arguments give the same value.

    Args:
        frames: number of frames.
        size: side of a frame in pixels of the sensor, even (the codec halves the colour).
        seed: of the motion, the drift and the noise.
        crf: constant rate factor of the H.264 encoder; 23 is its default, more is worse.
        camera, motion: the physical parameters.

    Raises:
        ValueError: an odd or tiny size, or no frames.
    """
    if frames < 1 or size < 16 or size % 2:
        raise ValueError(f"cannot film {frames} frames of {size} px: at least one frame and an even size from 16 px")
    rng = np.random.default_rng(seed)
    pixel = FIELD / size
    amplitudes = {
        "yaw": motion.yaw,
        "pitch": motion.pitch,
        "roll": motion.roll,
        "sway_x": motion.sway * pixel,
        "sway_y": motion.sway * pixel,
        "shake_x": motion.shake * pixel,
        "shake_y": motion.shake * pixel,
        "size": motion.approach,
        "gain": camera.drift,
    }
    paths = {name: wander(rng, frames, amplitude) for name, amplitude in amplitudes.items()}
    paths["size"] = 1.0 + paths["size"]
    paths["gain"] = 1.0 + paths["gain"]
    poses = {name: tuple(path.tolist()) for name, path in paths.items()}
    return Shoot(size, crf, camera, motion, poses, GeneratorState.of(rng))


def film(portrait: FloatArray, shoot: Shoot) -> Film:
    """Film a portrait as it was drawn; nothing is random here, so the same values give the same bytes.

    Args:
        portrait: what :func:`astronaut` gives; :data:`HEAD` says where the head is.
        shoot: see :func:`draw_shoot`.
    """
    import cv2

    from mfrec.image.geometry import resize, warp
    from mfrec.imageio import h264_bytes

    camera, size = shoot.camera, shoot.size
    noise = shoot.noise.generator()
    # The ideal picture is integrated over its own pixels too, from four samples each, in linear light.
    light = to_linear(np.asarray(portrait, np.float32)).astype(np.float32)
    side, fine = SCALE * size, 2 * SCALE * size
    truth, recorded = [], []
    for i in range(shoot.frames):
        pose = {name: path[i] for name, path in shoot.poses.items()}
        scene = np.clip(pose["gain"] * warp(light, view(fine, pose, shoot.motion)), 0.0, 1.0)
        truth.append(from_linear(resize(scene, side, side, interpolation="area")))
        blurred = cv2.GaussianBlur(scene, (0, 0), camera.psf * fine / size, borderType=cv2.BORDER_REFLECT)
        electrons = camera.full_well * resize(blurred, size, size, interpolation="area")
        electrons = noise.poisson(electrons) + noise.normal(0.0, camera.read_noise, electrons.shape)
        recorded.append(from_linear(electrons / camera.full_well))
    return Film(h264_bytes(recorded, shoot.crf, camera.fps), np.stack(truth), shoot)
