"""What the packets of a video say before anything is decoded: how many there are, their times, the key frames."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av import Packet
    from av.container import InputContainer
    from av.video.stream import VideoStream


RESTART = 0.5
"""Seconds by which a clock runs back where it starts again; less is what demuxers make up for lost packets."""

KEYS_BY_PARSER = ("h264", "hevc", "vvc", "mpeg4", "mpeg1video", "mpeg2video", "vc1", "vp8", "vp9", "av1", "libdav1d")
"""Decoders of whose packets FFmpeg looks into each for whether it is a key. Of others (H.263 always, MS-MPEG4 in an AVI
without its index) it calls every packet one where the container does not say."""

OUT_OF_TURN = ("h264", "hevc", "mpeg4")
"""Decoders of codecs whose pictures are decoded in another order than they are shown in, where they say so."""

PICTURE = b"\0\0\1\xb6"
"""How a picture begins in MPEG-4. Where a packet has two, as DivX put the next B frame into it, and an empty one in its
place, FFmpeg's times of presentation are those of other pictures."""

RESTART_AT_KEY = 2.5
"""Typical steps by which it runs back at least where a key packet follows, as where short clips lie in a row."""


@dataclass(frozen=True, eq=False)
class PacketTable:
    """The packets of a stream in the order in which they are stored, which is the order of decoding.

    Attributes:
        times: ``[N]`` float64, when each is shown, in seconds on a clock that runs on where the file's starts again;
            NaN where the file does not say.
        keys: ``[N]`` bool, whether decoding can begin there; the first one alone where not ``keys_told``.
        restarts: packets at which the file's clock starts again.
        ordered: whether the times are those of presentation, all known and those of frames different. Else (a raw
            stream has none, an AVI file with B frames has those of decoding) frames can only be counted as the decoder
            gives them.
        visible: ``[N]`` bool, false for packets that are there for decoding only, because an edit list of the file
            leaves their frames out.
        empty: how many more packets there are that hold nothing; recorders repeat the frame before so.
        encrypted: whether the packets say that they are.
        keys_told: whether the file tells at which packets decoding can begin.
    """

    times: NDArray[np.float64]
    keys: NDArray[np.bool_]
    restarts: tuple[int, ...]
    ordered: bool
    visible: NDArray[np.bool_]
    empty: int = 0
    encrypted: bool = False
    keys_told: bool = True

    @cached_property
    def ranks(self) -> NDArray[np.int64]:
        """``[N]``: how many packets' frames are shown before that of each; of use where ``ordered``."""
        order = np.argsort(self.times, kind="stable")
        ranks = np.empty(len(self.times), np.int64)
        ranks[order] = np.cumsum(self.visible[order]) - self.visible[order]
        return ranks

    @property
    def count(self) -> int:
        """How many frames there are to be shown."""
        return int(self.visible.sum())

    @property
    def timed(self) -> bool:
        """Whether the time of every frame is known."""
        return len(self.shown) == self.count

    @cached_property
    def shown(self) -> NDArray[np.float64]:
        """The known times of frames in the order of presentation."""
        return np.sort(self.times[np.isfinite(self.times) & self.visible])

    @property
    def first_key(self) -> int:
        """The first packet at which decoding can begin; 0 where none is marked."""
        return int(np.argmax(self.keys)) if self.keys.size else 0

    @property
    def interval(self) -> float:
        """Typical seconds between two frames, 0 where unknown."""
        steps = np.diff(self.shown)
        steps = steps[steps > 0]
        return float(np.median(steps)) if steps.size else 0.0

    def entry(self, time: float) -> int:
        """The packet from which decoding gives every frame that is shown from ``time`` on.

        That is the last but one key packet before it: what is marked as key may be the beginning of a gradual
        refresh (an H.264 recovery point), which is complete at the next one.
        """
        if not self.ordered:
            return 0
        earlier = np.flatnonzero(self.keys & (self.times <= time))
        return int(earlier[-2]) if earlier.size > 1 else 0


def picture_packets(container: InputContainer, stream: VideoStream) -> Iterator[Packet]:
    """The packets that hold data, without the empty one that ends a stream.

    Raises:
        FFmpegError: the container is damaged so that nothing more can be read.
    """
    return (packet for packet in container.demux(stream) if packet.size)


def packet_table(container: InputContainer, stream: VideoStream) -> PacketTable:
    """Go through a file without decoding; what lies behind damage that stops the container's reader is left out."""
    from av.error import FFmpegError

    shown: list[float] = []
    stored: list[float] = []
    keys: list[bool] = []
    visible: list[bool] = []
    empty, encrypted = -1, False  # the packet that ends a stream is empty
    decoder = stream.codec_context.codec
    packed = False
    try:
        for packet in container.demux(stream):
            if not packet.size:
                empty += 1
                continue
            visible.append(not packet.is_discard)
            encrypted |= packet.has_sidedata("encryption_info")
            shown.append(math.nan if packet.pts is None else packet.pts)
            stored.append(math.nan if packet.dts is None else packet.dts)
            keys.append(packet.is_keyframe)
            packed = packed or (decoder.name == "mpeg4" and bytes(packet).count(PICTURE) > 1)
    except FFmpegError:
        pass
    unit = float(stream.time_base or 0)
    times, decoding = np.array(shown), np.array(stored)
    told = decoder.intra_only or decoder.name in KEYS_BY_PARSER or not all(keys)
    begins = np.array(keys, bool) if told else np.arange(len(keys)) == 0
    offsets, restarts = _continued(decoding, begins, RESTART / unit if unit else math.inf)
    # AVI, and files by some programs, store no times of presentation: FFmpeg then gives those of decoding, a constant
    # later but for the last one.
    reorders = decoder.name in OUT_OF_TURN and stream.codec_context.has_b_frames
    reordered = reorders and len(np.unique((np.array(shown) - decoding)[:-1])) <= 1
    times = _completed(((decoding if reordered else times) + offsets) * unit)
    own = times[np.array(visible, bool)]
    ordered = bool(np.isfinite(times).all()) and len(np.unique(own)) == len(own)
    ordered = ordered and not reordered and not packed
    if container.format.name == "avi" and np.isfinite(decoding).all() and len(decoding) > 1:
        # Its clock counts frames, also those that hold nothing, of which FFmpeg's parsers swallow most.
        empty = max(empty, int(decoding[-1] + max(1, np.median(np.diff(decoding)))) - len(decoding))
    return PacketTable(times, begins, restarts, ordered, np.array(visible, bool), max(empty, 0), encrypted, told)


def _completed(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Times of presentation where a few lack theirs, because their header was lost.

    Each gets the hole in the row of the others that is nearest to the packet before it.
    """
    lacking = np.flatnonzero(~np.isfinite(times))
    if not 0 < lacking.size <= 0.1 * times.size:
        return times
    times = times.copy()
    for packet in lacking:
        known = np.sort(times[np.isfinite(times)])
        steps = np.diff(known)
        step = float(np.median(steps))
        holes = np.append(known[:-1][steps > 1.5 * step], known[-1]) + step
        before = times[packet - 1] if packet else known[0]
        times[packet] = holes[np.argmin(np.abs(holes - before))]
    return times


def _continued(
    decoding: NDArray[np.float64], keys: NDArray[np.bool_], least: float
) -> tuple[NDArray[np.float64], tuple[int, ...]]:
    """What to add to the stamps of decoding so that the clock runs on where it starts again, and where it did.

    Args:
        decoding: stamps; NaN where there is none.
        keys: whether decoding can begin there.
        least: how far they run back where the clock starts again, in any case.
    """
    stamped = np.flatnonzero(np.isfinite(decoding))
    steps = np.diff(decoding[stamped])
    typical = float(np.median(steps[steps > 0])) if np.any(steps > 0) else 1.0
    back = np.flatnonzero((steps <= -least) | ((steps < -RESTART_AT_KEY * typical) & keys[stamped[1:]]))
    jumps = np.zeros(len(decoding))
    jumps[stamped[back + 1]] = typical - steps[back]
    return np.cumsum(jumps), tuple(int(i) for i in stamped[back + 1])
