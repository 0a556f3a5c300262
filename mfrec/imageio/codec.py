"""What a decoder tells about the coding of a frame beside its picture."""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mfrec.imageio.formats import DECODER_ERRORS, open_picture
from mfrec.imageio.jpeg import jpeg_tables
from mfrec.imageio.ycbcr import colour_range
from mfrec.types import JpegTables

if TYPE_CHECKING:
    from av import VideoFrame

H264_PARAMETERS = 1
"""FFmpeg's ``AV_VIDEO_ENC_PARAMS_H264``."""


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
    if tables is None or colour_range(picture)[0]:
        return tables
    # Expanding the limited range spreads the steps too.
    return replace(tables, luma=tables.luma * np.float32(255 / 219), chroma=tables.chroma * np.float32(255 / 224))
