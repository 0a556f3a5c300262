"""Readers of pictures and videos, a kind for each decoder, for :mod:`fuzzed`.

A clip goes through everything that opens one: reading, its clock and sound as ``mfrec upscale`` copies them, and the
player of the desk.
"""

from __future__ import annotations

import io
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import av
import numpy as np
import tifffile
from fuzzed import Reader
from heif_file import heic
from hostile import spoilt_file, spoilt_png
from PIL import Image
from upscale_clips import write_clip

from mfrec.errors import InputError
from mfrec.imageio import read
from mfrec.imageio.clip_clock import clip_clock
from mfrec.imageio.pieces import sound_of
from mfrec.imageio.player import ClipPlayer

STILLS: Mapping[str, Mapping[str, Any]] = {
    "baseline.jpg": {"format": "JPEG", "quality": 60},
    "progressive.jpg": {"format": "JPEG", "progressive": True, "exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0"},
    "interlaced.png": {"format": "PNG", "interlace": True},
    "lossless.webp": {"format": "WEBP", "lossless": True},
    "lossy.webp": {"format": "WEBP", "quality": 50},
    "a.gif": {"format": "GIF"},
    "a.bmp": {"format": "BMP"},
    "a.ppm": {"format": "PPM"},
    "a.jp2": {"format": "JPEG2000"},
    "a.avif": {"format": "AVIF", "max_threads": 1},
    "packed.tif": {"format": "TIFF", "compression": "tiff_lzw"},
    "jpeg.tif": {"format": "TIFF", "compression": "jpeg"},
}
"""Name of a file to how Pillow writes it."""

CLIPS: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "x.avi": ("mpeg4", "yuv420p", {}),
    "motion.avi": ("mjpeg", "yuvj420p", {}),
    "x.mpg": ("mpeg2video", "yuv420p", {}),
    "one.mpg": ("mpeg1video", "yuv420p", {}),
    "x.ts": ("libx264", "yuv420p", {"preset": "veryfast", "threads": "1"}),
    "x.h264": ("libx264", "yuv420p", {"preset": "veryfast", "threads": "1", "x264-params": "slices=3"}),
    "x.mov": ("prores_ks", "yuv422p10le", {}),
    "x.mkv": ("libx265", "yuv420p", {"x265-params": "pools=none:frame-threads=1:log-level=none"}),
    "x.webm": ("libvpx-vp9", "yuv420p", {"deadline": "realtime", "cpu-used": "8"}),
    "eight.webm": ("libvpx", "yuv420p", {"deadline": "realtime", "cpu-used": "8"}),
    "x.wmv": ("wmv2", "yuv420p", {}),
    "x.flv": ("flv", "yuv420p", {}),
    "x.nut": ("ffv1", "yuv420p", {}),
    "moving.gif": ("gif", "rgb8", {}),
    "x.y4m": ("wrapped_avframe", "yuv420p", {}),
    "x.mxf": ("mpeg2video", "yuv422p", {}),
    "x.3gp": ("h263", "yuv420p", {}),
    "dv.avi": ("dvvideo", "yuv420p", {}),
}
"""Name of a file to FFmpeg's encoder, pixel format and options."""

SIZES = {"h263": (128, 96), "dvvideo": (720, 576)}
"""Width and height of those that know few."""


def readers(folder: Path) -> list[Reader]:
    """Every reader, with sound files made in ``folder`` to begin with."""
    rng = np.random.default_rng(0)
    picture = np.kron(rng.integers(0, 255, (4, 4, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    files = {name: _still(picture, options) for name, options in STILLS.items()}
    files["palette.png"] = _still(picture, {"format": "PNG"}, mode="P")
    files["grey16.png"] = _png16(picture)
    deep = io.BytesIO()
    tifffile.imwrite(
        deep, np.moveaxis(picture, 2, 0).astype(np.uint16) * 257, photometric="rgb", planarconfig="separate"
    )
    files["planar.tif"] = deep.getvalue()
    files["a.heic"] = heic(np.kron(picture, np.ones((2, 2, 1), np.uint8)))
    files["tiles.heic"] = heic(np.kron(picture, np.ones((4, 4, 1), np.uint8)), 64)
    clips = {}
    for name, coding in CLIPS.items():
        clips[name] = _clip(folder / name, picture, *coding)
    images = [np.roll(np.kron(picture, np.ones((2, 2, 1), np.uint8)), n, axis=1) for n in range(5)]
    clips["sound.mp4"] = write_clip(folder / "sound.mp4", images, sound="aac").read_bytes()
    return [
        *(Reader(name, _spoil(data), _read_still, (InputError,)) for name, data in files.items()),
        *(Reader(name, _spoil(data), _read_clip, (InputError,)) for name, data in clips.items()),
    ]


def _read_still(path: Path) -> None:
    read(path)


def _read_clip(path: Path) -> None:
    wrong: list[InputError] = []
    for look in (read, _copy, _play):
        try:
            look(path)
        except InputError as error:
            wrong.append(error)
    if wrong:
        raise wrong[0]


def _copy(path: Path) -> None:
    sound_of(path, clip_clock(path))


def _play(path: Path) -> None:
    player = ClipPlayer(path)
    try:
        for number in (player.sheet.count - 1, 0, 1):
            player.frame(number)
            player.preview(number, 16)
    finally:
        player.close()


def _spoil(data: bytes):
    def spoil(draw: random.Random) -> bytes:
        if data.startswith(b"\x89PNG") and draw.random() < 0.7:
            return spoilt_png(data, draw)
        return spoilt_file(data, draw)

    return spoil


def _still(picture: np.ndarray, options: Mapping[str, Any], mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture).convert(mode).save(out, **options)
    return out.getvalue()


def _png16(picture: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture[..., 0].astype(np.uint16) * 257).save(out, "PNG")
    return out.getvalue()


def _clip(path: Path, picture: np.ndarray, encoder: str, layout: str, options: Mapping[str, str]) -> bytes:
    width, height = SIZES.get(encoder, (64, 64))
    large = np.kron(picture, np.ones((height // 32, width // 32, 1), np.uint8))
    image = np.pad(large, ((0, height - large.shape[0]), (0, width - large.shape[1]), (0, 0)), mode="edge")
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(encoder, rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.options = width, height, layout, dict(options)
        for number in range(5):
            frame = av.VideoFrame.from_ndarray(np.roll(image, number, axis=1), format="rgb24").reformat(format=layout)
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path.read_bytes()
