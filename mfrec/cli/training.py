"""``mfrec train``."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from mfrec.cli.console import Progress, print_json, print_line, say
from mfrec.cli.options import Device, Json
from mfrec.errors import UsageError
from mfrec.runtime.extras import not_installed
from mfrec.runtime.interruption import asked_to_stop
from mfrec.runtime.memory import check_limit


def train(
    name: Annotated[str, typer.Argument(help="A card with a recipe, or a path ending in .toml.", show_default=False)],
    *,
    out: Annotated[
        Path, typer.Option("--out", "--output", "-o", help="Folder for checkpoint and weights.", show_default=False)
    ],
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", help="Folder of pictures; may be repeated; not for 'gaze'.", show_default=False),
    ] = None,
    minutes: Annotated[float | None, typer.Option("--minutes", help="How long.", show_default=False)] = None,
    steps: Annotated[int | None, typer.Option("--steps", help="How many steps; else the recipe's.")] = None,
    resume: Annotated[
        bool | None,
        typer.Option(
            "--resume/--fresh", help="Go on with the training in the folder, or replace it.", show_default=False
        ),
    ] = None,
    start: Annotated[
        str, typer.Option("--start", help="A card, or a .pth of an encoder, whose weights to begin with.")
    ] = "",
    device: Device = "auto",
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="Of PyTorch; the last bits depend on it.")
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=0, help="Processes that make samples.")] = 0,
    terms: Annotated[str, typer.Option("--terms", help="Terms of use of the pictures, for the card.")] = "",
    install: Annotated[bool, typer.Option("--install", help="Copy card and weights to where mfrec looks.")] = False,
    as_json: Json = False,
) -> None:
    """Train a network by the recipe on its card, look at people it has not seen, and write card and weights.

    Ctrl-C writes a checkpoint. A training that was stopped or killed goes on with --resume and, on the same machine
    with the same --threads, ends with the same weights to the last bit. Several GPUs: accelerate launch --multi_gpu -m
    mfrec train NAME ... --steps N.
    """
    # Threads that spin while they wait are many times slower on busy cores. It is read when PyTorch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    check_limit()
    try:
        from mfrec.train.job import run_job
    except ModuleNotFoundError as error:
        raise UsageError(not_installed("training", error.name, "train")) from None

    with asked_to_stop(say) as asked, Progress() as progress:
        found = run_job(
            name,
            data or [],
            out,
            steps=steps,
            minutes=minutes,
            begin="new" if resume is None else "resume" if resume else "fresh",
            start=start,
            device=device,
            threads=threads,
            workers=workers,
            terms=terms,
            installed=install,
            progress=progress,
            report=lambda found: progress.say(found.text()),
            stop=lambda: bool(asked),
            say=progress.say,
        )
    if asked and found.step < found.total:
        say(f"stopped after step {found.step} of {found.total}; the same command with --resume goes on")
        raise typer.Exit(128 + asked[0])
    if found.card is None:
        return  # one of several processes, and not the one that writes
    if as_json:
        print_json(asdict(found.card))
        return
    for figure, value in found.card.metrics.items():
        print_line(f"{figure:<14} {value}")
    print_line(out / f"{found.card.name}.toml")
