"""Key frames of a clip, each decoded alone: what can be shown at once of any place, for somebody who moves fast."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mfrec.imageio.container import opened, picture_stream
from mfrec.imageio.decoding import Coded
from mfrec.imageio.packets import PacketTable

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

TOLERANCE = 1e-4
"""Seconds by which the time of a packet may differ from that of the table, which was read from the same file."""

FEW = 64
"""Packets after a jump in the file among which the wanted one must be."""


class KeyFrames:
    """The key frames of a video by their numbers. Not for several threads at once.

    Args:
        path: of the video.
        table: of its packets.
    """

    def __init__(self, path: Path, table: PacketTable) -> None:
        self._path = path
        self._table = table
        self._container: InputContainer | None = None
        packets = np.flatnonzero(table.keys)
        # Where the clock starts again, or the first frames cannot be decoded, a time does not tell a frame's number.
        told = table.ordered and not table.restarts and packets.size and int(table.ranks[packets[0]]) == 0
        self._packets = {int(table.ranks[packet]): int(packet) for packet in packets} if told else {}
        self._numbers = np.array(sorted(self._packets), np.int64)

    def last(self, number: int) -> int | None:
        """The number of the last key frame up to another frame; None where that cannot be told."""
        at = int(np.searchsorted(self._numbers, number, side="right")) - 1
        return None if at < 0 else int(self._numbers[at])

    def close(self) -> None:
        """Let the file go."""
        if self._container is not None:
            self._container.close()
            self._container = None

    def decoded(self, number: int) -> Coded | None:
        """A key frame, from its packet alone; None where that is not enough, as at the beginning of a gradual refresh.

        Args:
            number: see :meth:`last`.
        """
        from av.error import FFmpegError
        from av.video.frame import PictureType

        time = float(self._table.times[self._packets[number]])
        try:
            container, stream = self._opened()
            base, context = stream.time_base, stream.codec_context
            if base is None:
                return None
            container.seek(round(time / float(base)), stream=stream)
            for packet, _ in zip(container.demux(stream), range(FEW), strict=False):
                if packet.pts is None or abs(float(packet.pts * base) - time) > TOLERANCE:
                    continue
                frames = [*context.decode(packet), *context.decode(None)]
                context.flush_buffers()
                if len(frames) != 1 or not frames[0].key_frame or frames[0].pict_type != PictureType.I:
                    return None
                jpeg = bytes(packet) if context.name == "mjpeg" else None
                return Coded(frames[0], number, None, False, frames[0], jpeg)
        except FFmpegError:
            self.close()
        return None

    def _opened(self) -> tuple[InputContainer, VideoStream]:
        if self._container is None:
            self._container = opened(self._path)
            picture_stream(self._container, self._path).codec_context.thread_count = 1
        return self._container, picture_stream(self._container, self._path)
