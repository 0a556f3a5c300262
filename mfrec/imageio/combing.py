"""Whether the lines of a video alternate between two moments, whatever the file says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mfrec.imageio.ycbcr import planes

if TYPE_CHECKING:
    from av import VideoFrame

BLOCK = 16
"""Side of the blocks that are judged, in pixels."""

MOVES = 4.0
"""Grey levels by which a block must differ from the frame before, or nothing could be seen in it."""

COMBED = 1.3
"""How much rougher a block must be between neighbouring lines than between those of one field. Lines of one moment are
smoother the nearer they are, white noise is equally rough; lines of two moments are several times rougher."""

SHARE = 0.1
"""Of the moving blocks; from there on a frame is called combed."""

ENOUGH_BLOCKS, ENOUGH_FRAMES = 4, 3
"""Moving blocks without which a frame says nothing, and combed frames without which a clip is not called interlaced."""

ENOUGH_WHOLE = 10
"""Frames with motion, none of them combed, from which on a clip that is marked as interlaced is suspected to be not."""

ENOUGH_TO_JUDGE = 200
"""Frames with motion after which no more are looked at."""

WIDEST = 480
"""Columns that are looked at; combs are vertical, so a part of the columns will do."""


class CombWatch:
    """Looks at the luma of frame after frame.

    Attributes:
        judged: frames in which something moved.
        combed: how many of them have alternating lines.
    """

    def __init__(self) -> None:
        self.judged = 0
        self.combed = 0
        self._before: NDArray[np.float32] | None = None

    @property
    def wanted(self) -> bool:
        """Whether more frames should be looked at; a recording does not change its kind."""
        return self.judged < ENOUGH_TO_JUDGE

    def look(self, picture: VideoFrame) -> None:
        """Judge one decoded frame; layouts other than planar YCbCr and grey come from no interlaced camera."""
        stored = planes(picture)
        if not stored:
            return
        step = max(1, picture.width // WIDEST)
        unit = np.float32(2 ** (picture.format.components[0].bits - 8))
        now = stored[0][:, ::step].astype(np.float32) / unit
        before, self._before = self._before, now
        if before is None or before.shape != now.shape or min(now.shape) < 2 * BLOCK:
            return
        rows, columns = (now.shape[0] - 4) // BLOCK, now.shape[1] // BLOCK

        def in_blocks(values: NDArray[np.float32]) -> NDArray[np.float32]:
            return values[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK).mean(axis=(1, 3))

        centre = 2 * now[2:-2]
        between_lines = in_blocks(np.abs(centre - now[1:-3] - now[3:-1]))
        within_field = in_blocks(np.abs(centre - now[:-4] - now[4:]))
        moving = in_blocks(np.abs(now[2:-2] - before[2:-2])) > MOVES
        if np.count_nonzero(moving) < ENOUGH_BLOCKS:
            return
        self.judged += 1
        combed = moving & (between_lines > COMBED * within_field + 1)
        self.combed += int(np.count_nonzero(combed) >= SHARE * np.count_nonzero(moving))

    @property
    def interlaced(self) -> bool:
        """Whether a good part of the frames in which something moved was combed; slow motion makes no combs."""
        return self.combed >= ENOUGH_FRAMES and 4 * self.combed > self.judged

    @property
    def whole(self) -> bool:
        """Whether frames enough moved and none was combed at all."""
        return self.judged >= ENOUGH_WHOLE and not self.combed
