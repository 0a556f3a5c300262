"""Flicker: how much a film changes from frame to frame where nothing in it does.

Two successive pictures are laid onto each other by the registration of the frames that they were made of, and what then
still differs is compared with what differs between those frames themselves, enlarged by bicubic interpolation on the
same grid. Motion, light and the codec of the source are in both, so the ratio tells what an enlargement adds or takes:
1 is the flicker of the source. A blurred film flickers less without being better, so the ratio of fine detail stands
beside it. (The warping error of Lai et al., "Learning blind video temporal consistency", ECCV 2018, equation 8, in
units of the source's own.)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mfrec.image.colour import luma
from mfrec.image.filters import gaussian
from mfrec.image.geometry import resize, resize_map, warp
from mfrec.registration.dense import register
from mfrec.types import Canvas, FloatArray, Similarity

TRUSTED = 0.5
"""Trust of the registration from which on a pixel is compared."""

WORK = 320
"""Pixels of the larger side of the source up to which its registration is found on all of it; larger ones are halved
until they fit."""


@dataclass(frozen=True)
class Flicker:
    """Sums over pairs of successive frames, so that parts can be added up.

    Attributes:
        pairs: how many.
        made, source: sum over the pairs of the mean squared difference of registered luma, in [0, 1] grey levels.
        made_detail, source_detail: sum of the variance of their fine detail.
    """

    pairs: int = 0
    made: float = 0.0
    source: float = 0.0
    made_detail: float = 0.0
    source_detail: float = 0.0

    def __add__(self, other: Flicker) -> Flicker:
        return Flicker(
            self.pairs + other.pairs,
            self.made + other.made,
            self.source + other.source,
            self.made_detail + other.made_detail,
            self.source_detail + other.source_detail,
        )

    @property
    def ratio(self) -> float | None:
        """Flicker of what was made in units of the source's; None where nothing was compared or the source is still."""
        return float(np.sqrt(self.made / self.source)) if self.pairs and self.source > 0 else None

    @property
    def detail(self) -> float | None:
        """Root-mean-square of the fine detail in units of the source's; noise is detail too."""
        return float(np.sqrt(self.made_detail / self.source_detail)) if self.pairs and self.source_detail > 0 else None

    @property
    def levels(self) -> tuple[float, float]:
        """Root-mean-square difference of what was made and of the source, in grey levels of 255."""
        count = max(self.pairs, 1)
        return 255 * float(np.sqrt(self.made / count)), 255 * float(np.sqrt(self.source / count))

    @property
    def text(self) -> str:
        """The numbers in one sentence."""
        if self.ratio is None or self.detail is None:
            return "not measured: no two successive frames could be compared"
        made, source = self.levels
        return (
            f"{self.ratio:.2f} times the source's ({made:.2f} against {source:.2f} grey levels between registered "
            f"successive frames, {self.pairs} pairs), with {self.detail:.2f} times its fine detail"
        )


def total(parts: Iterable[Flicker]) -> Flicker:
    """All parts together."""
    out = Flicker()
    for part in parts:
        out = out + part
    return out


def flicker_between(
    frames: tuple[FloatArray, FloatArray],
    made: tuple[FloatArray, FloatArray],
    part: tuple[int, int, int, int] | None = None,
) -> Flicker:
    """One pair.

    Args:
        frames: two successive frames ``[h, w, 3]`` in [0, 1].
        made: what was made of each, ``[H, W, 3]`` in [0, 1].
        part: ``(y0, y1, x0, x1)``, rows and columns of the later picture that are compared; None for all of them.
    """
    earlier, later = frames
    height, width = later.shape[:2]
    rows, columns = made[1].shape[:2]
    less = 1
    while max(height, width) > WORK * less:
        less *= 2
    small = [_smaller(frame, less) for frame in frames]
    canvas = Canvas(0, 0, small[1].shape[1], small[1].shape[0], 1)
    found = register(small[1], small[0], Similarity.identity(), canvas)
    # From the grid of the small later frame to pixels of the earlier one, on the output grid.
    by = np.array([columns / small[1].shape[1], rows / small[1].shape[0]], np.float32)
    look_up = (resize_map(found.look_up, rows, columns) + np.float32(0.5)) * by - np.float32(0.5)
    seen = resize(found.trust, rows, columns, interpolation="linear") >= TRUSTED
    if part is not None:
        y0, y1, x0, x1 = part
        inside = np.zeros_like(seen)
        inside[y0:y1, x0:x1] = True
        seen &= inside
    if not seen.any():
        return Flicker()
    plain = [resize(luma(frame), rows, columns) for frame in (earlier, later)]
    drawn = [luma(picture) for picture in made]
    sums = []
    for before, now in (drawn, plain):
        sums.append(float(np.mean((warp(before, look_up) - now)[seen] ** 2, dtype=np.float64)))
    sigma = rows / height
    details = [float(_detail(now, sigma)[seen].var(dtype=np.float64)) for now in (drawn[1], plain[1])]
    return Flicker(1, *sums, *details)


def _smaller(image: FloatArray, times: int) -> FloatArray:
    if times == 1:
        return image
    height, width = (max(1, round(side / times)) for side in image.shape[:2])
    return resize(image, height, width, interpolation="area")


def _detail(plane: FloatArray, pixel: float) -> FloatArray:
    """Detail finer than two source pixels; ``pixel`` is the size of one."""
    return plane - gaussian(plane, pixel)
