"""Video files: decoding, fields, colour ranges and matrices, time."""

from __future__ import annotations

import io
import math
import struct
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mfrec.errors import NoFramesError
from mfrec.imageio.limits import Room, size_reason
from mfrec.imageio.pictures import DECODER_ERRORS, jpeg_tables, open_picture
from mfrec.imageio.reading import Reading, digests, finished, listed, over_grey, shown, square_pixels, warnings_about
from mfrec.pipeline import Progress
from mfrec.types import Dropped, FloatArray, Frame, JpegTables

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

VIDEO_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,h264,hevc,mpeg,mpegts,mpegvideo,asf,flv,mjpeg,mxf,ogg,dv"
"""What FFmpeg may open. Play lists are not among them: they could make it read other files or the network."""

VIDEO_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".h264", ".264", ".avc", ".h265", ".265", ".hevc"),
    *(".mpg", ".mpeg", ".m2v", ".ts", ".mts", ".m2ts", ".wmv", ".asf", ".flv", ".3gp", ".mjpeg", ".mjpg"),
    *(".mxf", ".ogv", ".dv"),
)

MATRICES = {
    1: ("BT.709", 0.2126, 0.0722),
    4: ("FCC", 0.30, 0.11),
    5: ("BT.601", 0.299, 0.114),
    6: ("BT.601", 0.299, 0.114),
    7: ("SMPTE 240M", 0.212, 0.087),
    9: ("BT.2020", 0.2627, 0.0593),
}
"""Code of the YCbCr matrix (ITU-T H.273, table 4) to its name and the luma weights of red and blue."""

PLANAR_TWINS = {
    "nv12": "yuv420p",
    "nv21": "yuv420p",
    "nv16": "yuv422p",
    "yuyv422": "yuv422p",
    "uyvy422": "yuv422p",
    "p010le": "yuv420p10le",
}
"""Interleaved pixel formats, and the planar ones that hold exactly the same samples."""

H264_PARAMETERS = 1
"""FFmpeg's ``AV_VIDEO_ENC_PARAMS_H264``."""


@dataclass(frozen=True)
class Selection:
    """Which frames of a video are wanted: see :func:`read`."""

    start: float | None
    end: float | None
    every: int
    deinterlace: bool

    def expected(self, total: int, rate: float) -> int:
        """About how many pictures a video of ``total`` frames at ``rate`` per second will give."""
        last = total if self.end is None or not rate else min(total, int(self.end * rate) + 1)
        first = 0 if self.start is None else int(self.start * rate)
        return math.ceil(max(0, last - first) / self.every) * (2 if self.deinterlace else 1)

    @property
    def span(self) -> str:
        return f"from {self.start or 0:g} s to {'its end' if self.end is None else f'{self.end:g} s'}"


@dataclass(frozen=True, eq=False)
class _Coded:
    """One decoded picture before conversion: a frame, or a field of one.

    Attributes:
        picture: as the decoder or the deinterlacer gave it.
        number: of the frame in the video, from 0.
        source: the frame that the decoder gave, which carries what is known about it.
        jpeg: the JPEG file that this frame was in a Motion JPEG video; None for a field and for other codecs.
        field: ``""`` for a frame, ``"a"`` and ``"b"`` for its first and second field.
    """

    picture: VideoFrame
    number: int
    source: VideoFrame
    jpeg: bytes | None = None
    field: str = ""


def read_video(path: Path, selection: Selection, dropped: list[Dropped], progress: Progress) -> Reading:
    import av
    from av.error import FFmpegError
    from av.video.frame import PictureType

    name = shown(path, whole=False)
    if path.stat().st_size == 0:
        raise NoFramesError(f"the file '{shown(path)}' is empty (0 bytes); a video or a picture was expected")
    with path.open("rb") as file:
        sha256, md5 = digests(iter(lambda: file.read(1 << 20), b""))
    try:
        # The absolute path cannot be taken for a protocol ("concat:x.mp4") nor for an option.
        container = av.open(str(path.absolute()), options={"format_whitelist": VIDEO_FORMATS})
    except (FFmpegError, UnicodeError) as error:
        raise NoFramesError(
            f"'{shown(path)}' is neither a picture nor a video that can be opened ({_ffmpeg_text(error)}); "
            "its content is of no known format, or its beginning or index is damaged"
        ) from error
    with container:
        stream = _picture_stream(container, path)
        # FFmpeg then hands over each frame's quantisers together with the picture.
        stream.codec_context.options = {"export_side_data": "venc_params"}
        rate = float(stream.average_rate or stream.guessed_rate or 0)
        total = _expected_frames(container, stream, rate)
        damaged: list[int] = []
        pictures = _decode(container, stream, damaged)
        if selection.deinterlace:
            pictures = _separate_fields(pictures)

        frames: list[Frame] = []
        seen = taken = 0
        first_time: float | None = None
        first_number: int | None = None
        interlaced = False
        room = Room(selection.every, selection.expected(total, rate), "video")
        for coded in pictures:
            seen = coded.number + 1
            progress("read", seen, max(total, seen) if total else 0)
            time, counted = _time_of(coded, rate)
            if first_time is None:
                first_time = time or 0.0
            # Beyond microseconds there is only the rounding of the subtraction.
            time = None if time is None else round(max(0.0, time - first_time), 6)
            # Time stamps are fractions of the container's clock: a millisecond decides nothing.
            if selection.end is not None and time is not None and time > selection.end + 1e-3:
                break
            if selection.start is not None and time is not None and time < selection.start - 1e-3:
                continue
            if first_number is None:
                first_number = coded.number
            if (coded.number - first_number) % selection.every:
                continue
            interlaced |= coded.source.interlaced_frame
            label, index = f"{name}#{coded.number}{coded.field}", taken
            taken += 1
            reason = size_reason(coded.picture.width, coded.picture.height)
            if reason is not None:
                dropped.append(Dropped(label, reason, index))
                continue
            notes = _field_notes(coded)
            if counted:
                notes.append(f"no time stamp; the time is counted at {rate:g} frames per second")
            stored = picture_image(coded.picture, notes)
            image = square_pixels(stored, float(stream.sample_aspect_ratio or 1), notes)
            image = _rotated(image, coded.source.rotation, notes)
            # Blocks of a resampled or turned picture are no longer those of the file.
            jpeg = mjpeg_tables(coded.jpeg, coded.picture) if coded.jpeg and image is stored else None
            room.take(image)
            kind = coded.source.pict_type
            key = None if kind == PictureType.NONE else kind == PictureType.I
            frames.append(
                Frame(
                    finished(image),
                    index,
                    label,
                    path,
                    sha256,
                    md5,
                    time,
                    jpeg=jpeg,
                    key=key,
                    quantiser=h264_quantiser(coded.source),
                    notes=tuple(notes),
                )
            )
    if damaged:
        count = f"{len(damaged)} pieces of the video" if len(damaged) > 1 else "a piece of the video"
        dropped.append(Dropped(name, f"{count} could not be decoded, the first before frame {damaged[0]}"))
    if not frames:
        if seen and not taken:
            raise NoFramesError(
                f"no frame of '{shown(path)}' lies {selection.span}; it has {seen} frames at {rate:g} per second"
            )
        raise NoFramesError(f"no frame of '{shown(path)}' can be used{listed(dropped)}")
    warnings_ = list(warnings_about(frames))
    if interlaced and not selection.deinterlace:
        warnings_.append(
            f"'{name}' is interlaced: every frame shows two moments in alternate lines; read it with --deinterlace"
        )
    return Reading(tuple(frames), tuple(dropped), tuple(warnings_))


def h264_quantiser(frame: VideoFrame) -> float | None:
    """Mean quantisation parameter of an H.264 frame, None where the decoder does not tell (other codecs).

    FFmpeg's ``AVVideoEncParams``: a header with the picture's QP, then one entry a macroblock with its difference.
    """
    try:
        side_data = frame.side_data.get("VIDEO_ENC_PARAMS")
    except ValueError:
        # PyAV refuses the whole list where one entry is of a kind that it does not know (EXIF in Motion JPEG).
        return None
    if side_data is None:
        return None
    data = bytes(side_data)
    blocks, offset, size, codec, picture_qp = struct.unpack_from("<I4xQQii", data)
    if codec != H264_PARAMETERS or blocks == 0:
        return None
    # An entry is src_x, src_y, w, h, delta_qp: five 32-bit integers.
    entries = np.ndarray((blocks, 5), "<i4", data, offset, (size, 4))
    return float(picture_qp + entries[:, 4].mean())


def mjpeg_tables(file: bytes, picture: VideoFrame) -> JpegTables | None:
    """Quantisation of a Motion JPEG frame, from the JPEG file that its packet is.

    None where the packet cannot be read as one, leaves its tables to an earlier packet, or holds the two fields of an
    interlaced frame, whose blocks lie in alternate lines.
    """
    try:
        with open_picture(io.BytesIO(file)) as opened:
            tables = jpeg_tables(opened) if opened.size == (picture.width, picture.height) else None
    except DECODER_ERRORS:
        return None
    if tables is None or _colour_range(picture)[0]:
        return tables
    # Expanding the limited range spreads the steps too.
    return replace(tables, luma=tables.luma * np.float32(255 / 219), chroma=tables.chroma * np.float32(255 / 224))


def _ffmpeg_text(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _picture_stream(container: InputContainer, path: Path) -> VideoStream:
    """The first stream of moving pictures (cover art is none), of a size that is read."""
    from av.stream import Disposition

    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        raise NoFramesError(f"'{shown(path)}' is a {container.format.long_name} file without a picture stream")
    stream = streams[0]
    reason = size_reason(stream.width, stream.height)
    if reason is not None and stream.width:
        raise NoFramesError(f"the video '{shown(path)}' has frames of {reason}")
    return stream


def _expected_frames(container: InputContainer, stream: VideoStream, rate: float) -> int:
    """How many frames the file says or suggests that it has, 0 where it does neither."""
    if stream.frames:
        return stream.frames
    return round(container.duration / 1e6 * rate) if container.duration and rate else 0


def _decode(container: InputContainer, stream: VideoStream, damaged: list[int]) -> Iterator[_Coded]:
    """Decode frame by frame, going on after what cannot be decoded.

    Threads stay within one picture (FFmpeg's slice threading): with whole frames in parallel, what the decoder makes up
    for lost data may depend on timing.
    """
    from av.error import FFmpegError

    number = 0
    is_jpeg = stream.codec_context.name == "mjpeg"
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except FFmpegError:
            damaged.append(number)
            return
        if packet is None:
            return
        try:
            decoded = packet.decode()
        except FFmpegError:
            damaged.append(number)
            continue
        for frame in decoded:
            # A frame's tables must come from its own packet: without any delay in the decoder, times are equal.
            own = is_jpeg and len(decoded) == 1 and frame.pts == packet.pts
            yield _Coded(frame, number, frame, bytes(packet) if own else None)
            number += 1


def _separate_fields(pictures: Iterable[_Coded]) -> Iterator[_Coded]:
    """Two pictures for every frame, the missing lines of each interpolated in space and time by FFmpeg's bwdif.

    All frames are treated as interlaced, marked or not: recorders often forget the mark.
    """
    from av import error
    from av.filter import Graph

    graph: Graph | None = None
    shape: tuple[int, int, str] | None = None
    waiting: deque[_Coded] = deque()
    second = False

    def finished() -> Iterator[_Coded]:
        nonlocal second
        while graph is not None and waiting:
            try:
                picture = graph.vpull()
            except (error.BlockingIOError, error.EOFError):
                return
            parent = waiting.popleft() if second else waiting[0]
            yield _Coded(picture, parent.number, parent.source, field="b" if second else "a")
            second = not second

    for coded in pictures:
        frame = coded.picture
        if (frame.width, frame.height, frame.format.name) != shape:
            if graph is not None:
                graph.vpush(None)
                yield from finished()
            shape = (frame.width, frame.height, frame.format.name)
            graph = Graph()
            entry = graph.add_buffer(
                width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
            )
            bwdif = graph.add("bwdif", "mode=send_field:parity=auto:deint=all")
            graph.link_nodes(entry, bwdif, graph.add("buffersink"))
            graph.configure()
        assert graph is not None
        waiting.append(coded)
        graph.vpush(frame)
        yield from finished()
    if graph is not None:
        graph.vpush(None)
        yield from finished()


def _time_of(coded: _Coded, rate: float) -> tuple[float | None, bool]:
    """Seconds on the file's clock, and whether they had to be counted from the frame rate."""
    if coded.picture.time is not None:
        return coded.picture.time, False
    if not rate:
        return None, False
    return (coded.number + (0.5 if coded.field == "b" else 0.0)) / rate, True


def _field_notes(coded: _Coded) -> list[str]:
    notes = []
    marked = coded.source.interlaced_frame
    if coded.field:
        order = "first" if coded.field == "a" else "second"
        guess = "" if marked else "; the file does not mark it as interlaced, top field first assumed"
        notes.append(f"{order} field, missing lines interpolated by bwdif{guess}")
    elif marked:
        notes.append("interlaced, fields not separated")
    if coded.source.is_corrupt:
        notes.append("the decoder reports damage in this frame")
    return notes


def _rotated(image: FloatArray, degrees: int, notes: list[str]) -> FloatArray:
    """Turn counter-clockwise by what the container's display matrix says, quarter turns only."""
    if degrees % 360 == 0:
        return image
    if degrees % 90:
        notes.append(f"rotation by {degrees} degrees in the file ignored")
        return image
    notes.append(f"rotation by {degrees % 360} degrees counter-clockwise in the file applied")
    return np.rot90(image, degrees // 90 % 4)


def picture_image(picture: VideoFrame, notes: list[str]) -> FloatArray:
    """Convert a decoded video frame of any pixel format to ``[H, W, 3]`` in [0, 1], opaque."""
    layout = picture.format
    if layout.name in PLANAR_TWINS:
        picture = picture.reformat(format=PLANAR_TWINS[layout.name], src_color_range=1, dst_color_range=1)
        layout = picture.format
    components = layout.components
    in_planes = layout.is_planar or len(components) == 1
    whole = in_planes and not (layout.is_rgb or layout.has_palette or layout.is_bit_stream or layout.is_big_endian)
    if whole and layout.name.startswith(("yuv", "gray")) and all(c.bits <= 16 for c in components):
        return _ycbcr_image(picture, notes)
    deep = any(component.bits > 8 for component in components)
    # RGB and palettes lose nothing here; a rare YCbCr layout is rounded to the depth of the target.
    matrix = picture.colorspace if picture.colorspace in MATRICES else 5
    plain = picture.reformat(
        format="rgba64le" if deep else "rgba", src_colorspace=matrix, dst_colorspace=matrix, dst_color_range=2
    )
    samples = plain.to_ndarray().astype(np.float32) / np.float32(65535 if deep else 255)
    return over_grey(samples, notes)


def _ycbcr_image(picture: VideoFrame, notes: list[str]) -> FloatArray:
    """Planar YCbCr or grey samples to RGB (ITU-R BT.601, BT.709, BT.2020: the non-constant luminance equations)."""
    from mfrec.image.geometry import resize

    height, width = picture.height, picture.width
    full, range_note = _colour_range(picture)
    bits = picture.format.components[0].bits
    unit = float(2 ** (bits - 8))
    top = float(2**bits - 1)
    offset, luma_span, chroma_span = (0.0, top, top) if full else (16 * unit, 219 * unit, 224 * unit)
    planes = [_plane(picture, i).astype(np.float32) for i in range(len(picture.planes))]
    luma = (planes[0] - np.float32(offset)) / np.float32(luma_span)
    if len(planes) < 3:
        notes.append(f"grey, {range_note}")
        return np.repeat(np.clip(luma, 0, 1)[..., None], 3, axis=2)

    code = picture.colorspace
    assumed = ""
    if code not in MATRICES:
        code = 1 if height >= 720 or width >= 1280 else 5
        assumed = " (assumed)"
    matrix, red, blue = MATRICES[code]
    notes.append(f"{range_note}, matrix {matrix}{assumed}")
    differences = []
    for plane in planes[1:3]:
        centred = (plane - np.float32(128 * unit)) / np.float32(chroma_span)
        across, down = -(-width // plane.shape[1]), -(-height // plane.shape[0])
        if (across, down) != (1, 1):
            # A picture of odd size has a last chroma sample that covers pixels beyond its border.
            grown = resize(centred, plane.shape[0] * down, plane.shape[1] * across, interpolation="linear")
            centred = grown[:height, :width]
        differences.append(centred)
    cb, cr = differences
    r = luma + np.float32(2 * (1 - red)) * cr
    b = luma + np.float32(2 * (1 - blue)) * cb
    g = (luma - np.float32(red) * r - np.float32(blue) * b) / np.float32(1 - red - blue)
    image = np.clip(np.dstack([r, g, b]), 0, 1)
    if len(planes) == 4:
        alpha = _plane(picture, 3).astype(np.float32)[..., None] / np.float32(top)
        return over_grey(np.concatenate([image, alpha], axis=2), notes)
    return image


def _plane(picture: VideoFrame, number: int) -> NDArray[Any]:
    """Samples ``[h, w]`` of one plane, without the padding at the end of its lines."""
    plane = picture.planes[number]
    kind = np.dtype(np.uint8 if picture.format.components[number].bits <= 8 else "<u2")
    lines = np.frombuffer(plane, kind).reshape(-1, plane.line_size // kind.itemsize)  # type: ignore[call-overload]
    return lines[: plane.height, : plane.width]


def _colour_range(picture: VideoFrame) -> tuple[bool, str]:
    """Whether samples use the full range, and the words for the record."""
    if picture.format.name.startswith("yuvj") or picture.color_range == 2:
        return True, "full colour range"
    if picture.color_range == 1:
        return False, "limited colour range expanded"
    if picture.format.name.startswith("gray"):
        return True, "full range (assumed)"
    return False, "limited colour range (assumed) expanded"
