"""What ``mfrec batch`` and its siblings share: how cases are worked off, and what is said meanwhile."""

from __future__ import annotations

import logging
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mfrec.cli.console import print_json, print_line, say

if TYPE_CHECKING:
    from mfrec.batch.engine import Status
    from mfrec.batch.manifest import Manifest
    from mfrec.batch.measuring import Gather

Cases = Annotated[
    list[str],
    typer.Argument(
        help="Folders that are searched for cases (folders with pictures, and clips), clips, patterns in "
        "quotes, or CSV files with the columns name, path and any option below.",
        show_default=False,
    ),
]

Out = Annotated[Path, typer.Option("--out", "-o", help="Folder to write, or to go on with.", show_default=False)]


@dataclass(frozen=True)
class Work:
    """How cases are worked off; see :func:`mfrec.batch.night.run_batch`.

    Attributes:
        engine: whose workers take them.
        workers: how many; 0 for one a core.
        time_limit: minutes of one case.
        memory_limit: GiB of one case.
        retries: of a case that crashes.
        retry_failed: whether what failed before is tried again.
        ledger: its file; None for the one in the folder.
    """

    engine: str
    workers: int
    time_limit: float
    memory_limit: float
    retries: int
    retry_failed: bool
    ledger: Path | None


def batch_options(
    *,
    engine: Annotated[str, typer.Option("--engine", help="local, dask://HOST:PORT, slurm or pbs.")] = "local",
    workers: Annotated[int, typer.Option("--workers", min=0, help="How many cases at a time; 0 for one a core.")] = 0,
    time_limit: Annotated[float, typer.Option("--time-limit", help="Minutes that one case may take.")] = 60.0,
    memory_limit: Annotated[float, typer.Option("--memory-limit", help="GiB that one case may take.")] = 8.0,
    retries: Annotated[int, typer.Option("--retries", min=0, help="More tries for a case that crashes.")] = 1,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Try again what failed before.")] = False,
    ledger: Annotated[
        Path | None,
        typer.Option("--ledger", help="File of the ledger, on a local disk; else in the folder.", show_default=False),
    ] = None,
) -> Work:
    """What was asked for."""
    return Work(engine, workers, time_limit, memory_limit, retries, retry_failed, ledger)


def work_off(cases: Manifest, out: Path, work: Work, *, as_json: bool, gather: Gather | None = None) -> None:
    """Work cases off and print what became of them.

    Args:
        cases: see :mod:`mfrec.batch.manifest` and :mod:`mfrec.batch.measuring`.
        out: folder of the batch.
        work: how.
        as_json: print JSON.
        gather: makes the table of all cases.

    Raises:
        typer.Exit: with the code of the worst case.
    """
    from mfrec.batch.attempt import Limits
    from mfrec.batch.night import run_batch

    # What Dask says of a scheduler that is gone is a traceback a second; the batch says it in one line.
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with Shown() as shown:
        found = run_batch(
            cases,
            out,
            Limits(seconds=60 * work.time_limit, memory=int(work.memory_limit * 2**30)),
            engine=work.engine,
            workers=work.workers or cores(),
            retries=work.retries,
            retry_failed=work.retry_failed,
            ledger=work.ledger,
            gather=gather,
            report=shown,
        )
    if found.ended:
        say(f"ended before all was done: {found.ended}; the same command goes on")
    if found.trouble:
        say(f"the ledger could not be written ({found.trouble}); the outputs are whole, the same command finds them")
    if as_json:
        print_json({"cases": dict(found.counts), "problems": found.problems, "files": [str(f) for f in found.files]})
    else:
        if found.table:
            print_line(f"{found.table}\n")
        print_line(", ".join(f"{count} {state}" for state, count in sorted(found.counts.items())) or "no case")
        if found.problems:
            print_line(f"{found.problems} entries are no case; the summary says why")
        for file in found.files:
            print_line(file)
    if found.code:
        raise typer.Exit(found.code)


def cores() -> int:
    """Of this machine, as far as this process may use them."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Shown:
    """Progress on stderr: one moving line on a terminal, else a line a minute; what happens has a line of its own."""

    EVERY = 60.0

    def __init__(self) -> None:
        self.terminal = sys.stderr.isatty()
        self.said = time.monotonic()

    def __call__(self, status: Status) -> None:
        line = progress_line(status)
        if self.terminal:
            sys.stderr.write("\r\033[K")
        if status.message:
            say(status.message)
        if self.terminal:
            sys.stderr.write(line)
            sys.stderr.flush()
        elif time.monotonic() - self.said >= self.EVERY:
            say(line)
            self.said = time.monotonic()

    def __enter__(self) -> Shown:
        return self

    def __exit__(self, *_: object) -> None:
        if self.terminal:
            sys.stderr.write("\r\033[K")


def progress_line(status: Status) -> str:
    """How far it is, and how long it will take if it goes on like this."""
    counts = status.counts
    left = counts.get("waiting", 0) + counts.get("running", 0)
    ended = counts.get("done", 0) + counts.get("failed", 0)
    line = f"cases {ended}/{ended + left}, {counts.get('failed', 0)} failed, {status.workers} workers"
    if not status.ended or not left:
        return line
    minutes = left * status.seconds / status.ended / 60
    return f"{line}, {f'{minutes / 60:.1f} h' if minutes > 90 else f'{minutes:.0f} min'} left"
