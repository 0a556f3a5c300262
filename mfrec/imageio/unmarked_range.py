"""Whether samples of a video contradict the limited range that it is read in, declared or assumed.

FFmpeg gives HEVC that says nothing as if it declared the limited one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mfrec.imageio.ycbcr import colour_range, planes

if TYPE_CHECKING:
    from av import VideoFrame

BLACK, SHARE = 4, 0.01
"""Luma of 8 bits up to which samples are well below black (16), and how much of a frame they must be. Coarse coding
makes at most 0.4 % of the samples of a portrait so dark, in the full range more than 1.4 % are. Those above white tell
nothing: cameras of limited range use them."""

ENOUGH = 0.5
"""Share of the frames that must go below black."""


class RangeWatch:
    """Looks at the luma of frame after frame.

    Attributes:
        judged: frames that were read as of limited range.
        below: how many of them go well below black.
    """

    def __init__(self) -> None:
        self.judged = 0
        self.below = 0

    def look(self, picture: VideoFrame) -> None:
        """Judge one decoded frame."""
        stored = planes(picture)
        if not stored or colour_range(picture)[0]:
            return
        luma = stored[0][::4, ::4]
        self.judged += 1
        dark = BLACK << (picture.format.components[0].bits - 8)
        self.below += int(np.count_nonzero(luma <= dark) > SHARE * luma.size)

    @property
    def full(self) -> bool:
        """Whether a good part of the frames goes below black."""
        return self.below > 0 and self.below >= ENOUGH * self.judged
