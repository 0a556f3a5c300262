"""The words NOT EVIDENCE, burned into pictures that a network drew which was taught to please and not to be right.

Small words are tiled over the whole picture, so that every crop of :func:`guaranteed` pixels holds them in full; large
ones lie across it, for whoever sees it small. White with a black edge can be read on any ground. No option of mfrec
leaves them out. Whoever saves such a picture also gives :func:`marked` names and :data:`METADATA`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import PurePath
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mfrec.errors import UsageError
from mfrec.image.geometry import enlarge
from mfrec.types import FloatArray

WORDS = "NOT EVIDENCE"

MARK = "-NOT-EVIDENCE"
"""In the name of a file, before its suffix."""

METADATA = f"{WORDS}: a network drew detail here that no frame shows"
"""For the comment of a file."""

CAP, CAP_SHARE = (8, 16), 1 / 90
"""Height of small capitals in pixels, at least and at most, and as a share of the picture's shorter side."""

STAGGER = 4
"""Lines after which small words stand in the same columns again."""

LEADING, LEADING_SHARE, LEADING_MOST = 3, 1 / 17, 52
"""From line to line: at least in heights of a capital, as a share of the picture's shorter side, at most in pixels. A
large picture is not covered more densely than a crop of a face needs."""

APART = 0.4
"""From one writing to the next on a line, in widths of the words."""

LARGE = 0.8
"""Share of the picture's width that the large words take."""

READABLE = 720
"""Pixels of a picture's shorter side from which on a face is seen behind the words."""

THIN = 12
"""Height of a large capital in widths of its stroke."""

LEVEL = 1.5 / 255
"""By how much a stored picture may differ from what was stamped."""

OPACITY = 0.55, 0.45
"""Of the small and of the large words."""


class Tile(NamedTuple):
    """One writing of the words: lines of text, and its top-left pixel, size and height of a capital."""

    lines: tuple[str, ...]
    x: int
    y: int
    width: int
    height: int
    cap: int


def marked(name: str, stamp: str) -> str:
    """A file's name under the stamp of a run: ``upscaled.png``, or ``upscaled-NOT-EVIDENCE.png`` where it is that."""
    path = PurePath(name)
    return f"{path.stem}{MARK}{path.suffix}" if stamp == WORDS else name


def burned(image: FloatArray, stamp: str) -> FloatArray:
    """A picture as it is given out under the stamp of a run: :func:`stamped` where that is NOT EVIDENCE."""
    return stamped(image) if stamp == WORDS else image


def stamped(image: FloatArray) -> FloatArray:
    """A picture with the words in it.

    Args:
        image: ``[H, W, 3]`` RGB in [0, 1]; it is not changed.

    Returns:
        ``[H, W, 3]`` float32.

    Raises:
        UsageError: it is too small for words that can be read.
    """
    fill, edge = _masks(*image.shape[:2])
    out = image * (1 - edge[..., None])
    return (out + (1 - out) * fill[..., None]).astype(np.float32)


def enlarging(height: int, width: int) -> int:
    """By how much a picture is enlarged before it is marked, so that its shorter side has :data:`READABLE` pixels."""
    return max(1, -(-READABLE // min(height, width)))


def stamped_large(image: FloatArray) -> FloatArray:
    """A picture of few pixels with the words in it, enlarged first by bicubic interpolation.

    On 192 pixels words that can be read reach into half of a face, enlarged by :func:`enlarging` into a quarter.

    Args:
        image: ``[H, W, 3]`` RGB in [0, 1]; it is not changed.

    Returns:
        ``[f H, f W, 3]`` float32.
    """
    return stamped(np.clip(enlarge(image, enlarging(*image.shape[:2])), 0, 1))


def bears_words(image: FloatArray) -> bool:
    """Whether the words are in a picture: every pixel is as light or dark as :func:`stamped` leaves any, to a level.

    Args:
        image: ``[H, W, 3]`` RGB in [0, 1].
    """
    try:
        fill, edge = _masks(*image.shape[:2])
    except UsageError:
        return False
    low, high = fill[..., None] - LEVEL, (fill + (1 - edge) * (1 - fill))[..., None] + LEVEL
    return bool(((image >= low) & (image <= high)).all())


def small_tiles(height: int, width: int) -> tuple[Tile, ...]:
    """Where the small words stand that lie in a picture in full.

    Raises:
        UsageError: there is no room for one.
    """
    found = tuple(t for t in _grid(height, width) if t.x >= 0 and t.x + t.width <= width and t.y + t.height <= height)
    if not found:
        across, down, _ = _extent(_lines(height, width), _cap(height, width))
        raise UsageError(
            f"a picture of {width} x {height} pixels is too small for the words {WORDS}, which it has to bear; they "
            f"take {across} x {down}: enlarge it more, or use a method that draws nothing"
        )
    return found


def guaranteed(height: int, width: int) -> tuple[int, int]:
    """Height and width in pixels from which on every crop of a picture of that size holds the small words in full."""
    across, down, _ = _extent(_lines(height, width), _cap(height, width))
    pitch, leading = _pitch(height, width)
    return min(height, STAGGER * leading + down), min(width, across + -(-pitch // STAGGER) + 1)


def _grid(height: int, width: int) -> Iterator[Tile]:
    """The small words, those that a border cuts too."""
    cap, lines = _cap(height, width), _lines(height, width)
    across, down, _ = _extent(lines, cap)
    pitch, leading = _pitch(height, width)
    for row, y in enumerate(range(1, height, leading)):
        first = 1 - (row % STAGGER) * pitch // STAGGER
        for x in range(first, width, pitch):
            yield Tile(lines, x, y, across, down, cap)


def _large(height: int, width: int) -> Tile:
    """The large words, in the middle."""
    across, down, _ = _extent((WORDS,), 100)
    cap = max(1, int(min(100 * LARGE * width / across, 100 * LARGE * height / down)))
    across, down, _ = _extent((WORDS,), cap)
    return Tile((WORDS,), (width - across) // 2, (height - down) // 2, across, down, cap)


def _cap(height: int, width: int) -> int:
    return int(np.clip(round(min(height, width) * CAP_SHARE), *CAP))


def _lines(height: int, width: int) -> tuple[str, ...]:
    """The words in one line, or in two where one does not fit."""
    across, _, _ = _extent((WORDS,), _cap(height, width))
    return (WORDS,) if across + 2 <= width else tuple(WORDS.split())


def _pitch(height: int, width: int) -> tuple[int, int]:
    """Pixels from one writing to the next, along a line and from line to line."""
    cap = _cap(height, width)
    across, down, _ = _extent(_lines(height, width), cap)
    dense = across + cap, down + (LEADING - 1) * cap
    leading = max(dense[1], min(round(min(height, width) * LEADING_SHARE), LEADING_MOST))
    return (dense[0] if leading == dense[1] else round((1 + APART) * across)), leading


@functools.cache
def _extent(lines: tuple[str, ...], cap: int) -> tuple[int, int, float]:
    """Width and height in pixels of lines of text with their edge, and the font's scale."""
    import cv2

    font = cv2.FONT_HERSHEY_SIMPLEX
    scale = cap / cv2.getTextSize("E", font, 1.0, 1)[0][1]
    widths = [cv2.getTextSize(line, font, scale, _stroke(cap))[0][0] for line in lines]
    rim = _stroke(cap)
    return max(widths) + 2 * rim, round(cap * (1.5 * len(lines) - 0.5)) + 2 * rim, scale


def _stroke(cap: int) -> int:
    """Width of a stroke of the letters in pixels; large letters are thin, so that what is behind them is seen."""
    return max(1, round(cap / (9 if cap <= 2 * CAP[1] else THIN)))


@functools.lru_cache(maxsize=4)
def _masks(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How far each pixel ``[H, W]`` becomes white, and how far black before that."""
    small_tiles(height, width)
    fill, edge = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    for opacity, tiles in zip(OPACITY, (_grid(height, width), [_large(height, width)]), strict=True):
        ink, rim = np.zeros((height, width), np.uint8), np.zeros((height, width), np.uint8)
        for tile in tiles:
            _write(ink, tile, _stroke(tile.cap))
            _write(rim, tile, 3 * _stroke(tile.cap))
        fill = np.maximum(fill, opacity * ink / np.float32(255))
        edge = np.maximum(edge, opacity * rim / np.float32(255))
    for mask in (fill, edge):
        mask.setflags(write=False)
    return fill, edge


def _write(mask: NDArray[np.uint8], tile: Tile, stroke: int) -> None:
    import cv2

    scale, rim = _extent(tile.lines, tile.cap)[2], _stroke(tile.cap)
    for number, line in enumerate(tile.lines):
        base = tile.y + rim + tile.cap + round(1.5 * tile.cap) * number
        cv2.putText(mask, line, (tile.x + rim, base), cv2.FONT_HERSHEY_SIMPLEX, scale, 255, stroke, cv2.LINE_AA)
