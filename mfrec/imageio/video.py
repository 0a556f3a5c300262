"""Video files as frames: which of them are wanted, and how each becomes a :class:`~mfrec.types.Frame`."""

from __future__ import annotations

import gc
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mfrec.errors import NoFramesError
from mfrec.imageio.codec import codec_view, h264_quantiser, mjpeg_tables
from mfrec.imageio.combing import CombWatch
from mfrec.imageio.container import (
    bytes_skipped,
    ends_within_a_packet,
    frame_rate,
    is_without_its_edits,
    opened,
    picture_stream,
    scrambled,
    second_recording,
)
from mfrec.imageio.damage import DamageWatch, long_pauses, time_gaps, usual_rate
from mfrec.imageio.decoding import Coded, decoded
from mfrec.imageio.fields import separate_fields
from mfrec.imageio.limits import size_reason
from mfrec.imageio.orientation import AS_STORED, upright, video_orientation
from mfrec.imageio.packets import PacketTable, packet_table
from mfrec.imageio.reading import Findings, FrameStream, RefusedError, digests, finished, listed, shown, square_pixels
from mfrec.imageio.unmarked_range import RangeWatch
from mfrec.imageio.ycbcr import picture_image, planes
from mfrec.pipeline import Progress
from mfrec.types import Dropped, Frame

if TYPE_CHECKING:
    from av import VideoFrame

COLLECT = 100_000_000
"""Pixels of frames after which memory is tidied, some 150 MB: PyAV's frames and their side data refer to each other,
and Python may wait long before it looks for such circles. A look takes a tenth of a second where PyTorch is loaded."""

SOME_SCRAMBLED, ALL_SCRAMBLED = 0.01, 0.99
"""Shares of a stream's packets from which on that is said, and nothing can be decoded; damage may set a bit."""

SLACK = 1e-3
"""Seconds: time stamps are fractions of the container's clock, a millisecond decides nothing."""


@dataclass(frozen=True)
class Selection:
    """Which frames of a video are wanted: see :func:`read`."""

    start: float | None
    end: float | None
    every: int
    deinterlace: bool
    only: frozenset[int] | None = None

    def expected(self, table: PacketTable, rate: float) -> int:
        """About how many pictures will come of a stream with these packets."""
        times = table.shown
        if not table.timed:
            times = np.arange(table.count) / (rate or 1)
        times = times - times[:1]
        inside = (times >= (self.start or 0) - SLACK) & (times <= (math.inf if self.end is None else self.end) + SLACK)
        return -(-int(inside.sum()) // self.every) * (2 if self.deinterlace else 1)

    def of(self, pictures: Iterable[Coded], total: int, progress: Progress) -> Iterator[tuple[Coded, Coded | None]]:
        """Those that are wanted, each with the one shown before it.

        Args:
            pictures: in the order of display.
            total: about how many frames the video has.
            progress: is told how far the decoding is.
        """
        before: Coded | None = None
        first: int | None = None
        for coded in pictures:
            progress("read", coded.number + 1, max(total, coded.number + 1))
            time = None if coded.time is None else _rounded(coded.time)
            if self.end is not None and time is not None and time > self.end + SLACK:
                return
            if self.start is None or time is None or time >= self.start - SLACK:
                first = coded.number if first is None else first
                if (coded.number - first) % self.every == 0:
                    yield coded, before
            before = coded

    @property
    def span(self) -> str:
        return f"from {self.start or 0:g} s to {'its end' if self.end is None else f'{self.end:g} s'}"


@dataclass(frozen=True, eq=False)
class VideoFile:
    """A video file and what was found out about it before decoding.

    Attributes:
        path: of the file.
        sha256, md5: of its bytes.
        table: its packets.
        rate: frames per second, 0 where unknown.
        aspect: width of a stored pixel divided by its height.
        counted: how many frames the header says that there are, 0 where it does not.
        cut: whether it ends within a packet of its container.
    """

    path: Path
    sha256: str
    md5: str
    table: PacketTable
    rate: float
    aspect: float
    counted: int = 0
    cut: bool = False


def video_stream(path: Path, selection: Selection, findings: Findings, progress: Progress) -> FrameStream:
    """The frames of a video, one after the other.

    The file is gone through three times: for its packets without decoding, for its hash, and decoding.

    Raises:
        NoFramesError: it is no video, or one without pictures that can be read; while iterating, where none was used.
    """
    with opened(path) as container:
        stream = picture_stream(container, path, findings.warnings)
        table, rate = packet_table(container, stream), frame_rate(stream)
        aspect, counted = float(stream.sample_aspect_ratio or 1), stream.frames
        size = (stream.width, stream.height) if stream.width else None
        transport = container.format.name == "mpegts"
        cut = transport and ends_within_a_packet(path)
        hidden = scrambled(path, stream.id) if transport else float(table.encrypted)
        header, second = bytes_skipped(container), second_recording(container, path)
        if is_without_its_edits(container):
            findings.warnings.append(
                f"'{shown(path, whole=False)}' says by its edit list that it is to be shown in several parts, or at "
                "another speed; that is not followed: every recorded frame is read, in the order and with the times of "
                "the recording"
            )
    if second:
        findings.warnings.append(
            f"another recording begins at byte {second} of '{shown(path, whole=False)}' and is not read; cut the file "
            "in two there and read each"
        )
    if header:
        findings.warnings.append(
            f"the first {header} bytes of '{shown(path, whole=False)}' are no video and are left out: a header of the "
            "recorder's own, or the end of something else"
        )
    if hidden > ALL_SCRAMBLED:
        raise NoFramesError(
            f"the pictures of '{shown(path)}' are encrypted, and without its key they cannot be decoded; export the "
            "clip without encryption"
        )
    if hidden > SOME_SCRAMBLED:
        findings.warnings.append(
            f"{hidden:.0%} of the packets of '{shown(path, whole=False)}' are scrambled, and what they show cannot be "
            "decoded; have it exported without scrambling"
        )
    with path.open("rb") as file:
        sha256, md5 = digests(iter(lambda: file.read(1 << 20), b""))
    video = VideoFile(path, sha256, md5, table, rate, aspect, counted, cut)
    expected = selection.expected(table, rate)
    return FrameStream(
        _frames(video, selection, findings, progress), findings, unit="video", expected=expected, size=size
    )


class _Progress:
    """What is counted while the frames of a video are read."""

    def __init__(self) -> None:
        self.taken = 0
        self.used = 0
        self.damaged = 0
        self.interlaced = False
        self.aspects: set[Fraction] = set()
        self.combs = CombWatch()
        self.ranges = RangeWatch()


def _frames(video: VideoFile, selection: Selection, findings: Findings, progress: Progress) -> Iterator[Frame]:
    name = shown(video.path, whole=False)
    counts, untidy = _Progress(), 0
    with opened(video.path) as container:
        stream = picture_stream(container, video.path)
        # FFmpeg then hands over each frame's quantisers together with the picture, and holds a picture against the
        # digest that some HEVC files have of it.
        stream.codec_context.options = {"export_side_data": "venc_params", "err_detect": "crccheck"}
        watch = DamageWatch(video.table, stream.codec_context.name)
        pictures = decoded(container, stream, video.table, selection.start or 0.0, watch)
        if selection.deinterlace:
            pictures = separate_fields(pictures, video.table.interval or (1 / video.rate if video.rate else 0.0))
        for coded, before in selection.of(pictures, video.table.count, progress):
            counts.interlaced |= coded.source.interlaced_frame
            if coded.aspect:
                counts.aspects.add(coded.aspect)
            if not coded.field and counts.combs.wanted:
                counts.combs.look(coded.picture)
            counts.ranges.look(coded.source)
            counts.taken += 1
            if selection.only is not None and counts.taken - 1 not in selection.only:
                continue
            try:
                frame = converted(video, coded, before, counts.taken - 1)
            except RefusedError as error:
                label = f"{name}#{coded.number}{coded.field}"
                findings.dropped.append(Dropped(label, str(error), counts.taken - 1))
                continue
            untidy += coded.picture.width * coded.picture.height
            if untidy >= COLLECT:
                gc.collect()
                untidy = 0
            counts.damaged += frame.damaged
            counts.used += 1
            findings.compare(frame.name, frame.image.shape, planes(coded.picture) or [frame.image])
            yield frame
    _conclude(video, selection, findings, counts, watch)


def converted(video: VideoFile, coded: Coded, before: Coded | None, index: int) -> Frame:
    """A decoded picture as a frame.

    Raises:
        RefusedError: of a size or colour that is not read.
    """
    picture = coded.picture
    reason = size_reason(picture.width, picture.height)
    if reason is not None:
        raise RefusedError(reason)
    notes = _field_notes(coded)
    if coded.counted:
        notes.append(f"no time stamp; the time is counted at {video.rate:g} frames per second")
    stored = picture_image(picture, notes)
    image = square_pixels(stored, video.aspect, notes)
    stretch = image.shape[1] / stored.shape[1], image.shape[0] / stored.shape[0]
    orientation = video_orientation(coded.source, coded.jpeg, notes)
    if orientation != AS_STORED:
        notes.append(f"{orientation.words} in the file applied")
        image = upright(image, orientation)
    # Blocks of a resampled or turned picture are no longer those of the file.
    jpeg = mjpeg_tables(coded.jpeg, picture) if coded.jpeg and image is stored else None
    view = None
    if not coded.field:
        view = codec_view(coded.source, None if before is None else before.source, orientation, stretch)
    return Frame(
        finished(image),
        index,
        f"{shown(video.path, whole=False)}#{coded.number}{coded.field}",
        video.path,
        video.sha256,
        video.md5,
        None if coded.time is None else _rounded(coded.time),
        jpeg=jpeg,
        key=_is_key(coded.source),
        quantiser=h264_quantiser(coded.source),
        codec=view,
        damaged=bool(coded.damage),
        notes=tuple(notes),
    )


def _conclude(
    video: VideoFile, selection: Selection, findings: Findings, counts: _Progress, watch: DamageWatch
) -> None:
    """Say what was found out about the clip as a whole.

    Raises:
        NoFramesError: no frame could be used.
    """
    path, table = video.path, video.table
    name = shown(path, whole=False)
    failed = len(watch.undecodable)
    if failed:
        count = f"{failed} pieces of the video" if failed > 1 else "a piece of the video"
        reason = f"{count} could not be decoded, the first is packet {watch.undecodable[0]}"
        findings.dropped.append(Dropped(name, reason))
    if watch.early:
        frames = f"{watch.early} frames" if watch.early > 1 else "a frame"
        findings.dropped.append(Dropped(name, f"{frames} before the first key frame, which cannot be decoded alone"))
    hidden = len(table.times) - table.count
    if hidden:
        frames = f"{hidden} frames" if hidden > 1 else "a frame"
        findings.dropped.append(Dropped(name, f"{frames} that the edit list of the file hides"))
    # What was not decoded to its end says nothing of the frames that the decoder still holds back.
    swallowed = watch.left_out if selection.end is None else 0
    if swallowed:
        frames = f"{swallowed} frames" if swallowed > 1 else "a frame"
        findings.dropped.append(
            Dropped(name, f"{frames} that the decoder left out, because others that they need are lost or damaged")
        )
    if not counts.used:
        if len(table.times) and not counts.taken and (selection.start is not None or selection.end is not None):
            raise NoFramesError(
                f"no frame of '{shown(path)}' lies {selection.span}; it has {table.count} frames at "
                f"{video.rate:g} per second"
            )
        raise NoFramesError(f"no frame of '{shown(path)}' can be used{listed(findings.dropped)}")
    missing = sum(gap.count for gap in time_gaps(table))
    if missing:
        findings.warnings.append(
            f"'{name}' has gaps in time: {missing} frame{'s seem' if missing > 1 else ' seems'} to be lost, at a "
            f"constant rate of {usual_rate(table):.4g} frames per second"
        )
    if counts.damaged:
        findings.warnings.append(
            f"{counts.damaged} of {counts.used} frames of '{name}' are damaged by what was lost or changed in the "
            "file; each says so"
        )
    stored = len(table.times) + table.empty
    ending = watch.ending or ("it ends within a packet" if video.cut else "")
    if ending:
        findings.warnings.append(
            f"'{name}' is cut off ({ending}): what came after its last frame is lost; ask for the whole file"
        )
    elif stored < video.counted:
        findings.warnings.append(
            f"the header of '{name}' counts {video.counted} frames and {stored} are there: its end is missing, or its "
            "edit list leaves them out; ask for the whole file"
        )
    if len(counts.aspects) > 1:
        ratios = ", ".join(f"{float(aspect):.4g}" for aspect in sorted(counts.aspects))
        findings.warnings.append(
            f"the pixels of '{name}' change their shape within it (aspect ratios {ratios}), and all frames are read "
            f"with {video.aspect:.4g}: cut the file where it changes"
        )
    if table.restarts:
        times = "once" if len(table.restarts) == 1 else f"{len(table.restarts)} times"
        findings.warnings.append(
            f"the clock of '{name}' starts again {times}, first at packet {table.restarts[0]}: the times of the frames "
            "run on, and a pause between the parts is not known"
        )
    pauses = long_pauses(table)
    if pauses:
        times = "once" if len(pauses) == 1 else f"{len(pauses)} times, the longest time"
        findings.warnings.append(
            f"'{name}' pauses {times} for {max(pauses):.0f} s: it was recorded with pauses, or a part was cut out; "
            "what is shown after a pause may be something else"
        )
    if counts.ranges.full:
        findings.warnings.append(
            f"'{name}' is read as of limited range, as it says or as is usual, but {counts.ranges.below} of "
            f"{counts.ranges.judged} frames go well below black: if its recorder uses the full range, dark and bright "
            "parts are clipped; have it exported with its range marked (FFmpeg: -c copy -bsf:v "
            "h264_metadata=video_full_range_flag=1)"
        )
    if counts.interlaced and counts.combs.whole:
        findings.warnings.append(
            f"'{name}' is marked as interlaced, but in none of {counts.combs.judged} frames with motion do the lines "
            "alternate between two moments: whole frames may be stored so; compare it with and without --deinterlace"
        )
    elif counts.interlaced and not selection.deinterlace:
        findings.warnings.append(
            f"'{name}' is interlaced: every frame shows two moments in alternate lines; read it with --deinterlace"
        )
    elif counts.combs.interlaced and not counts.interlaced:
        findings.warnings.append(
            f"'{name}' looks interlaced though it is not marked so: in {counts.combs.combed} of {counts.combs.judged} "
            "frames with motion the lines alternate between two moments; read it with --deinterlace"
        )


def _rounded(time: float) -> float:
    """Beyond microseconds there is only the rounding of a subtraction."""
    return round(max(0.0, time), 6)


def _field_notes(coded: Coded) -> list[str]:
    notes = []
    marked = coded.source.interlaced_frame
    if coded.field:
        order = "first" if coded.field == "a" else "second"
        unmarked = "" if marked else "; the file does not mark it as interlaced"
        notes.append(f"{order} field, missing lines interpolated by bwdif{unmarked}, {coded.order}")
    elif marked:
        notes.append("interlaced, fields not separated")
    if coded.damage:
        notes.append(f"damaged: {coded.damage}")
    return notes


def _is_key(picture: VideoFrame) -> bool | None:
    """Whether the codec coded this frame by itself."""
    from av.video.frame import PictureType

    return None if picture.pict_type == PictureType.NONE else picture.pict_type == PictureType.I
