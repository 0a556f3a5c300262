"""Picture files: sample depths, palettes, alpha, EXIF, resolution, and the tables of a JPEG."""

from __future__ import annotations

import io
import math
import re
import struct
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mfrec.errors import NoFramesError
from mfrec.imageio.limits import MAX_FILE_BYTES, MAX_PIXELS, size_reason
from mfrec.imageio.reading import Findings, digests, finished, listed, over_grey, shown, square_pixels
from mfrec.pipeline import Progress
from mfrec.types import Dropped, FloatArray, Frame, JpegTables

if TYPE_CHECKING:
    from PIL import ImageFile

PICTURE_FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP", "PPM", "GIF", "JPEG2000", "AVIF")
"""What Pillow may open; JPEG includes the MPO files of some cameras. Formats that run a program (EPS) or have no
signature (TGA) are not among them."""

PICTURE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".tif", ".tiff", ".bmp", ".dib", ".webp"),
    *(".pbm", ".pgm", ".ppm", ".pnm", ".jp2", ".j2k", ".avif"),
)

DECODER_ERRORS = (
    *(OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, ArithmeticError),
    *(struct.error, zlib.error),
)
"""What Pillow raises on damaged files."""

ORIENTATIONS = {
    1: (False, False, False),
    2: (False, True, False),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}
"""EXIF orientation to what makes the picture upright: transpose first, then mirror x, then mirror y."""


class RefusedError(ValueError):
    """A picture beyond the limits, or one that was decoded but not understood; the text is the reason."""


def open_picture(file: Any) -> ImageFile.ImageFile:
    """Open with the allowed formats and read no more than the header.

    Raises:
        RefusedError: Pillow's own guard against decompression bombs speaks up.
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
            raise RefusedError(f"{count} pixels; at most {MAX_PIXELS // 1_000_000} million are read") from None


def picture_frames(files: Sequence[Path], findings: Findings, progress: Progress) -> Iterator[Frame]:
    """Picture files as frames, one after the other.

    Raises:
        NoFramesError: at the end, where none could be used.
    """
    used = False
    for index, path in enumerate(files):
        name = shown(path, whole=False)
        try:
            frame = _read_picture(path, index)
        except RefusedError as error:
            findings.dropped.append(Dropped(name, str(error), index))
        except PermissionError:
            findings.dropped.append(Dropped(name, "cannot be opened: permission denied", index))
        except DECODER_ERRORS as error:
            findings.dropped.append(Dropped(name, _damage(error), index))
        else:
            used = True
            findings.compare(name, frame.image.shape, [frame.image])
            yield frame
        progress("read", index + 1, len(files))
    if not used:
        raise NoFramesError(f"none of {len(files)} pictures can be used{listed(findings.dropped)}")


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
        RefusedError: with a reason for the record.
        One of DECODER_ERRORS: what the decoder raised.
    """
    size = path.stat().st_size
    if size == 0:
        raise RefusedError("the file is empty (0 bytes)")
    if size > MAX_FILE_BYTES:
        raise RefusedError(f"the file has {size // 2**20} MiB; at most {MAX_FILE_BYTES // 2**20} are read")
    # Hash and picture come from the same bytes, even if somebody changes the file meanwhile.
    data = path.read_bytes()
    with open_picture(io.BytesIO(data)) as picture:
        reason = size_reason(picture.width, picture.height)
        if reason is not None:
            raise RefusedError(reason)
        notes: list[str] = []
        pages = getattr(picture, "n_frames", 1)
        if pages > 1 and picture.format != "MPO":
            notes.append(f"the first of {pages} pictures in the file")
        if "icc_profile" in picture.info:
            notes.append("embedded colour profile not applied")
        # Asked for before decoding: Pillow turns a TIFF upright while loading and then forgets that it did.
        orientation = _orientation(picture, notes) if picture.format == "TIFF" else 1
        image = _decoded(picture, data, notes)
        tables = jpeg_tables(picture)
        if picture.format != "TIFF":
            orientation = _orientation(picture, notes)
            image = _upright(image, orientation)
            tables = _upright_tables(tables, orientation, image.shape[1], image.shape[0])
        if orientation != 1:
            notes.append(f"EXIF orientation {orientation} applied")
        aspect = _density_aspect(picture)
    if ORIENTATIONS[orientation][0]:
        aspect = 1 / aspect
    stretched = square_pixels(image, aspect, notes)
    if stretched is not image:
        tables = None
    return Frame(
        finished(stretched), index, shown(path, whole=False), path, *digests([data]), jpeg=tables, notes=tuple(notes)
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
    """JPEG tables of the upright picture, whose size in pixels is ``width x height``.

    Mirroring changes the sign of odd coefficients only, so the steps stay; transposing exchanges the frequencies.
    The file counts its blocks from the stored picture's corner and pads the last one. Where that side is mirrored, the
    cut block comes first and the others follow it.
    """
    if tables is None:
        return None
    transpose, mirror_x, mirror_y = ORIENTATIONS[orientation]
    luma, chroma, (across, down) = tables.luma, tables.chroma, tables.subsampling
    if transpose:
        luma, chroma, across, down = luma.T, chroma.T, down, across
    phase = width % 8 if mirror_x else 0, height % 8 if mirror_y else 0
    return JpegTables(luma, chroma, (across, down), phase)


def jpeg_tables(picture: ImageFile.ImageFile) -> JpegTables | None:
    """Quantisation of an opened JPEG with Y, Cb and Cr, or Y alone (whose table then stands for both).

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
        return over_grey(samples.astype(np.float32) / np.float32(255), notes)
    samples = np.asarray(picture if mode == "RGB" else picture.convert("RGB"))
    return samples.astype(np.float32) / np.float32(255)


def _decoded_deep(data: bytes, notes: list[str]) -> FloatArray | None:
    """Decode a 16-bit colour picture with OpenCV, None where OpenCV sees no more than 8 bits in it."""
    import cv2

    samples = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None:
        raise RefusedError("damaged, cannot be decoded: the 16-bit samples are incomplete")
    if samples.dtype != np.uint16 or samples.ndim != 3:
        return None
    notes.append("16 bit")
    scaled = samples.astype(np.float32) / np.float32(65535)
    if samples.shape[2] == 4:
        return over_grey(scaled[..., [2, 1, 0, 3]], notes)
    return scaled[..., ::-1]


def _grey_image(samples: NDArray[Any], notes: list[str]) -> FloatArray:
    """``[H, W]`` samples of a 16-bit, 32-bit or floating-point grey picture to ``[H, W, 3]``."""
    low, high = samples.min(), samples.max()
    if samples.dtype.kind == "f":
        if not (low >= 0 and high <= 1):
            raise RefusedError(f"floating-point samples from {low:.6g} to {high:.6g}; they must be in [0, 1]")
        notes.append("grey, floating point")
        scaled = samples.astype(np.float32)
    else:
        if low < 0 or high > 65535:
            raise RefusedError(f"whole-number samples from {low} to {high}; at most 16 bits are understood")
        notes.append("grey, 16 bit")
        scaled = samples.astype(np.float32) / np.float32(65535)
    return np.repeat(scaled[..., None], 3, axis=2)


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
