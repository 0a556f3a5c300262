"""Picture files as frames: one for each picture that a file holds."""

from __future__ import annotations

import io
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mfrec.errors import NoFramesError
from mfrec.imageio.formats import DECODER_ERRORS, is_avif, is_heif, is_tiff, open_picture
from mfrec.imageio.heif import heif_aspect, heif_picture, heif_pictures
from mfrec.imageio.item_properties import clean_aperture, main_properties, pixel_aspect
from mfrec.imageio.jpeg import (
    another_follows,
    begins_later,
    damage_of,
    expanded,
    has_limited_range,
    jpeg_tables,
    unusual,
    with_its_end,
)
from mfrec.imageio.limits import MAX_FILE_BYTES, size_reason
from mfrec.imageio.orientation import ORIENTATIONS, upright, upright_tables
from mfrec.imageio.reading import Findings, RefusedError, digests, finished, listed, shown, square_pixels
from mfrec.imageio.silent_damage import damage_of_still
from mfrec.imageio.still import converted, still_image
from mfrec.imageio.tiff import deep_page, page_of, pages_are_lost, picture_pages, unread
from mfrec.pipeline import Progress
from mfrec.types import Dropped, FloatArray, Frame, JpegTables

if TYPE_CHECKING:
    from PIL import ImageFile


ANIMATED = ("PNG", "WEBP", "AVIF", "GIF")
"""Formats whose files may hold frames that are shown one after the other."""


def picture_frames(files: Sequence[Path], every: int, findings: Findings, progress: Progress) -> Iterator[Frame]:
    """The pictures in files as frames, one after the other; of all of them each ``every``-th one.

    Raises:
        NoFramesError: at the end, where none could be used.
    """
    position = index = -1
    used = damaged = 0
    for count, path in enumerate(files, 1):
        for stored in _stored(path):
            position += 1
            if position % every:
                continue
            index += 1
            try:
                frame = stored.frame(index)
            except _EndedError as error:
                findings.dropped.append(Dropped(stored.label, str(error), index))
                break
            except RefusedError as error:
                findings.dropped.append(Dropped(stored.label, str(error), index))
            except PermissionError:
                findings.dropped.append(Dropped(stored.label, "cannot be opened: permission denied", index))
            except DECODER_ERRORS as error:
                findings.dropped.append(Dropped(stored.label, _damage(error), index))
            else:
                used += 1
                damaged += frame.damaged
                findings.compare(stored.label, frame.image.shape, [frame.image])
                yield frame
        progress("read", count, len(files))
    if damaged:
        findings.warnings.append(f"{damaged} of {used} pictures are damaged in their coded data; each says so")
    if not used:
        raise NoFramesError(f"none of {index + 1} pictures can be used{listed(findings.dropped)}")


class _EndedError(RefusedError):
    """Neither this picture of a file nor any after it can be read, however many the file says that it holds."""


@dataclass(frozen=True)
class _Stored:
    """One picture of a file: what it is called, and how it is decoded.

    Attributes:
        label: the file's name, with ``#2`` behind it for the third of several pictures.
        frame: takes the frame's index.
    """

    label: str
    frame: Callable[[int], Frame]


def _stored(path: Path) -> Iterator[_Stored]:
    """The pictures of a file; where it cannot be opened, one whose decoding says why."""
    name = shown(path, whole=False)
    try:
        file = _opened(path)
    except (RefusedError, *DECODER_ERRORS) as error:
        yield _Stored(name, partial(_failing, error))
        return
    if not file.numbers:
        only_small = (
            "it shows nothing but a reduced picture of one that is not read, as raw files of cameras do; export it as "
            "TIFF"
        )
        yield _Stored(name, partial(_failing, RefusedError(only_small)))
    for number in file.numbers:
        label = name if len(file.numbers) == 1 else f"{name}#{number}"
        yield _Stored(label, partial(file.frame, number, label))
    if file.cut:
        yield _Stored(f"{name}#{max(file.numbers, default=-1) + 1}", partial(_failing, RefusedError(file.cut)))


def _failing(error: BaseException, _index: int) -> Frame:
    raise error


def _damage(error: BaseException) -> str:
    """A decoder's complaint as a reason."""
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "not a picture: its content is of no known picture format"
    text = str(error).split("\n")[0]
    return f"damaged, cannot be decoded: {text or type(error).__name__}"


def _opened(path: Path) -> _PictureFile:
    """Read a file and find the pictures in it.

    Raises:
        RefusedError: with a reason for the record.
        One of DECODER_ERRORS: what the decoder raised.
    """
    from PIL import UnidentifiedImageError

    size = path.stat().st_size
    if size == 0:
        raise RefusedError("the file is empty (0 bytes)")
    if size > MAX_FILE_BYTES:
        raise RefusedError(f"the file has {size // 2**20} MiB; at most {MAX_FILE_BYTES // 2**20} are read")
    # Hash and picture come from the same bytes, even if somebody changes the file meanwhile.
    data = path.read_bytes()
    if is_heif(data):
        return _HeifFile(path, data)
    if is_tiff(data):
        return _TiffFile(path, data)
    kind = unusual(data)
    if kind is not None:
        raise RefusedError(f"{kind}, which is not read; export it as PNG or TIFF")
    try:
        return _PillowFile(path, data)
    except UnidentifiedImageError:
        if is_avif(data):
            reason = "an AVIF file that is damaged or breaks the rules of its format; export it anew"
        elif begin := begins_later(data):
            reason = (
                f"{begin} bytes of something else before a JPEG; cut them off, or ask for the file as it was stored"
            )
        else:
            raise
        raise RefusedError(reason) from None


class _PictureFile(ABC):
    """A file in memory and the pictures in it.

    Attributes:
        numbers: of its pictures, in their order.
        cut: what tells that there were more; empty where nothing does.
    """

    numbers: Sequence[int]
    cut = ""

    def __init__(self, path: Path, data: bytes) -> None:
        self._path = path
        self._data = data
        self._hashes = digests([data])

    @abstractmethod
    def _decode(self, number: int, notes: list[str]) -> _Decoded:
        """One picture, upright. May raise RefusedError or one of DECODER_ERRORS."""

    def frame(self, number: int, label: str, index: int) -> Frame:
        """One picture as a frame."""
        notes: list[str] = []
        decoded = self._decode(number, notes)
        image = square_pixels(decoded.image, decoded.aspect, notes)
        tables = decoded.tables if image is decoded.image else None
        sha256, md5 = self._hashes
        if decoded.damage:
            notes.append(f"damaged: {decoded.damage}")
        return Frame(
            finished(image),
            index,
            label,
            self._path,
            sha256,
            md5,
            decoded.time,
            jpeg=tables,
            damaged=bool(decoded.damage),
            notes=tuple(notes),
        )


@dataclass(frozen=True, eq=False)
class _Decoded:
    """A picture, upright; ``aspect`` is the width of its pixels divided by their height, ``time`` in seconds.

    ``damage`` is what the decoder made no sense of, empty where it said nothing."""

    image: FloatArray
    aspect: float = 1.0
    tables: JpegTables | None = None
    time: float | None = None
    damage: str = ""


class _HeifFile(_PictureFile):
    def __init__(self, path: Path, data: bytes) -> None:
        super().__init__(path, data)
        self.numbers = range(heif_pictures(data))

    def _decode(self, number: int, notes: list[str]) -> _Decoded:
        aspect = heif_aspect(self._data, number)
        image = heif_picture(self._data, number, notes)
        damage = damage_of_still(self._data) if len(self.numbers) == 1 else ""
        return _Decoded(image, aspect, damage=damage)


class _TiffFile(_PictureFile):
    def __init__(self, path: Path, data: bytes) -> None:
        super().__init__(path, data)
        self.numbers = picture_pages(data)
        if pages_are_lost(data):
            self.cut = "this and what came after it is missing: the file was cut off"

    def _decode(self, number: int, notes: list[str]) -> _Decoded:
        from PIL import UnidentifiedImageError

        page = page_of(self._data, number)
        image = deep_page(self._data, number, notes)
        if image is not None:
            image = converted(image, page.profile, (None, None), notes)
            orientation = page.orientation
        else:
            try:
                opened = open_picture(io.BytesIO(self._data))
            except UnidentifiedImageError:
                raise unread(self._data, number) from None
            with opened as picture:
                picture.seek(number)
                # Pillow turns a TIFF upright while it loads.
                image = still_image(picture, self._data, notes)
                orientation = 1
        if page.without_header:
            notes.append(
                f"the first of {page.without_header + 1} pictures in the file; the others have no page of their own, "
                "save the stack as single files to read them"
            )
        if page.orientation != 1:
            notes.append(f"EXIF orientation {page.orientation} applied")
        aspect = 1 / page.aspect if ORIENTATIONS[page.orientation].transpose else page.aspect
        return _Decoded(upright(image, ORIENTATIONS[orientation]), aspect, damage=page.damage)


class _PillowFile(_PictureFile):
    def __init__(self, path: Path, data: bytes) -> None:
        super().__init__(path, data)
        self._picture = open_picture(io.BytesIO(data))
        count = getattr(self._picture, "n_frames", 1) if self._picture.format in ANIMATED else 1
        # A PNG may begin with a picture that is no part of its animation, for programs that show none.
        self._next = 1 if count > 1 and getattr(self._picture, "default_image", False) else 0
        self.numbers = range(self._next, count)
        self._clock = 0.0

    def _decode(self, number: int, notes: list[str]) -> _Decoded:
        picture = self._picture
        reason = size_reason(picture.width, picture.height)
        if reason is not None:
            raise _EndedError(reason)
        first = self.numbers[0]
        if number == first > 0:
            notes.append("the picture before it, for programs that show no animation, is left out")
        time = self._seek(number) if first + len(self.numbers) > 1 else None
        hidden = 1 if picture.format in ANIMATED else getattr(picture, "n_frames", 1)
        if hidden > 1:
            notes.append(f"the first of {hidden} pictures in the file")
        elif picture.format == "JPEG" and another_follows(self._data):
            notes.append("the first of several JPEG pictures in the file; name it .mjpg to read all of them")
        image = self._image(notes)
        shape = main_properties(self._data) if picture.format == "AVIF" else []
        part = clean_aperture(shape, picture.width, picture.height)
        if part is not None:
            image = image[part]
            notes.append(
                f"{image.shape[1]}x{image.shape[0]} of {picture.width}x{picture.height} pixels are shown, as the file "
                "says (clap)"
            )
        orientation = _orientation(picture, notes)
        image = upright(image, ORIENTATIONS[orientation])
        tables = jpeg_tables(picture)
        if tables is not None and has_limited_range(picture):
            tables = expanded(tables)
        tables = upright_tables(tables, ORIENTATIONS[orientation], image.shape[1], image.shape[0])
        if orientation != 1:
            notes.append(f"EXIF orientation {orientation} applied")
        aspect = pixel_aspect(shape) if shape else _density_aspect(picture, notes)
        damage = ""
        if picture.format in ("JPEG", "MPO"):
            damage = damage_of(self._data)
            damage = f"decoder: {damage}" if damage else ""
        elif picture.format == "AVIF" and len(self.numbers) == 1:
            damage = damage_of_still(self._data)
        return _Decoded(image, 1 / aspect if ORIENTATIONS[orientation].transpose else aspect, tables, time, damage)

    def _image(self, notes: list[str]) -> FloatArray:
        """The current picture, as stored."""
        try:
            return still_image(self._picture, self._data, notes)
        except OSError:
            if self._picture.format not in ("JPEG", "MPO"):
                raise
            completed = with_its_end(self._data)
            if completed is None:
                raise
        notes.append("the file lacks its end marker; the picture is whole")
        with open_picture(io.BytesIO(completed)) as picture:
            return still_image(picture, completed, notes)

    def _seek(self, number: int) -> float:
        """Go to a frame of an animation; its time in seconds.

        Raises:
            _EndedError: it cannot be reached. Each is coded as a change of the one before it.
        """
        time = self._clock
        for at in range(self._next, number + 1):
            try:
                self._picture.seek(at)
                self._picture.load()
            except DECODER_ERRORS as error:
                left = self.numbers[-1] - at
                raise _EndedError(f"{_damage(error)}; nor are {left} after it" if left else _damage(error)) from None
            time = self._clock
            self._clock += float(self._picture.info.get("duration", 0)) / 1000
        self._next = number + 1
        return round(time, 6)


def _orientation(picture: ImageFile.ImageFile, notes: list[str]) -> int:
    """EXIF orientation 1..8; 1 where there is none that can be read."""
    try:
        value = picture.getexif().get(0x0112, 1)
    except DECODER_ERRORS:
        notes.append("EXIF data damaged, ignored")
        return 1
    return value if value in ORIENTATIONS else 1


def _density_aspect(picture: ImageFile.ImageFile, notes: list[str]) -> float:
    """Width of a stored pixel divided by its height, from the resolution in the file; 1 where it says nothing."""
    info = picture.info
    if info.get("jfif_unit") == 0 and "jfif_density" in info:
        # Without a unit JFIF's two numbers are the aspect ratio itself, not a resolution (JFIF 1.02, APP0).
        across, down = info["jfif_density"]
        if (across, down) == picture.size:
            notes.append("pixel aspect ratio ignored: it is the size of the picture")
            return 1.0
    elif "aspect" in info:
        down, across = info["aspect"]
    else:
        down, across = info.get("dpi", (1, 1))
    try:
        aspect = float(across) / float(down)
    except (TypeError, ValueError, ZeroDivisionError):
        return 1.0
    return aspect if math.isfinite(aspect) and aspect > 0 else 1.0
