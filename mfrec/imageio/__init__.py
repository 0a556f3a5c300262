"""Reading frames, and the few encoders that the rest of mfrec needs.

This is the only package that knows files: 8-bit and 16-bit samples, palettes, alpha, EXIF, JPEG tables, YCbCr and
video. Whatever is read becomes float32 RGB in [0, 1] with square pixels, upright and opaque; what had to be done for
that is said in :attr:`Frame.notes`. Originals are opened for reading only and nothing is written beside them.

* **Limits.** A picture has at least :data:`MIN_SIDE` pixels on each side and at most :data:`MAX_PIXELS` in all, which
  is checked in the header, before anything is decoded. A sequence has at most :data:`MAX_FRAMES` frames and
  :data:`MAX_SEQUENCE_PIXELS` pixels; beyond that :func:`read` stops and says which ``every`` would fit.
* **Alpha** is composited over mid-grey: what is transparent was not seen, and grey makes the weakest false edge.
* **Video** is converted from its own samples in floating point, so that nothing is rounded to 8 bits on the way. Where
  the file does not declare its range or matrix, the usual guess is made (limited range; BT.709 from 720 lines or 1280
  columns up, else BT.601) and noted as assumed. Chroma samples are taken to lie in the middle of the pixels they cover.
* **Colour profiles** are not applied; a picture that carries one says so in its notes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mfrec.errors import InputError, NoFramesError, UsageError
from mfrec.imageio.arrays import read_arrays
from mfrec.imageio.encode import h264_bytes, jpeg_bytes, png_bytes, to_uint8
from mfrec.imageio.limits import MAX_FILE_BYTES, MAX_FRAMES, MAX_PIXELS, MAX_SEQUENCE_PIXELS, MIN_SIDE
from mfrec.imageio.pictures import read_pictures
from mfrec.imageio.reading import Reading
from mfrec.imageio.survey import survey
from mfrec.imageio.video import Selection, read_video
from mfrec.pipeline import Progress, silent

__all__ = [
    "MAX_FILE_BYTES",
    "MAX_FRAMES",
    "MAX_PIXELS",
    "MAX_SEQUENCE_PIXELS",
    "MIN_SIDE",
    "Reading",
    "Source",
    "h264_bytes",
    "jpeg_bytes",
    "png_bytes",
    "read",
    "to_uint8",
]

Source = str | PathLike[str] | Iterable[str | PathLike[str]] | Iterable[NDArray[Any]] | NDArray[Any]
"""What :func:`read` takes: one path, several, or arrays."""


def read(
    source: Source,
    *,
    start: float | None = None,
    end: float | None = None,
    every: int = 1,
    deinterlace: bool = False,
    progress: Progress = silent,
) -> Reading:
    """Read a sequence.

    Args:
        source: a folder of pictures (read in natural order, ``2.png`` before ``10.png``; sub-folders and hidden files
            are not looked at), a folder with one video and no picture, a video, picture files in their order, or
            ``[H, W, 3]`` arrays: RGB, uint8, uint16, or floating point in [0, 1].
        start, end: first and last second of a video, both included.
        every: keep the first picture and then each ``every``-th one.
        deinterlace: separate the two fields of every video frame (bwdif): each becomes a picture of its own, named
            ``clip.mp4#12a`` and ``clip.mp4#12b`` in the order of time, because they show two moments.
        progress: called as ``progress("read", done, total)``; ``total`` is 0 where a video does not say its length.

    Raises:
        NoFramesError: there is nothing there, or nothing that can be used; the message lists the reasons.
        InputError: an array is not a picture, or the sequence is beyond the stated limits.
        UsageError: ``every`` is below 1, ``start`` lies after ``end``, or they are given for pictures.
    """
    if every < 1:
        raise UsageError(f"every={every}: keep each n-th picture with a whole number n of at least 1")
    if start is not None and end is not None and start > end:
        raise UsageError(f"start={start:g} s lies after end={end:g} s; exchange them")
    paths, arrays = _sorted_out(source)
    found = survey(paths) if paths else None
    if found is not None and found.video is not None:
        return read_video(found.video, Selection(start, end, every, deinterlace), found.dropped, progress)
    if start is not None or end is not None:
        raise UsageError("start and end are seconds of a video, but pictures have no time; leave them out")
    if found is not None:
        reading = read_pictures(found.pictures[::every], every, found.dropped, progress)
    else:
        reading = read_arrays(arrays[::every], every, progress)
    if deinterlace:
        warning = "deinterlacing was asked for, but applies to video only: the pictures are as they were"
        return replace(reading, warnings=(*reading.warnings, warning))
    return reading


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
