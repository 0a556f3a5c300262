"""Damage of HEVC, AV1, VP8 and VP9 that its decoder does not tell of.

Arithmetic coding gives sense to any bytes: after a changed one the decoder reads on, usually to the end of the
picture, and says nothing (ITU-T H.265, 9.3). What it read then seldom ends where the data end. Either it went on behind
them, and other bytes there change the picture, or it was done before, and other bytes at their end do not. That is what
is asked of HEVC, and the second of it of AV1, whose decoder tells of the first. VP8 and VP9 have a second decoder,
which is more watchful and makes something else of damaged data.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mfrec.imageio.item_properties import main_items
from mfrec.imageio.ycbcr import planes

if TYPE_CHECKING:
    from av import Packet, VideoFrame
    from av.codec.context import CodecContext

    from mfrec.imageio.packets import PacketTable

BEHIND = b"\x55\xa7" * 24
"""What is put behind the data of a slice; a whole one ends before it."""

LAST, OTHERS = 8, (0x5A, 0x33, 0xC5)
"""Bytes at the end of a slice that are changed, and by what; each of these must leave the picture as it is."""

LEFT_OVER = "its coded data go on after the picture is complete"

SHORTEST = 24
"""Bytes; of a shorter slice its header could be changed."""

BANDS = 8
"""Parts of a picture, one below the other; a slice is coded from top to bottom."""

RECENT = 12
"""Frames by which it is judged how much a band usually changes."""

JUMPS = 1.1, 0.5
"""A band that changes by more than so many times the most of late, and so many grey levels more, is looked into."""

AT_FIRST, WITH_EACH = 150, 1
"""Packets that may be decoded again, before any has come and for each that comes: the time of reading stays bounded."""

MOST_BYTES = 1 << 25
"""Of packets that are kept for decoding them again."""

OTHER_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""FFmpeg's own decoder to another one of the same codec; of whole data both make the same, bit for bit."""

LATE = 8
"""Packets after its own by which a frame has been compared, if it ever is: these codecs show nothing out of turn."""

Planes = Sequence[NDArray[Any]]


class SecondDecoder:
    """Decodes everything once more with another decoder, and finds the packets of which that makes something else.

    Args:
        name: of the other decoder, in FFmpeg.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._frames: dict[int, VideoFrame] = {}
        self.enter()

    def enter(self) -> None:
        """Decoding begins, or goes on at another packet."""
        self._frames.clear()
        self._decoder = _decoder(self._name)

    def keep(self, index: int, packet: Packet | None) -> None:
        """Take a packet, or None for the end, before it is decoded."""
        if packet is not None:
            # A frame that the first decoder refuses is never asked for.
            lately = {at: frame for at, frame in self._frames.items() if at > index - LATE}
            self._frames = lately | _decoded(self._decoder, index, bytes(packet))

    def found(self, index: int, frame: VideoFrame) -> Iterator[tuple[int, str]]:
        """A damaged packet, and what is wrong with it, if the other decoder gave no frame for it or not this one; of 8
        bits alone, since it may be built without deeper ones."""
        shown, other = planes(frame), self._frames.pop(index, None)
        if shown and shown[0].dtype == np.uint8 and (other is None or not _alike(shown, planes(other))):
            yield index, f"a second decoder ({self._name}) refuses it or makes another picture of it"


class DataEnds:
    """Follows a decoder of HEVC or AV1 and finds damaged packets by where their data end.

    A second decoder of HEVC gets every packet with more bytes behind its slices. Whether bytes at their end are left
    over is asked where a picture suddenly differs from the one before: all from the last key frame on are decoded
    again.

    Args:
        context: the decoder.
        table: the packets of the stream.
    """

    def __init__(self, context: CodecContext, table: PacketTable) -> None:
        self._extradata = bytes(context.extradata or b"")
        self._table = table
        self._name = context.name
        self._twin = _decoder("hevc", self._extradata) if context.name == "hevc" else None
        self._twins: dict[int, VideoFrame] = {}
        self._kept: dict[int, bytes] = {}
        self._bytes = 0
        self._keys: deque[int] = deque(maxlen=2)
        self._before: NDArray[Any] | None = None
        self._changes: deque[NDArray[np.float64]] = deque(maxlen=RECENT)
        self._asked: set[int] = set()
        self._allowance = AT_FIRST

    def enter(self) -> None:
        """Decoding goes on at another packet."""
        if self._twin is not None:
            self._twin.flush_buffers()
        self._twins.clear()
        self._kept.clear()
        self._keys.clear()
        self._bytes, self._before = 0, None

    def keep(self, index: int, packet: Packet | None) -> None:
        """Take a packet, or None for the end, before it is decoded."""
        data = None if packet is None else bytes(packet)
        if self._twin is not None:
            units = None if data is None else _Units(data, self._extradata)
            behind = units and units.joined({i: units.units[i] + BEHIND for i in units.slices})
            self._twins |= _decoded(self._twin, index, behind)
        if data is None:
            return
        self._allowance += WITH_EACH
        if self._table.keys[index]:
            self._keys.append(index)
        self._kept[index], self._bytes = data, self._bytes + len(data)
        oldest = self._keys[0] if self._keys else index
        while self._kept and (next(iter(self._kept)) < oldest or self._bytes > MOST_BYTES):
            self._bytes -= len(self._kept.pop(next(iter(self._kept))))

    def found(self, index: int, frame: VideoFrame) -> Iterator[tuple[int, str]]:
        """Damaged packets, and what is wrong with each, as far as a frame that the decoder gave tells of them."""
        shown = planes(frame)
        twin = self._twins.pop(index, None)
        if not shown:
            return
        if twin is not None and not _alike(shown, planes(twin)):
            yield index, "its coded data end before the picture does, or those of a frame that it refers to"
        time = self._table.times[index]
        if self._jumps(shown[0], frame.format.components[0].bits, bool(self._table.keys[index])):
            # Those that are decoded earlier and shown later may be referred to.
            for other in [i for i in self._kept if i <= index and (i == index or not self._table.times[i] < time)]:
                if self._left_over(other, shown if other == index else None):
                    yield other, LEFT_OVER

    def _jumps(self, luma: NDArray[Any], bits: int, key: bool) -> bool:
        now = luma[::4, ::2].astype(np.int16 if bits <= 8 else np.int32)
        before, self._before = self._before, now
        if before is None or before.shape != now.shape:
            return True
        change = np.array([band.mean() for band in np.array_split(np.abs(now - before), BANDS)]) / 2 ** (bits - 8)
        usual = np.max(self._changes, axis=0) if self._changes else np.zeros(BANDS)
        if key:
            # What was damaged may end here, which is as large a change as one that begins.
            self._changes.clear()
        else:
            self._changes.append(change)
        return bool(np.any(change > JUMPS[0] * usual + JUMPS[1]))

    def _left_over(self, index: int, shown: Planes | None) -> bool:
        start = max((key for key in self._keys if key <= index), default=None)
        if index in self._asked or start is None or start not in self._kept:
            return False
        cost = index - start + 1
        if cost > self._allowance:
            return False
        self._allowance -= cost
        self._asked.add(index)
        return left_over(self._name, [self._kept[i] for i in range(start, index + 1)], self._extradata, shown)


def silent_damage(context: CodecContext, table: PacketTable) -> DataEnds | SecondDecoder | None:
    """What finds damage that a decoder does not tell of; None for those that tell, or of whom nothing is known.

    Args:
        context: the decoder.
        table: the packets of the stream.
    """
    from av.codec import codecs_available

    if context.name in UNITS:
        return DataEnds(context, table)
    other = OTHER_DECODERS.get(context.name)
    return SecondDecoder(other) if other in codecs_available else None


def damage_of_still(data: bytes) -> str:
    """What tells that the main picture of an AVIF or HEIC file is not the one that was coded; empty where nothing does.

    Args:
        data: the whole file.
    """
    import av
    from av.error import FFmpegError

    from mfrec.imageio.damage import listening

    items = main_items(data)
    try:
        with listening(), av.open(io.BytesIO(data), format="mov") as container:
            streams = [s for s in container.streams.video if s.id in items and s.codec_context is not None]
            coders = {s.index: (s.codec_context.name, bytes(s.codec_context.extradata or b"")) for s in streams}
            packets = [(p.stream_index, bytes(p)) for p in container.demux(streams) if p.size] if streams else []
    except (FFmpegError, ValueError):
        return ""
    for stream, packet in packets:
        name, extradata = coders[stream]
        if name in UNITS and left_over(name, [packet], extradata):
            return LEFT_OVER
    return ""


def left_over(codec: str, packets: Sequence[bytes], extradata: bytes, shown: Planes | None = None) -> bool:
    """Whether the last packet's picture is complete before its data end.

    Args:
        codec: FFmpeg's name of the decoder.
        packets: in the order of decoding, from a key frame on.
        extradata: of the container; says how the units in a packet are told apart.
        shown: planes of that picture, where they are known.
    """
    last = UNITS[codec](packets[-1], extradata)
    for i in last.slices:
        unit = last.units[i]
        if len(unit) < SHORTEST:
            continue
        for other in OTHERS:
            ending = bytes((byte ^ other) or other for byte in unit[-LAST:])
            changed = _picture(codec, [*packets[:-1], last.joined({i: unit[:-LAST] + ending})], extradata)
            shown = _picture(codec, packets, extradata) if shown is None else shown
            if changed is None or shown is None or not _alike(shown, changed):
                break
        else:
            return True
    return False


class _Units:
    """The NAL units in a packet, without what may pad them (ITU-T H.265, 7.3.1.1 and annex B).

    Attributes:
        units: their bytes.
        slices: which of them are coded slices.
    """

    def __init__(self, packet: bytes, extradata: bytes) -> None:
        # Byte 21 of the decoder configuration record (ISO/IEC 14496-15, 8.3.2) has the size of the lengths.
        self._size = (extradata[21] & 3) + 1 if extradata[:1] == b"\1" and len(extradata) > 21 else 0
        found = self._by_length(packet) if self._size else packet.split(b"\0\0\1")[1:]
        self.units = [_unpadded(unit) for unit in found if len(unit) > 2]
        self.slices = [i for i, unit in enumerate(self.units) if len(unit) > 2 and unit[0] >> 1 & 63 < 32]

    def _by_length(self, packet: bytes) -> list[bytes]:
        found, at = [], 0
        while at + self._size < len(packet):
            end = at + self._size + int.from_bytes(packet[at : at + self._size], "big")
            found.append(packet[at + self._size : end])
            at = end
        return found

    def joined(self, others: Mapping[int, bytes]) -> bytes:
        """The packet again, with other bytes for some units."""
        units = [others.get(i, unit) for i, unit in enumerate(self.units)]
        return b"".join((len(u).to_bytes(self._size, "big") if self._size else b"\0\0\0\1") + u for u in units)


class _Obus:
    """The units of a packet of AV1, a picture that is shown and those that only others refer to (AV1 5.3 to 5.11).

    Attributes:
        units: their bytes, without the zeros that may pad them.
        slices: the last one, if it has coded data: that of the picture that is shown.
    """

    def __init__(self, packet: bytes, _extradata: bytes) -> None:
        found, kinds, at = [], [], 0
        while at < len(packet):
            kinds.append(packet[at] >> 3 & 15)
            begin = at + 1 + (packet[at] >> 2 & 1)
            end = len(packet)
            if packet[at] & 2:
                size, begin = _leb128(packet, begin)
                end = min(begin + size, end)
            found.append(packet[at:end])
            at = end
        self.units = [unit.rstrip(b"\0") for unit in found]
        self._padding = [len(unit) - len(bare) for unit, bare in zip(found, self.units, strict=True)]
        self.slices = [len(kinds) - 1] if kinds and kinds[-1] in (TILE_GROUP, WHOLE_FRAME) else []

    def joined(self, others: Mapping[int, bytes]) -> bytes:
        """The packet again, with other bytes, as many, for some units."""
        return b"".join(others.get(i, unit) + bytes(self._padding[i]) for i, unit in enumerate(self.units))


TILE_GROUP, WHOLE_FRAME = 4, 6
"""Types of units that have coded data (AV1, 6.2.2)."""


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first, and where it ends (AV1, 4.10.5)."""
    value = 0
    for place in range(8):
        byte = data[at] if at < len(data) else 0
        value |= (byte & 0x7F) << 7 * place
        at += 1
        if not byte & 0x80:
            break
    return value, at


UNITS: Mapping[str, type[_Units | _Obus]] = {"hevc": _Units, "libdav1d": _Obus}
"""FFmpeg's names of decoders that are asked where the data end, to what a packet of theirs consists of."""


def _unpadded(unit: bytes) -> bytes:
    while unit.endswith((b"\0", b"\0\0\3")):
        unit = unit[:-1] if unit.endswith(b"\0") else unit[:-3]
    return unit


def _decoder(name: str, extradata: bytes = b"") -> CodecContext:
    from av import CodecContext

    decoder = CodecContext.create(name, "r")
    decoder.thread_count = 1
    decoder.copy_opaque = True
    if extradata:
        decoder.extradata = extradata
    return decoder


def _decoded(decoder: CodecContext, index: int, data: bytes | None) -> dict[int, VideoFrame]:
    """What a decoder gives when it gets a packet, or None for the end, by the indices of packets."""
    from av import Packet
    from av.error import FFmpegError

    from mfrec.imageio.damage import listening

    packet = None if data is None else Packet(data)
    if packet is not None:
        packet.opaque = (index,)
    with listening():
        try:
            frames: Sequence[Any] = decoder.decode(packet)
        except (FFmpegError, ValueError):
            return {}
    return {frame.opaque[0]: frame for frame in frames if isinstance(frame.opaque, tuple)}


def _picture(codec: str, packets: Sequence[bytes], extradata: bytes) -> Planes | None:
    """The planes of the last packet's picture, None where a decoder gives none."""
    decoder = _decoder(codec, extradata)
    shown: VideoFrame | None = None
    for index, data in enumerate([*packets, None]):
        shown = _decoded(decoder, index, data).get(len(packets) - 1, shown)
    return None if shown is None else planes(shown)


def _alike(one: Planes, other: Planes) -> bool:
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
