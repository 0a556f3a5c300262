"""A picture as it was read, what its file says of its codec, and what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mfrec.types.arrays import FloatArray, freeze


@dataclass(frozen=True, eq=False)
class JpegTables:
    """How a JPEG file rounded its numbers: what the decoder knows about the error of each coefficient.

    Attributes:
        luma, chroma: quantisation steps ``[8, 8]`` in units of 1/255, row = vertical frequency.
        subsampling: horizontal and vertical chroma subsampling, ``(2, 2)`` for 4:2:0.
        phase: ``(x, y)`` of the top-left corner of a block, in pixels of the picture, 0..7
            (non-zero after a crop).
    """

    luma: FloatArray
    chroma: FloatArray
    subsampling: tuple[int, int] = (2, 2)
    phase: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        freeze(self, "luma")
        freeze(self, "chroma")


@dataclass(frozen=True, eq=False)
class CodecView:
    """What a video codec did to a frame, block by block.

    Block ``[row, column]`` covers ``x`` from ``x0 + column * width - 0.5`` on, for ``width`` pixels, and ``y``
    likewise; ``(x0, y0)`` is ``origin``, ``(width, height)`` is ``block``. Blocks at the border may reach beyond it.

    Attributes:
        kind: ``"I"`` (coded by itself), ``"P"`` (from earlier frames), ``"B"`` (from both sides), or ``""``: unknown.
        quantisers: ``[rows, columns]`` float32, how coarsely each block was rounded, in units of ``unit``; None where
            the decoder does not tell. It is that of the stored difference: a block that was only copied has one too.
        unit: ``"H.264 QP"`` (0 to 51, six more double the step), ``"MPEG quantiser scale"`` (1 to 112, proportional to
            the step) or ``"VP9 q index"`` (0 to 255); empty without quantisers.
        copied: ``[rows, columns]`` bool: the block's luma samples are exactly those of the frame shown before it, so it
            is no new observation; None for a first frame.
        block: width and height of a block in pixels of the frame.
        origin: ``(x, y)`` of the top-left pixel of block ``[0, 0]``; negative where a cut block comes first.
    """

    kind: str
    quantisers: FloatArray | None
    unit: str
    copied: NDArray[np.bool_] | None
    block: tuple[float, float] = (16.0, 16.0)
    origin: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        freeze(self, "quantisers")
        freeze(self, "copied", np.bool_)

    def over(self, box: Sequence[float]) -> tuple[float | None, float | None]:
        """Mean quantiser, and share of copied blocks, over a rectangle ``(x0, y0, x1, y1)`` in pixels of the frame.

        Each is None where it is not known.
        """
        (width, height), (x, y) = self.block, self.origin
        values: list[float | None] = []
        for blocks in (self.quantisers, self.copied):
            if blocks is None:
                values.append(None)
                continue
            rows, columns = blocks.shape
            left, right = (int(np.clip((at - x) // width, 0, columns - 1)) for at in (box[0], box[2]))
            top, bottom = (int(np.clip((at - y) // height, 0, rows - 1)) for at in (box[1], box[3]))
            values.append(float(blocks[top : bottom + 1, left : right + 1].mean()))
        return values[0], values[1]


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture as it was read, and where it came from.

    Attributes:
        image: ``[H, W, 3]`` float32 RGB in [0, 1].
        index: position in the sequence as it was given, from 0.
        origin: ``(x, y)``, the pixel of the picture as it was read that ``image`` begins with. Everything else that is
            said of a place in a frame (boxes, landmarks, registrations, the canvas) counts pixels of ``image``.
        whole: width and height of the picture as it was read, where ``image`` is only a part of it.
        reduced: ``image`` is a smaller copy of all of it, kept to be looked at.
        name: file name, ``clip.mp4#12`` for frame 12 of a video, or ``array 3``.
        path: the file; None for an array.
        sha256, md5: hex digests of the file's bytes (for a video, of the whole file; for an array, of
            its bytes).
        time: seconds from the start of the video, None where unknown.
        jpeg: the quantisation tables where the file was a JPEG, else None.
        key: whether the codec coded this frame by itself (intra); None where that has no meaning.
        quantiser: mean H.264 quantisation parameter (QP, 0 to 51) over the frame's macroblocks; None where unknown.
        codec: what the codec did to it, block by block; None for pictures, arrays and separated fields.
        damaged: whether something of it, or of a frame that it refers to, was lost or changed in the file; ``notes``
            say why.
        notes: what was done on reading ("EXIF orientation 6 applied", "limited range expanded").
    """

    image: FloatArray
    index: int
    name: str
    path: Path | None = None
    sha256: str = ""
    md5: str = ""
    time: float | None = None
    jpeg: JpegTables | None = None
    key: bool | None = None
    quantiser: float | None = None
    codec: CodecView | None = None
    damaged: bool = False
    notes: tuple[str, ...] = ()
    origin: tuple[int, int] = (0, 0)
    whole: tuple[int, int] | None = None
    reduced: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture as it was read."""
        return self.whole or (self.image.shape[1], self.image.shape[0])

    def __post_init__(self) -> None:
        freeze(self, "image")
        if self.image.ndim != 3 or self.image.shape[2] != 3:
            raise ValueError(f"a frame's image is [H, W, 3], not {self.image.shape}")


@dataclass(frozen=True)
class FrameId:
    """What a frame is called by: its place in the sequence, its name, and its time in seconds, None where unknown."""

    index: int
    name: str
    time: float | None = None


@dataclass(frozen=True)
class Dropped:
    """A frame, file or observation that is not used, and why. Nothing is left out without one.

    Attributes:
        name: of the file or frame.
        reason: one sentence with the numbers.
        index: position in the sequence, None for a file that could not be read.
        stage: which stage left it out.
        frame: the picture, where it could be read, so that the report can show what was left out.
    """

    name: str
    reason: str
    index: int | None = None
    stage: str = "read"
    frame: Frame | None = field(default=None, repr=False, compare=False)
