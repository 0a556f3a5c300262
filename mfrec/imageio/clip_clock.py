"""The clock of a video, exactly: the ticks of its file, by which the frames of another one are stamped alike."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from mfrec.errors import NoFramesError
from mfrec.imageio.container import opened, picture_stream
from mfrec.imageio.damage import DamageWatch
from mfrec.imageio.decoding import decoded
from mfrec.imageio.packets import packet_table
from mfrec.imageio.reading import shown

FINEST = Fraction(1, 1_000_000)
"""Seconds; times of frames are given in microseconds, so no clock is taken finer."""

ASSUMED_RATE = Fraction(25)
"""Frames per second of a video that says nothing of its times."""


@dataclass(frozen=True)
class ClipClock:
    """When the frames of a video are shown.

    Attributes:
        unit: seconds of a tick.
        start: tick of the first frame.
        step: ticks from frame to frame, typically; how long the last one is shown.
        counted: the file has no stamps, and frames are counted at its rate.
        assumed: it has no rate either.
        restarts: how often the file's own clock starts again; the times of the frames run on.
    """

    unit: Fraction
    start: int
    step: int
    counted: bool = False
    assumed: bool = False
    restarts: int = 0

    def tick(self, time: float | None, number: int) -> int:
        """The tick of a frame.

        Args:
            time: seconds from the first frame, as :class:`~mfrec.types.Frame` has them; None where unknown.
            number: of the frame, from 0; it counts where the time is unknown.
        """
        return self.start + (number * self.step if time is None else round(time / self.unit))

    def seconds(self, tick: int) -> Fraction:
        """On the clock of the file."""
        return tick * self.unit


def clip_clock(path: Path, *, deinterlace: bool = False) -> ClipClock:
    """Read the clock of a video.

    Args:
        path: of the file.
        deinterlace: fields are frames, so a tick is half as long.

    Raises:
        NoFramesError: it is no video, or nothing of it can be decoded.
    """
    with opened(path) as container:
        stream = picture_stream(container, path)
        table = packet_table(container, stream)
        rate = Fraction(stream.average_rate or stream.guessed_rate or 0)
        stored = Fraction(stream.time_base or 0)
    with opened(path) as container:
        stream = picture_stream(container, path)
        first = next(decoded(container, stream, table, 0.0, DamageWatch(table, stream.codec_context.name)), None)
    if first is None:
        raise NoFramesError(f"no frame of '{shown(path)}' can be decoded; export the clip again from its recorder")
    halves = 2 if deinterlace else 1
    if not stored or not table.timed:
        pace = rate or ASSUMED_RATE
        return ClipClock(1 / (pace * halves), 0, 1, True, not rate)
    unit = max(stored / halves, FINEST)
    # A clock that starts again is run on by whoever reads the frames, from where it first stood.
    start = round((first.source.pts or 0) * stored / unit)
    interval = Fraction(table.interval).limit_denominator(10**9) / halves
    pace = 1 / rate / halves if rate else interval
    # One step is what the file says of its rate where that is its usual interval, else (a variable rate) the interval.
    step = round((pace if abs(pace - interval) < unit else interval) / unit)
    return ClipClock(unit, start, max(1, step), restarts=len(table.restarts))
