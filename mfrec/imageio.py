"""Reading frames, and the few encoders that the rest of mfrec needs.

This is the only file that knows files: 8-bit and 16-bit samples, palettes, alpha, EXIF, JPEG tables, YCbCr and
video. Whatever is read becomes float32 RGB in [0, 1] with square pixels, upright and opaque; what had to be done for
that is said in :attr:`Frame.notes`. Originals are opened for reading only and nothing is written beside them.

* **Limits.** A picture has at least :data:`MIN_SIDE` pixels on each side and at most :data:`MAX_PIXELS` in all, which
  is checked in the header, before anything is decoded. A sequence has at most :data:`MAX_FRAMES` frames and
  :data:`MAX_SEQUENCE_PIXELS` pixels; beyond that :func:`read` stops and says which ``every`` would fit.
* **Alpha** is composited over mid-grey: what is transparent was not seen, and grey makes the weakest false edge.
* **Video** is converted from its own samples in floating point, so that nothing is rounded to 8 bits on the way. Where
  the file does not declare its range or matrix, the usual guess is made (limited range; BT.709 from 720 lines or 1280
  columns up, else BT.601) and noted as assumed. Chroma samples are taken to lie in the middle of the pixels they cover.
* **Colour profiles** are not applied; a picture that carries one says so in its notes.
"""

from __future__ import annotations

import hashlib
import io
import math
import re
import struct
import warnings
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mfrec.errors import InputError, NoFramesError, UsageError
from mfrec.pipeline import Progress, silent
from mfrec.types import Dropped, FloatArray, Frame, JpegTables

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream
    from PIL import ImageFile

MIN_SIDE = 8
"""Pixels; a side shorter than one JPEG block holds no face."""
MAX_PIXELS = 50_000_000
"""Of one picture: 600 MB as float32 RGB."""
MAX_FRAMES = 500
"""Of one sequence."""
MAX_SEQUENCE_PIXELS = 250_000_000
"""Of all frames of a sequence together: 3 GB as float32 RGB."""
MAX_FILE_BYTES = 512 * 1024 * 1024
"""Of a picture file, which is read whole; a video may be of any size."""
MAX_STRETCH = 4.0
"""Pixel aspect ratios beyond this (or below its inverse) are taken for a mistake in the header."""

PICTURE_FORMATS = ("JPEG", "MPO", "PNG", "TIFF", "BMP", "WEBP", "PPM", "GIF", "JPEG2000", "AVIF")
"""What Pillow may open. Formats that run a program (EPS) or have no signature (TGA) are not among them."""
PICTURE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".tif", ".tiff", ".bmp", ".dib", ".webp"),
    *(".pbm", ".pgm", ".ppm", ".pnm", ".jp2", ".j2k", ".avif"),
)
VIDEO_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,h264,hevc,mpeg,mpegts,mpegvideo,asf,flv,mjpeg,mxf,ogg,dv"
"""What FFmpeg may open. Play lists are not among them: they could make it read other files or the network."""
VIDEO_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".h264", ".264", ".avc", ".h265", ".265", ".hevc"),
    *(".mpg", ".mpeg", ".m2v", ".ts", ".mts", ".m2ts", ".wmv", ".asf", ".flv", ".3gp", ".mjpeg", ".mjpg"),
    *(".mxf", ".ogv", ".dv"),
)

DECODER_ERRORS = (
    *(OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, ArithmeticError),
    *(struct.error, zlib.error),
)
"""What Pillow raises on damaged files."""

ORIENTATIONS = {
    2: (False, True, False),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}
"""EXIF orientation to what makes the picture upright: transpose first, then mirror x, then mirror y."""

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


@dataclass(frozen=True, eq=False)
class Reading:
    """What was read, what was not and why, and what the reader of the report should know.

    Attributes:
        frames: the pictures, in the order given. ``index`` counts what was selected, including what could not be read.
        dropped: files and frames that could not be used.
        warnings: sentences about the sequence as a whole.
    """

    frames: tuple[Frame, ...]
    dropped: tuple[Dropped, ...] = ()
    warnings: tuple[str, ...] = ()


Source = str | PathLike[str] | Sequence[str | PathLike[str]] | Sequence[NDArray[Any]] | NDArray[Any]


def read(
    source: Source,
    *,
    start: float | None = None,
    end: float | None = None,
    every: int = 1,
    deinterlace: bool = False,
    progress: Progress = silent,
) -> Reading:
    """Read a sequence.

    Args:
        source: a folder of pictures (read in natural order, ``2.png`` before ``10.png``; sub-folders and hidden files
            are not looked at), a folder with one video and no picture, a video, picture files in their order, or
            ``[H, W, 3]`` arrays: RGB, uint8, uint16, or floating point in [0, 1].
        start, end: first and last second of a video, both included.
        every: keep the first picture and then each ``every``-th one.
        deinterlace: separate the two fields of every video frame (bwdif): each becomes a picture of its own, named
            ``clip.mp4#12a`` and ``clip.mp4#12b`` in the order of time, because they show two moments.
        progress: called as ``progress("read", done, total)``; ``total`` is 0 where a video does not say its length.

    Raises:
        NoFramesError: there is nothing there, or nothing that can be used; the message lists the reasons.
        InputError: an array is not a picture, or the sequence is beyond the stated limits.
        UsageError: ``every`` is below 1, ``start`` lies after ``end``, or they are given for pictures.
    """
    if every < 1:
        raise UsageError(f"every={every}: keep each n-th picture with a whole number n of at least 1")
    if start is not None and end is not None and start > end:
        raise UsageError(f"start={start:g} s lies after end={end:g} s; exchange them")
    paths = _as_paths(source)
    survey = _survey(paths) if paths is not None else None
    if survey is not None and survey.video is not None:
        selection = _Selection(start, end, every, deinterlace)
        return _read_video(survey.video, selection, survey.dropped, progress)
    if start is not None or end is not None:
        raise UsageError("start and end are seconds of a video, but pictures have no time; leave them out")
    if survey is not None:
        reading = _read_files(survey.pictures[::every], every, survey.dropped, progress)
    else:
        reading = _read_arrays(_as_arrays(source)[::every], every, progress)
    if deinterlace:
        warning = "deinterlacing was asked for, but applies to video only: the pictures are as they were"
        return replace(reading, warnings=(*reading.warnings, warning))
    return reading


def shown(path: Path, *, whole: bool = True) -> str:
    """A path (or with ``whole=False`` its last part) as text that can be printed and stored.

    File names need not be valid UTF-8; bytes that are not appear as ``\\udcXX``.
    """
    return (str(path) if whole else path.name).encode("utf-8", "backslashreplace").decode("utf-8")


def natural_key(name: str) -> tuple[list[str | int], str]:
    """Sort key that orders numbers inside names by value: ``2.png`` before ``10.png``, whatever the case."""
    parts = re.split(r"(\d+)", name.casefold())
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], name


# ---------------------------------------------------------------------------------------------------------------------
# What is there


def _as_paths(source: Source) -> list[Path] | None:
    """The source as paths, None where it consists of arrays."""
    if isinstance(source, str | PathLike):
        return [Path(source)]
    if len(source) == 0:
        raise NoFramesError("no frames were given: the list is empty; give a folder, a video, picture files, or arrays")
    paths = [Path(item) for item in source if isinstance(item, str | PathLike)]
    if paths and len(paths) < len(source):
        raise InputError("the frames are a mixture of paths and arrays; give either paths or [H, W, 3] arrays")
    return paths or None


@dataclass(frozen=True)
class _Survey:
    """What paths lead to: one video, or at least one picture, and what is neither."""

    video: Path | None
    pictures: list[Path]
    dropped: list[Dropped]


def _survey(paths: Sequence[Path]) -> _Survey:
    """Sort out what paths lead to.

    Raises:
        NoFramesError: neither a video nor a picture, or a path that does not exist.
    """
    for path in paths:
        # is_symlink as well: a link that leads nowhere is there, and is dropped with that reason.
        if not path.exists() and not path.is_symlink():
            raise NoFramesError(f"there is no file or folder '{shown(path)}'; check the spelling, or give a full path")
    folder = paths[0] if len(paths) == 1 and paths[0].is_dir() else None
    if folder is not None:
        try:
            entries = sorted(folder.iterdir(), key=lambda entry: natural_key(entry.name))
        except OSError as error:
            raise NoFramesError(f"the folder '{shown(folder)}' cannot be listed: {error.strerror}") from error
        paths = [entry for entry in entries if not entry.name.startswith(".")]
        if not paths:
            raise NoFramesError(
                f"the folder '{shown(folder)}' is empty; pictures (JPEG, PNG, TIFF ...) or a video go there"
            )
    elif len(paths) == 1 and _kind(paths[0]) in ("video", "unknown"):
        return _Survey(paths[0], [], [])

    pictures: list[Path] = []
    videos: list[Path] = []
    dropped: list[Dropped] = []
    for path in paths:
        kind = _kind(path)
        if kind == "picture":
            pictures.append(path)
        elif kind == "video":
            videos.append(path)
        else:
            dropped.append(Dropped(shown(path, whole=False), "not a picture" if kind == "unknown" else kind))
    if folder is not None and len(videos) == 1 and not pictures:
        return _Survey(videos[0], [], dropped)
    if not pictures:
        where = f"the folder '{shown(folder)}'" if folder is not None else "what was given"
        if videos:
            names = ", ".join(f"'{shown(video, whole=False)}'" for video in videos[:10])
            raise NoFramesError(f"{where} holds {len(videos)} videos ({names}) and no picture; give one video")
        raise NoFramesError(f"{where} holds no picture and no video{_listed(dropped)}")
    dropped += [Dropped(shown(video, whole=False), "a video among pictures; give it by itself") for video in videos]
    return _Survey(None, pictures, dropped)


def _kind(path: Path) -> str:
    """``"picture"``, ``"video"``, ``"unknown"``, or a sentence that says why it can be neither."""
    suffix = path.suffix.lower()
    if path.is_dir():
        return "a folder, not a picture" if suffix in PICTURE_SUFFIXES else "a folder; sub-folders are not read"
    if not path.exists():
        return "a link to a file that does not exist"
    if not path.is_file():
        return "not an ordinary file"
    if suffix in VIDEO_SUFFIXES:
        return "video"
    if suffix in PICTURE_SUFFIXES:
        return "picture"
    try:
        with path.open("rb") as file, _pillow_image(file) as image:
            return "video" if image.format == "GIF" and getattr(image, "is_animated", False) else "picture"
    except _RefusedError:
        return "picture"
    except DECODER_ERRORS:
        return "picture" if suffix == ".gif" else "unknown"


def _listed(dropped: Sequence[Dropped]) -> str:
    """The reasons at the end of an error message."""
    if not dropped:
        return ""
    shown_reasons = "; ".join(f"'{item.name}': {item.reason}" for item in dropped[:10])
    more = f"; and {len(dropped) - 10} more" if len(dropped) > 10 else ""
    return f". Found: {shown_reasons}{more}"


@dataclass
class _Room:
    """How much of the sequence limits is taken.

    Args:
        step: the ``every`` in use.
        expected: about how many frames will come in all; 0 where that is not known.
        unit: what the frames come from, for the message.
    """

    step: int
    expected: int
    unit: str
    frames: int = 0
    pixels: int = 0

    def take(self, image: FloatArray) -> None:
        """Count one more frame.

        Raises:
            InputError: it does not fit any more.
        """
        self.frames += 1
        self.pixels += image.shape[0] * image.shape[1]
        if self.frames <= MAX_FRAMES and self.pixels <= MAX_SEQUENCE_PIXELS:
            return
        size = f"{image.shape[1]}x{image.shape[0]}"
        fitting = min(MAX_FRAMES, max(1, MAX_SEQUENCE_PIXELS * self.frames // self.pixels))
        advice = "take fewer with --every N"
        if self.expected > fitting:
            step = math.ceil(self.expected / fitting) * self.step
            advice = f"there are about {self.expected}: take fewer, for instance with --every {step}"
        part = ", or a part with --start and --end" if self.unit == "video" else ""
        raise InputError(
            f"the {self.unit} holds more frames of {size} pixels than are read at once (at most {MAX_FRAMES} frames "
            f"and {MAX_SEQUENCE_PIXELS // 1_000_000} million pixels); {advice}{part}"
        )


def _size_reason(width: int, height: int) -> str | None:
    """Why a picture of that size is not read, None where it is."""
    if min(width, height) < MIN_SIDE:
        return f"{width}x{height} pixels; the shortest side must have at least {MIN_SIDE}"
    if width * height > MAX_PIXELS:
        return f"{width}x{height} pixels; at most {MAX_PIXELS // 1_000_000} million are read"
    return None


# ---------------------------------------------------------------------------------------------------------------------
# Arrays


def _as_arrays(source: Source) -> list[NDArray[Any]]:
    if isinstance(source, str | PathLike):
        raise TypeError("paths are no arrays")
    if isinstance(source, np.ndarray) and source.ndim == 3:
        raise InputError(f"one array of shape {list(source.shape)} is one picture; give a list of [H, W, 3] arrays")
    return [np.asarray(item) for item in source]


def _read_arrays(arrays: Sequence[NDArray[Any]], every: int, progress: Progress) -> Reading:
    frames = []
    room = _Room(every, len(arrays), "list")
    for index, array in enumerate(arrays):
        name = f"array {index * every}"
        image, notes = _array_image(array, name)
        room.take(image)
        data = np.ascontiguousarray(array).tobytes()
        frames.append(Frame(_finished(image), index, name, None, *_digests([data]), notes=notes))
        progress("read", index + 1, len(arrays))
    return Reading(tuple(frames), (), _warnings_about(frames))


def _array_image(array: NDArray[Any], name: str) -> tuple[FloatArray, tuple[str, ...]]:
    """Check and scale one array."""
    if array.ndim != 3 or array.shape[2] != 3:
        raise InputError(f"{name} has shape {list(array.shape)}; a frame is [H, W, 3] in the order red, green, blue")
    reason = _size_reason(array.shape[1], array.shape[0])
    if reason is not None:
        raise InputError(f"{name} has {reason}")
    if array.dtype == np.uint8:
        return array.astype(np.float32) / np.float32(255), ("8-bit array",)
    if array.dtype == np.uint16:
        return array.astype(np.float32) / np.float32(65535), ("16-bit array",)
    if not np.issubdtype(array.dtype, np.floating):
        raise InputError(f"{name} holds {array.dtype}; give uint8, uint16, or floating point in [0, 1]")
    if not np.all(np.isfinite(array)):
        bad = np.count_nonzero(~np.isfinite(array))
        raise InputError(f"{name} holds {bad} values that are NaN or infinite; every value must be in [0, 1]")
    low, high = float(array.min()), float(array.max())
    # A hair beyond the range is rounding of whoever computed the array, anything more is another range.
    if low < -1e-6 or high > 1 + 1e-6:
        hint = "divide by 255" if 1 < high <= 255 and low >= 0 else "scale or clip it"
        raise InputError(f"{name} has values from {low:.6g} to {high:.6g}; floating point must be in [0, 1], so {hint}")
    return np.clip(array, 0, 1).astype(np.float32), ()


# ---------------------------------------------------------------------------------------------------------------------
# Pictures


class _RefusedError(ValueError):
    """A picture beyond the limits, or one that was decoded but not understood; the text is the reason."""


def _pillow_image(file: Any) -> ImageFile.ImageFile:
    """Open with the allowed formats and read no more than the header.

    Raises:
        _RefusedError: Pillow's own guard against decompression bombs speaks up.
    """
    from PIL import Image

    with warnings.catch_warnings():
        # Pillow warns of odd metadata on stderr; what matters of it is read, checked and noted here.
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            return Image.open(file, formats=PICTURE_FORMATS)
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            pixels = re.search(r"\((\d+) pixels\)", str(error))
            count = f"{int(pixels[1]) / 1e6:.0f} million" if pixels else "too many"
            raise _RefusedError(f"{count} pixels; at most {MAX_PIXELS // 1_000_000} million are read") from None


def _read_files(files: Sequence[Path], every: int, dropped: list[Dropped], progress: Progress) -> Reading:
    if len(files) > MAX_FRAMES:
        step = math.ceil(len(files) / MAX_FRAMES) * every
        raise InputError(
            f"{len(files)} pictures are more than are read at once (at most {MAX_FRAMES}); take fewer, for instance "
            f"with --every {step}"
        )
    frames = []
    room = _Room(every, len(files), "list of pictures")
    for index, path in enumerate(files):
        try:
            frame = _read_picture(path, index)
            room.take(frame.image)
            frames.append(frame)
        except _RefusedError as error:
            dropped.append(Dropped(shown(path, whole=False), str(error), index))
        except PermissionError:
            dropped.append(Dropped(shown(path, whole=False), "cannot be opened: permission denied", index))
        except DECODER_ERRORS as error:
            dropped.append(Dropped(shown(path, whole=False), _damage(error), index))
        progress("read", index + 1, len(files))
    if not frames:
        raise NoFramesError(f"none of {len(files)} pictures can be used{_listed(dropped)}")
    return Reading(tuple(frames), tuple(dropped), _warnings_about(frames))


def _damage(error: BaseException) -> str:
    """A decoder's complaint as a reason."""
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "not a picture: its content is of no known picture format"
    text = str(error).split("\n")[0]
    return f"damaged, cannot be decoded: {text or type(error).__name__}"


def _read_picture(path: Path, index: int) -> Frame:
    """Read one picture file.

    Raises:
        _RefusedError: with a reason for the record.
        One of DECODER_ERRORS: what the decoder raised.
    """
    size = path.stat().st_size
    if size == 0:
        raise _RefusedError("the file is empty (0 bytes)")
    if size > MAX_FILE_BYTES:
        raise _RefusedError(f"the file has {size // 2**20} MiB; at most {MAX_FILE_BYTES // 2**20} are read")
    # Hash and picture come from the same bytes, even if somebody changes the file meanwhile.
    data = path.read_bytes()
    with _pillow_image(io.BytesIO(data)) as picture:
        reason = _size_reason(picture.width, picture.height)
        if reason is not None:
            raise _RefusedError(reason)
        notes: list[str] = []
        pages = getattr(picture, "n_frames", 1)
        if pages > 1 and picture.format != "MPO":
            notes.append(f"the first of {pages} pictures in the file")
        if "icc_profile" in picture.info:
            notes.append("embedded colour profile not applied")
        # Both are asked for before decoding: Pillow turns a TIFF upright while loading and forgets that it did.
        orientation = _orientation(picture, notes)
        tables = _jpeg_tables(picture)
        image = _decoded(picture, data, notes)
        if orientation != 1:
            # Pillow and OpenCV turn a TIFF upright by themselves.
            if picture.format != "TIFF":
                image = _upright(image, orientation)
                tables = _upright_tables(tables, orientation, image.shape[1], image.shape[0])
            notes.append(f"EXIF orientation {orientation} applied")
        aspect = _density_aspect(picture)
    if orientation in ORIENTATIONS and ORIENTATIONS[orientation][0]:
        aspect = 1 / aspect
    stretched = _square_pixels(image, aspect, notes)
    if stretched is not image:
        tables = None
    return Frame(
        _finished(stretched), index, shown(path, whole=False), path, *_digests([data]), jpeg=tables, notes=tuple(notes)
    )


def _orientation(picture: ImageFile.ImageFile, notes: list[str]) -> int:
    """EXIF orientation 1..8; 1 where there is none that can be read."""
    try:
        value = picture.getexif().get(0x0112, 1)
    except DECODER_ERRORS:
        notes.append("EXIF data damaged, ignored")
        return 1
    return value if value in ORIENTATIONS else 1


def _upright(image: FloatArray, orientation: int) -> FloatArray:
    """Apply an EXIF orientation to a stored picture ``[H, W, 3]``."""
    transpose, mirror_x, mirror_y = ORIENTATIONS[orientation]
    if transpose:
        image = image.transpose(1, 0, 2)
    return image[:: -1 if mirror_y else 1, :: -1 if mirror_x else 1]


def _upright_tables(tables: JpegTables | None, orientation: int, width: int, height: int) -> JpegTables | None:
    """JPEG tables of the upright picture of that size, None where its blocks would not start at the corner.

    Mirroring changes the sign of odd coefficients only, so the steps stay; transposing exchanges the frequencies.
    """
    if tables is None:
        return None
    transpose, mirror_x, mirror_y = ORIENTATIONS[orientation]
    luma, chroma, (across, down) = tables.luma, tables.chroma, tables.subsampling
    if transpose:
        luma, chroma, across, down = luma.T, chroma.T, down, across
    if (mirror_x and width % (8 * across)) or (mirror_y and height % (8 * down)):
        return None
    return JpegTables(luma, chroma, (across, down))


def _jpeg_tables(picture: ImageFile.ImageFile) -> JpegTables | None:
    """Quantisation of a JPEG with Y, Cb and Cr, or Y alone (whose table then stands for both).

    None for other files, for JPEGs that store RGB or CMYK, and where Cb and Cr are treated differently.
    """
    if picture.format not in ("JPEG", "MPO"):
        return None
    quantization: Mapping[int, Sequence[int]] = picture.quantization  # type: ignore[attr-defined]
    layers: Sequence[tuple[int, int, int, int]] = picture.layer  # type: ignore[attr-defined]
    # Pillow has undone the zigzag order of the file: index 8 * v + u, v the vertical frequency.
    if any(layer[3] not in quantization for layer in layers):
        return None
    tables = [np.array(quantization[layer[3]], np.float32).reshape(8, 8) for layer in layers]
    if len(layers) == 1:
        return JpegTables(tables[0], tables[0], (1, 1))
    stores_rgb = tuple(layer[0] for layer in layers) == (ord("R"), ord("G"), ord("B"))
    if len(layers) != 3 or stores_rgb or picture.info.get("adobe_transform") == 0:
        return None
    (_, h0, v0, _), (_, h1, v1, _), (_, h2, v2, _) = layers
    if (h1, v1) != (h2, v2) or h0 % h1 or v0 % v1 or not np.array_equal(tables[1], tables[2]):
        return None
    return JpegTables(tables[0], tables[1], (h0 // h1, v0 // v1))


def _decoded(picture: ImageFile.ImageFile, data: bytes, notes: list[str]) -> FloatArray:
    """Decode an opened picture of any mode to ``[H, W, 3]`` in [0, 1], opaque."""
    tiles = picture.tile
    tile = str(tiles[0].args) if tiles else ""
    deep = ";16" in tile or (picture.format == "PPM" and "65535" in tile)
    if deep and picture.format in ("PNG", "TIFF", "PPM") and picture.mode in ("RGB", "RGBA", "RGBX", "LA"):
        # Pillow keeps 8 of the 16 bits of a colour picture.
        deep_image = _decoded_deep(data, notes)
        if deep_image is not None:
            return deep_image
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        picture.load()
    mode = picture.mode
    if mode in ("I", "F") or mode.startswith("I;16"):
        return _grey_image(np.asarray(picture), notes)
    if mode in ("P", "PA"):
        notes.append("palette")
    elif mode in ("1", "L", "LA", "La"):
        notes.append("grey")
    elif mode not in ("RGB", "RGBA", "RGBX", "RGBa"):
        notes.append(f"converted from {mode}")
    if picture.has_transparency_data:
        samples = np.asarray(picture.convert("RGBA"))
        return _over_grey(samples.astype(np.float32) / np.float32(255), notes)
    samples = np.asarray(picture if mode == "RGB" else picture.convert("RGB"))
    return samples.astype(np.float32) / np.float32(255)


def _decoded_deep(data: bytes, notes: list[str]) -> FloatArray | None:
    """Decode a 16-bit colour picture with OpenCV, None where OpenCV sees no more than 8 bits in it."""
    import cv2

    samples = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None:
        raise _RefusedError("damaged, cannot be decoded: the 16-bit samples are incomplete")
    if samples.dtype != np.uint16 or samples.ndim != 3:
        return None
    notes.append("16 bit")
    scaled = samples.astype(np.float32) / np.float32(65535)
    if samples.shape[2] == 4:
        return _over_grey(scaled[..., [2, 1, 0, 3]], notes)
    return scaled[..., ::-1]


def _grey_image(samples: NDArray[Any], notes: list[str]) -> FloatArray:
    """``[H, W]`` samples of a 16-bit, 32-bit or floating-point grey picture to ``[H, W, 3]``."""
    low, high = samples.min(), samples.max()
    if samples.dtype.kind == "f":
        if not (low >= 0 and high <= 1):
            raise _RefusedError(f"floating-point samples from {low:.6g} to {high:.6g}; they must be in [0, 1]")
        notes.append("grey, floating point")
        scaled = samples.astype(np.float32)
    else:
        if low < 0 or high > 65535:
            raise _RefusedError(f"whole-number samples from {low} to {high}; at most 16 bits are understood")
        notes.append("grey, 16 bit")
        scaled = samples.astype(np.float32) / np.float32(65535)
    return np.repeat(scaled[..., None], 3, axis=2)


def _over_grey(rgba: FloatArray, notes: list[str]) -> FloatArray:
    """Composite ``[H, W, 4]`` with straight alpha over mid-grey."""
    colour, alpha = rgba[..., :3], rgba[..., 3:]
    if np.all(alpha == 1):
        return np.ascontiguousarray(colour)
    notes.append("transparent parts composited over mid-grey")
    return (colour * alpha + np.float32(0.5) * (np.float32(1) - alpha)).astype(np.float32, copy=False)


def _density_aspect(picture: ImageFile.ImageFile) -> float:
    """Width of a stored pixel divided by its height, from the resolution in the file; 1 where it says nothing."""
    info = picture.info
    if info.get("jfif_unit") == 0 and "jfif_density" in info:
        # Without a unit JFIF's two numbers are the aspect ratio itself, not a resolution (JFIF 1.02, APP0).
        across, down = info["jfif_density"]
    elif "aspect" in info:
        down, across = info["aspect"]
    else:
        down, across = info.get("dpi", (1, 1))
    try:
        aspect = float(across) / float(down)
    except (TypeError, ValueError, ZeroDivisionError):
        return 1.0
    return aspect if math.isfinite(aspect) and aspect > 0 else 1.0


def _square_pixels(image: FloatArray, aspect: float, notes: list[str]) -> FloatArray:
    """Make pixels of ``aspect`` (width / height) square by stretching, never by shrinking.

    The array itself comes back where nothing had to be done.
    """
    # Resolutions are stored as whole numbers per metre: less than half a percent is rounding.
    if abs(math.log(aspect)) < 0.005:
        return image
    if not 1 / MAX_STRETCH <= aspect <= MAX_STRETCH:
        notes.append(f"implausible pixel aspect ratio {aspect:.4g} ignored")
        return image
    from mfrec.geometry import resize

    height, width = image.shape[:2]
    new_height, new_width = (height, round(width * aspect)) if aspect > 1 else (round(height / aspect), width)
    notes.append(f"pixel aspect ratio {aspect:.4g} applied: {width}x{height} stretched to {new_width}x{new_height}")
    return np.clip(resize(image, new_height, new_width), 0, 1)


# ---------------------------------------------------------------------------------------------------------------------
# Video


@dataclass(frozen=True)
class _Selection:
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
        field: ``""`` for a frame, ``"a"`` and ``"b"`` for its first and second field.
    """

    picture: VideoFrame
    number: int
    source: VideoFrame
    field: str = ""


def _read_video(path: Path, selection: _Selection, dropped: list[Dropped], progress: Progress) -> Reading:
    import av
    from av.error import FFmpegError
    from av.video.frame import PictureType

    name = shown(path, whole=False)
    if path.stat().st_size == 0:
        raise NoFramesError(f"the file '{shown(path)}' is empty (0 bytes); a video or a picture was expected")
    with path.open("rb") as file:
        digests = _digests(iter(lambda: file.read(1 << 20), b""))
    try:
        # The absolute path cannot be taken for a protocol ("concat:x.mp4") nor for an option.
        container = av.open(str(path.absolute()), options={"format_whitelist": VIDEO_FORMATS})
    except (FFmpegError, UnicodeError) as error:
        reason = _ffmpeg_text(error)
        raise NoFramesError(f"'{shown(path)}' is no picture and cannot be opened as a video: {reason}") from error
    with container:
        stream = _picture_stream(container, path)
        rate = float(stream.average_rate or stream.guessed_rate or 0)
        total = _expected_frames(container, stream, rate)
        damaged: list[str] = []
        pictures = _decode(container, stream, damaged)
        if selection.deinterlace:
            pictures = _separate_fields(pictures)

        frames: list[Frame] = []
        seen = taken = 0
        first_time: float | None = None
        first_number: int | None = None
        interlaced = False
        room = _Room(selection.every, selection.expected(total, rate), "video")
        for coded in pictures:
            seen = coded.number + 1
            progress("read", seen, max(total, seen) if total else 0)
            time, counted = _time_of(coded, rate)
            if first_time is None:
                first_time = time or 0.0
            time = None if time is None else max(0.0, time - first_time)
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
            reason = _size_reason(coded.picture.width, coded.picture.height)
            if reason is not None:
                dropped.append(Dropped(label, reason, index))
                continue
            notes = _field_notes(coded)
            if counted:
                notes.append(f"no time stamp; the time is counted at {rate:g} frames per second")
            image = _picture_image(coded.picture, notes)
            image = _square_pixels(image, float(stream.sample_aspect_ratio or 1), notes)
            image = _rotated(image, coded.source.rotation, notes)
            room.take(image)
            kind = coded.source.pict_type
            key = None if kind == PictureType.NONE else kind == PictureType.I
            frames.append(Frame(_finished(image), index, label, path, *digests, time, key=key, notes=tuple(notes)))
    if damaged:
        count = f"{len(damaged)} pieces of the video" if len(damaged) > 1 else "a piece of the video"
        dropped.append(Dropped(name, f"{count} could not be decoded, the first after frame {damaged[0]}"))
    if not frames:
        if seen and not taken:
            raise NoFramesError(
                f"no frame of '{shown(path)}' lies {selection.span}; it has {seen} frames at {rate:g} per second"
            )
        raise NoFramesError(f"no frame of '{shown(path)}' can be used{_listed(dropped)}")
    warnings_ = list(_warnings_about(frames))
    if interlaced and not selection.deinterlace:
        warnings_.append(
            f"'{name}' is interlaced: every frame shows two moments in alternate lines; read it with --deinterlace"
        )
    return Reading(tuple(frames), tuple(dropped), tuple(warnings_))


def _ffmpeg_text(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _picture_stream(container: InputContainer, path: Path) -> VideoStream:
    """The first stream of moving pictures (cover art is none), of a size that is read."""
    from av.stream import Disposition

    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        raise NoFramesError(f"'{shown(path)}' is a {container.format.long_name} file without a picture stream")
    stream = streams[0]
    reason = _size_reason(stream.width, stream.height)
    if reason is not None and stream.width:
        raise NoFramesError(f"the video '{shown(path)}' has frames of {reason}")
    return stream


def _expected_frames(container: InputContainer, stream: VideoStream, rate: float) -> int:
    """How many frames the file says or suggests that it has, 0 where it does neither."""
    if stream.frames:
        return stream.frames
    return round(container.duration / 1e6 * rate) if container.duration and rate else 0


def _decode(container: InputContainer, stream: VideoStream, damaged: list[str]) -> Iterator[_Coded]:
    """Decode frame by frame, going on after what cannot be decoded.

    Threads stay within one picture (FFmpeg's slice threading): with whole frames in parallel, what the decoder makes up
    for lost data may depend on timing.
    """
    from av.error import FFmpegError

    number = 0
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except FFmpegError:
            damaged.append(str(number - 1))
            return
        if packet is None:
            return
        try:
            decoded = packet.decode()
        except FFmpegError:
            damaged.append(str(number - 1))
            continue
        for frame in decoded:
            yield _Coded(frame, number, frame)
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
            yield _Coded(picture, parent.number, parent.source, "b" if second else "a")
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


def _picture_image(picture: VideoFrame, notes: list[str]) -> FloatArray:
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
    return _over_grey(samples, notes)


def _ycbcr_image(picture: VideoFrame, notes: list[str]) -> FloatArray:
    """Planar YCbCr or grey samples to RGB (ITU-R BT.601, BT.709, BT.2020: the non-constant luminance equations)."""
    from mfrec.geometry import resize

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
        return _over_grey(np.concatenate([image, alpha], axis=2), notes)
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


# ---------------------------------------------------------------------------------------------------------------------
# For all of them


def _finished(image: NDArray[Any]) -> FloatArray:
    """The form that a Frame takes over without another copy."""
    out = np.ascontiguousarray(image, np.float32)
    if not out.flags.owndata:
        out = out.copy()
    out.setflags(write=False)
    return out


def _digests(chunks: Iterable[bytes]) -> tuple[str, str]:
    """SHA-256 and MD5 as hex, in one pass."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    for chunk in chunks:
        sha256.update(chunk)
        md5.update(chunk)
    return sha256.hexdigest(), md5.hexdigest()


def _warnings_about(frames: Sequence[Frame]) -> tuple[str, ...]:
    """What is odd about the frames taken together: copies, which add weight and no information."""
    first: dict[bytes, str] = {}
    copies = []
    for frame in frames:
        key = hashlib.sha256(repr(frame.image.shape).encode() + frame.image.tobytes()).digest()
        if key in first:
            copies.append(f"'{frame.name}' of '{first[key]}'")
        else:
            first[key] = frame.name
    if not copies:
        return ()
    more = f" and {len(copies) - 5} more" if len(copies) > 5 else ""
    return (f"exact copies among the frames ({', '.join(copies[:5])}{more}): a copy adds weight, but no information",)


# ---------------------------------------------------------------------------------------------------------------------
# Encoding


def to_uint8(image: NDArray[Any]) -> NDArray[np.uint8]:
    """``[H, W]`` or ``[H, W, C]`` in [0, 1] to uint8, rounded, beyond the range clipped; uint8 stays as it is."""
    if image.dtype == np.uint8:
        return image
    return np.clip(np.rint(np.asarray(image) * 255.0), 0, 255).astype(np.uint8)


def png_bytes(image: NDArray[Any], text: Mapping[str, str] | None = None) -> bytes:
    """An 8-bit PNG, the same bytes every time.

    Args:
        image: ``[H, W, 3]`` RGB or ``[H, W]`` grey, float in [0, 1] or uint8.
        text: keyword (1 to 79 Latin-1 characters) to text, stored in order as tEXt, or as iTXt where the text needs it.
    """
    from PIL import Image, PngImagePlugin

    chunks = PngImagePlugin.PngInfo()
    for key, value in (text or {}).items():
        chunks.add_text(key, value)
    buffer = io.BytesIO()
    Image.fromarray(to_uint8(image)).save(buffer, "PNG", pnginfo=chunks)
    return buffer.getvalue()


def jpeg_bytes(image: FloatArray, quality: int) -> bytes:
    """Encode with Pillow (4:2:0, as cameras do)."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(to_uint8(image)).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def h264_bytes(images: Sequence[FloatArray], crf: int, fps: int = 25) -> bytes:
    """One H.264 clip in MP4, encoded by libx264 through PyAV with one thread, so that it is repeatable.

    Args:
        images: ``[H, W, 3]`` in [0, 1], all of one size with even sides (the clip is 4:2:0).
        crf: constant rate factor, 0 (lossless) to 51.
        fps: frames per second.
    """
    import av

    height, width = images[0].shape[:2]
    clip = io.BytesIO()
    with av.open(clip, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv420p"
        # Macroblock-tree rate control reads memory that it never wrote on frames this small: the same clip came
        # out in two versions, up to 28 grey levels apart.
        stream.options = {"crf": str(crf), "preset": "medium", "threads": "1", "mbtree": "0"}
        for image in images:
            frame = av.VideoFrame.from_ndarray(to_uint8(image), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return clip.getvalue()
