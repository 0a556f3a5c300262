"""How the bench spoils truth frames: the named protocols of the development tables.

A protocol takes the frames of one sequence (truth, 256 px) and returns what a bad camera would have
delivered, plus the truth of the middle frame at the output size. All of it is drawn from a seed, so a
sequence is spoilt the same way every time.

* ``jpeg32``: area-resampled to 32 px, each frame a JPEG of its own quality 30 to 90; truth 128 px.
* ``cctv64``: Gaussian point-spread function of sigma 1.2 to 2.4 px at 256 px, 64 px, noise of sigma 3/255,
  one H.264 clip at CRF 26 to 36; truth 256 px.
* ``patch32``: three blurred ellipses on the face in the middle frame, one in every other frame, 32 px,
  JPEG quality 90; truth 128 px.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mfrec.image.geometry import resize
from mfrec.imageio import h264_bytes, jpeg_bytes
from mfrec.types import FloatArray

SCALE = 4


@dataclass(frozen=True, eq=False)
class Spoilt:
    """One degraded sequence.

    Attributes:
        files: file name and bytes of each frame (JPEG), or of one clip (MP4).
        truth: ``[H, W, 3]`` of the middle frame at ``SCALE`` times the frames' size.
        reference: index of the middle frame.
        drawn: the drawn parameters.
    """

    files: tuple[tuple[str, bytes], ...]
    truth: FloatArray
    reference: int
    drawn: dict[str, object]

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
    small = []
    for image in truths:
        blurred = cv2.GaussianBlur(np.asarray(image, np.float32), (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
        noisy = resize(blurred, 64, 64, interpolation="area") + rng.normal(0, 3 / 255, (64, 64, 3))
        small.append(np.clip(noisy, 0, 1).astype(np.float32))
    middle = len(truths) // 2
    return Spoilt(
        (("clip.mp4", h264_bytes(small, crf)),), np.asarray(truths[middle]), middle, {"sigma": sigma, "crf": crf}
    )


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


PROTOCOLS: dict[str, Callable[[Sequence[FloatArray], np.random.Generator], Spoilt]] = {
    "jpeg32": jpeg32,
    "cctv64": cctv64,
    "patch32": patch32,
}
