"""How large a picture and a sequence may be."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mfrec.errors import InputError
from mfrec.types import FloatArray

MIN_SIDE = 8
"""Pixels; a side shorter than one JPEG block holds no face."""

MAX_PIXELS = 50_000_000
"""Of one picture: 600 MB as float32 RGB."""

MAX_FRAMES = 500
"""Of one sequence."""

MAX_SEQUENCE_PIXELS = 250_000_000
"""Of all frames of a sequence together: 3 GB as float32 RGB."""

MAX_FILE_BYTES = 512 * 1024 * 1024
"""Of a picture file, which is read whole; a video may be of any size."""

MAX_STRETCH = 4.0
"""Pixel aspect ratios beyond this (or below its inverse) are taken for a mistake in the header."""


def size_reason(width: int, height: int) -> str | None:
    """Why a picture of that size is not read, None where it is."""
    if min(width, height) < MIN_SIDE:
        return f"{width}x{height} pixels; the shortest side must have at least {MIN_SIDE}"
    if width * height > MAX_PIXELS:
        return f"{width}x{height} pixels; at most {MAX_PIXELS // 1_000_000} million are read"
    return None


@dataclass
class Room:
    """How much of the limits of a sequence that is read at once is taken.

    Args:
        step: the ``every`` in use.
        expected: about how many frames will come in all; 0 where that is not known.
        unit: what the frames come from, for the message.
    """

    step: int
    expected: int
    unit: str
    frames: int = 0
    pixels: int = 0

    def expect(self, size: tuple[int, int] | None) -> None:
        """Check what is known beforehand, so that nobody waits for frames that cannot be kept.

        Args:
            size: width and height of the frames, None where every frame has its own.

        Raises:
            InputError: they will not fit.
        """
        width, height = size or (0, 0)
        if self.expected > MAX_FRAMES or self.expected * width * height > MAX_SEQUENCE_PIXELS:
            raise self._refusal(width, height, width * height)

    def take(self, image: FloatArray) -> None:
        """Count one more frame.

        Raises:
            InputError: it does not fit any more.
        """
        self.frames += 1
        self.pixels += image.shape[0] * image.shape[1]
        if self.frames > MAX_FRAMES or self.pixels > MAX_SEQUENCE_PIXELS:
            raise self._refusal(image.shape[1], image.shape[0], self.pixels / self.frames)

    def _refusal(self, width: int, height: int, mean_pixels: float) -> InputError:
        fitting = MAX_FRAMES if not mean_pixels else min(MAX_FRAMES, max(1, int(MAX_SEQUENCE_PIXELS / mean_pixels)))
        advice = "take fewer with --every N"
        if self.expected > fitting:
            step = math.ceil(self.expected / fitting) * self.step
            advice = f"there are about {self.expected}: take fewer, for instance with --every {step}"
        part = ", or a part with --start and --end" if self.unit == "video" else ""
        size = f" of {width}x{height} pixels" if mean_pixels else ""
        return InputError(
            f"the {self.unit} holds more frames{size} than are read at once (at most {MAX_FRAMES} frames "
            f"and {MAX_SEQUENCE_PIXELS // 1_000_000} million pixels); {advice}{part}"
        )
