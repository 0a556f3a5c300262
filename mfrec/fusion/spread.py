"""The error to expect of each pixel of a picture that is made of frames: fused, or crossed over."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mfrec.fusion.source import Source
from mfrec.image.colour import luma
from mfrec.image.filters import gaussian
from mfrec.types import FloatArray

UNKNOWN = 0.29
"""Standard deviation of a grey level of which nothing is known (uniform over [0, 1])."""


def spread_between(sources: Sequence[Source], image: FloatArray, weight: FloatArray, scale: int) -> FloatArray:
    """Expected error of each pixel of a fused picture, ``[H, W]``, root-mean-square in [0, 1] grey levels.

    The square root of four variances: what the frames disagree about (more where they repeat each other's errors,
    which does not show as disagreement); a misplacement of a quarter of a reference pixel, which costs the squared
    slope of the picture; what a frame gets wrong by itself, less the more frames share a pixel; and a floor for what
    all have lost alike. The factors were fitted to the errors of development people with one,
    three and seven frames at 32 and 64 px, and rounded so that one frame is never surer than several.
    """
    grey = luma(image)
    # Frame by frame: such stacks are the most memory of a run.
    frames = [luma(source.warped) for source in sources]
    mean = sum(share * frame for share, frame in zip(weight, frames, strict=True))
    apart = sum(share * (frame - mean) ** 2 for share, frame in zip(weight, frames, strict=True))
    disagreement = gaussian(np.asarray(apart), 0.5 * scale)
    own = float(np.mean([source.noise.independent for source in sources]))
    down, right = np.gradient(grey)
    slope = gaussian(np.asarray(down**2 + right**2), 0.5 * scale) * (scale / 4) ** 2
    alone = sum(share**2 for share in weight)
    return np.sqrt(1.5 * disagreement / own + 1.25 * slope + 0.0015 * alone + (7 / 255) ** 2).astype(np.float32)


def spread_of_sources(frames: FloatArray, seen: FloatArray, weight: FloatArray, scale: int) -> FloatArray:
    """Expected standard deviation of each pixel of a crossed picture, ``[H, W]``, in [0, 1] grey levels.

    How far the frames that show a pixel lie apart (unbiased, averaged over a frame pixel), times
    ``sqrt(sum weight^2)``: a pixel that comes from one frame is as uncertain as one frame is.

    Args:
        frames: ``[N, H, W, 3]`` on the canvas.
        seen: ``[N, H, W]`` in [0, 1], how far each shows the pixel.
        weight: ``[N, H, W]``, shares in the picture.
        scale: of the canvas.
    """
    count = seen.sum(axis=0)
    share = (seen / np.maximum(count, 1e-6))[..., None]
    mean = (share * frames).sum(axis=0)
    variance = (share * (frames - mean) ** 2).sum(axis=0).mean(axis=-1)
    variance = gaussian(variance, 0.5 * scale)
    # One of `count` measurements went into the mean. With fewer than one and a half there is nothing to compare.
    spread = np.sqrt(variance * count / np.maximum(count - 1.0, 0.5))
    spread = np.where(count >= 1.5, np.minimum(spread, UNKNOWN), UNKNOWN)
    return (spread * np.sqrt((weight**2).sum(axis=0))).astype(np.float32)
