"""A video, enlarged piece by piece: whoever is stopped goes on with the piece that he was at."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mfrec.errors import InputError
from mfrec.image.stamp import burned
from mfrec.imageio import FrameStream, stream, to_uint8
from mfrec.imageio.clip_clock import ClipClock
from mfrec.imageio.pieces import write_piece
from mfrec.metrics.flicker import Flicker, flicker_between, total
from mfrec.pipeline import Progress
from mfrec.publication.folder import writing
from mfrec.publication.unfinished import Piece, Unfinished
from mfrec.runtime.threads import side_by_side
from mfrec.types import FloatArray, Frame
from mfrec.upscale.asked import Asked
from mfrec.upscale.made import Enlarge, Made
from mfrec.upscale.methods import Method

PIECE = 25
"""Frames of a piece: what a killed run loses at most, and how far apart key frames lie."""

COMPARED = (1, 13)
"""Frames of a piece whose flicker against the one before is measured; a share of all, because it takes a while."""

SUFFIX = ".mp4"
"""Of a piece."""


Context = tuple[Sequence[Frame], int]
"""Successive frames, and the position among them of the one that is enlarged."""


@dataclass
class Findings:
    """What was found out while a piece was made.

    Attributes:
        indices, times, ticks: of its frames; times in seconds from the first one of the file, None where unknown.
        used: how many frames each was made of.
        damaged: how many are damaged in the source.
        flicker: of those that were compared.
        size: width and height of a frame of the source.
    """

    indices: list[int] = field(default_factory=list)
    times: list[float | None] = field(default_factory=list)
    ticks: list[int] = field(default_factory=list)
    used: list[int] = field(default_factory=list)
    damaged: int = 0
    flicker: Flicker = field(default_factory=Flicker)
    size: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Film:
    """A video that is enlarged.

    Attributes:
        path: of the file.
        asked: which frames of it, and how it is coded.
        clock: of the file.
        method: for its name and stamp.
        enlarge: what is done with each frame.
    """

    path: Path
    asked: Asked
    clock: ClipClock
    method: Method
    enlarge: Enlarge

    def make(self, work: Unfinished, progress: Progress) -> FrameStream:
        """Make every piece that is not there yet.

        Args:
            work: where they lie.
            progress: is told how many frames are made.

        Returns:
            The stream of frames, read to its end: its warnings and what it dropped are complete, as far as it was
            read by this run.

        Raises:
            InputError: the size of the frames changes.
            UsageError: see :func:`mfrec.publication.folder.writing`.
        """
        done = [Findings(**_without_flicker(piece)) for piece in work.pieces]
        count = sum(len(piece.indices) for piece in done)
        frames, skipped = self._from(done, count)
        expected = work.noted("frames")
        if expected is None:
            expected = skipped + frames.expected
            work.note("frames", expected)
        contexts = iter(around(self._numbered(frames, done, skipped), self.asked.reach, count - skipped))
        size = done[0].size if done else None
        progress("upscale", count, max(count, expected))
        while True:
            found = Findings()
            with writing():
                made = write_piece(work.part(), self._pictures(contexts, found, size), self.asked.coding)
                if not made:
                    work.part().unlink(missing_ok=True)
                    break
                size = found.size
                _strictly_later(found.ticks, done[-1].ticks[-1] if done else None)
                work.finish(SUFFIX, asdict(found))
            done.append(found)
            count += made
            progress("upscale", count, max(count, expected))
        return frames

    def _from(self, done: Sequence[Findings], count: int) -> tuple[FrameStream, int]:
        """The frames that are needed to go on after ``count`` of them, and how many come before the first of these."""
        # One frame that is done is read again even where none is needed: it is known by its time.
        first = max(0, count - max(self.asked.reach, 1))
        times = [time for piece in done for time in piece.times]
        start = self.asked.start if first == 0 or times[first] is None else times[first]
        frames = stream(self.path, start=start, end=self.asked.end, deinterlace=self.asked.deinterlace)
        return frames, first

    def _numbered(self, frames: FrameStream, done: Sequence[Findings], first: int) -> Iterator[Frame]:
        """The frames from the ``first`` on, with the indices that they have in a reading from the beginning."""
        if first == 0:
            yield from frames
            return
        times = [time for piece in done for time in piece.times]
        indices = [index for piece in done for index in piece.indices]
        shift: int | None = None
        for frame in frames:
            if times[first] is None:
                if frame.index >= indices[first]:
                    yield frame
                continue
            # A reading from within begins up to a millisecond early.
            if shift is None and (frame.time or 0.0) >= (times[first] or 0.0) - 1e-7:
                shift = indices[first] - frame.index
            if shift is not None:
                yield replace(frame, index=frame.index + shift)

    def _pictures(
        self, contexts: Iterator[Context], found: Findings, size: tuple[int, int] | None
    ) -> Iterator[NDArray[np.uint8]]:
        """The pictures of one piece; what is found out goes into ``found``."""
        before: tuple[FloatArray, FloatArray] | None = None
        for frame, (image, used, part) in self._made(islice(contexts, PIECE)):
            found.size = frame.size
            if size not in (None, frame.size):
                raise InputError(
                    f"the frames of '{self.path.name}' change from {size[0]}x{size[1]} to "
                    f"{frame.size[0]}x{frame.size[1]} pixels at {frame.name}; enlarge the parts one by one with "
                    "--start and --end"
                )
            size = frame.size
            number = len(found.indices)
            if number in COMPARED and before is not None:
                found.flicker += flicker_between((before[0], frame.image), (before[1], image), part)
            before = frame.image, image
            found.indices.append(frame.index)
            found.times.append(frame.time)
            found.ticks.append(self.clock.tick(frame.time, frame.index))
            found.used.append(len(used))
            found.damaged += frame.damaged
            yield to_uint8(burned(image, self.method.stamp))

    def _made(self, contexts: Iterator[Context]) -> Iterator[tuple[Frame, Made]]:
        """Each frame and what is made of it; two at a time where they are independent."""
        while some := tuple(islice(contexts, 2 if self.method.apart and not self.asked.steadies else 1)):
            for (frames, position), picture in zip(some, side_by_side(self._of, some), strict=True):
                yield frames[position], picture

    def _of(self, context: Context) -> Made:
        return self.enlarge(*context)


def around(frames: Iterable[Frame], reach: int, first: int = 0) -> Iterator[Context]:
    """Each frame with its neighbours, up to ``reach`` before and after it.

    Args:
        frames: in their order; at most ``2 reach + 1`` of them are kept.
        reach: how many on each side, fewer at the ends.
        first: how many frames at the beginning are neighbours only.
    """
    kept: deque[Frame] = deque(maxlen=2 * reach + 1)
    gone = turn = 0
    for number, frame in enumerate(frames):
        gone += len(kept) == kept.maxlen
        kept.append(frame)
        if number >= reach:
            if turn >= first:
                yield tuple(kept), turn - gone
            turn += 1
    while turn < gone + len(kept):
        while turn - gone > reach:
            kept.popleft()
            gone += 1
        if turn >= first:
            yield tuple(kept), turn - gone
        turn += 1


def _strictly_later(ticks: list[int], last: int | None) -> None:
    """Move what has the stamp of the frame before, or an earlier one, to one tick after it."""
    for number, tick in enumerate(ticks):
        ticks[number] = tick if last is None else max(tick, last + 1)
        last = ticks[number]


def flicker_of(pieces: Sequence[Piece]) -> Flicker:
    """Of all pieces."""
    return total(Flicker(**piece.facts["flicker"]) for piece in pieces)


def _without_flicker(piece: Piece) -> dict[str, Any]:
    facts = dict(piece.facts)
    facts["flicker"] = Flicker(**facts["flicker"])
    facts["size"] = tuple(facts["size"])
    return facts
