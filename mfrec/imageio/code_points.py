"""What picture files say of their samples and Pillow passes over: colours by the codes of H.273, and depth."""

from __future__ import annotations

from typing import NamedTuple

from mfrec.imageio.colour import to_srgb
from mfrec.imageio.item_properties import main_properties
from mfrec.types import FloatArray


class CodePoints(NamedTuple):
    """Codes of H.273, tables 2 and 3, and whether the samples use their full range."""

    primaries: int
    transfer: int
    full: bool

    def to_srgb(self, image: FloatArray, notes: list[str]) -> FloatArray:
        """``[H, W, 3]`` RGB in [0, 1] of samples that were divided by the largest one, to sRGB.

        Raises:
            RefusedError: a transfer function that is not understood.
        """
        if not self.full:
            image = ((image * 255 - 16) / 219).clip(0, 1)
            notes.append("limited colour range expanded")
        return to_srgb(image, self.primaries, self.transfer, notes)


def code_points(kind: str | None, data: bytes, *, profile: bool) -> CodePoints | None:
    """What a file declares, None where it declares nothing or something else goes first.

    In a PNG the chunk ``cICP`` goes before an ICC profile, which goes before ``sRGB``, ``gAMA`` and ``cHRM`` (PNG,
    third edition, 4.3); in an AVIF an ICC profile goes before the codes, and the decoder has used those of range and
    matrix.

    Args:
        kind: Pillow's name of the format.
        data: the whole file.
        profile: whether it has an ICC profile.
    """
    if kind == "PNG":
        return _of_png(data)
    if kind == "AVIF" and not profile:
        # ISO/IEC 14496-12, 12.1.5.
        told = [box.body for box in main_properties(data) if box.kind == b"colr" and box.body[:4] == b"nclx"]
        if told and len(told[0]) >= 11:
            primaries, transfer = (int.from_bytes(told[0][k : k + 2], "big") for k in (4, 6))
            return CodePoints(primaries, transfer, full=True)
    return None


def stored_depth(kind: str | None, data: bytes) -> int:
    """Bits of a colour sample of an AVIF, a JPEG 2000 or an animated PNG file, of which Pillow gives 8.

    Args:
        kind: Pillow's name of the format; 8 for others than these.
        data: the whole file.
    """
    if kind == "AVIF":
        # AV1 codec configuration box (AV1-ISOBMFF, 2.3.3).
        at = data.find(b"av1C\x81")
        return {0x40: 10, 0x60: 12}.get(data[at + 6] & 0x60, 8) if 0 <= at <= len(data) - 7 else 8
    if kind == "JPEG2000":
        # Image and tile size (ISO/IEC 15444-1, A.5.1), the depth of the first component.
        at = data.find(b"\xff\x4f\xff\x51")
        return (data[at + 42] & 0x7F) + 1 if 0 <= at <= len(data) - 43 else 8
    if kind == "PNG" and b"acTL" in data[: data.find(b"IDAT")]:
        return data[24]
    return 8


def _of_png(data: bytes) -> CodePoints | None:
    at = 8
    while at + 12 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind == b"IDAT":
            break
        if kind == b"cICP" and length == 4:
            primaries, transfer, _, full = data[at + 8 : at + 12]
            return CodePoints(primaries, transfer, full=bool(full))
        at += 12 + length
    return None
