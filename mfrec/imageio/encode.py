"""The encoders that the rest of mfrec needs."""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

ClipCodec = Literal["h264", "hevc", "mpeg4", "mpeg2", "wmv2", "mjpeg", "vp8", "vp9"]
StillCodec = Literal["png", "jpeg", "webp", "avif"]


@dataclass(frozen=True)
class Encoder:
    """One of FFmpeg's encoders and what its clips are written into.

    Attributes:
        name: FFmpeg's.
        container: FFmpeg's name of the file format.
        suffix: of such files.
        by_rate_factor: whether its strength is a constant rate factor; else it is a quantiser scale.
        pixels: FFmpeg's name of the pixel format.
        options: of the encoder.
        muxing: options of the container.
    """

    name: str
    container: str
    suffix: str
    by_rate_factor: bool = False
    pixels: str = "yuv420p"
    options: Mapping[str, str] = field(default_factory=dict)
    muxing: Mapping[str, str] = field(default_factory=dict)


_VPX = {"b": "0", "deadline": "good", "cpu-used": "4", "threads": "1"}
_EXACT = {"fflags": "+bitexact"}  # WebM would carry a random number otherwise

ENCODERS: Mapping[ClipCodec, Encoder] = {
    # Macroblock-tree rate control reads memory that it never wrote on frames this small: the same clip came out in two
    # versions, up to 28 grey levels apart.
    "h264": Encoder("libx264", "mp4", ".mp4", True, options={"preset": "medium", "threads": "1", "mbtree": "0"}),
    # With coding-tree units of 64 px, x265 too reads what it never wrote on such frames.
    "hevc": Encoder(
        "libx265",
        "mp4",
        ".mp4",
        True,
        options={"preset": "fast", "x265-params": "pools=none:frame-threads=1:cutree=0:ctu=32:log-level=none"},
    ),
    "mpeg4": Encoder("mpeg4", "avi", ".avi"),
    "mpeg2": Encoder("mpeg2video", "mpeg", ".mpg"),
    "wmv2": Encoder("wmv2", "asf", ".wmv"),
    "mjpeg": Encoder("mjpeg", "avi", ".avi", pixels="yuvj420p"),
    "vp8": Encoder("libvpx", "webm", ".webm", True, options=_VPX | {"b": "2000000"}, muxing=_EXACT),
    "vp9": Encoder("libvpx-vp9", "webm", ".webm", True, options=_VPX, muxing=_EXACT),
}

CLIP_SUFFIX: Mapping[ClipCodec, str] = {codec: encoder.suffix for codec, encoder in ENCODERS.items()}


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
    # Filtered rows of photographs hold next to no other repetitions than runs: a fifth of the time for 2 % more bytes.
    Image.fromarray(to_uint8(image)).save(buffer, "PNG", pnginfo=chunks, compress_type=zlib.Z_RLE)
    return buffer.getvalue()


def tiff_stack_bytes(pages: Sequence[tuple[str, NDArray[Any]]]) -> bytes:
    """A TIFF of several pages, 16 bits a sample, deflated; the same bytes every time.

    Args:
        pages: name and picture ``[H, W, 3]`` in [0, 1] of each; the name is its description.
    """
    import tifffile

    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, byteorder="<") as out:
        for name, image in pages:
            samples = np.rint(np.clip(image, 0, 1) * 65535).astype(np.uint16)
            out.write(
                samples,
                photometric="rgb",
                compression="zlib",
                description=name.encode("ascii", "backslashreplace").decode("ascii"),
                metadata=None,
                software="mfrec",
            )
    return buffer.getvalue()


def jpeg_bytes(image: NDArray[Any], quality: int) -> bytes:
    """Encode ``[H, W, 3]`` in [0, 1] with Pillow (4:2:0, as cameras do)."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(to_uint8(image)).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def still_bytes(image: NDArray[Any], codec: StillCodec, quality: int) -> bytes:
    """Encode ``[H, W, 3]`` in [0, 1] with Pillow; ``quality`` is 1 to 100, and nothing to PNG."""
    from PIL import Image

    if codec == "png":
        return png_bytes(image)
    if codec == "jpeg":
        return jpeg_bytes(image, quality)
    buffer = io.BytesIO()
    threads = {"max_threads": 1} if codec == "avif" else {}
    Image.fromarray(to_uint8(image)).save(buffer, codec.upper(), quality=quality, **threads)
    return buffer.getvalue()


def h264_bytes(images: Sequence[NDArray[Any]], crf: int, fps: int = 25) -> bytes:
    """One H.264 clip in MP4, see :func:`clip_bytes`; ``crf`` is the constant rate factor, 0 (lossless) to 51."""
    return clip_bytes(images, "h264", crf, fps)


def clip_bytes(images: Sequence[NDArray[Any]], codec: ClipCodec, strength: int, fps: int = 25) -> bytes:
    """One clip, encoded through PyAV with one thread, so that it is repeatable.

    Args:
        images: ``[H, W, 3]`` in [0, 1], all of one size with even sides (the clip is 4:2:0).
        codec: which one.
        strength: how strongly it codes: the constant rate factor of H.264, HEVC, VP8 and VP9, the quantiser scale of
            the others (1 to 31).
        fps: frames per second.
    """
    import av
    from av.video.stream import VideoStream

    encoder = ENCODERS[codec]
    height, width = images[0].shape[:2]
    clip = io.BytesIO()
    with av.open(clip, "w", format=encoder.container, container_options=dict(encoder.muxing)) as container:
        stream = container.add_stream(encoder.name, rate=fps)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = width, height
        stream.pix_fmt = encoder.pixels
        options: dict[str, object] = dict(encoder.options)
        if encoder.by_rate_factor:
            options["crf"] = str(strength)
        else:
            options |= {"qmin": str(strength), "qmax": str(strength), "threads": "1"}
        stream.options = options
        for image in images:
            frame = av.VideoFrame.from_ndarray(to_uint8(image), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return clip.getvalue()
