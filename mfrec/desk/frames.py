"""Frames of a case's inputs for the page: small and quick while somebody scrubs, exact when they stop."""

from __future__ import annotations

import contextlib
import math
import os
import threading
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any

import cv2

from mfrec.desk.case import Case
from mfrec.desk.inputs import source_path
from mfrec.desk.jobs import BEHIND
from mfrec.desk.refusal import RefusalError
from mfrec.errors import MfrecError
from mfrec.imageio import to_uint8
from mfrec.imageio.player import Player, player
from mfrec.types import CodecView, Frame

OPEN = 4
"""Players that are open at once; each holds up to three decoders, and up to :data:`mfrec.imageio.player.KEPT` and
:data:`mfrec.imageio.strip.ROOM` bytes."""

WIDTHS = (320, 640, 960, 1280)
"""Widths that a small frame may have."""

DRAGGED = 640
"""Width of the small frames that are shown while somebody drags, and made before they do."""

QUIET = 0.15
"""Seconds without a request after which frames are made ahead: nobody who drags waits for those of somewhere else."""

LOSSLESS = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
"""The quickest way to write a PNG that is not much larger than others."""


class OpenPlayer:
    """A player and what guards it: one request at a time."""

    def __init__(self, made: Player) -> None:
        self.player = made
        self.lock = threading.Lock()
        self.making = threading.Lock()
        self.png: OrderedDict[int, bytes] = OrderedDict()
        self.complete = made.strip is None
        self.closed = False

    @property
    def busy(self) -> bool:
        """Whether there are small pictures to be made before they are asked for."""
        return not self.complete or (self.player.strip is not None and self.player.strip.waits)

    def close(self) -> None:
        """Let the file go; nothing is made ahead any more."""
        with self.lock, self.making:
            self.closed = True
            self.player.close()

    def make(self, *, all_of_it: bool) -> bool:
        """Make one more small picture before it is asked for, see :class:`mfrec.imageio.strip.Strip`.

        Args:
            all_of_it: whether also where nobody is.

        Returns:
            Whether something was done.
        """
        with self.making:
            if self.closed or self.player.strip is None:
                return False
            try:
                if self.player.strip.follow(DRAGGED):
                    return True
                if self.complete or not all_of_it:
                    return False
                self.complete = not self.player.strip.fill(DRAGGED)
            except MfrecError:
                # Whoever asks for such a frame is told why.
                self.complete = True
            return True


class Frames:
    """The players of all inputs that somebody looks at; the one that was not used for longest is closed."""

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[str, str], OpenPlayer] = OrderedDict()
        self._lock = threading.Lock()
        self._opening: dict[tuple[str, str], threading.Lock] = {}
        self._asked = 0.0
        self._closed = False
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def sheet(self, case: Case, number: str) -> dict[str, Any]:
        """What can be shown of an input: see :class:`mfrec.imageio.player.Sheet`.

        Raises:
            RefusalError: nothing.
        """
        sheet = self._player(case, number).player.sheet
        return {
            "kind": sheet.kind,
            "count": sheet.count,
            "width": sheet.width,
            "height": sheet.height,
            "times": sheet.times,
            "keys": sheet.keys,
            "names": sheet.names,
        }

    def small(self, case: Case, number: str, frame: int, width: int, *, near: bool = False) -> tuple[int, bytes]:
        """A frame as JPEG, at most ``width`` pixels wide, and its number.

        Args:
            case: of the input.
            number: of the input.
            frame: number of the frame.
            width: one of :data:`WIDTHS`.
            near: whether an earlier frame may take its place, see :meth:`mfrec.imageio.player.ClipPlayer.near`.

        Raises:
            RefusalError: there is none, or no such width.
        """
        if width not in WIDTHS:
            raise RefusalError("refused.value", 400, why=f"expected a width of {', '.join(map(str, WIDTHS))}")
        opened = self._player(case, number)
        try:
            with opened.lock:
                found = opened.player.near(frame, width) if near else (frame, opened.player.preview(frame, width))
        except MfrecError as error:
            raise RefusalError("refused.frame", 404, why=error) from None
        self._asked = time.monotonic()
        if near:
            self._wake.set()
        return found

    def exact(self, case: Case, number: str, frame: int) -> bytes:
        """A frame's pixels as PNG, as a run reads them, rounded to 8 bits.

        Raises:
            RefusalError: there is none.
        """
        opened = self._player(case, number)
        with opened.lock:
            kept = opened.png.get(frame)
            if kept is not None:
                return kept
            image = self._frame(opened, frame).image
        # Outside of the lock: it takes longer than ten small pictures, which whoever scrubs on waits for.
        png = cv2.imencode(".png", to_uint8(image)[..., ::-1], LOSSLESS)[1].tobytes()
        with opened.lock:
            opened.png[frame] = png
            while len(opened.png) > 8:
                opened.png.popitem(last=False)
        return png

    def facts(self, case: Case, number: str, frame: int) -> dict[str, Any]:
        """What is known of a frame besides its pixels: time, notes, damage, what the codec did.

        Raises:
            RefusalError: there is none.
        """
        opened = self._player(case, number)
        with opened.lock:
            found = self._frame(opened, frame)
        return {
            "name": found.name,
            "time": found.time,
            "width": found.image.shape[1],
            "height": found.image.shape[0],
            "notes": list(found.notes),
            "damaged": found.damaged,
            "key": found.key,
            "quantiser": found.quantiser,
            "jpeg": None if found.jpeg is None else float(found.jpeg.luma.mean()) * 255,
            "codec": None if found.codec is None else _codec(found.codec),
        }

    def close(self) -> None:
        """Let all files go."""
        self._closed = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            for opened in self._open.values():
                opened.close()
            self._open.clear()

    def _make_ahead(self) -> None:
        """Small frames where somebody goes, and while nobody does, of all that was looked at last."""
        with contextlib.suppress(OSError):
            # On Linux a thread has a priority of its own. No lower than that of a run: it takes locks, for moments.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), BEHIND)
        while not self._closed:
            self._wake.clear()
            with self._lock:
                opened = next((one for one in reversed(self._open.values()) if one.busy), None)
                rest = self._asked + QUIET - time.monotonic()
            if opened is None or not opened.make(all_of_it=rest <= 0):
                self._wake.wait(None if opened is None else max(rest, 0.0))

    def _frame(self, opened: OpenPlayer, frame: int) -> Frame:
        try:
            return opened.player.frame(frame)
        except MfrecError as error:
            raise RefusalError("refused.frame", 404, why=error) from None

    def _player(self, case: Case, number: str) -> OpenPlayer:
        key = case.key, number
        with self._lock:
            self._asked = time.monotonic()
            if key in self._open:
                self._open.move_to_end(key)
                return self._open[key]
            opening = self._opening.setdefault(key, threading.Lock())
        with opening:
            with self._lock:
                if key in self._open:
                    return self._open[key]
            path: Path = source_path(case, case.input(number))
            try:
                opened = OpenPlayer(player(path))
            except MfrecError as error:
                raise RefusalError("refused.frame", 404, why=error) from None
            gone: list[OpenPlayer] = []
            with self._lock:
                self._open[key] = opened
                if self._thread is None:
                    self._thread = threading.Thread(target=self._make_ahead, name="desk frames", daemon=True)
                    self._thread.start()
                while len(self._open) > OPEN:
                    gone.append(self._open.popitem(last=False)[1])
            self._wake.set()
            for other in gone:
                other.close()
            return opened


def _codec(view: CodecView) -> dict[str, Any]:
    """What a codec did, block by block, as the page draws it: ``quantisers`` and ``copied`` row by row."""
    quantisers = None
    if view.quantisers is not None:
        quantisers = [[None if math.isnan(q) else round(float(q), 1) for q in row] for row in view.quantisers]
    return {
        "kind": view.kind,
        "unit": view.unit,
        "quantisers": quantisers,
        "copied": None if view.copied is None else view.copied.astype(int).tolist(),
        "block": list(view.block),
        "origin": list(view.origin),
    }
