"""Pairs of a small picture and its truth: what networks that enlarge a single picture are trained on.

The small picture is the truth made smaller by the bicubic interpolation of the literature (:mod:`mfrec.image.cubic`)
and rounded to 8 bits, with no other damage unless asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mfrec.errors import UsageError
from mfrec.image.colour import luma
from mfrec.image.cubic import resize_cubic
from mfrec.pipeline import in_range
from mfrec.train.data.degrade import through_jpeg
from mfrec.train.streams.stream import Sample, Stream, as_tensor
from mfrec.types import Drawn, FloatArray

View = Literal["crop", "whole", "pad"]
Augmentation = Literal["none", "mirror", "spatial", "hard"]

JPEG_SHARE, JPEG_QUALITIES = 0.25, (40, 100)
"""Of the augmentation "hard": how often, and between which qualities."""

HOLE_SHARE, HOLES = 0.25, 8
"""Of the augmentation "hard": how often, and how many holes at most, each up to an eighth of the small side."""


@dataclass(frozen=True)
class DrawnPair(Drawn):
    """A truth and what is done to it.

    Attributes:
        source: number of the set of pictures. picture: number in it.
        corner: ``(x, y)`` of the part that is taken, in pixels of the picture.
        size: its ``(width, height)``.
        mirrored, flipped, transposed: columns reversed, rows reversed, then rows and columns exchanged.
        quality: of the small picture's JPEG; None is no codec.
        holes: ``(x, y, width, height)`` in the small picture, set to black.
    """

    source: int
    picture: int
    corner: tuple[int, int]
    size: tuple[int, int]
    mirrored: bool
    flipped: bool
    transposed: bool
    quality: int | None
    holes: tuple[tuple[int, int, int, int], ...]


class EnlargementStream(Stream[DrawnPair]):
    """Samples ``((small [C, h, w],), {"truth": [C, scale h, scale w]})``; ``C`` is 1 where pictures are grey.

    Samples of validation have ``"bicubic"`` besides, the small picture enlarged as the literature enlarges it.

    Args:
        sources: sets of pictures ``[H, W, 3]`` uint8 RGB; each set is drawn from equally often.
        seed: of every sample.
        length: how many samples; None is without end.
        height, width: of the truth in pixels.
        scale: how many times the sides of the small picture.
        view: what a truth is of a picture. ``"crop"`` is a part in the picture's own pixels; ``"whole"`` the largest
            part of that shape, made smaller; ``"pad"`` all of it, its border repeated outwards, never black.
        jitter: of ``"whole"``: how much smaller the part may be, as a share of its sides; it is then anywhere.
        grey: use luma alone.
        augmentation: ``"mirror"`` reverses columns half of the time. ``"spatial"`` and ``"hard"`` are ESRGAN's of the
            slides, with Albumentations' meaning of a flip and of "one of" (Buslaev et al., Information 11(2), 2020):
            three times of four one of a flip and a transposition of equal odds, a flip being that of the columns, of
            the rows or of both; ``"hard"`` also spoils a quarter of the small pictures by JPEG and a quarter by holes.
        centre: take the part in the middle, and spoil and turn nothing: for validation.

    Raises:
        UsageError: an argument that cannot be.
    """

    def __init__(
        self,
        sources: Sequence[Sequence[NDArray[np.uint8]]],
        seed: int,
        *,
        length: int | None = None,
        height: int = 128,
        width: int = 128,
        scale: int = 4,
        view: View = "crop",
        jitter: float = 0.0,
        grey: bool = False,
        augmentation: Augmentation = "mirror",
        centre: bool = False,
    ) -> None:
        super().__init__(seed, length)
        in_range("jitter", jitter, 0, 0.5)
        check_size(height, width, scale)
        if augmentation in ("spatial", "hard") and height != width:
            raise UsageError(f"a transposition needs squares, and the truth has {width} x {height} px")
        self.sources = [source for source in sources if len(source)]
        self.height, self.width, self.scale = height, width, scale
        self.view, self.jitter, self.grey = view, jitter, grey
        self.augmentation, self.centre = augmentation, centre

    @property
    def needed(self) -> tuple[int, int]:
        """Rows and columns that a picture has to have at least: those of the truth, of which nothing is enlarged."""
        return (1, 1) if self.view == "pad" else (self.height, self.width)

    def draw(self, index: int, rng: np.random.Generator) -> DrawnPair:
        if self.centre:
            number = index % len(self.sources)
            source, picture = number, index // len(self.sources) % len(self.sources[number])
        else:
            source = int(rng.integers(len(self.sources)))
            picture = int(rng.integers(len(self.sources[source])))
        rows, columns = self.sources[source][picture].shape[:2]
        size = self.part(rows, columns, 1.0 if self.centre else 1 - float(rng.uniform(0, self.jitter)))
        free = np.maximum(np.array([columns, rows]) - size, 0)
        x, y = (free // 2 if self.centre or self.view == "pad" else rng.integers(free + 1)).tolist()
        mirrored, flipped, transposed = (False, False, False) if self.centre else self.draw_turn(rng)
        quality, holes = (None, ()) if self.centre else self.draw_damage(rng)
        return DrawnPair(source, picture, (x, y), size, mirrored, flipped, transposed, quality, holes)

    def part(self, rows: int, columns: int, share: float) -> tuple[int, int]:
        """Width and height of what is taken of a picture."""
        if self.view == "pad":
            return columns, rows
        if self.view == "crop":
            return self.width, self.height
        fit = share * min(rows / self.height, columns / self.width)
        return max(self.width, int(fit * self.width)), max(self.height, int(fit * self.height))

    def draw_turn(self, rng: np.random.Generator) -> tuple[bool, bool, bool]:
        """Whether columns and rows are reversed and exchanged."""
        if self.augmentation == "none":
            return False, False, False
        if self.augmentation == "mirror":
            return bool(rng.random() < 0.5), False, False
        happens, which, along = rng.random() < 0.75, rng.random() < 0.5, int(3 * rng.random())
        flip = bool(happens and which)
        return flip and along != 1, flip and along != 0, bool(happens and not which)

    def draw_damage(self, rng: np.random.Generator) -> tuple[int | None, tuple[tuple[int, int, int, int], ...]]:
        """Quality of a JPEG, and holes, of the small picture."""
        if self.augmentation != "hard":
            return None, ()
        quality = int(rng.integers(*JPEG_QUALITIES)) if rng.random() < JPEG_SHARE else None
        if rng.random() >= HOLE_SHARE:
            return quality, ()
        side = self.height // self.scale
        holes = []
        for _ in range(int(rng.integers(1, HOLES + 1))):
            w, h = rng.integers(1, max(2, side // 8 + 1), 2).tolist()
            x, y = rng.integers(0, side, 2).tolist()
            holes.append((x, y, w, h))
        return quality, tuple(holes)

    def make(self, drawn: DrawnPair) -> Sample:
        truth = self.truth(drawn)
        small = in_8_bits(resize_cubic(truth, len(truth) // self.scale, truth.shape[1] // self.scale))
        if self.centre:
            large = np.clip(resize_cubic(small, *truth.shape[:2]), 0, 1)
            return (tensor(small),), {"truth": tensor(truth), "bicubic": tensor(large)}
        if drawn.quality is not None:
            colour = small if small.ndim == 3 else np.dstack([small] * 3)
            coded = through_jpeg(colour, drawn.quality).image
            small = coded if small.ndim == 3 else luma(coded)
        for x, y, w, h in drawn.holes:
            small[y : y + h, x : x + w] = 0
        return (tensor(small),), {"truth": tensor(truth)}

    def truth(self, drawn: DrawnPair) -> FloatArray:
        """``[height, width, 3]``, or ``[height, width]`` in grey, in steps of 8 bits."""
        (x, y), (width, height) = drawn.corner, drawn.size
        picture = self.sources[drawn.source][drawn.picture]
        part = picture[y : y + height, x : x + width].astype(np.float32) / np.float32(255)
        if self.view == "pad":
            part = padded(part, self.height, self.width)
        if self.grey:
            part = luma(part)
        if part.shape[:2] != (self.height, self.width):
            part = resize_cubic(part, self.height, self.width)
        for turns, axis in ((drawn.mirrored, 1), (drawn.flipped, 0)):
            part = np.flip(part, axis) if turns else part
        return in_8_bits(np.swapaxes(part, 0, 1) if drawn.transposed else part)


def check_size(height: int, width: int, scale: int) -> None:
    """Refuse a size of the truth that the scale does not divide.

    Raises:
        UsageError: it does not, or the scale is neither 2 nor 4.
    """
    if scale not in (2, 4):
        raise UsageError(f"the scale is {scale}; expected 2 or 4")
    if height % scale or width % scale or min(height, width) < 8 * scale or max(height, width) > 1024:
        raise UsageError(
            f"the truth has {width} x {height} px; expected multiples of the scale {scale} from {8 * scale} to 1024"
        )


def padded(part: FloatArray, height: int, width: int) -> FloatArray:
    """A picture in the middle of a larger or equal one, its border repeated outwards; what is too large is cut.

    Args:
        part: ``[h, w]`` or ``[h, w, C]``.

    Returns:
        ``[height, width]`` or ``[height, width, C]``.
    """
    for axis, wanted in enumerate((height, width)):
        missing = wanted - part.shape[axis]
        if missing < 0:
            part = np.take(part, np.arange(wanted) + (-missing) // 2, axis=axis)
        elif missing > 0:
            before = [(0, 0)] * part.ndim
            before[axis] = (missing // 2, missing - missing // 2)
            part = np.pad(part, before, mode="edge")
    return part


def in_8_bits(image: NDArray) -> FloatArray:
    """A picture as a file of 8 bits would hold it, in [0, 1]."""
    return (np.rint(np.clip(image, 0, 1) * 255) / 255).astype(np.float32)


def tensor(image: FloatArray) -> Tensor:
    """``[H, W, 3]`` to ``[3, H, W]``, ``[H, W]`` to ``[1, H, W]``."""
    return as_tensor(image) if image.ndim == 3 else torch.from_numpy(np.ascontiguousarray(image[None]))
