"""What a bad camera does to a face, physically: optics, motion, sampling, sensor noise, codec.

Drawing the parameters and applying them are two steps, so that what was drawn can be recorded and applied
again: :func:`draw` gives a :class:`Degradation`, plain numbers, and :func:`degrade` is a pure function of the
true pictures and those numbers. The order is that of the light: point-spread function and motion blur act on the
scene, the sensor integrates over its pixels and adds noise in linear light, and the codec sees what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from mfrec.camera.noise import COARSEST_QUANTISER, NoiseModel, from_quantiser, from_tables
from mfrec.camera.protocols import SCALE, blur_ellipse, draw_ellipse
from mfrec.image.geometry import resize
from mfrec.imageio import roundtrip
from mfrec.imageio.encode import to_uint8
from mfrec.types import Drawn, FloatArray

Codec = Literal["jpeg", "h264", "none"]


@dataclass(frozen=True)
class Degradation(Drawn):
    """The parameters of one sequence; every frame has its own where a tuple is given.

    Attributes:
        psf_sigma: of the Gaussian point-spread function, in pixels of the truth.
        motion: ``(length, angle)`` of the straight motion blur of each frame, pixels of the truth and degrees.
        noise: standard deviation of the sensor noise at mid-grey, in [0, 1] grey levels as displayed.
        codec: ``"jpeg"`` (each frame by itself), ``"h264"`` (one clip) or ``"none"``.
        quality: JPEG quality of each frame.
        crf: constant rate factor of the clip.
        patches: how many elliptic patches of each frame are blurred before it is sampled.
        seed: of the noise and of where the patches lie.
    """

    psf_sigma: float
    motion: tuple[tuple[float, float], ...]
    noise: float
    codec: Codec
    quality: tuple[int, ...]
    crf: int
    patches: tuple[int, ...]
    seed: int


@dataclass(frozen=True, eq=False)
class Degraded:
    """One frame as it comes out of the codec.

    Attributes:
        image: ``[h, w, 3]`` float32 RGB in [0, 1].
        noise: what the codec is known to have done, as the product reads it from a file.
    """

    image: FloatArray
    noise: NoiseModel


def draw(rng: np.random.Generator, kind: str, frames: int) -> Degradation:
    """Draw a degradation.

    Args:
        kind: ``"still"`` (pictures coded one by one), ``"patch"`` (the same with blurred patches, three in the middle
            frame) or ``"video"`` (one H.264 clip from a soft, noisy camera).
        frames: how many.

    Raises:
        ValueError: no such kind.
    """
    if kind not in ("still", "patch", "video"):
        raise ValueError(f"no degradation of kind '{kind}'; expected still, patch or video")
    video = kind == "video"
    psf = float(rng.uniform(0.9, 2.7)) if video else float(rng.uniform(0.3, 1.6) if rng.random() < 0.35 else 0.0)
    noise = (
        float(rng.uniform(0, 5.0)) / 255 if video else float(rng.uniform(0, 4) if rng.random() < 0.35 else 0.0) / 255
    )
    moves = rng.random() < 0.15
    lengths = rng.uniform(0, 5.0, frames) * moves
    angles = rng.uniform(0, 180, frames)
    low = 75 if kind == "patch" else int(rng.integers(25, 60))
    high = 95 if kind == "patch" else int(rng.integers(75, 96))
    plain = not video and rng.random() < 0.05
    patches = np.zeros(frames, int)
    if kind == "patch":
        patches[:] = rng.integers(0, 3, frames)
        patches[frames // 2] = 3
    return Degradation(
        psf_sigma=psf,
        motion=tuple((float(length), float(angle)) for length, angle in zip(lengths, angles, strict=True)),
        noise=noise,
        codec="h264" if video else "none" if plain else "jpeg",
        quality=tuple(int(q) for q in rng.integers(low, high, frames)),
        crf=int(rng.integers(23, 39)),
        patches=tuple(int(n) for n in patches),
        seed=int(rng.integers(2**31)),
    )


def degrade(truths: Sequence[FloatArray], degradation: Degradation) -> list[Degraded]:
    """Degrade a sequence.

    Args:
        truths: ``[H, W, 3]`` each, float32 RGB in [0, 1], sides a multiple of eight.
        degradation: what :func:`draw` gave.

    Returns:
        One frame each, at a quarter (:data:`mfrec.camera.protocols.SCALE`) of the size.
    """
    rng = np.random.default_rng(degradation.seed)
    small = []
    for truth, (length, angle), patches in zip(truths, degradation.motion, degradation.patches, strict=True):
        image = np.asarray(truth, np.float32)
        for _ in range(patches):
            image = blur_ellipse(image, draw_ellipse(rng))
        if degradation.psf_sigma > 0.05:
            image = cv2.GaussianBlur(image, (0, 0), degradation.psf_sigma, borderType=cv2.BORDER_REFLECT)
        if length > 0.5:
            image = cv2.filter2D(image, -1, line_kernel(length, angle), borderType=cv2.BORDER_REFLECT)
        height, width = image.shape[:2]
        image = resize(image, height // SCALE, width // SCALE, interpolation="area")
        if degradation.noise > 0:
            image = sensor_noise(image, degradation.noise, rng)
        small.append(np.asarray(np.clip(image, 0.0, 1.0), np.float32))
    if degradation.codec == "h264":
        return through_h264(small, degradation.crf)
    if degradation.codec == "jpeg":
        return [through_jpeg(image, quality) for image, quality in zip(small, degradation.quality, strict=True)]
    unknown = from_quantiser(COARSEST_QUANTISER, "unknown", "unknown history")
    return [Degraded(to_uint8(image).astype(np.float32) / np.float32(255), unknown) for image in small]


def line_kernel(length: float, angle: float) -> FloatArray:
    """Point-spread function of a straight motion of ``length`` pixels at ``angle`` degrees; sums to 1."""
    half = int(np.ceil(length / 2)) + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    along = np.linspace(-length / 2, length / 2, 8 * (half + 1))
    x, y = half + along * np.cos(np.radians(angle)), half + along * np.sin(np.radians(angle))
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    for dy in (0, 1):
        for dx in (0, 1):
            share = np.abs(1 - dx - (x - left)) * np.abs(1 - dy - (y - top))
            np.add.at(kernel, (top + dy, left + dx), share)
    return kernel / kernel.sum()


def sensor_noise(image: FloatArray, sigma: float, rng: np.random.Generator) -> FloatArray:
    """Photon and read noise, added in linear light (Foi et al., "Practical Poissonian-Gaussian noise modeling and
    fitting for single-image raw-data", IEEE TIP 2008, eq. 3), half of the variance at mid-grey each.

    Args:
        image: ``[H, W, 3]`` as displayed, in [0, 1]; a display exponent of 2.2 is assumed.
        sigma: standard deviation at mid-grey, as displayed.
    """
    linear = np.maximum(image, 0.0) ** 2.2
    grey = 0.5**2.2
    at_grey = sigma * 2.2 * 0.5**1.2  # the derivative of the display curve carries it into linear light
    variance = 0.5 * at_grey**2 * (1.0 + linear / grey)
    noisy = linear + np.sqrt(variance) * rng.standard_normal(image.shape)
    return np.asarray(np.maximum(noisy, 0.0) ** (1 / 2.2), np.float32)


def through_jpeg(image: FloatArray, quality: int) -> Degraded:
    """Encode and decode one JPEG; the noise model is that of its tables."""
    decoded, tables = roundtrip.through_jpeg(image, quality)
    return Degraded(decoded, from_tables(tables, f"quality {quality}"))


def through_h264(images: Sequence[FloatArray], crf: int) -> list[Degraded]:
    """Encode one clip with x264 and decode it; the noise models are those of the decoder's quantisers."""
    decoded = roundtrip.through_h264(images, crf)
    return [Degraded(image, from_quantiser(quantiser, "video", "x264")) for image, quantiser in decoded]
