"""Which picture files are opened, by their content, and what their decoders raise."""

from __future__ import annotations

import re
import struct
import warnings
import zlib
from typing import TYPE_CHECKING, Any

from mfrec.imageio.limits import MAX_PIXELS
from mfrec.imageio.reading import RefusedError

if TYPE_CHECKING:
    from PIL import ImageFile

PICTURE_FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP", "PPM", "GIF", "JPEG2000", "AVIF")
"""What Pillow may open; JPEG includes the MPO files of some cameras. Formats that run a program (EPS) or have no
signature (TGA) are not among them."""

PICTURE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".tif", ".tiff", ".bmp", ".dib", ".webp"),
    *(".pbm", ".pgm", ".ppm", ".pnm", ".jp2", ".j2k", ".avif", ".avifs", ".heic", ".heif", ".hif", ".heics", ".heifs"),
)

DECODER_ERRORS = (
    *(OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, ArithmeticError, RuntimeError, MemoryError),
    *(AttributeError, AssertionError, struct.error, zlib.error),
)
"""What Pillow, tifffile and libheif raise on damaged files."""

HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1", b"mif2")
"""Of an ISO base media file that holds still pictures (ISO/IEC 23008-12, annex B); AVIF has its own."""


FOREIGN = (
    (0, b"8BPS", "a Photoshop file"),
    (0, b"v/1\x01", "an OpenEXR picture"),
    (0, b"#?RADIANCE", "a Radiance HDR picture"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture"),
    (8, b"CR\x02\0", "a camera's raw file (CR2)"),
    (4, b"ftypcrx ", "a camera's raw file (CR3)"),
    (0, b"IIRO", "a camera's raw file (ORF)"),
    (0, b"IIU\0", "a camera's raw file (RW2)"),
    (0, b"FUJIFILMCCD-RAW", "a camera's raw file (RAF)"),
    (0, b"SDPX", "a DPX picture"),
    (0, b"XPDS", "a DPX picture"),
    (0, b"SIMPLE  =", "a FITS picture"),
    (0, b"\x01\xda", "an SGI picture"),
    (0, b"qoif", "a QOI picture"),
    (0, b"P7\n", "a PAM picture"),
    (0, b"\0\0\x01\0", "an icon"),
    (12, b"CgBI", "an iPhone program's PNG"),
    (128, b"DICM", "a DICOM file"),
    (0, b"%!PS", "a PostScript document"),
    (0, b"%PDF", "a PDF document"),
    (0, b"#EXTM3U", "a play list"),
    (0, b"ffconcat", "a play list"),
    (0, b"II\xbc", "a JPEG XR picture"),
    (0, b"BPG\xfb", "a BPG picture"),
    (0, b"DDS ", "a DDS picture"),
    (0, b"gimp xcf", "a GIMP file"),
    (0, b"FOVb", "a camera's raw file (X3F)"),
    (0, b"\0MRM", "a camera's raw file (MRW)"),
    (0, b"<svg", "an SVG drawing"),
    (0, b"<?xml", "a text (XML)"),
    (0, b"<!DOCTYPE", "a web page"),
    (0, b"<!doctype", "a web page"),
    (0, b"<html", "a web page"),
    (0, b"AT&TFORM", "a DjVu document"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an office document or a store of thumbnails"),
    (0, b"PK\x03\x04", "an archive or an office document"),
    (0, b"Rar!\x1a\x07", "an archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "an archive"),
    (0, b"\x1f\x8b", "an archive"),
    (0, b"BZh", "an archive"),
    (0, b"\xfd7zXZ\0", "an archive"),
    (0, b"\x28\xb5\x2f\xfd", "an archive"),
    (0, b"MSCF", "an archive"),
    (257, b"ustar", "an archive"),
    (0, b"EVF\x09\x0d\x0a\xff\x00", "a disk image (E01)"),
    (0, b"LVF\x09\x0d\x0a\xff\x00", "a disk image (L01)"),
    (0, b"ADSEGMENTEDFILE", "a disk image (AD1)"),
    (0, b"MZ", "a program"),
    (0, b"ID3", "a sound recording"),
    (8, b"WAVEfmt ", "a sound recording"),
    (0, b"\xd4\xc3\xb2\xa1", "a capture of a network (pcap)"),
    (0, b"\xa1\xb2\xc3\xd4", "a capture of a network (pcap)"),
    (0, b"\x4d\x3c\xb2\xa1", "a capture of a network (pcap)"),
    (0, b"\n\r\r\n", "a capture of a network (pcapng)"),
    (4, b"styp", "a segment of a streamed film without its beginning"),
    (4, b"sidx", "a segment of a streamed film without its beginning"),
    (4, b"moof", "a segment of a streamed film without its beginning"),
)
"""Files that cases hold and that are not read: where in the file, by which bytes, and what they are."""

TAKE_OUT = "take out what it holds"

ADVICE = {
    "archive": TAKE_OUT,
    "disk": TAKE_OUT,
    "document": TAKE_OUT,
    "list": "give the files that it names",
    "web page": "its address was saved and not the file, or a download failed: fetch the file itself",
    "text": "give the recording or the pictures that belong to it",
    "program": "some recorders export one that plays a recording: export that from it as a video",
    "sound": "give the recording that has the pictures",
    "network": "the program that captured it can export what was sent as a video",
    "segment": "put its first file (init) and all segments behind each other in one file",
}
"""What would do, by a word in what a file is; a picture can be exported otherwise."""

HEAD = 264
"""Bytes of a file that tell its format."""


def foreign(head: bytes) -> str | None:
    """What a file is that begins so and is not read, with what would do instead; None for all others."""
    for at, mark, what in FOREIGN:
        if head[at : at + len(mark)] == mark:
            use = next((advice for word, advice in ADVICE.items() if word in what), "export it as PNG or TIFF")
            return f"{what}, which is not read; {use}"
    if head and not any(head):
        return "a file that begins with zeros alone, as after a copy or a recovery that failed; ask for the original"
    return None


def is_tiff(head: bytes) -> bool:
    """Whether a file that begins so is a TIFF or a BigTIFF."""
    return head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


AVIF_BRANDS = (b"avif", b"avis")
"""Of an ISO base media file that holds AVIF pictures, or an animation of them (AVIF 1.1, 6)."""


def _brands(head: bytes) -> set[bytes]:
    """The brands of an ISO base media file that begins so; none of other files."""
    if head[4:8] != b"ftyp":
        return set()
    size = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[at : at + 4] for at in (8, *range(16, size, 4))}


def is_avif(head: bytes) -> bool:
    """Whether a file that begins so holds AVIF pictures."""
    return not _brands(head).isdisjoint(AVIF_BRANDS)


def is_heif(head: bytes) -> bool:
    """Whether a file that begins so holds HEIF pictures (and is no AVIF)."""
    return not is_avif(head) and not _brands(head).isdisjoint(HEIF_BRANDS)


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
