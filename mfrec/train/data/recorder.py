"""A plain camera, and the way of its frames to the analyst, with what the product would believe of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mfrec.camera.exports import CLIPS, Export, exported
from mfrec.camera.noise import BLOCK
from mfrec.camera.protocols import SCALE
from mfrec.image.geometry import resize
from mfrec.imageio.memory import decoded
from mfrec.train.data.degrade import Degraded, sensor_noise
from mfrec.train.data.told import Hearsay, told_of
from mfrec.types import Drawn, FloatArray

SMALLEST_CLIP = 32
"""Pixels a side that x265 takes."""


@dataclass(frozen=True)
class Recorder(Drawn):
    """A camera and what follows it.

    Attributes:
        psf_sigma: of its Gaussian point-spread function, in pixels of the truth.
        noise: standard deviation of its noise at mid-grey, in [0, 1] grey levels as displayed.
        seed: of that.
        export: the way to the analyst.
    """

    psf_sigma: float
    noise: float
    seed: int
    export: Export


def draw_recorder(rng: np.random.Generator, export: Export) -> Recorder:
    """Draw the camera before a way: soft and noisy before every codec of video and half of the others.

    Args:
        rng: everything is drawn from it.
        export: the way, see :func:`mfrec.camera.exports.draw_export`.
    """
    soft = export.codec in CLIPS or rng.random() < 0.5
    psf, noise = (float(rng.uniform(0.9, 2.7)), float(rng.uniform(0, 5.0)) / 255) if soft else (0.0, 0.0)
    return Recorder(psf, noise, int(rng.integers(2**31)), export)


def whole_side(export: Export, small: int) -> int:
    """Side of the frames that go into a way so that ``small`` pixels are left of them, even, in frame pixels.

    A codec of video spends its bits otherwise on a very small picture, so those of a clip are half as large again; and
    what is cut off by the way and then up to the next block of the codec is there besides.
    """
    if export.codec in CLIPS:
        side = max(3 * small // 2, small + BLOCK, SMALLEST_CLIP)
    else:
        side = small + BLOCK * (export.cut != (0, 0))
    return side + side % 2


def recorded(
    truths: Sequence[FloatArray], recorder: Recorder, hearsay: Hearsay
) -> tuple[list[Degraded], tuple[int, int]]:
    """The frames as the analyst gets them, cut along the codec's blocks where their place is told.

    Args:
        truths: ``[H, W, 3]`` each, RGB in [0, 1], four times as large as the frames.
        recorder: the camera and the way.
        hearsay: what goes wrong with what is told.

    Returns:
        The frames, all of one size, and ``(x, y)`` of their corner in the truth.
    """
    rng = np.random.default_rng(recorder.seed)
    before = [seen(truth, recorder.psf_sigma, recorder.noise, rng) for truth in truths]
    files = exported(before, recorder.export)
    frames = [frame for name, data in files for frame in decoded(name, data)]
    left, top = recorder.export.cut
    out, corner = [], (0, 0)
    for number, (frame, sharp) in enumerate(zip(frames, before, strict=True)):
        noise, corner = told_of(frame, sharp[top:, left:], recorder.export, number, hearsay)
        x, y = corner  # the same for all: they have one way and one hearsay
        out.append(Degraded(frame.image[y:, x:], noise))
    return out, (SCALE * (left + corner[0]), SCALE * (top + corner[1]))


def seen(truth: FloatArray, psf_sigma: float, noise: float, rng: np.random.Generator) -> FloatArray:
    """What a camera hands to its encoder; blur in pixels of the truth, noise at mid-grey as displayed."""
    image = cv2.GaussianBlur(truth, (0, 0), psf_sigma, borderType=cv2.BORDER_REFLECT) if psf_sigma > 0 else truth
    height, width = truth.shape[:2]
    small = resize(np.asarray(image, np.float32), height // SCALE, width // SCALE, interpolation="area")
    if noise > 0:
        small = sensor_noise(small, noise, rng)
    return np.asarray(np.clip(small, 0, 1), np.float32)
