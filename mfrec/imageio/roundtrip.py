"""A codec there and back in memory: what is left of a picture, and what the decoder knows of it."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

from mfrec.imageio.codec import h264_quantiser
from mfrec.imageio.encode import h264_bytes, jpeg_bytes
from mfrec.imageio.formats import open_picture
from mfrec.imageio.jpeg import jpeg_tables
from mfrec.imageio.ycbcr import picture_image
from mfrec.types import FloatArray, JpegTables


def through_jpeg(image: FloatArray, quality: int) -> tuple[FloatArray, JpegTables]:
    """Encode and decode one JPEG.

    Args:
        image: ``[H, W, 3]`` float32 RGB in [0, 1].
        quality: 1 to 100, as libjpeg counts.

    Returns:
        The decoded picture and the tables of its file.
    """
    with open_picture(io.BytesIO(jpeg_bytes(image, quality))) as opened:
        tables = jpeg_tables(opened)
        decoded = np.asarray(opened.convert("RGB"), np.float32) / np.float32(255)
    assert tables is not None
    return decoded, tables


def through_h264(images: Sequence[FloatArray], crf: int) -> list[tuple[FloatArray, float]]:
    """Encode one clip with x264 and decode it.

    Args:
        images: ``[H, W, 3]`` float32 RGB in [0, 1] each, of one even size.
        crf: constant rate factor, 0 to 51.

    Returns:
        Each decoded frame, and its mean quantisation parameter.
    """
    import av

    out = []
    with av.open(io.BytesIO(h264_bytes(images, crf)), "r", format="mp4") as container:
        stream = container.streams.video[0]
        stream.codec_context.options = {"export_side_data": "venc_params"}
        for picture in container.decode(stream):
            quantiser = h264_quantiser(picture)
            assert quantiser is not None
            out.append((picture_image(picture, []), quantiser))
    return out
