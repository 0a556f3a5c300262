"""Opening a video file, and which of its streams is looked at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mfrec.errors import NoFramesError
from mfrec.imageio.boxes import boxes, boxes_of_file, within
from mfrec.imageio.jpeg import another_follows, upper_field_first
from mfrec.imageio.limits import size_reason
from mfrec.imageio.reading import shown

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

VIDEO_FORMATS = ",".join(
    (
        *("mov", "mp4", "m4a", "3gp", "3g2", "mj2", "matroska", "webm", "avi", "gif", "asf", "flv", "mxf", "ogg", "dv"),
        *("mpeg", "mpegts", "mpegvideo", "h261", "h263", "m4v", "h264", "hevc", "vvc", "vc1", "av1", "obu", "ivf"),
        *("mjpeg", "mpjpeg", "smjpeg", "nut", "wtv", "gxf", "pva", "nsv", "rm", "yuv4mpegpipe"),
        # Recorders: Dahua, IFV, LVF, Luodat, Lockheed Martin.
        *("dhav", "ifv", "lvf", "luodat", "lmlm4"),
    )
)
"""What FFmpeg may open. Play lists are not among them: they could make it read other files or the network."""

VIDEO_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".h264", ".264", ".avc", ".h265", ".265", ".hevc"),
    *(".mpg", ".mpeg", ".m2v", ".ts", ".mts", ".m2ts", ".wmv", ".asf", ".flv", ".3gp", ".mjpeg", ".mjpg"),
    *(".mxf", ".ogv", ".dv", ".qt", ".3g2", ".mpe", ".m2p", ".ps", ".vob", ".mod", ".tod", ".ogm", ".divx", ".xvid"),
    *(".dav", ".ifv", ".lvf", ".ivf", ".obu", ".nut", ".wtv", ".gxf", ".rm", ".rmvb", ".y4m", ".vc1", ".266", ".vvc"),
)


SKIPPED = "skip_initial_bytes"
"""FFmpeg's name of the option by which it leaves out the beginning of a file."""

OWN_HEADER = 1 << 16
"""Bytes of a file in which a recorder's own header before a raw stream ends."""

PARAMETER_SET = re.compile(b"\0?\0\0\x01(?:[\x27\x47\x67]|\x40\x01)")
"""How the first unit of a raw H.264 (sequence parameters) or HEVC stream (video parameters) begins."""

WITHOUT_EDITS = "ignore_editlist"
"""FFmpeg's name of the option by which it gives the frames of an MP4 as they were recorded."""

FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
"""Kinds of boxes that an MP4 or MOV begins with."""

MOST_OF_INDEX = 1 << 28
"""Bytes of an MP4's index that are looked at. A day at 25 frames a second has a quarter of them; damaged files claim
any number."""

FIRST_PACKETS = 1000
"""Packets by which it is told whether a stream is more than a single picture."""


def opened(path: Path) -> InputContainer:
    """Open a file for reading with the allowed formats.

    Raises:
        NoFramesError: it cannot be opened as a video.
    """
    import av
    from av.error import FFmpegError

    if path.stat().st_size == 0:
        raise NoFramesError(f"the file '{shown(path)}' is empty (0 bytes); a video or a picture was expected")
    with path.open("rb") as file:
        # FFmpeg does not recognise every row of JPEG files, and takes some for a single picture.
        head = file.read(8)
    kind = "mjpeg" if head.startswith(b"\xff\xd8\xff") else None
    options = {"format_whitelist": VIDEO_FORMATS}
    if head[4:] in FIRST_BOXES and _edited_beyond_a_cut(path):
        options[WITHOUT_EDITS] = "1"
    try:
        # The absolute path cannot be taken for a protocol ("concat:x.mp4") nor for an option.
        return av.open(str(path.absolute()), format=kind, options=options)
    except (FFmpegError, UnicodeError) as error:
        header = _bytes_before_a_raw_stream(path)
        if header:
            try:
                return av.open(str(path.absolute()), options={**options, SKIPPED: str(header)})
            except FFmpegError:
                pass
        reason = getattr(error, "strerror", None) or str(error)
        if _lacks_index(path):
            raise NoFramesError(
                f"the index of '{shown(path)}' (moov) is missing or not where the file says, as where a recording or a "
                "copy was cut off or lacks a piece; ask for the whole file, or have it repaired with an undamaged one "
                "of the same camera"
            ) from error
        raise NoFramesError(
            f"'{shown(path)}' is neither a picture nor a video that can be opened ({reason}); "
            "its content is of no known format, or its beginning or index is damaged; export it from the program that "
            "it was made with"
        ) from error


def _bytes_before_a_raw_stream(path: Path) -> int:
    """How many bytes of a recorder's own lie before the first parameter set of a raw H.264 or HEVC stream (annex B of
    each); 0 where no such set is near the beginning."""
    with path.open("rb") as file:
        found = PARAMETER_SET.search(file.read(OWN_HEADER))
    return found.start() if found else 0


def bytes_skipped(container: InputContainer) -> int:
    """How many bytes at the beginning of an opened file are no video."""
    return int(container.options.get(SKIPPED, 0))


def is_without_its_edits(container: InputContainer) -> bool:
    """Whether an opened MP4 or MOV is read as it was recorded, because what its edit list says is not followed."""
    return WITHOUT_EDITS in container.options


def _edited_beyond_a_cut(path: Path) -> bool:
    """Whether a track of pictures is shown in several parts, or at another speed (ISO/IEC 14496-12, 8.6.6).

    FFmpeg leaves out what one part leaves out. The times of a second one it gives on another clock, and a pause between
    two it takes for a part.
    """
    index = next((box for box in boxes_of_file(path) if box.kind == b"moov"), None)
    if index is None:
        return False
    with path.open("rb") as file:
        file.seek(index.start)
        told = file.read(min(index.end - index.start, MOST_OF_INDEX))
    tracks = [box.body for box in boxes(told) if box.kind == b"trak"]
    return any(
        within(track, b"mdia", b"hdlr")[8:12] == b"vide" and _is_beyond_a_cut(within(track, b"edts", b"elst"))
        for track in tracks
    )


def _is_beyond_a_cut(table: bytes) -> bool:
    """Whether an edit list is more than a pause at the beginning and one part at its own speed.

    Args:
        table: what is in its box.
    """
    size = 20 if table[:1] == b"\1" else 12
    entries = [table[at : at + size] for at in range(8, len(table) - size + 1, size)]
    entries = entries[: int.from_bytes(table[4:8], "big")]
    # A part that begins at -1 is a pause.
    if entries and int.from_bytes(entries[0][size // 2 - 2 : -4], "big", signed=True) == -1:
        entries = entries[1:]
    return len(entries) > 1 or any(entry[-4:] not in (bytes(4), b"\0\1\0\0") for entry in entries)


SECOND_HEADERS = {
    "flv": re.compile(rb"FLV\x01[\x01\x05]\0\0\0\x09"),
    "asf": re.compile(re.escape(bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"))),
}
"""How a file begins of formats that FFmpeg reads up to the first end in a file."""


def second_recording(container: InputContainer, path: Path) -> int:
    """Where in an opened file another one begins behind it that FFmpeg does not read; 0 where none does.

    Files that were put behind each other, as recoveries and copies by bytes do, are read on by it in other formats.
    """
    kinds = container.format.name.split(",")
    if "mp4" in kinds:
        found = list(boxes_of_file(path))
        kinds = [box.kind for box in found]
        begins = [box.start - 8 for box in found if box.kind == b"ftyp"]
        # Of a film in fragments every one is read, whatever index lies between them.
        return begins[1] if len(begins) > 1 and kinds.count(b"moov") > 1 and b"moof" not in kinds else 0
    header = SECOND_HEADERS.get(kinds[0])
    if header is None:
        return 0
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        second = header.search(data, 1)
        return second.start() if second else 0


def _lacks_index(path: Path) -> bool:
    """Whether no box that says where the frames lie is found in an MP4 or MOV (ISO/IEC 14496-12, 8.2.1)."""
    found = {box.kind for box in boxes_of_file(path)}
    return b"ftyp" in found and b"moov" not in found


def is_video(path: Path) -> bool:
    """Whether FFmpeg recognises a container with moving pictures; a row of JPEG files is none."""
    if path.stat().st_size == 0:
        return False
    try:
        with opened(path) as container:
            return container.format.name not in ("mjpeg", "mpjpeg", "smjpeg") and bool(container.streams.video)
    except NoFramesError:
        return False


def picture_stream(container: InputContainer, path: Path, notes: list[str] | None = None) -> VideoStream:
    """The stream of moving pictures that is read: no cover art, with a decoder, of several the one with most pixels.

    A stream of a single picture is a cover or a preview too, and is read only where there is no other.

    Args:
        container: open.
        path: of its file, for messages.
        notes: gets a sentence where there were several to choose from.

    Raises:
        NoFramesError: there is none, or none of a size and a codec that can be read.
    """
    from av.stream import Disposition

    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        raise NoFramesError(f"'{shown(path)}' is a {container.format.long_name} file without a picture stream")
    known = [s for s in streams if s.codec_context is not None]
    if not known:
        raise NoFramesError(
            f"the pictures of '{shown(path)}' are coded in a way that FFmpeg has no decoder for; export the clip from "
            "the recorder's own player, for instance as H.264"
        )
    moving = _moving(path, [s.index for s in known]) if len(known) > 1 else ()
    stream = max([s for s in known if s.index in moving] or known, key=lambda s: s.width * s.height)
    reason = size_reason(stream.width, stream.height)
    if reason is not None and stream.width:
        raise NoFramesError(f"the video '{shown(path)}' has frames of {reason}")
    if len(streams) > 1 and notes is not None:
        sizes = ", ".join(f"{s.width}x{s.height}" if s in known else "an unknown codec" for s in streams)
        passed_over = 0 < len(moving) < len(known)
        largest = "the largest of more than one picture" if passed_over else "the largest"
        notes.append(
            f"'{shown(path, whole=False)}' holds {len(streams)} picture streams ({sizes}); {largest}, number "
            f"{streams.index(stream)}, is read"
        )
    if stream.codec_context.codec_tag == "MJPG" and upper_field_first(_two_in_one(path, stream.index)):
        stream.codec_context.codec_tag = UPPER_FIRST
    return stream


UPPER_FIRST, FIELDS = "mjpa", 12
"""A tag of Motion JPEG by which FFmpeg takes the first field for the upper one, and packets by which it is told."""


def _two_in_one(path: Path, stream: int) -> list[bytes]:
    """The first packets of a stream, if they hold two JPEG files each."""
    from av.error import FFmpegError

    found: list[bytes] = []
    with opened(path) as container:
        try:
            for packet in container.demux(container.streams[stream]):
                data = bytes(packet)
                if not another_follows(data) or len(found) == FIELDS:
                    break
                found.append(data)
        except FFmpegError:
            pass
    return found


def _moving(path: Path, streams: Sequence[int]) -> set[int]:
    """Which of some streams, given by their indices, have more than one picture near the beginning of the file."""
    from av.error import FFmpegError

    counts = dict.fromkeys(streams, 0)
    with opened(path) as container:
        packets = container.demux([container.streams[index] for index in streams])
        try:
            for packet in islice((packet for packet in packets if packet.size), FIRST_PACKETS):
                counts[packet.stream_index] += 1
                if min(counts.values()) > 1:
                    break
        except FFmpegError:
            pass
    return {index for index, count in counts.items() if count > 1}


PACKET = 188
"""Bytes of a packet of a transport stream."""

TRANSPORT = (PACKET, 192, 204)
"""Bytes from one packet to the next: plain, with a time stamp in front, with error correction behind."""


def _packets_begin(path: Path) -> tuple[int, int] | None:
    """Bytes from one packet of a transport stream to the next, and where the first one begins; None where none do."""
    with path.open("rb") as file:
        head = file.read(5 * max(TRANSPORT))
    for size in TRANSPORT:
        for first in range(size):
            if len(head) > 3 * size + first and set(head[first::size][:4]) == {0x47}:
                return size, first
    return None


def ends_within_a_packet(path: Path) -> bool:
    """Whether the last packet of a transport stream lacks its end (ISO/IEC 13818-1, 2.4.3)."""
    found = _packets_begin(path)
    if found is None:
        return False
    size, first = found
    length = path.stat().st_size
    rest = (length - first) % size
    with path.open("rb") as file:
        file.seek(length - rest)
        # Behind a time stamp the last packet is whole: nothing comes after it.
        return 0 < rest < PACKET and file.read(1) == b"G"


AT_A_TIME = 1 << 16
"""Packets of a transport stream that are looked at together."""


def scrambled(path: Path, stream: int) -> float:
    """The share of a stream's packets that say that they are scrambled (ISO/IEC 13818-1, 2.4.3.3).

    Args:
        path: of a transport stream.
        stream: which packets belong to it, by their identifier.
    """
    found = _packets_begin(path)
    if found is None:
        return 0.0
    size, first = found
    hidden = all_of_it = 0
    with path.open("rb") as file:
        file.seek(first)
        while len(block := file.read(size * AT_A_TIME)) >= size:
            headers = (
                np.frombuffer(block, np.uint8, len(block) // size * size).reshape(-1, size)[:, :4].astype(np.uint16)
            )
            own = headers[(headers[:, 0] == 0x47) & ((headers[:, 1] & 0x1F) << 8 | headers[:, 2] == stream)]
            hidden, all_of_it = hidden + int((own[:, 3] >> 6 > 0).sum()), all_of_it + len(own)
    return hidden / all_of_it if all_of_it else 0.0


def frame_rate(stream: VideoStream) -> float:
    """Frames per second as the file says or suggests them, 0 where it does neither."""
    return float(stream.average_rate or stream.guessed_rate or 0)
