"""The encoders that the rest of mfrec needs."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def to_uint8(image: NDArray[Any]) -> NDArray[np.uint8]:
    """``[H, W]`` or ``[H, W, C]`` in [0, 1] to uint8, rounded, beyond the range clipped; uint8 stays as it is."""
    if image.dtype == np.uint8:
        return image
    return np.clip(np.rint(np.asarray(image) * 255.0), 0, 255).astype(np.uint8)


def png_bytes(image: NDArray[Any], text: Mapping[str, str] | None = None) -> bytes:
    """An 8-bit PNG, the same bytes every time.

    Args:
        image: ``[H, W, 3]`` RGB or ``[H, W]`` grey, float in [0, 1] or uint8.
        text: keyword (1 to 79 Latin-1 characters) to text, stored in order as tEXt, or as iTXt where the text needs it.
    """
    from PIL import Image, PngImagePlugin

    chunks = PngImagePlugin.PngInfo()
    for key, value in (text or {}).items():
        chunks.add_text(key, value)
    buffer = io.BytesIO()
    Image.fromarray(to_uint8(image)).save(buffer, "PNG", pnginfo=chunks)
    return buffer.getvalue()


def jpeg_bytes(image: NDArray[Any], quality: int) -> bytes:
    """Encode ``[H, W, 3]`` in [0, 1] with Pillow (4:2:0, as cameras do)."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(to_uint8(image)).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def h264_bytes(images: Sequence[NDArray[Any]], crf: int, fps: int = 25) -> bytes:
    """One H.264 clip in MP4, encoded by libx264 through PyAV with one thread, so that it is repeatable.

    Args:
        images: ``[H, W, 3]`` in [0, 1], all of one size with even sides (the clip is 4:2:0).
        crf: constant rate factor, 0 (lossless) to 51.
        fps: frames per second.
    """
    import av

    height, width = images[0].shape[:2]
    clip = io.BytesIO()
    with av.open(clip, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv420p"
        # Macroblock-tree rate control reads memory that it never wrote on frames this small: the same clip came
        # out in two versions, up to 28 grey levels apart.
        stream.options = {"crf": str(crf), "preset": "medium", "threads": "1", "mbtree": "0"}
        for image in images:
            frame = av.VideoFrame.from_ndarray(to_uint8(image), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return clip.getvalue()
