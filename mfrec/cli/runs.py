"""``mfrec reconstruct``, ``stage`` and ``demo``: from frames to a folder with pictures and their record."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from mfrec.cli.command_line import command
from mfrec.cli.console import Progress, print_json, print_line, say
from mfrec.cli.options import Device, Json, Seed
from mfrec.cli.run_options import run_options
from mfrec.cli.shared_options import with_options
from mfrec.errors import UsageError
from mfrec.options import Options

Frames = Annotated[list[Path], typer.Argument(help="A folder of pictures, a video, or files.", show_default=False)]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder to write.", show_default=False)]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an earlier output.")]


@with_options("options", run_options)
def reconstruct(
    frames: Frames,
    *,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder to write; else NAME.mfrec here.", show_default=False)
    ] = None,
    options: Options,
    device: Device = "auto",
    seed: Seed = 0,
    pdf: Annotated[bool, typer.Option("--pdf", help="Write the report as PDF too.")] = False,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Write nothing and end with code 5 where the result is less like the frames than they "
            "are like each other.",
        ),
    ] = False,
    overwrite: Overwrite = False,
    case: Annotated[
        Path | None,
        typer.Option(
            "--case", help="What the run is made for, for record and report: JSON with 'about'.", show_default=False
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make one picture from many frames, with its provenance, a report and a record."""
    from mfrec.image.stamp import marked
    from mfrec.outputs import RESULT, reconstruct_into
    from mfrec.provenance.about import read_about
    from mfrec.provenance.leading import leading_words
    from mfrec.provenance.left_out import count_others, other_files

    about = None if case is None else read_about(case)

    if out is None:
        out = usual_out(frames)
        say(f"the output goes into {out}; -o names another folder")
    with Progress() as progress:
        result = reconstruct_into(
            out,
            frames,
            options,
            command=command(),
            device=device,
            seed=seed,
            strict=strict,
            pdf=pdf,
            overwrite=overwrite,
            about=about,
            progress=progress,
        )
    record = _written(out)
    if as_json:
        print_json(record)
        return
    picture = out / marked(RESULT, result.stamp)
    height, width = result.uncertainty.shape
    print_line(f"{picture}: {width} x {height} px, {result.stamp}, recipe {record['recipe']['name']}")
    others = len(other_files(record["dropped"]))
    counts = [f"{len(record['used'])} used", f"{len(record['dropped']) - others} left out", count_others(others)]
    leading = leading_words(*([used[key] for used in record["used"]] for key in ("name", "share")))
    print_line(f"frames: {', '.join(filter(None, counts))}{leading and f'; {leading}'}")
    print_line(f"reference: frame {record['reference']['index']} (counted from 0), {record['reference']['name']}")
    print_line(f"identity: {record['identity']['text']}")
    print_line(f"report: {out / 'report.html'}")


def usual_out(frames: list[Path]) -> Path:
    """Where the output goes if nobody says: ``NAME.mfrec`` in the current folder.

    Args:
        frames: what is reconstructed; ``NAME`` is that of the folder or the video, or of the folder that holds several
            files.
    """
    # Not resolved: a link has its own name.
    given = Path(os.path.abspath(frames[0] if len(frames) == 1 else frames[0].parent))  # noqa: PTH100
    name = given.name if given.is_dir() else given.stem
    return Path(f"{name or 'frames'}.mfrec")


@with_options("options", run_options)
def stage(
    name: Annotated[
        str, typer.Argument(help="Where the chain ends: track, align, parse, assess ...", show_default=False)
    ],
    frames: Frames,
    *,
    out: Out,
    options: Options,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Run a recipe's chain up to one stage and write pictures of what it has found in every frame."""
    from mfrec.outputs import write_stage
    from mfrec.provenance.digests import check_unchanged
    from mfrec.publication.folder import staged
    from mfrec.reconstruction import run_until

    with staged(out, overwrite=overwrite, originals=frames) as folder, Progress() as progress:
        track, record = run_until(name, frames, options, seed=seed, progress=progress)
        check_unchanged(record["inputs"])
        write_stage(track, {**record, "command": command()}, folder)
    record = _written(out)
    if as_json:
        print_json(record)
        return
    for file in record["outputs"]:
        print_line(out / file)


def demo(
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")] = Path("demo"),
    frames: Annotated[
        int | None,
        typer.Option("--frames", min=1, help="How many frames to film: 15, of footage 1500.", show_default=False),
    ] = None,
    size: Annotated[int, typer.Option("--size", help="Pixels along each side of a frame, even.")] = 48,
    footage: Annotated[
        bool, typer.Option("--footage", help="Film a minute of people who walk and cross, with its truth, instead.")
    ] = False,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Film a public-domain portrait with a simulated camera, reconstruct it, and compare with the truth."""
    from mfrec.demo import demonstrate, film_minute, table

    try:
        with Progress() as progress:
            if footage:
                _say_films(film_minute(out, frames=frames or 1500, seed=seed, progress=progress), as_json)
                return
            shown = demonstrate(out, frames=frames or 15, size=size, seed=seed, progress=progress)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if as_json:
        rows = [asdict(row) for row in shown.rows]
        print_json({"rows": rows, "report": str(shown.report), "comparison": str(shown.comparison)})
        return
    print_line(table(shown.rows))
    print_line(f"\nreport: {shown.report}\npictures: {shown.comparison}")


def _say_films(files: list[Path], as_json: bool) -> None:
    if as_json:
        print_json({"files": [str(file) for file in files]})
    else:
        print_line(f"{files[0]}\n{files[1]}\ntruth: {len(files) - 2} pictures beside them")


def _written(out: Path) -> dict[str, Any]:
    """The record that was just written; its warnings go to stderr."""
    from mfrec.provenance.left_out import count_others, other_files
    from mfrec.provenance.record import read_record

    record = read_record(out)
    others = other_files(record["dropped"])
    passed_over = [dropped for dropped in record["dropped"] if dropped["stage"] == "choose"]
    for dropped in record["dropped"]:
        if dropped not in others and dropped not in passed_over:
            say(f"left out: {dropped['name']}: {dropped['reason']}")
    if passed_over:
        say(f"not chosen: {len(passed_over)} frames; the report says why each, and --frames how many are used")
    followed = next((person["number"] for person in record["subjects"] if person["chosen"]), None)
    for person in record["subjects"]:
        if not person["chosen"]:
            place = f" or --box {person['box']}" if person["box"] else ""
            seen_in = f"in {len(person['frames'])} frames" if person["frames"] else "in other frames"
            say(f"subject {followed} is followed; also seen, {seen_in}: --subject {person['number']}{place}")
    if others:
        say(f"{count_others(len(others))}: {', '.join(other['name'] for other in others)}")
    for entry in record.get("by_hand", ()):
        if entry["share"] is not None:
            part = f"{100 * entry['share']:.0f} % of its pixels"
            say(f"{entry['region']} by hand: frame {entry['index']} gave {part}")
    for warning in record["warnings"]:
        say(f"warning: {warning}")
    return record
