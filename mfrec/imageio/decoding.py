"""From packets to decoded pictures, each with its number and time, from the beginning of a video or from within."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mfrec.imageio.container import frame_rate
from mfrec.imageio.packets import PacketTable, picture_packets

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream


@dataclass(frozen=True, eq=False)
class Coded:
    """One decoded picture before conversion: a frame, or a field of one.

    Attributes:
        picture: as the decoder or the deinterlacer gave it.
        number: of the frame in the video, from 0.
        time: seconds since the first frame, None where the file says neither times nor a rate.
        counted: whether that time is only counted from the frame rate.
        source: the frame that the decoder gave, which carries what is known about it.
        jpeg: the JPEG file that this frame was in a Motion JPEG video; None for a field and for other codecs.
        field: ``""`` for a frame, ``"a"`` and ``"b"`` for its first and second field.
    """

    picture: VideoFrame
    number: int
    time: float | None
    counted: bool
    source: VideoFrame
    jpeg: bytes | None = None
    field: str = ""


def decoded(
    container: InputContainer, stream: VideoStream, table: PacketTable, start: float, damaged: list[int]
) -> Iterator[Coded]:
    """Decode frame by frame, going on after what cannot be decoded.

    Threads stay within one picture (FFmpeg's slice threading): with whole frames in parallel, what the decoder makes up
    for lost data may depend on timing.

    Args:
        container, stream: freshly opened.
        table: of the same stream.
        start: seconds after the first frame; what is shown earlier need not come, the first frame does.
        damaged: gets the number of the frame before which something could not be decoded.
    """
    from av.error import FFmpegError

    context = stream.codec_context
    # Every frame then says which packet it was in.
    context.copy_opaque = True
    is_jpeg = context.name == "mjpeg"
    clock = _Clock(table, frame_rate(stream))
    entry = 0
    packets = enumerate(picture_packets(container, stream))
    while True:
        try:
            index, packet = next(packets, (-1, None))
        except FFmpegError:
            damaged.append(clock.count)
            index, packet = -1, None
        if packet is not None and index < entry:
            continue
        if packet is not None:
            # A new object each time: PyAV tells them apart by identity.
            packet.opaque = (index,)
        first = clock.first is None
        try:
            frames = context.decode(packet)
        except FFmpegError:
            damaged.append(clock.count)
            frames = []
        for frame in frames:
            position = frame.opaque[0] if isinstance(frame.opaque, tuple) else index
            number, time, counted = clock.read(position)
            # A frame's tables must come from its own packet: without any delay in the decoder, it comes at once.
            own = is_jpeg and len(frames) == 1 and position == index
            jpeg = bytes(packet) if packet is not None and own else None
            yield Coded(frame, number, time, counted, frame, jpeg)
        if packet is None:
            return
        if first and clock.first is not None and start > 0:
            entry = table.entry(clock.first + start)
            if entry > index + 1:
                context.flush_buffers()


class _Clock:
    """Numbers and times of frames as the decoder gives them.

    Args:
        table: of the stream.
        rate: frames per second, 0 where unknown.
    """

    def __init__(self, table: PacketTable, rate: float) -> None:
        self._table = table
        self._rate = rate
        self._first_rank = 0
        self.first: float | None = None
        self.count = 0

    def read(self, packet: int) -> tuple[int, float | None, bool]:
        """Number, time, and whether that is counted, of a frame that was in a packet."""
        table = self._table
        count = self.count
        self.count += 1
        if table.ordered:
            if self.first is None:
                self.first, self._first_rank = float(table.times[packet]), int(table.ranks[packet])
            return int(table.ranks[packet]) - self._first_rank, float(table.times[packet]) - self.first, False
        if self.first is None:
            self.first = 0.0
        if len(table.shown) == len(table.times):
            # The stamps are those of decoding: the same moments, given to the frames in another order.
            return count, float(table.shown[min(count, len(table.shown) - 1)] - table.shown[0]), False
        return count, count / self._rate if self._rate else None, self._rate > 0
