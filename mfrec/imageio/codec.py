"""What a decoder tells about the coding of a frame beside its picture."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mfrec.imageio.formats import DECODER_ERRORS, open_picture
from mfrec.imageio.jpeg import expanded, jpeg_tables
from mfrec.imageio.orientation import AS_STORED, Orientation
from mfrec.imageio.ycbcr import colour_range, planes
from mfrec.types import CodecView, JpegTables

if TYPE_CHECKING:
    from av import VideoFrame

UNITS = {0: "VP9 q index", 1: "H.264 QP", 2: "MPEG quantiser scale"}
"""FFmpeg's ``AVVideoEncParamsType`` to what the numbers mean."""

BLOCK = 16
"""Side of a macroblock."""


def h264_quantiser(frame: VideoFrame) -> float | None:
    """Mean quantisation parameter of an H.264 frame, None where the decoder does not tell (other codecs)."""
    unit, blocks = _coded_blocks(frame)
    return float(blocks[:, 4].mean()) if unit == "H.264 QP" and len(blocks) else None


def codec_view(
    frame: VideoFrame, before: VideoFrame | None, orientation: Orientation, stretch: tuple[float, float]
) -> CodecView:
    """What the codec did to a frame, on the grid of the picture that is made of it.

    Args:
        frame: as the decoder gave it.
        before: the frame shown before it, of the same stream.
        orientation: how the stored picture is turned.
        stretch: width and height of a stored pixel in pixels of the picture, before it is turned.
    """
    rows, columns = -(-frame.height // BLOCK), -(-frame.width // BLOCK)
    unit, entries = _coded_blocks(frame)
    quantisers = None
    if len(entries):
        quantisers = np.full((rows, columns), np.nan, np.float32)
        small = (entries[:, 2] <= BLOCK) & (entries[:, 3] <= BLOCK)
        quantisers[entries[small, 1] // BLOCK, entries[small, 0] // BLOCK] = entries[small, 4]
        for x, y, width, height, quantiser in entries[~small]:
            quantisers[y // BLOCK : -(-(y + height) // BLOCK), x // BLOCK : -(-(x + width) // BLOCK)] = quantiser
    copied = _copied_blocks(frame, before)
    block, origin = (BLOCK * stretch[0], BLOCK * stretch[1]), (0.0, 0.0)
    # A mirrored side begins with the block that the picture's border cuts.
    lacking_x = frame.width * stretch[0] - columns * block[0]
    lacking_y = frame.height * stretch[1] - rows * block[1]
    if orientation.transpose:
        block, lacking_x, lacking_y = (block[1], block[0]), lacking_y, lacking_x
    if orientation != AS_STORED:
        quantisers, copied = (None if m is None else _turned(m, orientation) for m in (quantisers, copied))
        origin = lacking_x if orientation.mirror_x else 0.0, lacking_y if orientation.mirror_y else 0.0
    return CodecView(_kind(frame), quantisers, unit if quantisers is not None else "", copied, block, origin)


def _turned(blocks: NDArray[Any], orientation: Orientation) -> NDArray[Any]:
    turned = blocks.T if orientation.transpose else blocks
    return turned[:: -1 if orientation.mirror_y else 1, :: -1 if orientation.mirror_x else 1]


def _kind(frame: VideoFrame) -> str:
    from av.video.frame import PictureType

    kind = PictureType(frame.pict_type)
    return kind.name if kind in (PictureType.I, PictureType.P, PictureType.B) else ""


def _coded_blocks(frame: VideoFrame) -> tuple[str, NDArray[np.int32]]:
    """The unit of the quantisers, and ``[N, 5]``: x, y, width, height and quantiser of every block.

    FFmpeg's ``AVVideoEncParams``: a header with the picture's quantiser, then one entry a block with its difference.
    """
    nothing = "", np.zeros((0, 5), np.int32)
    try:
        side_data = frame.side_data.get("VIDEO_ENC_PARAMS")
    except ValueError:
        # PyAV refuses the whole list where one entry is of a kind that it does not know (EXIF in Motion JPEG).
        return nothing
    if side_data is None:
        return nothing
    data = bytes(side_data)
    blocks, offset, size, kind, quantiser = struct.unpack_from("<I4xQQii", data)
    if kind not in UNITS:
        return nothing
    if not blocks:
        # One quantiser for all of the picture.
        return UNITS[kind], np.array([[0, 0, frame.width, frame.height, quantiser]], np.int32)
    entries = np.ndarray((blocks, 5), "<i4", data, offset, (size, 4)).astype(np.int32)
    entries[:, 4] += quantiser
    # The coded picture may be larger than the one that is shown.
    return UNITS[kind], entries[(entries[:, 0] < frame.width) & (entries[:, 1] < frame.height)]


def _copied_blocks(frame: VideoFrame, before: VideoFrame | None) -> NDArray[np.bool_] | None:
    """``[rows, columns]``: whether a block's luma is that of the frame before, sample by sample."""
    if before is None or (before.width, before.height, before.format.name) != (
        frame.width,
        frame.height,
        frame.format.name,
    ):
        return None
    now, then = planes(frame), planes(before)
    if not now:
        return None
    same = now[0] == then[0]
    rows, columns = (np.arange(0, size, BLOCK) for size in same.shape)
    return np.logical_and.reduceat(np.logical_and.reduceat(same, rows, axis=0), columns, axis=1)


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
    if tables is None or colour_range(picture)[0]:
        return tables
    return expanded(tables)
