"""Short clips of the portrait, moving, in the codecs that analysts get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

Images = Sequence[np.ndarray]


@dataclass(frozen=True)
class Coding:
    """An encoder of FFmpeg, its pixel format, and options that make it repeatable and quick."""

    encoder: str
    layout: str = "yuv420p"
    options: Mapping[str, str] = field(default_factory=dict)


def x264(extra: str = "") -> Coding:
    return Coding(
        "libx264",
        options={
            "crf": "26",
            "g": "20",
            "preset": "veryfast",
            "threads": "1",
            **({"x264-params": extra} if extra else {}),
        },
    )


CODINGS = {
    "h264": x264(),
    "h264 open": x264("open-gop=1:bframes=3"),
    "h264 refresh": x264("intra-refresh=1"),
    "h264 slices": x264("slices=4"),
    "hevc": Coding(
        "libx265",
        options={"crf": "28", "preset": "veryfast", "x265-params": "keyint=20:log-level=none:pools=1:frame-threads=1"},
    ),
    "mpeg4": Coding("mpeg4", options={"qscale": "5", "g": "20", "bf": "2"}),
    "mpeg2": Coding("mpeg2video", options={"qscale": "5", "g": "12", "bf": "2"}),
    "mjpeg": Coding("mjpeg", "yuvj420p", {"qscale": "4"}),
    "vp9": Coding("libvpx-vp9", options={"crf": "36", "b": "0", "g": "20", "deadline": "realtime", "cpu-used": "8"}),
}


def moving(portrait: np.ndarray, count: int, side: int = 96, seed: int = 0) -> list[np.ndarray]:
    """``count`` uint8 pictures ``[side, side, 3]`` of the portrait, turning and shifting, with a sensor's noise."""
    rng = np.random.default_rng(seed)
    height, width = portrait.shape[:2]
    out = []
    for moment in np.arange(count) / 25:
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 6 * np.sin(2.1 * moment + seed), side / height)
        matrix[:, 2] += side / 2 - np.array([width, height]) / 2
        matrix[:, 2] += [0.08 * side * np.sin(2.7 * moment + seed), 0.06 * side * np.cos(3.3 * moment)]
        image = cv2.warpAffine(portrait * 255, matrix, (side, side), borderMode=cv2.BORDER_REFLECT)
        out.append(np.clip(image + rng.normal(0, 2, image.shape), 0, 255).astype(np.uint8))
    return out


def write(
    path: Path,
    images: Images,
    coding: Coding,
    *,
    stamps: Sequence[int] | None = None,
    rate: int = 25,
    container: str | None = None,
) -> Path:
    """A file of these images; ``stamps`` are their times in units of ``1 / rate`` seconds, 0, 1, 2 if left out."""
    height, width = images[0].shape[:2]
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream(coding.encoder, rate=rate)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, coding.layout
        stream.codec_context.thread_count = 1
        stream.options = dict(coding.options)
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = number if stamps is None else stamps[number], Fraction(1, rate)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path
