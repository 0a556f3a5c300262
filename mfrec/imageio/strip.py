"""Small pictures of a clip that are made before anybody asks for them, for somebody who moves fast over it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from mfrec.errors import NoFramesError
from mfrec.imageio.decoding import Coded
from mfrec.imageio.key_frames import KeyFrames
from mfrec.imageio.small_pictures import SmallPictures

ROOM = 64 << 20
"""Bytes of the pictures: every frame of some 1,500, or every second of twice as many."""

LONG = 3000
"""Frames from which on a clip's key frames alone are made: all frames would keep a processor busy for minutes."""

FAST = 120
"""Frames a second from which on nothing is made for whoever moves: decoding would come behind them."""

LOOKS = 25
"""Pictures a second that somebody who moves is to see."""

COARSE = 6
"""Frames from one to the next of those that are made first, so that all of a clip is soon there."""

GROUPS = 3
"""Groups of pictures, each with its key frame, that are made in the direction of somebody who moves."""


@dataclass(frozen=True)
class Move:
    """Where somebody is who moves over a clip.

    Attributes:
        number: of the frame that was asked for.
        speed: frames a second since another one was asked for before; below zero backwards.
    """

    number: int
    speed: float

    @property
    def gap(self) -> int:
        """Frames from one picture to the next that are fine enough: two for each look."""
        return max(1, int(abs(self.speed) / (2 * LOOKS)))


class Strip:
    """The pictures, by the numbers of their frames, and a decoder of their own.

    :meth:`follow` and :meth:`fill` are called by one thread at a time; the others by any, also meanwhile: nobody who
    asks for a picture waits for the decoder.

    Args:
        key_frames: of the video, for this alone.
        count: of its frames.
        jpeg: makes a picture of a decoded frame, of at most such a width.
    """

    def __init__(self, key_frames: KeyFrames, count: int, jpeg: Callable[[Coded, int], bytes]) -> None:
        self._key_frames = key_frames
        self._count = count
        self._jpeg = jpeg
        self._pictures = SmallPictures(ROOM)
        self._lock = threading.Lock()
        self._move: Move | None = None
        self._following: tuple[Move, Iterator[None]] | None = None
        self._made: dict[int, tuple[int, int, int]] = {}
        self._filling: Iterator[None] | None = None
        self.step = 1
        """Frames from one to the next of those that are kept once all are made."""

    def find(self, number: int, width: int) -> bytes | None:
        """A picture; None where it is not there."""
        with self._lock:
            return self._pictures.find(number, width)

    def keep(self, coded: Coded, width: int) -> None:
        """Make a picture of a decoded frame, unless it is there or its colours are not understood."""
        with self._lock:
            if self._pictures.find(coded.number, width) is not None:
                return
        try:
            jpeg = self._jpeg(coded, width)
        except NoFramesError:
            return  # Whoever asks for this frame is told so.
        with self._lock:
            self._pictures.keep(coded.number, width, jpeg)

    def moved(self, move: Move) -> None:
        """Somebody has moved: what :meth:`follow` makes is for them, and what was for an earlier place is given up."""
        with self._lock:
            self._move = move

    @property
    def waits(self) -> bool:
        """Whether somebody has moved, and :meth:`follow` has something to do."""
        with self._lock:
            return self._move is not None

    def follow(self, width: int) -> bool:
        """Decode one more frame for whoever has moved last: of the group of pictures where they are, then of those
        where they go to.

        Returns:
            Whether there was something to do.
        """
        with self._lock:
            move = self._move
        if move is None:
            return False
        if self._following is None or self._passed(self._following[0], move):
            self._following = move, self._around(move, width)
        if next(self._following[1], self) is None:
            return True
        self._following = None
        with self._lock:
            # Where somebody has gone meanwhile is looked at next.
            self._move = None if self._move is move else self._move
            return self._move is not None

    def fill(self, width: int) -> bool:
        """Make one more picture of the clip, wherever: first of the key frames, then, in a clip of up to :data:`LONG`
        frames, of as many others as are kept.

        Returns:
            Whether there is more to do.
        """
        if self._filling is None:
            self._filling = self._all(width)
        if next(self._filling, self) is None:
            return True
        self._key_frames.close()
        return False

    def close(self) -> None:
        """Let the file go."""
        self._key_frames.close()

    def _passed(self, then: Move, now: Move) -> bool:
        """Whether somebody goes another way, much slower or faster, or has left the group of pictures."""
        return (
            self._key_frames.last(then.number) != self._key_frames.last(now.number)
            or (then.speed < 0) != (now.speed < 0)
            or not then.gap <= 2 * now.gap <= 4 * then.gap
        )

    def _around(self, move: Move, width: int) -> Iterator[None]:
        """Fill groups of pictures as finely as somebody moves, a decoded frame at a time."""
        if abs(move.speed) > FAST:
            return
        keys, gap = self._key_frames.numbers, move.gap
        here = int(np.searchsorted(keys, move.number, side="right")) - 1
        way = -1 if move.speed < 0 else 1
        for group in range(here, here + way * GROUPS, way):
            if not 0 <= group < len(keys):
                return
            key, end = int(keys[group]), int(keys[group + 1]) if group + 1 < len(keys) else self._count
            # Whoever goes back has passed what comes later in the group.
            last = move.number if group == here and way < 0 else end - 1
            if self._is_made(key, last, width, gap):
                continue
            before = -gap
            for coded in self._one_by_one(last, all_frames=True):
                if coded.number - before >= gap:
                    before = coded.number
                    self.keep(coded, width)
                yield
            self._made[key] = gap, last, len(self._known(key, last, width))

    def _is_made(self, key: int, last: int, width: int, gap: int) -> bool:
        """Whether the pictures of a group lie as close as that up to there, or were made so and have not gone since."""
        there = self._known(key, last, width)
        if max(np.diff([key - 1, *there, last + 1])) <= gap:
            return True
        finely, end, count = self._made.get(key, (self._count, -1, 0))
        return finely <= gap and end >= last and len(there) >= min(count, (last + 1 - key) // finely)

    def _known(self, first: int, last: int, width: int) -> list[int]:
        with self._lock:
            return [number for number in range(first, last + 1) if (number, width) in self._pictures]

    def _all(self, width: int) -> Iterator[None]:
        """All of the clip, a picture or a decoded frame at a time; somebody may move meanwhile."""
        keys, count, pictures = self._key_frames.numbers.tolist(), self._count, self._pictures

        def every(many: int) -> int:
            """One of how many pictures has room, as large as those are that are there."""
            return max(1, -(-many * pictures.bytes // (max(1, len(pictures)) * pictures.limit)))

        def there(number: int) -> bool:
            with self._lock:
                return (number, width) in pictures

        for chosen in (keys[:1], keys):
            for key in chosen[:: every(len(chosen))]:
                if not there(key) and (coded := self._key_frames.decoded(key)):
                    self.keep(coded, width)
                    yield
        if count > LONG:
            return
        step = self.step = every(count)
        for number in range(0, count, COARSE if step < COARSE else count):
            for coded in self._one_by_one(number, all_frames=False):
                if coded.number > number - COARSE // 2:
                    self.keep(coded, width)
                yield
        for number in range(0, count, step):
            if not there(number):
                for coded in self._one_by_one(number, all_frames=True):
                    if coded.number % step == 0:
                        self.keep(coded, width)
                    yield

    def _one_by_one(self, number: int, *, all_frames: bool) -> Iterator[Coded]:
        """The frames up to another one, whoever else uses the decoder between two of them."""
        while (coded := next(self._key_frames.towards(number, all_frames=all_frames), None)) is not None:
            yield coded
            if coded.number >= number:
                return
