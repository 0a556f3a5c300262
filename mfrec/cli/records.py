"""``mfrec inspect`` and ``rerun``: what the record of a run says, and whether it still holds."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from mfrec.cli.console import Progress, print_json, print_line
from mfrec.cli.options import End, Json, Start
from mfrec.errors import UsageError


def inspect(
    out: Annotated[
        Path,
        typer.Argument(
            help="An output folder or its run.json; or a video or a folder of pictures.", show_default=False
        ),
    ],
    *,
    start: Start = None,
    end: End = None,
    as_json: Json = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Of an output: the figures of every frame as CSV on stdout.")
    ] = False,
) -> None:
    """Print the record of a run; or, of footage before any work, who is seen, how well, and what that is good for."""
    from mfrec.provenance.record import RECORD, read_record
    from mfrec.provenance.summary import summary

    if as_csv and as_json:
        raise UsageError("give --json or --csv, not both")
    # What is not there is footage if it is called a file, and else an output.
    file = out.suffix.lower() != ".json" and (out.exists() or bool(out.suffix))
    if not (out / RECORD).exists() if out.is_dir() else file:
        if as_csv:
            raise UsageError(f"--csv is of an output with its {RECORD}, which '{out}' is not; reconstruct it first")
        from mfrec.triage import as_record, as_words, triage

        with Progress() as progress:
            found = triage(out, start=start, end=end, progress=progress)
        if as_json:
            print_json(as_record(found))
        else:
            print_line(as_words(found))
        return
    record = read_record(out)
    if as_json:
        print_json(record)
    elif as_csv:
        if record.get("upscaled"):
            raise UsageError(
                f"'{out}' was enlarged without a reconstruction and has no figures of frames; leave out --csv"
            )
        from mfrec.provenance.figures import figures_csv

        print_line(figures_csv(record).rstrip("\n"))
    else:
        print_line(summary(record))


def rerun(
    record: Annotated[Path, typer.Argument(help="An output folder or its run.json.", show_default=False)],
    frames: Annotated[
        list[Path] | None, typer.Option("--frames", help="Where the originals are now, if moved.", show_default=False)
    ] = None,
    given: Annotated[
        list[Path] | None,
        typer.Option("--given", help="Where masks and photographs are now, if moved.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Repeat a run from its record; say for every output whether it is identical, or by how much it differs.

    Ends with code 0 where all are identical, else 1. On another kind of processor it is 0 too where pictures and arrays
    differ by no more than that alone can change.
    """
    from mfrec.provenance.difference import SAME
    from mfrec.provenance.rerun import rerun as repeat

    with Progress() as progress:
        found = repeat(record, frames=frames, given=given or (), progress=progress)
    if as_json:
        print_json({"identical": found.identical, "confirmed": found.confirmed, **asdict(found)})
    else:
        width = max(len(difference.name) for difference in found.differences)
        for difference in found.differences:
            print_line(f"{difference.name:<{width}}  {'identical' if difference.identical else difference.detail}")
        for change in found.surroundings:
            print_line(f"not as recorded: {change}")
        if found.confirmed and not found.identical:
            print_line(f"confirmed: another kind of processor, and the same within {SAME}")
    if not found.confirmed:
        raise typer.Exit(1)
