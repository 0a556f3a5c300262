"""How the bench spoils truth frames: the named protocols of the development tables.

A protocol takes the frames of one sequence (truth, 256 px) and returns what a bad camera would have
delivered, plus the truth of the middle frame at the output size. All of it is drawn from a seed, so a
sequence is spoilt the same way every time.

* ``jpeg32``: area-resampled to 32 px, each frame a JPEG of its own quality 30 to 90; truth 128 px.
* ``cctv64``: Gaussian point-spread function of sigma 1.2 to 2.4 px at 256 px, 64 px, noise of sigma 3/255,
  one H.264 clip at CRF 26 to 36; truth 256 px.
* ``patch32``: three blurred ellipses on the face in the middle frame, one in every other frame, 32 px,
  JPEG quality 90; truth 128 px.
* ``exports``: the camera of ``cctv64``, and between it and the analyst one of :data:`EXPORTS`, which are protocols of
  their own (``export-hevc-png``): another codec, frames decoded, cut, enlarged, saved once more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from mfrec.camera.exports import CLIPS, Export, exported
from mfrec.errors import UsageError
from mfrec.image.geometry import resize
from mfrec.imageio import h264_bytes, jpeg_bytes
from mfrec.types import FloatArray

SCALE = 4


@dataclass(frozen=True, eq=False)
class Spoilt:
    """One degraded sequence.

    Attributes:
        files: file name and bytes of each frame (JPEG), or of one clip (MP4).
        truth: ``[H, W, 3]`` of the middle frame at ``scale`` times the frames' size.
        reference: index of the middle frame.
        drawn: the drawn parameters.
        scale: how many times larger the truth is than the frames.
    """

    files: tuple[tuple[str, bytes], ...]
    truth: FloatArray
    reference: int
    drawn: dict[str, object]
    scale: int = SCALE

    def write(self, folder: Path) -> None:
        """Write the files into an existing folder."""
        for name, data in self.files:
            (folder / name).write_bytes(data)


def jpeg32(truths: Sequence[FloatArray], rng: np.random.Generator) -> Spoilt:
    """Small JPEGs, each of its own quality."""
    qualities = rng.integers(30, 91, len(truths))
    files = tuple(
        (f"{i}.jpg", jpeg_bytes(resize(image, 32, 32, interpolation="area"), int(quality)))
        for i, (image, quality) in enumerate(zip(truths, qualities, strict=True))
    )
    middle = len(truths) // 2
    return Spoilt(
        files, resize(truths[middle], 128, 128, interpolation="area"), middle, {"quality": qualities.tolist()}
    )


def cctv64(truths: Sequence[FloatArray], rng: np.random.Generator) -> Spoilt:
    """A blurred, noisy surveillance clip."""
    sigma = float(rng.uniform(1.2, 2.4))
    crf = int(rng.integers(26, 37))
    small = watched(truths, sigma, rng)
    middle = len(truths) // 2
    return Spoilt(
        (("clip.mp4", h264_bytes(small, crf)),), np.asarray(truths[middle]), middle, {"sigma": sigma, "crf": crf}
    )


def watched(truths: Sequence[FloatArray], sigma: float, rng: np.random.Generator) -> list[FloatArray]:
    """What the surveillance camera of ``cctv64`` hands to its encoder, ``[64, 64, 3]`` each.

    Args:
        truths: ``[256, 256, 3]`` each.
        sigma: of its Gaussian point-spread function, in pixels of the truth.
        rng: of its noise.
    """
    small = []
    for image in truths:
        blurred = cv2.GaussianBlur(np.asarray(image, np.float32), (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
        noisy = resize(blurred, 64, 64, interpolation="area") + rng.normal(0, 3 / 255, (64, 64, 3))
        small.append(np.clip(noisy, 0, 1).astype(np.float32))
    return small


def blur_ellipse(image: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Blur one ellipse on the face: centre in the middle half of the crop, half axes 8 to 18 % of it."""
    height, width = image.shape[:2]
    centre = rng.uniform(0.3, 0.7, 2) * (width, height)
    axes = rng.uniform(0.08, 0.18, 2) * (width, height)
    angle = float(rng.uniform(0, 180))
    mask = np.zeros((height, width), np.float32)
    cv2.ellipse(mask, (tuple(centre.tolist()), tuple((2 * axes).tolist()), angle), 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 0.01 * width)[..., None]
    blurred = cv2.GaussianBlur(np.asarray(image, np.float32), (0, 0), float(rng.uniform(0.03, 0.06)) * width)
    return np.asarray(mask * blurred + (1 - mask) * image, np.float32)


def patch32(truths: Sequence[FloatArray], rng: np.random.Generator) -> Spoilt:
    """Patches of the face are blurred: three in the middle frame, one in each other."""
    middle = len(truths) // 2
    files = []
    for i, image in enumerate(truths):
        damaged = image
        for _ in range(3 if i == middle else 1):
            damaged = blur_ellipse(damaged, rng)
        files.append((f"{i}.jpg", jpeg_bytes(resize(damaged, 32, 32, interpolation="area"), 90)))
    return Spoilt(tuple(files), resize(truths[middle], 128, 128, interpolation="area"), middle, {})


@dataclass(frozen=True)
class Way:
    """A family of exports: what is fixed, and the range that the recorder's strength is drawn from.

    Attributes:
        codec, saved, quality, factor: see :class:`mfrec.camera.exports.Export`.
        weakest, strongest: of the recorder's strength, both included; one is drawn for all frames.
        cut: whether 1 to 7 columns and rows are cut off.
    """

    codec: str
    weakest: int
    strongest: int
    saved: str = "png"
    quality: int = 92
    factor: int = 1
    cut: bool = False

    def draw(self, rng: np.random.Generator, frames: int) -> Export:
        """One of the family, for so many frames."""
        strength = int(rng.integers(self.weakest, self.strongest + 1))
        left, top = (int(n) for n in rng.integers(1, 8, 2))
        return Export(
            self.codec,
            (strength,) if self.codec in CLIPS else (strength,) * frames,
            cut=(left, top) if self.cut else (0, 0),
            factor=float(self.factor),
            saved=self.saved,
            quality=self.quality,
        )


def export(way: Way, truths: Sequence[FloatArray], rng: np.random.Generator) -> Spoilt:
    """A surveillance camera, and a way to the analyst. Where rows are cut off the frames, so are they off the truth."""
    sigma = float(rng.uniform(1.2, 2.4))
    drawn = way.draw(rng, len(truths))
    files = exported(watched(truths, sigma, rng), drawn)
    middle = len(truths) // 2
    left, top = (SCALE * n for n in drawn.cut)
    truth = np.ascontiguousarray(np.asarray(truths[middle], np.float32)[top:, left:])
    return Spoilt(files, truth, middle, {"sigma": sigma, "export": asdict(drawn)}, SCALE // way.factor)


WAYS: dict[str, Way] = {
    "h264-png": Way("h264", 26, 36),
    "h264-jpeg": Way("h264", 26, 36, saved="jpeg", quality=92),
    "h264-twice-png": Way("h264", 26, 36, factor=2),
    "hevc-png": Way("hevc", 24, 34),
    "hevc-file": Way("hevc", 24, 34, saved="file"),
    "mpeg4-png": Way("mpeg4", 4, 10),
    "mpeg2-jpeg": Way("mpeg2", 4, 10, saved="jpeg", quality=90),
    "mjpeg-file": Way("mjpeg", 4, 10, saved="file"),
    "vp9-png": Way("vp9", 30, 50),
    "jpeg-png": Way("jpeg", 30, 70),
    "jpeg-cut-jpeg": Way("jpeg", 40, 50, saved="jpeg", quality=85, cut=True),
    "webp-file": Way("webp", 30, 40, saved="file"),
    "avif-png": Way("avif", 30, 50),
}
"""The ways of ``exports``, by the end of their protocol's name."""

Protocol = Callable[[Sequence[FloatArray], np.random.Generator], Spoilt]

PROTOCOLS: dict[str, Protocol] = {"jpeg32": jpeg32, "cctv64": cctv64, "patch32": patch32}
"""What the bench measures where no protocol is named."""

EXPORTS: dict[str, Protocol] = {f"export-{name}": partial(export, way) for name, way in WAYS.items()}

EVERY: dict[str, Protocol] = {**PROTOCOLS, **EXPORTS}
"""All protocols by name."""

GROUPS: dict[str, tuple[str, ...]] = {"exports": tuple(EXPORTS)}
"""Names that stand for several protocols."""


def named(names: Sequence[str]) -> tuple[str, ...]:
    """Names of protocols, each once, with every group of :data:`GROUPS` replaced by its members.

    Raises:
        UsageError: there is no such protocol or group.
    """
    found: list[str] = []
    for name in names:
        if name not in EVERY and name not in GROUPS:
            raise UsageError(f"unknown protocol '{name}'; known are {', '.join((*PROTOCOLS, *GROUPS, *EXPORTS))}")
        found += GROUPS.get(name, (name,))
    return tuple(dict.fromkeys(found))
