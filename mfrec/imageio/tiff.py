"""TIFF pages of more than 8 bits a sample, and where the pages of a file lie.

Pillow reads what has 8 bits or fewer; of deeper samples it keeps 8, and it mistakes planes and inverted grey.
"""

from __future__ import annotations

import io
import logging
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mfrec.imageio.jpeg import damage_of
from mfrec.imageio.limits import size_reason
from mfrec.imageio.reading import RefusedError, over_grey
from mfrec.types import FloatArray

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB = 0, 1, 2
"""PhotometricInterpretation of pages that are read here (TIFF 6.0, section 8)."""

UNSIGNED, FLOAT, UNDEFINED = 1, 3, 4
"""SampleFormat of pages that are read (TIFF 6.0, section 19)."""

DEFLATED = (8, 32946)
"""Compression of pages whose samples are zlib streams (Adobe's and the older code)."""

JPEG = 7
"""Compression of pages whose strips or tiles are JPEG files (TIFF, technical note 2)."""

REDUCED, MASK = 1, 4
"""Bits of NewSubfileType: a thumbnail, a transparency mask."""


@contextmanager
def tiff_file(data: bytes) -> Iterator[TiffFile]:
    """Open a TIFF file; what is odd about it is not written to the terminal."""
    from tifffile import TiffFile

    logger = logging.getLogger("tifffile")
    before, logger.disabled = logger.disabled, True
    try:
        with TiffFile(io.BytesIO(data)) as file:
            yield file
    finally:
        logger.disabled = before


TWELVE_BITS = 2**12
"""Samples of 16 bits that all lie below this are suspected to be of 12: scientific cameras store them so, unmarked."""


def picture_pages(data: bytes) -> list[int]:
    """The numbers of the pages that are pictures of their own: no thumbnails, no masks.

    Raises:
        ValueError: the file has no page; what says where it lies comes last in many files, and is lost with the end.
        One of DECODER_ERRORS: the file is damaged.
    """
    with tiff_file(data) as file:
        if not len(file.pages):
            raise ValueError("it says of no page where it lies; the end of the file is missing")
        return [n for n, page in enumerate(file.pages) if not int(page.aspage().subfiletype) & (REDUCED | MASK)]


def pages_are_lost(data: bytes) -> bool:
    """Whether the last page that is there points at another one: the row of pages was cut off."""
    with tiff_file(data) as file:
        last, layout = file.pages[len(file.pages) - 1].aspage().offset, file.tiff
        at = last + layout.tagnosize
        (entries,) = struct.unpack(layout.tagnoformat, data[last:at])
        at += entries * layout.tagsize
        return any(data[at : at + layout.offsetsize])


@dataclass(frozen=True)
class PageHeader:
    """What a page says beside its samples.

    Attributes:
        orientation: 1 to 8, as EXIF counts them.
        aspect: width of a stored pixel divided by its height.
        profile: an ICC profile, or None.
        damage: what is wrong with its compressed samples; empty where nothing tells.
        without_header: how many more pictures follow the samples of this one, which is the only page, and have no page
            of their own, as ImageJ stores large stacks and microscopes store volumes.
    """

    orientation: int
    aspect: float
    profile: bytes | None
    without_header: int
    damage: str = ""


def page_of(data: bytes, number: int) -> PageHeader:
    """The header of a page; what is missing or makes no sense there counts as not said.

    Raises:
        RefusedError: samples that are not understood.
    """
    with tiff_file(data) as file:
        page = file.pages[number].aspage()
        tags = page.tags
        stacked = int((file.imagej_metadata or {}).get("images", 1)) if file.is_imagej and len(file.pages) == 1 else 1
        stacked = max(stacked, int(page.imagedepth))
        if int(page.sampleformat) not in (UNSIGNED, FLOAT, UNDEFINED):
            raise RefusedError(
                f"a TIFF page of signed or complex samples of {page.bitspersample} bits, whose black and white are not "
                "known; save it with unsigned samples"
            )
        orientation, across, down = tags.valueof(274, 1), tags.valueof(282), tags.valueof(283)
        profile = tags.valueof(34675)
        damage = _damage(page, data)
    try:
        # Pixels to a unit, as fractions: the more there are, the narrower is one.
        aspect = (down[0] / down[1]) / (across[0] / across[1])
    except (TypeError, LookupError, ZeroDivisionError):
        aspect = 1.0
    return PageHeader(
        orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1,
        aspect if math.isfinite(aspect) and aspect > 0 else 1.0,
        bytes(profile) if isinstance(profile, bytes) else None,
        stacked - 1,
        damage,
    )


def _damage(page: TiffPage, data: bytes) -> str:
    """What is wrong with the samples of a page that are deflated, by the checksum that these have, or JPEG files."""
    parts = (data[at : at + count] for at, count in zip(page.dataoffsets, page.databytecounts, strict=True))
    if int(page.compression) in DEFLATED:
        for part in parts:
            try:
                zlib.decompress(part)
            except zlib.error:
                return "the checksum of its deflated samples is not theirs"
    elif int(page.compression) == JPEG:
        # The tables that all parts have in common are a file of their own, with a beginning and an end.
        tables = bytes(page.jpegtables or b"")[:-2]
        return next(filter(None, (damage_of(tables + part[2 if tables else 0 :]) for part in parts)), "")
    return ""


def deep_page(data: bytes, number: int, notes: list[str]) -> FloatArray | None:
    """A page of more than 8 bits a sample as ``[H, W, 3]`` in [0, 1], as stored; None where it has 8 or fewer.

    Raises:
        RefusedError: a layout that is not understood.
        One of DECODER_ERRORS: the file is damaged.
    """
    with tiff_file(data) as file:
        page = file.pages[number].aspage()
        bits = page.bitspersample
        if int(bits) <= 8:
            return None
        reason = size_reason(page.imagewidth, page.imagelength)
        if reason is not None:
            raise RefusedError(reason)
        kind = int(page.photometric)
        channels = int(page.samplesperpixel)
        if kind not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB) or channels not in {RGB: (3, 4)}.get(kind, (1, 2)):
            raise RefusedError(
                f"a TIFF page of {channels} samples of {bits} bits with photometric interpretation {kind}; grey and "
                "RGB are read"
            )
        samples = _samples(page, data, number)
    scaled = _scaled(samples, bits, notes)
    if kind == WHITE_IS_ZERO:
        scaled = 1 - scaled
        notes.append("white is zero, inverted")
    colour = np.repeat(scaled[..., :1], 3, axis=2) if kind != RGB else scaled[..., :3]
    if channels in (2, 4) and int(page.extrasamples[0]) in (1, 2):
        alpha = scaled[..., -1:]
        if int(page.extrasamples[0]) == 1:
            colour = np.clip(colour / np.maximum(alpha, 1e-6), 0, 1)
        return over_grey(np.concatenate([colour, alpha], axis=2).astype(np.float32), notes)
    return np.ascontiguousarray(colour)


def _scaled(samples: NDArray[Any], bits: int, notes: list[str]) -> FloatArray:
    """``[H, W, C]`` samples to [0, 1]."""
    grey = "grey, " if samples.shape[2] < 3 else ""
    low, high = samples.min(), samples.max()
    if samples.dtype.kind == "f":
        if not (low >= 0 and high <= 1):
            raise RefusedError(f"floating-point samples from {low:.6g} to {high:.6g}; they must be in [0, 1]")
        notes.append(f"{grey}floating point")
        return samples.astype(np.float32)
    # Whole numbers of 32 bits are scaled as 16: such files hold 16-bit data in a wider field.
    top = 2 ** min(bits, 16) - 1
    if low < 0 or high > top:
        raise RefusedError(f"whole-number samples from {low} to {high}; at most 16 bits are understood")
    notes.append(f"{grey}{min(bits, 16)} bit")
    if bits >= 16 and high < TWELVE_BITS:
        notes.append(
            "no sample above 4095: perhaps 12 bits in 16, and then 16 times too dark; --levels shows it stretched"
        )
    return samples.astype(np.float32) / np.float32(top)


def _samples(page: TiffPage, data: bytes, number: int) -> NDArray[Any]:
    """``[H, W, C]`` as stored, planes put together."""
    bits = int(page.bitspersample)
    if bits in (16, 32, 64):
        try:
            samples = page.asarray()
        except (ValueError, ImportError) as error:
            # tifffile alone knows no LZW, and Zstandard in a later Python only.
            if isinstance(error, ValueError) and "imagecodecs" not in str(error):
                raise
            return _by_opencv(page, data, number)
        if page.planarconfig == 2 and page.samplesperpixel > 1:
            samples = np.moveaxis(samples, 0, -1)
        return samples.reshape(page.imagelength, page.imagewidth, page.samplesperpixel)
    return _packed(page, data)


def _by_opencv(page: TiffPage, data: bytes, number: int) -> NDArray[Any]:
    """A compressed page, where it is of the kinds that OpenCV reads right: pixel after pixel, black is zero."""
    import cv2

    channels = int(page.samplesperpixel)
    if page.planarconfig == 1 and int(page.photometric) != WHITE_IS_ZERO and channels in (1, 3, 4):
        _, found = cv2.imdecodemulti(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED, range=(number, number + 1))
        if found and found[0].dtype.itemsize * 8 == page.bitspersample:
            samples = found[0].reshape(page.imagelength, page.imagewidth, channels)
            return samples[..., [2, 1, 0, *range(3, channels)]] if channels > 1 else samples
    raise _not_read(page)


def unread(data: bytes, number: int) -> RefusedError:
    """Why a page is refused whose kind Pillow does not know."""
    with tiff_file(data) as file:
        return _not_read(file.pages[number].aspage())


def _not_read(page: TiffPage) -> RefusedError:
    compression, kind = (getattr(code, "name", code) for code in (page.compression, page.photometric))
    return RefusedError(
        f"a TIFF page of {page.samplesperpixel} samples of {page.bitspersample} bits ({kind}), compressed by "
        f"{compression}, is not read; save it without compression"
    )


def _packed(page: TiffPage, data: bytes) -> NDArray[np.uint16]:
    """Samples of 9 to 15 bits, packed from the highest bit on, every row beginning with a byte (TIFF 6.0)."""
    bits = int(page.bitspersample)
    plain = int(page.compression) == 1 and page.planarconfig == 1 and page.fillorder == 1 and page.sampleformat == 1
    if not plain or page.is_tiled:
        raise RefusedError(f"a TIFF page of {bits} bits a sample is read without compression, tiles and planes only")
    row = page.imagewidth * page.samplesperpixel
    length = -(-row * bits // 8)
    # Not what tifffile makes of them: it expects whole bytes.
    offsets, counts = np.atleast_1d(page.tags.valueof(273)), np.atleast_1d(page.tags.valueof(279))
    stored = b"".join(data[at : at + count] for at, count in zip(offsets, counts, strict=True))
    if len(stored) < length * page.imagelength:
        raise ValueError(f"{len(stored)} bytes of samples, {length * page.imagelength} expected")
    packed = np.frombuffer(stored, np.uint8, length * page.imagelength).reshape(page.imagelength, length)
    ones = np.unpackbits(packed, axis=1)[:, : row * bits].reshape(page.imagelength, row, bits)
    samples = ones @ (1 << np.arange(bits - 1, -1, -1, dtype=np.uint16))
    return samples.astype(np.uint16).reshape(page.imagelength, page.imagewidth, page.samplesperpixel)
