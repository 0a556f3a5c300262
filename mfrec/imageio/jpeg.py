"""What a JPEG file says about its rounding, JPEG files that are damaged or lack their end, and JPEG files in a row."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mfrec.imageio.formats import open_picture
from mfrec.types import JpegTables

if TYPE_CHECKING:
    from PIL import ImageFile

END = b"\xff\xd9"
"""The marker at the end of every JPEG file."""

LAST, OTHERS = 8, (0x2A, 0x55)
"""Bytes at the end of the coded data that are changed, and by what; recorders leave one or two behind a picture."""

PADDING = 1 << 16
"""Bytes of zeros between JPEG files in a row, at most: recorders fill up sectors."""

DAMAGED = ("error count", "error y=", "error dc", "overread", "dc error")
"""How FFmpeg's decoder begins to speak of coded data that make no sense; it also says what it cannot do itself."""


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


def with_its_end(data: bytes) -> bytes | None:
    """A JPEG file that lacks nothing but its end, completed; None where part of the picture is missing too.

    Other bytes in the place of the missing end change the picture if, and only if, the decoder still waits for some.
    """
    completed = data + END
    with open_picture(io.BytesIO(completed)) as one, open_picture(io.BytesIO(data + b"\x55" * 4096 + END)) as other:
        return completed if np.array_equal(np.asarray(one), np.asarray(other)) else None


def damage_of(data: bytes) -> str:
    """What makes no sense in the coded data of a JPEG file; empty where nothing is found.

    Pillow shows a damaged picture without a word: libjpeg calls a wrong code a warning. FFmpeg's decoder speaks.
    Changed bytes that are codes of another picture are found where too many or too few are left for it.
    """
    shown, messages = _decoded(data)
    if shown is not None and left_over(data, shown):
        messages.append(LEFT_OVER)
    if _restarts_out_of_order(data):
        messages.append(OUT_OF_ORDER)
    return next((text for text in messages if text.startswith((*DAMAGED, LEFT_OVER, OUT_OF_ORDER))), "")


OUT_OF_ORDER = "the restart markers in its coded data are not in their order"
"""Reason of a picture whose decoders go on at a wrong place, or leave a part grey."""


def _restarts_out_of_order(data: bytes) -> bool:
    """Whether the restart markers of a scan do not count 0 to 7 again and again (ITU-T T.81, F.1.1.5.2)."""
    expected = 0
    for found in SCAN_MARKER.finditer(data, _first_scan(data)):
        marker = found[0][1]
        if marker == 0xD9:
            break
        if not 0xD0 <= marker <= 0xD7:
            expected = 0  # another scan begins
        elif marker - 0xD0 != expected:
            return True
        else:
            expected = (expected + 1) % 8
    return False


def _first_scan(data: bytes) -> int:
    """Where the first scan begins, behind what may hold a thumbnail's; the end where there is none."""
    at = 2
    while at < len(data) - 3 and data[at] == 0xFF:
        if data[at + 1] == 0xDA:
            return at
        at += 1 if data[at + 1] == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return len(data)


SCAN_MARKER = re.compile(rb"\xff[\xd0-\xd7\xd9\xda]")
"""A restart, the beginning of a scan or the end, in coded data."""

LEFT_OVER = "the coded data go on after the picture is complete"


def left_over(data: bytes, shown: Sequence[NDArray[Any]]) -> bool:
    """Whether the picture of a sequential JPEG file is complete before its coded data end.

    Other bytes in the place of the last ones then leave it as it is. Damage makes some codes shorter, and the decoder
    finds its way back into step too early in the picture.

    Args:
        data: the file.
        shown: the planes of its picture as FFmpeg decodes it.
    """
    if not shown or _frame_marker(data) not in (0xC0, 0xC1):
        return False
    end = data.rfind(END)
    end = len(data) if end < 0 else end
    while end and data[end - 1] in (0, 0xFF):  # these may fill up the data
        end -= 1
    for other in OTHERS:
        changed = bytearray(data)
        for at in range(max(1, end - LAST), end):
            # Neither a marker comes into being nor one goes.
            if data[at] != 0xFF and data[at - 1] != 0xFF:
                changed[at] ^= other if data[at] ^ other != 0xFF else other ^ 1
        planes_then, _ = _decoded(bytes(changed))
        if planes_then is None or not all(map(np.array_equal, shown, planes_then)):
            return False
    return True


def _decoded(data: bytes) -> tuple[list[NDArray[Any]] | None, list[str]]:
    """The planes of a JPEG file, None where FFmpeg gives no picture, and what it says of damage."""
    from av import CodecContext, Packet
    from av.error import FFmpegError

    from mfrec.imageio.damage import listening
    from mfrec.imageio.ycbcr import planes

    decoder = CodecContext.create("mjpeg", "r")
    decoder.thread_count = 1
    frames: list[Any] = []
    with listening() as messages:
        try:
            frames += decoder.decode(Packet(data))
            frames += decoder.decode(None)
        except (FFmpegError, ValueError):
            pass
    return ([plane.copy() for plane in planes(frames[0])] if frames else None), messages


def _frame_marker(data: bytes) -> int:
    """The marker of the frame header, which says how a JPEG file is coded; 0 where none is found."""
    at = 2
    while at < len(data) - 3 and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return marker
        at += 1 if marker == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return 0


def unusual(data: bytes) -> str | None:
    """The name of a kind of JPEG that Pillow does not know, None for the usual ones and for what is no JPEG."""
    at = 2 if data.startswith(b"\xff\xd8") else len(data)
    while at < len(data) - 9 and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xF7:
            return "JPEG-LS"
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            if marker in (0xC3, 0xC7, 0xCB, 0xCF):
                return "a lossless JPEG"
            if data[at + 4] != 8:
                return f"a JPEG of {data[at + 4]} bits a sample"
            return "a JPEG whose header does not say its height" if data[at + 5 : at + 7] == b"\0\0" else None
        at += 1 if marker == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def another_follows(data: bytes) -> bool:
    """Whether a second JPEG file begins where the first one ends, as in a raw Motion JPEG stream.

    Up to :data:`PADDING` zeros between them do not count. What an MPO file's index points at follows too.
    """
    at = 2
    while 0 <= at < len(data) - 4 and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xD9:
            return data[at + 2 : at + 2 + PADDING].lstrip(b"\0").startswith(b"\xff\xd8\xff")
        if marker == 0xFF:  # a filling byte
            at += 1
            continue
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA:
            # In entropy-coded data 0xFF stands for itself with 0 behind it, or begins a restart marker.
            at = data.find(b"\xff", at)
            while 0 <= at < len(data) - 1 and (data[at + 1] == 0 or 0xD0 <= data[at + 1] <= 0xD7):
                at = data.find(b"\xff", at + 2)
    return False
