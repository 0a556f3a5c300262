"""Reading frames, and the few encoders that the rest of mfrec needs.

This is the only package that knows files: 8-bit and 16-bit samples, palettes, alpha, EXIF, JPEG tables, YCbCr and
video. Whatever is read becomes float32 RGB in [0, 1] with square pixels, upright and opaque; what had to be done for
that is said in :attr:`Frame.notes`. Originals are opened for reading only and nothing is written beside them.

* **One after the other, or at once.** :func:`stream` gives the frames one by one, in memory that does not grow with
  the length of the sequence. :func:`read` collects that stream.
* **Limits.** A picture has at least :data:`MIN_SIDE` pixels on each side and at most :data:`MAX_PIXELS` in all, which
  is checked in the header, before anything is decoded. What is read at once has at most :data:`MAX_FRAMES` frames and
  :data:`MAX_SEQUENCE_PIXELS` pixels; beyond that :func:`read` refuses and says which ``every`` would fit.
* **Alpha** is composited over mid-grey: what is transparent was not seen, and grey makes the weakest false edge.
* **Video** is converted from its own samples in floating point, so that nothing is rounded to 8 bits on the way. Where
  the file does not declare its range or matrix, the usual guess is made (limited range; BT.2020 with its primaries,
  else BT.709 from 720 lines or 1280 columns up, else BT.601) and noted as assumed. Chroma samples are taken to lie in
  the middle of the pixels they cover.
* **Colour** becomes sRGB: by embedded profiles, by the gamma of a PNG, by the primaries and transfer function of a
  video.
* **Damage** of a video is marked in every frame that shows it (:attr:`Frame.damaged`), as far as anything tells of it:
  see :mod:`mfrec.imageio.damage`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mfrec.errors import InputError, NoFramesError, UsageError
from mfrec.imageio.arrays import array_frames
from mfrec.imageio.encode import h264_bytes, jpeg_bytes, png_bytes, tiff_stack_bytes, to_uint8
from mfrec.imageio.limits import MAX_FILE_BYTES, MAX_FRAMES, MAX_PIXELS, MAX_SEQUENCE_PIXELS, MIN_SIDE, Room
from mfrec.imageio.pictures import picture_frames
from mfrec.imageio.reading import Findings, FrameStream, Reading
from mfrec.imageio.survey import survey
from mfrec.imageio.video import Selection, video_stream
from mfrec.pipeline import Progress, silent
from mfrec.runtime.threads import ahead
from mfrec.types import Frame

__all__ = [
    "MAX_FILE_BYTES",
    "MAX_FRAMES",
    "MAX_PIXELS",
    "MAX_SEQUENCE_PIXELS",
    "MIN_SIDE",
    "FrameStream",
    "Reading",
    "Source",
    "h264_bytes",
    "jpeg_bytes",
    "png_bytes",
    "read",
    "stream",
    "tiff_stack_bytes",
    "to_uint8",
]

Source = str | PathLike[str] | Iterable[str | PathLike[str]] | Iterable[NDArray[Any]] | NDArray[Any]
"""What :func:`read` takes: one path, several, or arrays."""


def stream(
    source: Source,
    *,
    start: float | None = None,
    end: float | None = None,
    every: int = 1,
    deinterlace: bool = False,
    only: frozenset[int] | None = None,
    progress: Progress = silent,
) -> FrameStream:
    """Read a sequence frame by frame, however long it is.

    ::

        frames = stream("night.mp4", start=60.0)
        for frame in frames:
            ...
        frames.dropped, frames.warnings  # complete now

    Args:
        source: a folder of pictures (read in natural order, ``2.png`` before ``10.png``; sub-folders and hidden files
            are not looked at), a folder with one video and no picture, a video, picture files in their order, or
            ``[H, W, 3]`` arrays: RGB, uint8, uint16, or floating point in [0, 1].
        start, end: first and last second of a video, both included. Decoding begins at a key frame before ``start``;
            the frames that come, their names and times are those of a decoding from the beginning.
        every: keep the first picture and then each ``every``-th one.
        deinterlace: separate the two fields of every video frame (bwdif): each becomes a picture of its own, named
            ``clip.mp4#12a`` and ``clip.mp4#12b`` in the order of time, because they show two moments.
        only: indices of the frames that are wanted, of those that would come without it; None for all.
        progress: called as ``progress("read", done, total)``; ``total`` is 0 where a video does not say its length.

    Raises:
        NoFramesError: there is nothing there, or nothing that can be used (then while iterating); the message lists
            the reasons.
        InputError: an array is not a picture (while iterating).
        UsageError: ``every`` is below 1, ``start`` lies after ``end`` or is no number, or they are given for pictures.
    """
    if every < 1:
        raise UsageError(f"every={every}: keep each n-th picture with a whole number n of at least 1")
    for name, seconds in (("start", start), ("end", end)):
        if seconds is not None and not math.isfinite(seconds):
            raise UsageError(f"{name}={seconds}: give seconds of the video as a number")
    if start is not None and end is not None and start > end:
        raise UsageError(f"start={start:g} s lies after end={end:g} s; exchange them")
    paths, arrays = _sorted_out(source)
    found = survey(paths) if paths else None
    findings = Findings() if found is None else Findings(list(found.dropped))
    if found is not None and found.video is not None:
        return video_stream(found.video, Selection(start, end, every, deinterlace, only), findings, progress)
    if start is not None or end is not None:
        raise UsageError("start and end are seconds of a video, but pictures have no time; leave them out")
    if deinterlace:
        findings.warnings.append(
            "deinterlacing was asked for, but applies to video only: the pictures are as they were"
        )
    if found is not None:
        frames = _wanted(picture_frames(found.pictures, every, findings, progress), only)
        expected = -(-len(found.pictures) // every)
        return FrameStream(frames, findings, unit="list of pictures", expected=expected)
    chosen = arrays[::every]
    frames = _wanted(array_frames(chosen, every, findings, progress), only)
    return FrameStream(frames, findings, unit="list", expected=len(chosen))


def _wanted(frames: Iterator[Frame], only: frozenset[int] | None) -> Iterator[Frame]:
    return (frame for frame in frames if only is None or frame.index in only)


def read(
    source: Source,
    *,
    start: float | None = None,
    end: float | None = None,
    every: int = 1,
    deinterlace: bool = False,
    keep: Callable[[Frame], Frame] | None = None,
    progress: Progress = silent,
) -> Reading:
    """Read a sequence at once: the frames of :func:`stream`, which explains the arguments, within the limits.

    Args:
        keep: what is kept of each frame once it is read, and counted against the limits; None keeps all of it.

    Raises:
        NoFramesError, UsageError: see :func:`stream`.
        InputError: an array is not a picture, or the sequence is beyond the stated limits.
    """
    frames = stream(source, start=start, end=end, every=every, deinterlace=deinterlace, progress=progress)
    room = Room(every, frames.expected, frames.unit)
    if keep is None:
        room.expect(frames.size)
    kept = []
    # What is kept of a large picture is found by looking for faces, which takes as long as decoding the next one.
    with closing(frames if keep is None else ahead(frames, 1)) as coming:
        for frame in coming:
            kept.append(frame if keep is None else keep(frame))
            room.take(kept[-1].image)
    return Reading(tuple(kept), frames.dropped, frames.warnings)


def _sorted_out(source: Source) -> tuple[list[Path], list[NDArray[Any]]]:
    """The source as paths or as arrays; one of the lists is empty and the other is not."""
    if isinstance(source, np.ndarray) and source.ndim == 3:
        raise InputError(f"one array of shape {list(source.shape)} is one picture; give a list of [H, W, 3] arrays")
    items = [source] if isinstance(source, str | PathLike) else list(source)
    if not items:
        raise NoFramesError("no frames were given: the list is empty; give a folder, a video, picture files, or arrays")
    paths = [Path(item) for item in items if isinstance(item, str | PathLike)]
    arrays = [np.asarray(item) for item in items if not isinstance(item, str | PathLike)]
    if paths and arrays:
        raise InputError("the frames are a mixture of paths and arrays; give either paths or [H, W, 3] arrays")
    return paths, arrays
