"""What the command line says: results on stdout; progress, warnings and errors on stderr."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Mapping
from typing import Any

import typer

PROGRESS = "MFREC_PROGRESS"
"""Environment variable; with the value ``lines`` every step of the progress is a line, for a program that reads it."""

PROGRESS_LINES = re.compile(r"mfrec: (\w+) (\d+)/(\d+)")
"""Such a line: stage, done, total."""

STEP = 0.2
"""Seconds between two of them within a stage."""


class Progress:
    """Progress on stderr once a run takes longer than a second: one moving line on a terminal, else a line a stage."""

    def __init__(self) -> None:
        self.start = time.monotonic()
        self.terminal = sys.stderr.isatty()
        self.lines = os.environ.get(PROGRESS) == "lines"
        self.stage = ""
        self.said = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if self.lines:
            if stage != self.stage or now - self.said >= STEP:
                self.stage, self.said = stage, now
                say(f"{stage} {done}/{total}")
            return
        if now - self.start < 1.0:
            return
        if self.terminal:
            sys.stderr.write(f"\r\033[K{stage} {done}/{total}")
            sys.stderr.flush()
        elif stage != self.stage:
            say(f"{stage} ...")
        self.stage = stage

    def say(self, text: str) -> None:
        """A line of its own, above the moving one."""
        self._clear()
        say(text)

    def _clear(self) -> None:
        if self.terminal and self.stage and not self.lines:
            sys.stderr.write("\r\033[K")

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()


def say(text: str) -> None:
    """One line for the user on stderr."""
    typer.echo(f"mfrec: {_safe(text)}", err=True)


def _safe(text: object) -> str:
    """Text that any terminal can show: nothing in a file name moves the cursor or fails to be encoded."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in str(text))


def print_line(text: object) -> None:
    """A result for the user on stdout."""
    typer.echo(_safe(text))


def print_json(value: Mapping[str, Any] | list[Any]) -> None:
    """A result for a program on stdout, ASCII."""
    typer.echo(json.dumps(value, indent=1, ensure_ascii=True))
