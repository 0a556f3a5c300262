"""Which frames of a video are damaged: by packet flags, the decoder's words and flags, and gaps in time.

A video frame is mostly a difference to others. What is lost or changed in one packet therefore shows in all that is
decoded after it, up to the next picture that is coded by itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mfrec.imageio.packets import PacketTable

if TYPE_CHECKING:
    from av import Packet, VideoFrame

HARMLESS = ("unable to decode APP fields", "EXIF", "SEI type ")
"""How errors begin that decoders report of metadata, in files whose pictures are whole. Recorders that put bytes of
their own between the units of a stream make its supplemental information look cut off."""

TELLING = ("concealing ", "Frame num gap", "Packet corrupt", "Skipping invalid undecodable NALU")
"""How messages begin that tell of damage although FFmpeg does not call them errors."""

UNIMPLEMENTED = "is not implemented"
"""How a message goes on whose first part names something that FFmpeg cannot decode; it gives a picture nevertheless."""

OF_THE_PAST = ("mmco: ", "number of reference frames", "co located POCs")
"""How complaints begin about frames that a decoder that starts within a stream has not seen and does not need."""

TELLS_OF_MISSING = ("h264", "hevc", "vvc", "libdav1d", "av1")
"""Decoders that complain when a frame is missing which another one needs: a gap in time alone is no damage then, since
recorders and phones leave out frames."""

SILENT = ("hevc", "vvc", "vp8", "vp9", "av1", "libdav1d")
"""Decoders that go through damaged data without a word."""

SPEAKS_LATE = ("libdav1d",)
"""Decoders that may complain of a packet when they get the next one."""

CONSTANT = 0.9
"""Share of equal intervals from which on a rate counts as constant, and longer intervals as gaps."""

ONE_BY_ONE = ("h264", "hevc", "vvc")
"""Decoders that give one frame for every packet, unless its fields are coded one by one."""

LONGEST_GAP = 10.0
"""Seconds; a longer gap is a recorder that paused, not a loss."""


@contextmanager
def listening() -> Iterator[list[str]]:
    """Hear what FFmpeg says of damage in this thread; nothing of it reaches the terminal."""
    from av import logging

    before, skipped = logging.get_level(), logging.get_skip_repeated()
    messages: list[str] = []
    heard: list[tuple[int, str, str]] = []
    logging.set_level(logging.DEBUG)
    # Else the second of two like errors is counted, and not told.
    logging.set_skip_repeated(False)
    try:
        with logging.Capture(local=True) as heard:
            yield messages
    finally:
        subject = ""
        for level, _, text in heard:
            if text.strip().startswith(UNIMPLEMENTED):
                messages.append(f"{subject} {UNIMPLEMENTED}")
            subject = text.strip()
            if text.startswith(TELLING) or (level <= logging.ERROR and not text.startswith(HARMLESS)):
                messages.append(text.strip())
        logging.set_skip_repeated(skipped)
        logging.set_level(before)


class DamageWatch:
    """Follows a decoder and says of every frame whether it is damaged, and why.

    Packets are known by their place in the table, which is the order of decoding. What a decoder says of a packet may
    concern frames that it gave before; they should be judged some frames after they came.

    Args:
        table: the packets of the stream.
        codec: FFmpeg's name of the decoder.

    Attributes:
        undecodable: packets that the decoder refused.
        ending: what the container's reader said where the file ends; empty where it said nothing.
    """

    def __init__(self, table: PacketTable, codec: str) -> None:
        self.undecodable: list[int] = []
        self.ending = ""
        self._hidden: set[int] = set()
        self._silent: set[int] = set()
        self._fields = False
        self._table = table
        self._codec = codec
        self._reasons: dict[int, str] = {}
        self._intra: list[int] = []
        self._refreshes: list[int] = []
        self._gaps = time_gaps(table)
        self._order = np.argsort(table.times, kind="stable")
        self._noticed: set[TimeGap] = set() if codec in TELLS_OF_MISSING else set(self._gaps)
        self._bidirectional: set[int] = set()
        self._first_key = table.first_key
        self._entry = 0
        self._start_time = -math.inf
        self._first: int | None = None

    def _leads(self, index: int) -> bool:
        """Whether a packet after the first key frame is shown before it, in a stream that begins in the middle."""
        return 0 < self._first_key < index and bool(self._table.times[index] < self._table.times[self._first_key])

    @property
    def _before(self) -> set[int]:
        """Packets of frames before the first key frame, in the order of display."""
        begun = self._first_key if self._first is None else min(self._first, self._first_key)
        return {*range(begun), *filter(self._leads, range(len(self._table.times)))}

    @property
    def early(self) -> int:
        """How many frames a stream that begins in the middle has before its first key frame; packets that the decoder
        refused are not counted. Some decoders give such frames, others swallow them without a word."""
        return len(self._before.difference(self.undecodable))

    @property
    def left_out(self) -> int:
        """Once all is decoded: for how many packets after the beginning the decoder gave no frame, without a word.

        That is what it does where a frame needs another one that is lost. 0 where that cannot be known.
        """
        if self._codec not in ONE_BY_ONE or self._fields or self._first is None:
            return 0
        asked = {index for index in self._silent if not self._table.times[index] < self._start_time}
        return len(asked.difference(self.undecodable, self._before, self._hidden))

    def enter(self, index: int, time: float) -> None:
        """Decoding begins, or goes on, at a packet; what was before it is not there.

        What is shown before ``time``, on the clock of the table, is not asked for: leading frames of the key frame, and
        those of a gradual refresh.
        """
        self._entry, self._start_time = index, time
        self._silent.clear()  # what the decoder held back is given up

    def demuxed(self, index: int, packet: Packet, messages: list[str]) -> None:
        """What is known of a packet when it comes from the container, and what was said of the container before."""
        if packet.is_discard:
            self._hidden.add(index)
        self._silent.add(index)
        if messages:
            # What is noticed here may have begun in the packet before.
            self._mark(max(index - 1, 0), f"the container is damaged there: {messages[0]}")
        if packet.is_corrupt:
            self._mark(index, "a part of it is missing in the file")
            if self._codec in SILENT:
                # The flag is that of the container's packet, and the frame may have been cut from it and the next.
                self._mark(min(index + 1, len(self._table.times) - 1), "a part of it may be missing in the file")

    def given(self, index: int, messages: list[str]) -> None:
        """What the decoder said while it was given a packet, or the end after the last one."""
        index = min(index, len(self._table.times) - 1)
        if not self._table.keys[max(self._entry, self._first_key) + 1 : index + 1].any():
            messages = [text for text in messages if not text.startswith(OF_THE_PAST)]
        # Leading frames of the key frame that decoding began with refer to what was before it; the decoder leaves them
        # out.
        key = max(self._entry, self._first_key)
        if index < key or self._table.times[index] < self._table.times[key]:
            return
        if index == key:
            messages = [text for text in messages if not text.startswith("Frame num gap")]
        if not messages:
            return
        at = max(index - 1, 0) if self._codec in SPEAKS_LATE else index
        self._mark(at, f"decoder: {messages[0]}")
        # What was decoded between a gap and the complaint about it lacked something too.
        self._noticed |= {g for g in self._gaps if g.after <= at and not self._table.keys[g.after + 1 : at + 1].any()}

    def failed(self, index: int) -> None:
        """The decoder refused a packet."""
        self.undecodable.append(index)
        self.given(index, ["it could not be decoded"])

    def told(self, index: int, reason: str) -> None:
        """Something else than the decoder found a packet damaged."""
        self._mark(index, reason)

    def seen(self, index: int, frame: VideoFrame) -> bool:
        """The frame of a packet came from the decoder; whether it can be looked at.

        It cannot before the first key frame of a stream: it is the difference to something that is not there.
        """
        from av.video.frame import PictureType

        self._silent.discard(index)
        self._fields |= frame.interlaced_frame
        if self._first is None and (index >= self._first_key or frame.pict_type == PictureType.I):
            self._first = index
        if self._first is None or self._leads(index):
            return False
        if frame.is_corrupt:
            self._mark(index, "the decoder made up what it could not decode")
        if frame.pict_type == PictureType.B:
            self._bidirectional.add(index)
        intra = frame.pict_type == PictureType.I
        if self._table.keys[index] or (intra and not self._table.keys_told):
            # A key packet without an intra picture begins a gradual refresh, which is complete at the next one.
            (self._intra if intra else self._refreshes).append(index)
        return True

    def judge(self, index: int) -> str:
        """Why the frame of a packet is damaged; empty where nothing says so."""
        reasons = {**{self._start(gap): gap.words for gap in self._noticed}, **self._reasons}
        if index in reasons:
            return reasons[index]
        earlier = [damaged for damaged in reasons if damaged < index]
        if not earlier:
            return ""
        last = max(earlier)
        time = self._table.times[index]
        # Leading frames are decoded after a key frame and shown before it: they refer to what was before it.
        whole = [k for k in self._intra if last < k <= index and not time < self._table.times[k]]
        refreshed = [k for k in self._refreshes if last < k <= index and not time < self._table.times[k]]
        if whole or len(refreshed) > 1:
            return ""
        return f"refers to a damaged frame ({reasons[last]})"

    def _mark(self, index: int, reason: str) -> None:
        self._reasons.setdefault(index, reason)

    def _start(self, gap: TimeGap) -> int:
        """The first packet that can lack what was lost in a gap.

        That are also the B frames shown just before it: the frame that they lead to may be the one that was lost.
        """
        start, rank = gap.after, gap.rank
        while rank >= 0 and self._order[rank] in self._bidirectional:
            start = min(start, int(self._order[rank]))
            rank -= 1
        return start


@dataclass(frozen=True)
class TimeGap:
    """Frames that seem to be lost in a stream of constant rate.

    Attributes:
        after: the first packet that is decoded and shown after the gap.
        rank: how many frames are shown before the last one before the gap.
        count: how many frames fit into it.
    """

    after: int
    rank: int
    count: int

    @property
    def words(self) -> str:
        return f"{self.count} frame{'s are' if self.count > 1 else ' is'} missing here"


def time_gaps(table: PacketTable) -> tuple[TimeGap, ...]:
    """Gaps of whole intervals in a stream of constant rate; none where the rate varies."""
    interval = table.interval
    if not interval or len(table.times) < 10 or not np.isfinite(table.times).all():
        return ()
    # Where only times of decoding are known, gaps are between packets as they are stored.
    order = np.argsort(table.times, kind="stable") if table.ordered else np.arange(len(table.times))
    steps = np.diff(table.times[order]) / interval
    if np.mean(np.abs(steps - 1) < 0.1) < CONSTANT:
        return ()
    whole = np.rint(steps)
    # What is before the first key frame of a stream that begins in the middle is in pieces anyway.
    begun = table.times[order[:-1]] >= table.times[table.first_key]
    gaps = np.flatnonzero(begun & (whole > 1) & (np.abs(steps - whole) < 0.1) & (steps * interval <= LONGEST_GAP))
    return tuple(
        TimeGap(int(np.flatnonzero(table.times > table.times[order[rank]])[0]), int(rank), int(whole[rank]) - 1)
        for rank in gaps
    )


def usual_rate(table: PacketTable) -> float:
    """Frames a second of a stream of constant rate, over all steps of one interval.

    One step alone says little: a clock of whole milliseconds, as Matroska has it, makes 83 of 83.33.
    """
    steps = np.diff(table.shown)
    return float(1 / steps[np.abs(steps / table.interval - 1) < 0.1].mean())


def long_pauses(table: PacketTable) -> list[float]:
    """Seconds of the steps of the clock that are too long for a loss; none where all of them are as long."""
    steps = np.diff(table.shown)
    return [float(step) for step in steps[steps > max(LONGEST_GAP, 3 * table.interval)]]
