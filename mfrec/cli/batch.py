"""``mfrec batch``: many cases, on this machine or on a cluster."""

from __future__ import annotations

import logging
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mfrec.cli.console import print_json, print_line, say
from mfrec.cli.options import Device, Json, Seed
from mfrec.cli.run_options import with_run_options
from mfrec.options import Options

if TYPE_CHECKING:
    from mfrec.batch.engine import Status


@with_run_options
def batch(
    cases: Annotated[
        list[str],
        typer.Argument(
            help="Folders that are searched for cases (folders with pictures, and clips), clips, patterns in "
            "quotes, or CSV files with the columns name, path and any option below.",
            show_default=False,
        ),
    ],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write, or to go on with.", show_default=False)],
    options: Options,
    device: Device = "auto",
    seed: Seed = 0,
    pdf: Annotated[bool, typer.Option("--pdf", help="Write each report as PDF too.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="A case fails whose result is less like the frames than these are alike.")
    ] = False,
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
    as_json: Json = False,
) -> None:
    """Reconstruct many cases. The same command goes on after whatever ended it; no case is lost or done twice."""
    import msgspec

    from mfrec.batch.attempt import Limits
    from mfrec.batch.case import Reconstruct
    from mfrec.batch.night import run_batch
    from mfrec.provenance.schema import Arguments

    # What Dask says of a scheduler that is gone is a traceback a second; the batch says it in one line.
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    record = options.record()
    arguments = msgspec.convert({**record, "device": device, "seed": seed}, Arguments)
    with Shown() as shown:
        found = run_batch(
            cases,
            out,
            Reconstruct(arguments, pdf=pdf, strict=strict),
            Limits(seconds=60 * time_limit, memory=int(memory_limit * 2**30)),
            engine=engine,
            workers=workers or cores(),
            retries=retries,
            retry_failed=retry_failed,
            ledger=ledger,
            report=shown,
        )
    if found.ended:
        say(f"ended before all was done: {found.ended}; the same command goes on")
    if found.trouble:
        say(f"the ledger could not be written ({found.trouble}); the outputs are whole, the same command finds them")
    if as_json:
        print_json({"cases": dict(found.counts), "problems": found.problems, "files": [str(f) for f in found.files]})
    else:
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
