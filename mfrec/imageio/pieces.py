"""A clip of any length, coded in pieces of a few frames, and joined without coding anything again.

Each piece is coded by itself and begins with a key frame, so whoever is stopped keeps those that are complete, and a
clip that was stopped and gone on with is the same as one that was not. No frame is coded from a later one (no B
frames), which keeps packets in the order of display: the stamps of the source are put on them when the pieces are
joined, tick by tick. Sound is copied packet by packet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from heapq import merge
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mfrec.errors import UsageError
from mfrec.imageio.clip_clock import ClipClock
from mfrec.imageio.container import opened

if TYPE_CHECKING:
    from av import AudioStream, Packet, VideoStream
    from av.container import OutputContainer

CONTAINERS = {"mp4": ".mp4", "mov": ".mov", "matroska": ".mkv"}
"""FFmpeg's names of formats, with their suffixes; the first one that takes the source's sound is used."""

MILLISECONDS = "matroska"
"""Stamps in it are whole milliseconds."""


@dataclass(frozen=True)
class Coding:
    """How the pictures of a clip are coded: H.264, which every player opens.

    Attributes:
        crf: constant rate factor, 0 to 51; at 12 the loss is below what eyes see.
        lossless: every RGB value as it is (H.264 High 4:4:4 Predictive, which not every player opens).
    """

    crf: int = 12
    lossless: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.crf <= 51:
            raise UsageError(f"--crf is {self.crf}; expected 0 (best) to 51")

    def layout(self, height: int, width: int) -> str:
        """FFmpeg's name of the pixel format for pictures of that size; colours have half the size only where it is
        even."""
        return "rgb24" if self.lossless else "yuv444p" if height % 2 or width % 2 else "yuv420p"


@dataclass(frozen=True)
class Sound:
    """What becomes of the sound and of the other streams of a video.

    Attributes:
        container: one of :data:`CONTAINERS`.
        streams: indices of the source's audio streams that are copied.
        words: the same for the record.
    """

    container: str
    streams: tuple[int, ...]
    words: str

    @property
    def suffix(self) -> str:
        """Of the file."""
        return CONTAINERS[self.container]


def sound_of(path: Path, clock: ClipClock) -> Sound:
    """Which streams besides the pictures can be copied, and the container that takes them."""
    with opened(path) as container:
        audio = [stream for stream in container.streams.audio if stream.codec_context is not None]
        codecs = {stream.index: stream.codec_context.name for stream in audio}
        others = len(container.streams) - len(container.streams.audio) - 1
    besides = f"; {others} other stream{'s' if others > 1 else ''} left out" if others > 0 else ""
    if not codecs:
        return Sound("mp4", (), f"no sound{besides}")
    if clock.restarts:
        return Sound("mp4", (), f"sound left out: the clock of the file starts again {clock.restarts} times{besides}")
    for name in CONTAINERS:
        if set(codecs.values()) <= _takes(name):
            kinds = ", ".join(codecs.values())
            return Sound(name, tuple(codecs), f"sound copied: {kinds}{besides}")
    kinds = ", ".join(codecs.values())
    return Sound("mp4", (), f"sound left out: no container takes {kinds}{besides}")


def _takes(container: str) -> set[str]:
    """FFmpeg's names of the codecs that a format can hold."""
    import io

    import av

    with av.open(io.BytesIO(), "w", format=container) as out:
        return set(out.supported_codecs)


def write_piece(path: Path, images: Iterable[NDArray[np.uint8]], coding: Coding) -> int:
    """Code pictures as one piece.

    Args:
        path: of the file, an MP4 of its own; its stamps mean nothing.
        images: ``[H, W, 3]`` RGB, all of one size.
        coding: how.

    Returns:
        How many there were.
    """
    import av

    count = 0
    with av.open(str(path), "w", format="mp4") as container:
        stream: VideoStream | None = None
        layout = ""
        for image in images:
            if stream is None:
                layout = coding.layout(*image.shape[:2])
                stream = _picture_stream(container, image.shape[1], image.shape[0], layout, coding)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            if layout != "rgb24":
                frame = frame.reformat(format=layout, dst_colorspace="ITU709", dst_color_range="MPEG")
            frame.pts, frame.time_base = count, Fraction(1, 25)
            container.mux(stream.encode(frame))
            count += 1
        if stream is not None:
            container.mux(stream.encode())
    return count


def _picture_stream(container: OutputContainer, width: int, height: int, layout: str, coding: Coding) -> VideoStream:
    from av.video.stream import VideoStream

    stream = container.add_stream("libx264rgb" if layout == "rgb24" else "libx264", rate=25)
    assert isinstance(stream, VideoStream)
    stream.width, stream.height, stream.pix_fmt = width, height, layout
    # One thread and no macroblock tree: the same bits every time, see :mod:`mfrec.imageio.encode`.
    strength = {"qp": "0"} if coding.lossless else {"crf": str(coding.crf)}
    # The conversion makes each halved colour sample in the middle of its four pixels. Where H.264 says nothing it means
    # the left column (ITU-T H.264, E.2.1), and a player would show colours half a pixel too far to the left.
    placed = {"x264-params": "chromaloc=1"} if layout == "yuv420p" else {}
    stream.options = {"preset": "faster", "threads": "1", "mbtree": "0", "bf": "0", **strength, **placed}
    context = stream.codec_context
    if layout != "rgb24":
        # BT.709 throughout, limited range.
        context.color_range, context.colorspace, context.color_primaries, context.color_trc = 1, 1, 1, 1
    return stream


@dataclass(frozen=True)
class Piece:
    """A coded piece and the tick of each of its frames."""

    path: Path
    ticks: tuple[int, ...]


def join(
    target: Path,
    pieces: Sequence[Piece],
    clock: ClipClock,
    sound: Sound,
    source: Path,
    *,
    whole: bool,
    comment: str,
) -> None:
    """Make one clip of pieces, stamped by the clock of the source and with its sound. Nothing is coded again.

    Args:
        target: the file to write; its suffix is that of ``sound``.
        pieces: in their order, at least one.
        clock: of the source; ticks are its own.
        sound: see :func:`sound_of`.
        source: the video that it is copied from.
        whole: the pieces show all of the source, so all of its sound goes along, else what is heard with them.
        comment: goes into the file's metadata.
    """
    import av

    ticks = [tick for piece in pieces for tick in piece.ticks]
    last = ticks[-1] + clock.step
    options = {"fflags": "+bitexact"}
    if sound.container in ("mp4", "mov"):
        # The start of a track is stated in the unit of the whole file, else a millisecond.
        options |= {"movflags": "+faststart", "movie_timescale": str(min(clock.unit.denominator, 10**6))}
    with av.open(str(target), "w", format=sound.container, options=options) as out, opened(source) as container:
        out.metadata.update({"comment": comment, "encoder": "mfrec"})
        with av.open(str(pieces[0].path)) as first:
            pictures = out.add_stream_from_template(first.streams.video[0], opaque=True)
        pictures.time_base = clock.unit
        copies = {
            stream.index: out.add_stream_from_template(stream)
            for stream in container.streams.audio
            if stream.index in sound.streams
        }
        heard = None if whole else (clock.seconds(ticks[0]), clock.seconds(last))
        streams: list[Iterator[tuple[Fraction, int, Packet]]] = [_pictures(pieces, ticks, last, clock, pictures)]
        if copies:
            streams.append(_heard(container, copies, heard))
        for _, _, packet in merge(*streams, key=lambda entry: entry[:2]):
            out.mux(packet)


def _pictures(
    pieces: Sequence[Piece], ticks: Sequence[int], last: int, clock: ClipClock, stream: Any
) -> Iterator[tuple[Fraction, int, Packet]]:
    """The packets of the pieces with the stamps of the source; each with its time, and 0 for its kind."""
    import av

    ends = [*ticks[1:], last]
    number = 0
    for piece in pieces:
        with av.open(str(piece.path)) as container:
            for packet in container.demux(container.streams.video[0]):
                if not packet.size:
                    continue
                packet.time_base = clock.unit
                packet.pts = packet.dts = ticks[number]
                packet.duration = ends[number] - ticks[number]
                packet.stream = stream
                yield clock.seconds(ticks[number]), 0, packet
                number += 1


def _heard(
    container: Any, copies: Mapping[int, AudioStream], span: tuple[Fraction, Fraction] | None
) -> Iterator[tuple[Fraction, int, Packet]]:
    """The source's packets of sound, all or those heard in a span of time; each with its time, and 1 for its kind.

    One that does not say how long it lasts is taken to last as long as the one before: MP4 states the length of a
    track, and players would leave out the end of the last one.
    """
    before: dict[int, int] = {}
    for packet in container.demux([stream for stream in container.streams.audio if stream.index in copies]):
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None or not packet.size:
            continue
        if not packet.duration:
            packet.duration = max(0, stamp - before.get(packet.stream.index, stamp))
        before[packet.stream.index] = stamp
        begin = Fraction(stamp) * packet.time_base
        end = begin + (packet.duration or 0) * packet.time_base
        if span is not None and (end <= span[0] or begin >= span[1]):
            continue
        packet.stream = copies[packet.stream.index]
        yield begin, 1, packet
