"""What a JPEG file says about its rounding, JPEG files that are damaged or lack their end, and JPEG files in a row."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mfrec.imageio.dc_chain import is_broken
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

BEHIND = b"\xa7\x55" * 24
"""What is put behind the coded data; a whole picture is complete before it."""

DAMAGED = ("error count", "error y=", "error dc", "overread", "dc error")
"""How FFmpeg's decoder begins to speak of coded data that make no sense; it also says what it cannot do itself."""


LIMITED = b"CS=ITU601"
"""A comment by which FFmpeg's encoder says that the samples of a JPEG use the limited range of video."""


def has_limited_range(picture: ImageFile.ImageFile) -> bool:
    """Whether an opened picture is a JPEG that says that its samples use the limited range."""
    parts: list[tuple[str, bytes]] = getattr(picture, "applist", [])
    return picture.mode in ("RGB", "L", "YCbCr") and any(
        kind == "COM" and part.startswith(LIMITED) for kind, part in parts
    )


def expanded(tables: JpegTables) -> JpegTables:
    """The tables of a picture whose limited range is expanded, which spreads the steps too."""
    return replace(tables, luma=tables.luma * np.float32(255 / 219), chroma=tables.chroma * np.float32(255 / 224))


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
    Changed bytes that are codes of another picture are found where too many or too few are left for it. What follows
    the picture in its file (a second one, a phone's film or notes) is nothing of it.
    """
    data = data[: _own_end(data)]
    shown, messages = _decoded(data)
    reasons = [text for text in messages if text.startswith(DAMAGED)]
    if shown:
        reasons += filter(None, [untold_damage(data, shown)])
    if _restarts_out_of_order(data):
        reasons.append(OUT_OF_ORDER)
    if _scans_missing(data):
        reasons.append(COARSE)
    return reasons[0] if reasons else ""


OUT_OF_ORDER = "the restart markers in its coded data are not in their order"
"""Reason of a picture whose decoders go on at a wrong place, or leave a part grey."""

COARSE = "scans are missing that would make it finer"
"""Reason of a progressive picture that was cut off between two of its scans, and of a sequential one without all of
its components."""

LEFT_OVER = "the coded data go on after the picture is complete"
READ_ON = "the coded data end before the picture is complete"


def _markers(data: bytes) -> Iterator[tuple[int, int]]:
    """The markers of the first picture of a JPEG file and where each lies (ITU-T T.81, B.1.1).

    They end with that of the picture's end, or where damage breaks their row. Restart markers are not among them.
    """
    at = 2
    while at < len(data) - 1 and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a filling byte
            at += 1
            continue
        yield marker, at
        if marker == 0xD9:
            return
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA:
            found = SCAN_END.search(data, at)
            if found is None:
                return
            at = found.start()


SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
"""What ends coded data: 0xFF stands for itself with 0 behind it, and begins a restart marker with 0xD0 to 0xD7."""


def _own_end(data: bytes) -> int:
    """Where the first picture of a JPEG file ends; where that cannot be told, the last end of any picture in it."""
    last = max(_markers(data), key=lambda found: found[1], default=(0, 0))
    if last[0] == 0xD9:
        return last[1] + len(END)
    found = data.rfind(END)
    return len(data) if found < 0 else found + len(END)


def _restarts_out_of_order(data: bytes) -> bool:
    """Whether the restart markers of a scan do not count 0 to 7 again and again (ITU-T T.81, F.1.1.5.2)."""
    expected = 0
    for found in SCAN_MARKER.finditer(data, next((at for marker, at in _markers(data) if marker == 0xDA), len(data))):
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


SCAN_MARKER = re.compile(rb"\xff[\xd0-\xd7\xd9\xda]")
"""A restart, the beginning of a scan or the end, in coded data."""


def _scans_missing(data: bytes) -> bool:
    """Whether coefficients of some component do not come to their last bit (ITU-T T.81, B.2.3 and G.1.1.1)."""
    lowest: dict[int, NDArray[np.int64]] = {}
    ended = False
    for marker, at in _markers(data):
        body = data[at + 4 : at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")]
        if marker in (0xC0, 0xC1, 0xC2) and len(body) > 5:
            lowest = {body[6 + 3 * k]: np.full(64, 14) for k in range(min(body[5], (len(body) - 6) // 3))}
        elif marker == 0xDA and len(body) >= 4 + 2 * body[0]:
            first, last, bits = body[1 + 2 * body[0] :][:3]
            for component in body[1 : 1 + 2 * body[0] : 2]:
                if component in lowest:
                    lowest[component][first : last + 1] = bits & 15
        ended |= marker == 0xD9
    # A row of markers that breaks before the end says nothing of the scans behind.
    return ended and any(left.any() for left in lowest.values())


def untold_damage(data: bytes, shown: Sequence[NDArray[Any]]) -> str:
    """What is wrong with a JPEG file of which decoders say nothing; empty where nothing tells.

    Args:
        data, shown: see :func:`ends_wrong`.
    """
    return ends_wrong(data, shown) or (OFF if is_broken(shown) else "")


OFF = "from some block on it is lighter, darker or of another colour than it was coded"
"""Reason of a picture whose blocks' means are off by the same amount."""


def ends_wrong(data: bytes, shown: Sequence[NDArray[Any]]) -> str:
    """Why a JPEG file's coded data are not those of its picture by where they end; empty where nothing tells.

    Damage makes some codes shorter or longer, and the decoder finds its way back into step too early or too late.

    Args:
        data: the file.
        shown: the planes of its picture as FFmpeg decodes it.
    """
    kind = next((marker for marker, _ in _markers(data) if marker in FRAMES), 0)
    if not shown or kind not in (0xC0, 0xC1, 0xC2):
        return ""
    end = data.rfind(END)
    end = len(data) if end < 0 else end
    while end and data[end - 1] == 0xFF:
        end -= 1
    # By itself the first of two fields is a picture of another size than the frame that both of them are.
    planes_then, _ = _decoded(data[:end] + BEHIND + data[end:])
    if planes_then is None or _same(shown, planes_then):
        return LEFT_OVER if kind != 0xC2 and _left_over(data, shown, end) else ""
    planes_alone, _ = _decoded(data)
    return READ_ON if planes_alone is not None and _same(shown, planes_alone) else ""


def _same(ones: Sequence[NDArray[Any]], others: Sequence[NDArray[Any]]) -> bool:
    return len(ones) == len(others) and all(map(np.array_equal, ones, others))


FRAMES = tuple(marker for marker in range(0xC0, 0xD0) if marker not in (0xC4, 0xC8, 0xCC))
"""Markers of the frame header, which say how a JPEG file is coded."""


def _left_over(data: bytes, shown: Sequence[NDArray[Any]], end: int) -> bool:
    """Whether the picture of a sequential JPEG file is complete before its coded data end.

    Other bytes in the place of the last ones then leave it as it is.
    """
    while end and data[end - 1] in (0, 0xFF):  # these may fill up the data
        end -= 1
    for other in OTHERS:
        changed = bytearray(data)
        for at in range(max(1, end - LAST), end):
            # Neither a marker comes into being nor one goes.
            if data[at] != 0xFF and data[at - 1] != 0xFF:
                changed[at] ^= other if data[at] ^ other != 0xFF else other ^ 1
        planes_then, _ = _decoded(bytes(changed))
        if planes_then is None or not _same(shown, planes_then):
            return False
    return True


def upper_field_first(packets: Iterable[bytes]) -> bool:
    """Whether the first of the two JPEG files in each packet of interlaced Motion JPEG has the upper lines.

    FFmpeg takes the lower ones for the first in an AVI file, whatever that says, and pairs of lines are exchanged then.
    In the right order a line is more like the next one.
    """
    above = below = 0.0
    for packet in packets:
        end = _own_end(packet)
        (one, _), (other, _) = _decoded(packet[:end]), _decoded(packet[max(packet.find(b"\xff\xd8", end), end) :])
        if one and other and one[0].shape == other[0].shape:
            first, second = one[0].astype(np.int32), other[0].astype(np.int32)
            above += float(np.abs(second[:-1] - first[1:]).mean())
            below += float(np.abs(first[:-1] - second[1:]).mean())
    return above < below


def _decoded(data: bytes) -> tuple[list[NDArray[Any]] | None, list[str]]:
    """The planes of a JPEG file, None where FFmpeg gives no picture, and what it says of damage."""
    from av import CodecContext, Packet
    from av.error import FFmpegError

    from mfrec.imageio.damage import listening
    from mfrec.imageio.ycbcr import planes_of_any_colours

    decoder = CodecContext.create("mjpeg", "r")
    decoder.thread_count = 1
    frames: list[Any] = []
    with listening() as messages:
        try:
            frames += decoder.decode(Packet(data))
            frames += decoder.decode(None)
        except (FFmpegError, ValueError):
            pass
    return ([plane.copy() for plane in planes_of_any_colours(frames[0])] if frames else None), messages


def unusual(data: bytes) -> str | None:
    """The name of a kind of JPEG that Pillow does not know, None for the usual ones and for what is no JPEG."""
    if not data.startswith(b"\xff\xd8"):
        return None
    for marker, at in _markers(data):
        if marker == 0xF7:
            return "a JPEG-LS picture"
        if marker in FRAMES:
            if marker in (0xC3, 0xC7, 0xCB, 0xCF):
                return "a lossless JPEG"
            if data[at + 4 : at + 5] != b"\x08":
                return f"a JPEG of {int.from_bytes(data[at + 4 : at + 5])} bits a sample"
            return "a JPEG whose header does not say its height" if data[at + 5 : at + 7] == b"\0\0" else None
    return None


IN_FRONT = 1 << 10
"""Bytes before a JPEG file that are taken for what a transfer left there; behind more of them it may be a thumbnail."""


def begins_later(data: bytes) -> int:
    """Where a JPEG file begins that has something else in front of it; 0 where none does near the beginning."""
    return max(0, data.find(b"\xff\xd8\xff", 0, IN_FRONT))


def another_follows(data: bytes) -> bool:
    """Whether a second JPEG file begins where the first one ends, as in a raw Motion JPEG stream.

    Up to :data:`PADDING` zeros between them do not count. What an MPO file's index points at follows too.
    """
    end = _own_end(data)
    return data[end : end + PADDING].lstrip(b"\0").startswith(b"\xff\xd8\xff")
