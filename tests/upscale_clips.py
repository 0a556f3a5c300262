"""Clips as cameras and editors make them: variable frame rate, a late start, sound of several kinds, odd sizes."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from portrait_clips import moving


def write_clip(
    path: Path,
    images: Sequence[np.ndarray],
    *,
    ticks: Sequence[int] | None = None,
    unit: Fraction = Fraction(1, 12800),
    pace: Fraction = Fraction(25),
    sound: str | None = None,
    layout: str = "yuv420p",
    crf: int = 20,
) -> Path:
    """A clip of uint8 pictures ``[H, W, 3]``, by x264 with B frames.

    ``ticks`` of ``unit`` seconds, else 25 a second; ``pace`` is what the file says of its rate.

    ``sound`` names an encoder, whose tone lasts a little longer than the pictures.
    """
    height, width = images[0].shape[:2]
    ticks = ticks if ticks is not None else [round(i / (25 * unit)) for i in range(len(images))]
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=pace)
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = width, height, layout
        video.options = {"crf": str(crf), "preset": "veryfast", "g": "12", "bf": "2", "threads": "1"}
        video.codec_context.time_base = unit
        video.time_base = unit
        audio: Any = out.add_stream(sound, rate=8000, layout="mono") if sound else None
        for tick, image in zip(ticks, images, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = tick, unit
            out.mux(video.encode(frame))
        out.mux(video.encode())
        if audio is not None:
            count = int((ticks[-1] - ticks[0]) * unit * 8000) + 1600
            tone = (8000 * np.sin(np.arange(count) * 0.3)).astype(np.int16)
            heard = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
            heard.sample_rate, heard.pts, heard.time_base = 8000, 0, Fraction(1, 8000)
            resampler = av.AudioResampler(format=audio.codec_context.format, layout="mono", rate=8000)
            fifo = av.AudioFifo()
            for part in resampler.resample(heard):
                fifo.write(part)
            size = audio.codec_context.frame_size or 800
            while (part := fifo.read(size, partial=True)) is not None:
                out.mux(audio.encode(part))
            out.mux(audio.encode())
    return path


def stamps(path: Path) -> list[Fraction]:
    """When each frame of a clip is shown, in seconds on its own clock, by decoding it."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None
        return [(frame.pts or 0) * stream.time_base for frame in container.decode(stream)]


def heard(path: Path) -> tuple[Fraction, np.ndarray]:
    """When the sound of a clip begins, and its samples ``[channels, n]``, by decoding it."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        frames = list(container.decode(stream))
        assert stream.time_base is not None
        samples = [frame.to_ndarray() for frame in frames]
        return (frames[0].pts or 0) * stream.time_base, np.concatenate(samples, axis=1)


def rate(path: Path) -> Fraction | None:
    """Frames per second as a clip's container says."""
    with av.open(str(path)) as container:
        return container.streams.video[0].average_rate


def portrait_clip(portrait: np.ndarray, path: Path, count: int, *, side: int = 48, **how: Any) -> Path:
    """The portrait, moving."""
    return write_clip(path, moving(portrait, count, side), **how)
