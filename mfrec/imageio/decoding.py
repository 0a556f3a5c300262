"""From packets to decoded pictures, each with its number and time, from the beginning of a video or from within."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from mfrec.imageio.container import frame_rate
from mfrec.imageio.damage import DamageWatch, listening
from mfrec.imageio.jpeg import untold_damage
from mfrec.imageio.packets import PacketTable, picture_packets
from mfrec.imageio.silent_damage import silent_damage
from mfrec.imageio.ycbcr import planes_of_any_colours

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream


LOOK_AHEAD = 12
"""Frames that are held back until the decoder has said what it thinks of the following ones."""

LOOK_AHEAD_PIXELS = 40_000_000
"""At most so many pixels are held back, whatever the size of the frames."""


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
        damage: why the frame is damaged; empty where nothing says so.
        field: ``""`` for a frame, ``"a"`` and ``"b"`` for its first and second field.
        order: how it is known which field is the first, in words; of fields alone.
        aspect: width of a stored pixel divided by its height as the codec said it by then; None where it does not.
    """

    picture: VideoFrame
    number: int
    time: float | None
    counted: bool
    source: VideoFrame
    jpeg: bytes | None = None
    damage: str = ""
    field: str = ""
    order: str = ""
    aspect: Fraction | None = None


def decoded(
    container: InputContainer, stream: VideoStream, table: PacketTable, start: float, watch: DamageWatch
) -> Iterator[Coded]:
    """Decode frame by frame, going on after what cannot be decoded.

    The decoder works in one thread: with several, what it makes up for lost data may depend on timing, and what it says
    of it is heard elsewhere.

    Args:
        container, stream: freshly opened.
        table: of the same stream.
        start: seconds after the first frame; what is shown earlier need not come, the first frame does.
        watch: learns what is damaged.
    """
    from av.error import FFmpegError

    context = stream.codec_context
    context.thread_count = 1
    # Every frame then says which packet it was in.
    context.copy_opaque = True
    is_jpeg = context.name == "mjpeg"
    clock = _Clock(table, frame_rate(stream))
    silent = silent_damage(context, table)
    entry = 0
    packets = enumerate(picture_packets(container, stream))
    index = -1
    waiting: list[tuple[int, int, int, Coded]] = []
    ahead = LOOK_AHEAD
    while True:
        with listening() as messages:
            try:
                index, packet = next(packets, (index + 1, None))
            except FFmpegError:
                index, packet = index + 1, None
        if packet is not None and index < entry:
            continue
        if index >= len(table.times):
            # Also where a file has grown since it was gone through.
            packet = None
        if packet is None:
            watch.ending = messages[0] if messages else ""
        else:
            watch.demuxed(index, packet, messages)
            # A new object each time: PyAV tells them apart by identity.
            packet.opaque = (index,)
        if silent is not None:
            silent.keep(index, packet)
        first = clock.first is None
        frames: list[VideoFrame] = []
        with listening() as messages:
            try:
                frames = context.decode(packet)
            except FFmpegError:
                watch.failed(index)
        watch.given(index, messages)
        for frame in frames:
            position = frame.opaque[0] if isinstance(frame.opaque, tuple) else index
            for damaged, why in silent.found(position, frame) if silent is not None else ():
                watch.told(damaged, why)
            if not watch.seen(position, frame):
                continue
            number, time, counted = clock.read(position)
            # A frame's tables must come from its own packet: without any delay in the decoder, it comes at once.
            own = is_jpeg and len(frames) == 1 and position == index
            jpeg = bytes(packet) if packet is not None and own else None
            if jpeg and (why := untold_damage(jpeg, planes_of_any_colours(frame))):
                watch.told(position, why)
            coded = Coded(frame, number, time, counted, frame, jpeg, aspect=context.sample_aspect_ratio)
            heappush(waiting, (number, clock.count, position, coded))
            ahead = max(1, min(LOOK_AHEAD, LOOK_AHEAD_PIXELS // (frame.width * frame.height)))
        while len(waiting) > (ahead if packet is not None else 0):
            # Where a frame is missing, a decoder may give its neighbours in another order than that of display.
            *_, position, coded = heappop(waiting)
            yield replace(coded, damage=watch.judge(position))
        if packet is None:
            return
        if first and clock.first is not None and start > 0:
            entry = table.entry(clock.first + start)
            if entry > index + 1:
                context.flush_buffers()
                watch.enter(entry, clock.first + start)
                if silent is not None:
                    silent.enter()


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
        if table.timed:
            # The stamps are those of decoding: the same moments, given to the frames in another order.
            return count, float(table.shown[min(count, len(table.shown) - 1)] - table.shown[0]), False
        return count, count / self._rate if self._rate else None, self._rate > 0
