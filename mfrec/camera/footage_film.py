"""A minute of a recorder's footage with its truth: people who walk and cross, in spells of blur, dark and turned heads.

The heads are the portrait of :mod:`mfrec.camera.film` and the photographer of scikit-image's ``camera`` (CC0, Lav
Varshney); behind them stands its ``coffee`` (CC0, Rachel Michetti). The camera is that of :mod:`mfrec.camera.film`, and
a clock is burnt into the picture as recorders do. Of every frame the truth is what a camera with :data:`SCALE` times
the pixels, no lens, no noise, no codec and no clock would have taken.

What is random is drawn first, into a :class:`FootageShoot`; filming it is pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mfrec.camera.film import FIELD, HEAD, SCALE, Camera, Motion, astronaut, from_linear, to_linear, view, wander
from mfrec.image.geometry import resize, warp
from mfrec.pipeline import Progress, silent
from mfrec.types import Drawn, FloatArray, GeneratorState

OVAL = (0.36, 0.47)
"""Half axes of the head that is cut out of its square, as shares of the square's side."""

SPELLS = ("blur", "dark", "turn", "far")
"""What makes frames poor for a while."""


@dataclass(frozen=True)
class Spell:
    """Some frames that are poorer than the others.

    Attributes:
        kind: one of :data:`SPELLS`.
        first, last: frames, both included.
        strength: standard deviation of the blur in pixels of the sensor; share of the light that is left; degrees of
            yaw; share of the size that is left.
    """

    kind: str
    first: int
    last: int
    strength: float


@dataclass(frozen=True)
class Walker:
    """One person: where the head is in every frame, and how it is turned.

    Attributes:
        who: 0 for the portrait, 1 for the photographer.
        side: of the head's square in pixels of the sensor.
        x, y: of the middle of the square in pixels of the sensor.
        yaw, pitch, roll: degrees.
    """

    who: int
    side: float
    x: tuple[float, ...]
    y: tuple[float, ...]
    yaw: tuple[float, ...]
    pitch: tuple[float, ...]
    roll: tuple[float, ...]


@dataclass(frozen=True)
class FootageShoot(Drawn):
    """How footage is filmed: all that was set or drawn.

    Attributes:
        width, height: of a frame in pixels of the sensor.
        crf: constant rate factor of the encoder.
        fps: frames a second.
        walkers: the nearest last, so that she covers the others.
        spells: of the whole picture but for ``turn`` and ``far``, which are those of the last walker.
        gain: of the exposure in every frame.
        noise: of the generator from which the noise of the sensor is drawn.
    """

    width: int
    height: int
    crf: int
    fps: int
    walkers: tuple[Walker, ...]
    spells: tuple[Spell, ...]
    gain: tuple[float, ...]
    noise: GeneratorState

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return len(self.gain)

    def strength(self, kind: str, frame: int, usual: float) -> float:
        """Of the spell that a frame lies in; ``usual`` where there is none of that kind."""
        return next((s.strength for s in self.spells if s.kind == kind and s.first <= frame <= s.last), usual)


def draw_footage(
    *,
    frames: int = 1500,
    side: int = 56,
    width: int = 320,
    height: int = 180,
    fps: int = 25,
    crf: int = 26,
    seed: int = 0,
) -> FootageShoot:
    """Draw how footage is filmed; the same arguments give the same value.

    Args:
        frames: number of frames.
        side: of the nearer head's square, of which the face fills some 60 %, in pixels of the sensor.
        width, height: of a frame, even.
        fps: frames a second.
        crf: constant rate factor of the H.264 encoder.
        seed: of everything.

    Raises:
        ValueError: no frames, or a head that does not fit into the frame.
    """
    if frames < 1 or width % 2 or height % 2 or not 16 <= side <= min(width, height):
        raise ValueError(f"cannot film {frames} frames of {width} x {height} px with a head of {side} px")
    rng = np.random.default_rng(seed)
    walkers = []
    for who, size in ((1, 0.75 * side), (0, float(side))):
        start, end = sorted(rng.uniform(0.2, 0.8, 2))
        ends = (start, end) if rng.random() < 0.5 else (end, start)
        walk = np.linspace(*ends, frames) * (width - size) + size / 2 + wander(rng, frames, 1.5)
        sway = height / 2 + rng.uniform(-0.1, 0.1) * height + wander(rng, frames, 2.0)
        angles = (wander(rng, frames, amplitude) for amplitude in (6.0, 3.0, 2.0))
        paths = (tuple(np.asarray(path).tolist()) for path in (walk, sway, *angles))
        walkers.append(Walker(who, size, *paths))
    spells = []
    # Two thirds of the time something is wrong; which part, is drawn.
    borders = np.sort(rng.integers(0, frames + 1, 11))
    kinds = [str(kind) for kind in rng.permutation(np.array(SPELLS * 2))]
    for kind, first, last in zip(kinds, borders[1:-2], borders[2:-1], strict=False):
        low, high = {"blur": (0.8, 1.8), "dark": (0.08, 0.3), "turn": (18.0, 28.0), "far": (0.5, 0.75)}[kind]
        strength = float(rng.uniform(low, high)) * (-1 if kind == "turn" and rng.random() < 0.5 else 1)
        if last > first:
            spells.append(Spell(kind, int(first), int(last) - 1, strength))
    gain = tuple((1.0 + wander(rng, frames, 0.06)).tolist())
    return FootageShoot(width, height, crf, fps, tuple(walkers), tuple(spells), gain, GeneratorState.of(rng))


def people_in_footage() -> tuple[FloatArray, ...]:
    """The portraits of both people, ``[512, 512, 3]``, each with its head at :data:`mfrec.camera.film.HEAD`."""
    from skimage import data

    man = np.repeat(np.asarray(data.camera(), np.float32)[..., None] / 255, 3, axis=2)
    # His head, 60 px high at (227, 118), where and as large as hers is.
    larger = np.array([[2.0, 0, HEAD[0] - 2.0 * 227], [0, 2.0, HEAD[1] - 2.0 * 150]])
    return astronaut(), np.asarray(cv2.warpAffine(man, larger, (512, 512), flags=cv2.INTER_CUBIC), np.float32)


def scene_light(people: Sequence[FloatArray], shoot: FootageShoot, frame: int) -> FloatArray:
    """The scene in linear light before lens and sensor, ``[SCALE H, SCALE W, 3]``.

    Args:
        people: of :func:`people_in_footage`.
        shoot: see :func:`draw_footage`.
        frame: from 0.
    """
    from skimage import data

    rows, columns = SCALE * shoot.height, SCALE * shoot.width
    wall = np.asarray(data.coffee(), np.float32)[:, :, :] / 255
    light = to_linear(resize(wall, rows, columns, interpolation="area")).astype(np.float32) * 0.6
    for number, walker in enumerate(shoot.walkers):
        nearest = number == len(shoot.walkers) - 1
        size = walker.side * (shoot.strength("far", frame, 1.0) if nearest else 1.0)
        side = max(8, round(SCALE * size))
        turn = shoot.strength("turn", frame, 0.0) if nearest else 0.0
        left, top = SCALE * walker.x[frame] - side / 2, SCALE * walker.y[frame] - side / 2
        x0, y0 = int(np.floor(left)), int(np.floor(top))
        shift = FIELD / side
        pose = {
            "yaw": walker.yaw[frame] + turn,
            "pitch": walker.pitch[frame],
            "roll": walker.roll[frame],
            "sway_x": 0.0,
            "sway_y": 0.0,
            "shake_x": (left - x0) * shift,
            "shake_y": (top - y0) * shift,
            "size": 1.0,
        }
        head = to_linear(np.clip(warp(people[walker.who], view(side, pose, Motion())), 0, 1)).astype(np.float32)
        _paste(light, head, x0, y0)
    dark = shoot.strength("dark", frame, 1.0)
    return np.clip(light * np.float32(shoot.gain[frame] * dark), 0, 1)


def _paste(light: FloatArray, head: FloatArray, x0: int, y0: int) -> None:
    """Lay a head with a soft oval outline over a scene, in place; what lies outside of it is cut off."""
    side = len(head)
    axis = (np.arange(side) + 0.5) / side - 0.5
    radius = np.hypot(axis[None, :] / OVAL[0], axis[:, None] / OVAL[1])
    cover = np.clip((1.0 - radius) * 12 + 0.5, 0, 1).astype(np.float32)[..., None]
    top, left = max(0, -y0), max(0, -x0)
    bottom, right = min(side, light.shape[0] - y0), min(side, light.shape[1] - x0)
    if bottom <= top or right <= left:
        return
    part = light[y0 + top : y0 + bottom, x0 + left : x0 + right]
    share = cover[top:bottom, left:right]
    part[:] = share * head[top:bottom, left:right] + (1 - share) * part


def footage_truth(people: Sequence[FloatArray], shoot: FootageShoot, frame: int) -> FloatArray:
    """What a perfect camera with :data:`SCALE` times the pixels would have taken, ``[SCALE H, SCALE W, 3]``."""
    return from_linear(scene_light(people, shoot, frame))


def film_footage(people: Sequence[FloatArray], shoot: FootageShoot, progress: Progress = silent) -> bytes:
    """The clip, bytes of an MP4 file; nothing is random here.

    Args:
        people: of :func:`people_in_footage`.
        shoot: see :func:`draw_footage`.
        progress: called as ``progress("film", done, total)``.
    """
    from mfrec.imageio import h264_bytes

    camera, noise = Camera(), shoot.noise.generator()
    recorded = []
    for frame in range(shoot.frames):
        progress("film", frame, shoot.frames)
        light = scene_light(people, shoot, frame)
        blur = float(np.hypot(camera.psf, shoot.strength("blur", frame, 0.0))) * SCALE
        soft = cv2.GaussianBlur(light, (0, 0), blur, borderType=cv2.BORDER_REFLECT)
        electrons = camera.full_well * resize(soft, shoot.height, shoot.width, interpolation="area")
        electrons = noise.poisson(np.maximum(electrons, 0)) + noise.normal(0.0, camera.read_noise, electrons.shape)
        picture = np.ascontiguousarray(from_linear(electrons / camera.full_well))
        seconds = frame / shoot.fps
        clock = f"2026-03-01 {12 + int(seconds) // 3600:02d}:{int(seconds) // 60 % 60:02d}:{seconds % 60:05.2f}"
        cv2.putText(picture, clock, (4, 12), cv2.FONT_HERSHEY_PLAIN, 0.8, (1.0, 1.0, 1.0), 1, cv2.LINE_AA)
        recorded.append(picture)
    return h264_bytes(recorded, shoot.crf, shoot.fps)
