"""What the command line says: results on stdout; progress, warnings and errors on stderr."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from mfrec.errors import UsageError

PROGRESS = "MFREC_PROGRESS"
"""Environment variable; with the value ``lines`` every step of the progress is a line, for a program that reads it."""

PROGRESS_LINES = re.compile(r"mfrec: (\w+(?:: \w+)?) (\d+)/(\d+)")
"""Such a line: stage, done, total."""

STEP = 0.2
"""Seconds between two of them within a stage."""

QUIET, AGAIN = 1.0, 10.0
"""Seconds before anything is said, and between two lines of one stage where nobody watches a terminal."""

SURE_AFTER = 2.0
"""Seconds of a stage that say nothing of how long it will take, since its first steps load what all others use; and
seconds after them from which on the time that is left is told."""


class Progress:
    """Progress on stderr once a run takes longer than a second: the stage, a counter, and the time that is left of it.

    On a terminal it is one moving line; else a line when a stage begins, and another one every ten seconds.
    """

    def __init__(self) -> None:
        self.start = time.monotonic()
        self.terminal = sys.stderr.isatty()
        self.lines = os.environ.get(PROGRESS) == "lines"
        self.stage = ""
        self.said = 0.0
        self.begun, self.first = 0.0, 0
        self.warm = False

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if self.lines:
            if stage != self.stage or now - self.said >= STEP:
                self.stage, self.said = stage, now
                say(f"{stage} {done}/{total}")
            return
        fresh, self.stage = stage != self.stage, stage
        if fresh:
            self.begun, self.first, self.warm = now, done, False
        if now - self.start < QUIET:
            return
        text = f"{stage} {counter(done, total)}{self._left(now, done, total)}"
        if self.terminal:
            _write(f"\r\033[K{_safe(text)}", err=True, end="")
        elif fresh or now - self.said >= AGAIN:
            say(f"{text} ...")
            self.said = now

    def _left(self, now: float, done: int, total: int) -> str:
        """How long the stage will take if it goes on as it did so far, without its beginning."""
        passed, steps = now - self.begun, done - self.first
        if passed < SURE_AFTER or steps < 1 or done >= total:
            return ""
        if not self.warm:
            self.begun, self.first, self.warm = now, done, True
            return ""
        return f", {duration(passed / steps * (total - done))} left"

    def say(self, text: str) -> None:
        """A line of its own, above the moving one."""
        self._clear()
        say(text)

    def _clear(self) -> None:
        if self.terminal and self.stage and not self.lines:
            _write("\r\033[K", err=True, end="")

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()


def counter(done: int, total: int) -> str:
    """``3/24``; without the end where that is unknown."""
    return f"{done}/{total}" if total else str(done)


def duration(seconds: float) -> str:
    """``40 s``, ``2 min 5 s`` or ``1 h 10 min``."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _write(text: str, *, err: bool = False, end: str = "\n") -> None:
    """Write and flush. Where nobody reads any more, the work goes on in silence and ends in its own exit code.

    Raises:
        UsageError: stdout, which holds results, goes to a file that cannot be written.
    """
    try:
        typer.echo(text + end, err=err, nl=False)
    except OSError as error:
        with open(os.devnull, "wb") as nothing:  # noqa: PTH123 (no path, a device)
            os.dup2(nothing.fileno(), 2 if err else 1)
        if not err and not isinstance(error, BrokenPipeError):
            raise UsageError(
                f"what was found out cannot be written to stdout ({error.strerror}); make room, or send it elsewhere"
            ) from None


def open_streams() -> None:
    """Let what is written to a stream that was closed before the start go nowhere, and not into the next file."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number is this one
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))


def check_working_folder() -> None:
    """Refuse to work from a folder that was removed: libraries end the whole process there, in the middle of a run.

    Raises:
        UsageError: it is gone.
    """
    try:
        Path.cwd()
    except FileNotFoundError:
        raise UsageError("the working folder is gone; change to one that is there, and try again") from None


def say(text: str) -> None:
    """One line for the user on stderr."""
    _write(f"mfrec: {_safe(text)}", err=True)


def _safe(text: object) -> str:
    """Text that any terminal can show: nothing in a file name moves the cursor or fails to be encoded."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in str(text))


def print_line(text: object) -> None:
    """A result for the user on stdout."""
    _write(_safe(text))


def print_json(value: Mapping[str, Any] | list[Any]) -> None:
    """A result for a program on stdout, ASCII."""
    _write(json.dumps(value, indent=1, ensure_ascii=True))
