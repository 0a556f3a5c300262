"""Key frames of a clip, and the frames after each: what can soon be shown of any place, for somebody who moves fast."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mfrec.imageio.container import opened, picture_stream
from mfrec.imageio.decoding import Coded
from mfrec.imageio.packets import PacketTable

if TYPE_CHECKING:
    from av import Packet, VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

TOLERANCE = 1e-4
"""Seconds by which the time of a packet may differ from that of the table, which was read from the same file."""

FEW = 64
"""Packets after a jump in the file among which the wanted one must be."""


class KeyFrames:
    """The key frames of a video by their numbers. Not for several threads at once.

    It decodes in one thread and holds no frame back, so that a picture is there as soon as it can be; what a decoder
    says of damage later, and what a codec did block by block, it does not tell.

    Args:
        path: of the video.
        table: of its packets.
        alone: what another one of the same video has found of its key frames: which can be decoded by themselves.
    """

    def __init__(self, path: Path, table: PacketTable, alone: dict[int, bool] | None = None) -> None:
        self._path = path
        self._table = table
        self._container: InputContainer | None = None
        packets = np.flatnonzero(table.keys)
        # Where the clock starts again, or the first frames cannot be decoded, a time does not tell a frame's number;
        # and what an edit list hides is not to be shown.
        told = table.ordered and table.visible.all() and not table.restarts
        told = told and packets.size and int(table.ranks[packets[0]]) == 0
        self._packets = {int(table.ranks[packet]): int(packet) for packet in packets} if told else {}
        self.numbers = np.array(sorted(self._packets), np.int64)
        self.alone = {} if alone is None else alone
        self._coming: Iterator[Packet] | None = None
        self._ready: deque[VideoFrame] = deque()
        self._passed = -1

    def last(self, number: int) -> int | None:
        """The number of the last key frame up to another frame; None where that cannot be told."""
        at = int(np.searchsorted(self.numbers, number, side="right")) - 1
        return None if at < 0 else int(self.numbers[at])

    def close(self) -> None:
        """Let the file go."""
        self._coming = None
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

        if not self.alone.get(number, True):
            return None
        alone = False
        try:
            packet = next(self._from(number), None)
            if packet is None:
                return None
            _, stream = self._opened()
            context = stream.codec_context
            frames = [*context.decode(packet), *context.decode(None)]
            self._coming = None
            context.flush_buffers()
            if len(frames) != 1 or not frames[0].key_frame or frames[0].pict_type != PictureType.I:
                return None
            alone = True
            return Coded(frames[0], number, None, False, frames[0], bytes(packet) if context.name == "mjpeg" else None)
        except FFmpegError:
            self.close()
        finally:
            self.alone[number] = alone
        return None

    def towards(self, number: int, *, all_frames: bool = True) -> Iterator[Coded]:
        """The frames up to another one, as they are decoded: from the key frame before it, or from where the last call
        was left, where that is nearer. Nothing comes where the key frame alone cannot be decoded.

        Args:
            number: of the frame; where that is left out or cannot be decoded, the next one comes at last.
            all_frames: whether also those come that no other refers to, which are half of most clips.
        """
        from av.error import FFmpegError

        key = self.last(number)
        if key is None or (key not in self.alone and self.decoded(key) is None) or not self.alone[key]:
            return
        try:
            if self._coming is None or not key <= self._passed < number:
                self._coming, self._passed = self._from(key), key - 1
            while self._passed < number:
                while not self._ready:
                    packet = next(self._coming, None)
                    if packet is None:
                        self._coming = None
                        return
                    context = self._opened()[1].codec_context
                    context.skip_frame = "DEFAULT" if all_frames else "NONREF"
                    self._ready += context.decode(packet)
                picture = self._ready.popleft()
                # What is shown before the key frame but stored after it lacks what it refers to.
                if (found := self._number(picture)) is not None and found > self._passed:
                    self._passed = found
                    yield Coded(picture, found, None, False, picture)
        except FFmpegError:
            self.close()

    def _from(self, key: int) -> Iterator[Packet]:
        """The packets from that of a key frame on; none where it is not where the table says."""
        container, stream = self._opened()
        self._ready.clear()
        base, time = stream.time_base, float(self._table.times[self._packets[key]])
        if base is None:
            return
        container.seek(round(time / float(base)), stream=stream)
        coming = container.demux(stream)
        for packet, _ in zip(coming, range(FEW), strict=False):
            if packet.pts is not None and abs(float(packet.pts * base) - time) <= TOLERANCE:
                yield packet
                yield from coming
                return

    def _number(self, picture: VideoFrame) -> int | None:
        """The number of a frame by its time; None where it has none of the table."""
        if picture.pts is None or picture.time_base is None:
            return None
        time, times = float(picture.pts * picture.time_base), self._table.shown
        at = int(np.searchsorted(times, time - TOLERANCE))
        return at if at < len(times) and abs(times[at] - time) <= TOLERANCE else None

    def _opened(self) -> tuple[InputContainer, VideoStream]:
        if self._container is None:
            self._container = opened(self._path)
            picture_stream(self._container, self._path).codec_context.thread_count = 1
        return self._container, picture_stream(self._container, self._path)
