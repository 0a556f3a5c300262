"""Video files as frames: which of them are wanted, and how each becomes a :class:`~mfrec.types.Frame`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mfrec.errors import NoFramesError
from mfrec.imageio.codec import h264_quantiser, mjpeg_tables
from mfrec.imageio.combing import CombWatch
from mfrec.imageio.container import frame_rate, opened, picture_stream
from mfrec.imageio.damage import DamageWatch, time_gaps
from mfrec.imageio.decoding import Coded, decoded
from mfrec.imageio.fields import separate_fields
from mfrec.imageio.limits import size_reason
from mfrec.imageio.orientation import AS_STORED, upright, video_orientation
from mfrec.imageio.packets import PacketTable, packet_table
from mfrec.imageio.reading import Findings, FrameStream, RefusedError, digests, finished, listed, shown, square_pixels
from mfrec.imageio.ycbcr import picture_image, planes
from mfrec.pipeline import Progress
from mfrec.types import Dropped, Frame

if TYPE_CHECKING:
    from av import VideoFrame

SLACK = 1e-3
"""Seconds: time stamps are fractions of the container's clock, a millisecond decides nothing."""


@dataclass(frozen=True)
class Selection:
    """Which frames of a video are wanted: see :func:`read`."""

    start: float | None
    end: float | None
    every: int
    deinterlace: bool

    def expected(self, table: PacketTable, rate: float) -> int:
        """About how many pictures will come of a stream with these packets."""
        times = table.shown
        if len(times) < len(table.times):
            times = np.arange(len(table.times)) / (rate or 1)
        times = times - times[:1]
        inside = (times >= (self.start or 0) - SLACK) & (times <= (math.inf if self.end is None else self.end) + SLACK)
        return -(-int(inside.sum()) // self.every) * (2 if self.deinterlace else 1)

    @property
    def span(self) -> str:
        return f"from {self.start or 0:g} s to {'its end' if self.end is None else f'{self.end:g} s'}"


@dataclass(frozen=True, eq=False)
class _Video:
    """A video file and what was found out about it before decoding.

    Attributes:
        path: of the file.
        sha256, md5: of its bytes.
        table: its packets.
        rate: frames per second, 0 where unknown.
    """

    path: Path
    sha256: str
    md5: str
    table: PacketTable
    rate: float


def video_stream(path: Path, selection: Selection, findings: Findings, progress: Progress) -> FrameStream:
    """The frames of a video, one after the other.

    The file is gone through three times: for its packets without decoding, for its hash, and decoding.

    Raises:
        NoFramesError: it is no video, or one without pictures that can be read; while iterating, where none was used.
    """
    with opened(path) as container:
        stream = picture_stream(container, path, findings.warnings)
        table, rate = packet_table(container, stream), frame_rate(stream)
        size = (stream.width, stream.height) if stream.width else None
    with path.open("rb") as file:
        sha256, md5 = digests(iter(lambda: file.read(1 << 20), b""))
    video = _Video(path, sha256, md5, table, rate)
    expected = selection.expected(table, rate)
    return FrameStream(
        _frames(video, selection, findings, progress), findings, unit="video", expected=expected, size=size
    )


def _frames(video: _Video, selection: Selection, findings: Findings, progress: Progress) -> Iterator[Frame]:
    path, table, rate = video.path, video.table, video.rate
    name = shown(path, whole=False)
    total = len(table.times)
    seen = taken = used = damaged = 0
    first_number: int | None = None
    combs = CombWatch()
    interlaced = False
    with opened(path) as container:
        stream = picture_stream(container, path)
        # FFmpeg then hands over each frame's quantisers together with the picture.
        stream.codec_context.options = {"export_side_data": "venc_params"}
        watch = DamageWatch(table, stream.codec_context.name)
        pictures = decoded(container, stream, table, selection.start or 0.0, watch)
        if selection.deinterlace:
            pictures = separate_fields(pictures, table.interval or (1 / rate if rate else 0.0))
        for coded in pictures:
            seen = coded.number + 1
            progress("read", seen, max(total, seen))
            # Beyond microseconds there is only the rounding of the subtraction.
            time = None if coded.time is None else round(max(0.0, coded.time), 6)
            if selection.end is not None and time is not None and time > selection.end + SLACK:
                break
            if selection.start is not None and time is not None and time < selection.start - SLACK:
                continue
            if first_number is None:
                first_number = coded.number
            if (coded.number - first_number) % selection.every:
                continue
            interlaced |= coded.source.interlaced_frame
            if not coded.field and not interlaced and combs.wanted:
                combs.look(coded.picture)
            label, index = f"{name}#{coded.number}{coded.field}", taken
            taken += 1
            reason = size_reason(coded.picture.width, coded.picture.height)
            if reason is not None:
                findings.dropped.append(Dropped(label, reason, index))
                continue
            notes = _field_notes(coded)
            if coded.counted:
                notes.append(f"no time stamp; the time is counted at {rate:g} frames per second")
            try:
                stored = picture_image(coded.picture, notes)
            except RefusedError as error:
                findings.dropped.append(Dropped(label, str(error), index))
                continue
            image = square_pixels(stored, float(stream.sample_aspect_ratio or 1), notes)
            orientation = video_orientation(coded.source, coded.jpeg, notes)
            if orientation != AS_STORED:
                notes.append(f"{orientation.words} in the file applied")
                image = upright(image, orientation)
            # Blocks of a resampled or turned picture are no longer those of the file.
            jpeg = mjpeg_tables(coded.jpeg, coded.picture) if coded.jpeg and image is stored else None
            damaged += bool(coded.damage)
            findings.compare(label, image.shape, planes(coded.picture) or [stored])
            used += 1
            yield Frame(
                finished(image),
                index,
                label,
                path,
                video.sha256,
                video.md5,
                time,
                jpeg=jpeg,
                key=_is_key(coded.source),
                quantiser=h264_quantiser(coded.source),
                damaged=bool(coded.damage),
                notes=tuple(notes),
            )
    failed = len(watch.undecodable)
    if failed:
        count = f"{failed} pieces of the video" if failed > 1 else "a piece of the video"
        findings.dropped.append(
            Dropped(name, f"{count} could not be decoded, the first is packet {watch.undecodable[0]}")
        )
    if watch.early:
        frames = f"{watch.early} frames" if watch.early > 1 else "a frame"
        findings.dropped.append(Dropped(name, f"{frames} before the first key frame, which cannot be decoded alone"))
    missing = sum(gap.count for gap in time_gaps(table))
    if missing:
        findings.warnings.append(
            f"'{name}' has gaps in time: {missing} frame{'s seem' if missing > 1 else ' seems'} to be lost, at a "
            f"constant rate of {1 / table.interval:.4g} frames per second"
        )
    if damaged:
        findings.warnings.append(
            f"{damaged} of {used} frames of '{name}' are damaged by what was lost or changed in the file; each says so"
        )
    if not used:
        if seen and not taken:
            raise NoFramesError(
                f"no frame of '{shown(path)}' lies {selection.span}; it has {total} frames at {rate:g} per second"
            )
        raise NoFramesError(f"no frame of '{shown(path)}' can be used{listed(findings.dropped)}")
    if table.restarts:
        times = "once" if len(table.restarts) == 1 else f"{len(table.restarts)} times"
        findings.warnings.append(
            f"the clock of '{name}' starts again {times}, first at packet {table.restarts[0]}: the times of the frames "
            "run on, and a pause between the parts is not known"
        )
    if interlaced and not selection.deinterlace:
        findings.warnings.append(
            f"'{name}' is interlaced: every frame shows two moments in alternate lines; read it with --deinterlace"
        )
    if combs.interlaced and not interlaced:
        findings.warnings.append(
            f"'{name}' looks interlaced though it is not marked so: in {combs.combed} of {combs.judged} frames with "
            "motion the lines alternate between two moments; read it with --deinterlace"
        )


def _field_notes(coded: Coded) -> list[str]:
    notes = []
    marked = coded.source.interlaced_frame
    if coded.field:
        order = "first" if coded.field == "a" else "second"
        guess = "" if marked else "; the file does not mark it as interlaced, top field first assumed"
        notes.append(f"{order} field, missing lines interpolated by bwdif{guess}")
    elif marked:
        notes.append("interlaced, fields not separated")
    if coded.damage:
        notes.append(f"damaged: {coded.damage}")
    return notes


def _is_key(picture: VideoFrame) -> bool | None:
    """Whether the codec coded this frame by itself."""
    from av.video.frame import PictureType

    return None if picture.pict_type == PictureType.NONE else picture.pict_type == PictureType.I
