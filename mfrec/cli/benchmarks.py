"""``mfrec bench``: methods on spoilt sequences, as scores, tables or plots."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mfrec.cli.command_line import command_without_paths
from mfrec.cli.console import Progress, print_json, print_line
from mfrec.cli.options import Json, Seed
from mfrec.errors import InputError, UsageError

if TYPE_CHECKING:
    from mfrec.bench.ablation import AblationResult
    from mfrec.bench.curves import Plot
    from mfrec.bench.tables.result import TableResult


Protocol = Annotated[
    list[str] | None,
    typer.Option(
        "--protocol",
        help="jpeg32, cctv64, patch32 (the default are these three), exports (all ways of exporting), long (1 "
        "to 31 frames of long sequences), or one of those, such as export-hevc-png; may be repeated.",
    ),
]

Method = Annotated[
    list[str] | None,
    typer.Option("--method", help="unregistered, mean, median, a recipe or its file; may be repeated."),
]

People = Annotated[str, typer.Option("--people", help="all, final, even, odd, or K/N: a split by person.")]

Limit = Annotated[int | None, typer.Option("--limit", help="At most so many sequences, or what else is counted.")]


def bench(
    sequences: Annotated[
        Path | None, typer.Argument(help="A folder of folders of 256 px frames; without it the portrait is filmed.")
    ] = None,
    *,
    protocol: Protocol = None,
    method: Method = None,
    people: People = "all",
    limit: Limit = None,
    jobs: Annotated[int, typer.Option("--jobs", help="Processes.")] = 1,
    seed: Seed = 0,
    cost: Annotated[bool, typer.Option("--cost", help="Measure time and memory against frames and size too.")] = False,
    table: Annotated[
        list[str] | None,
        typer.Option(
            "--table",
            help="3.1, 3.3 to 3.6, surveillance, exports, long, peers, ablation, calibration, coverage, regions, "
            "foreign, alike, likeness, ambiguity, generator, metrics, identity, eyes, enlarged-eyes, left-out-eyes "
            "(trains for an hour; SEQUENCES keeps it), parser, faces, single, portraits, set5, set14; repeatable.",
        ),
    ] = None,
    curve: Annotated[
        list[str] | None,
        typer.Option(
            "--plot",
            help="frames, degradation, pose, errors, cost; eyes, interpolation; training, of the folder of one; "
            "ambiguity, of the file that --table ambiguity --json printed; may be repeated.",
        ),
    ] = None,
    document: Annotated[
        Path | None, typer.Option("--document", help="Markdown file whose sections the tables and plots replace.")
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(
            "--figures",
            help="Measure nothing: write the pictures behind --table 3.1, 3.3, 3.4, 3.6 (by default these four), a "
            "contact sheet and a blind survey of each into this new folder; --limit is 3 here.",
        ),
    ] = None,
    factors: Annotated[
        Path | None, typer.Option("--factors", help="File that the table 'coverage' writes its factors into.")
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option("--check", help="Measure nothing: name the sections of this document that are out of date."),
    ] = None,
    mark: Annotated[
        Path | None,
        typer.Option(
            "--mark", help="Measure nothing: let the sections that are out of date say so, beside what is in print."
        ),
    ] = None,
    clear: Annotated[
        Path | None,
        typer.Option(
            "--clear", help="Measure nothing: take out the figures that other weights than today's made; commands stay."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Spoil good sequences by named protocols and compare recipes with plain alternatives against the truth."""
    if check or mark or clear:
        from mfrec.bench.stale import cleared, marked

        _check_document(check or mark or clear, as_json, marked if mark else cleared if clear else None)
        return
    if figures:
        _write_figures(figures, table, sequences, method or [], people=people, seed=seed, limit=limit, as_json=as_json)
        return
    if document and not (table or curve):
        raise UsageError("--document takes tables and plots: name them with --table or --plot")
    if factors and "coverage" not in (table or ()):
        raise UsageError("--factors takes those of the table 'coverage': add --table coverage")
    if table and curve:
        raise UsageError("tables and plots are measured one after the other: give --table or --plot")
    if curve:
        from mfrec.bench.curves import check_drawing
        from mfrec.bench.plots import plot

        if document:
            check_drawing()
        chosen = method or ["mean", "evidence", "restore"]
        with Progress() as progress:
            plots = [
                plot(name, chosen, data=sequences, people=people, limit=limit, seed=seed, progress=progress)
                for name in curve
            ]
        _publish_plots(plots, document, as_json)
        return
    if table:
        from mfrec.bench.ablation import ablate
        from mfrec.bench.run import METHODS
        from mfrec.bench.tables import tables

        plain = [name for name in table if name != "ablation"]
        ablated = protocol or ["jpeg32"] if "ablation" in table else []
        chosen = method or (*METHODS, "restore")
        with Progress() as progress:
            made = tables(
                plain, sequences, methods=method or (), people=people, seed=seed, limit=limit, progress=progress
            )
            ablations = [
                ablate(sequences, name, chosen, people=people, seed=seed, limit=limit, progress=progress)
                for name in ablated
            ]
        if factors:
            from mfrec.bench.tables.coverage import factors_toml
            from mfrec.publication.files import write_file

            text = factors_toml(next(one for one in made if one.name == "coverage"))
            write_file(factors, text.encode("utf-8"), replace=True)
        _publish_tables(made, ablations, document, as_json)
        return
    from mfrec.bench.run import METHODS
    from mfrec.bench.run import bench as measure
    from mfrec.camera.protocols import PROTOCOLS

    with Progress() as progress:
        result = measure(
            sequences,
            protocol or tuple(PROTOCOLS),
            method or METHODS,
            people=people,
            seed=seed,
            limit=limit,
            jobs=jobs,
            progress=progress,
        )
    used = None
    if cost:
        from mfrec.bench.cost import cost as measure_cost

        with Progress() as progress:
            used = measure_cost(seed=seed, progress=progress)
    if as_json:
        print_json({**json.loads(result.to_json()), **({"cost": json.loads(used.to_json())} if used else {})})
        return
    print_line(result.table())
    if used:
        print_line(f"\n{used.table()}")


def _write_figures(
    out: Path,
    tables: list[str] | None,
    sequences: Path | None,
    methods: list[str],
    *,
    people: str,
    seed: int,
    limit: int | None,
    as_json: bool,
) -> None:
    """The pictures behind tables into a new folder."""
    from mfrec.bench.figures import PICTURED, write_figures
    from mfrec.publication.folder import staged

    with Progress() as progress, staged(out, originals=[sequences] if sequences else []) as folder:
        said = write_figures(
            folder,
            tables or PICTURED,
            sequences,
            methods=methods,
            people=people,
            seed=seed,
            limit=limit or 3,
            progress=progress,
        )
    if as_json:
        print_json({"figures": said})
    else:
        print_line("\n".join(said))


def _check_document(document: Path | None, as_json: bool, change: Callable[[str], str] | None) -> None:
    """Name the sections that are out of date, after a change of the document if there is one.

    A document in which a section is out of date and does not say so is refused.
    """
    from mfrec.bench.document import read_document
    from mfrec.bench.stale import stale, unsaid
    from mfrec.publication.files import write_file

    assert document is not None
    text = read_document(document)
    if change is not None:
        text = change(text)
        write_file(document, text.encode("utf-8"), replace=True)
    found, silent = stale(text), unsaid(text)
    if as_json:
        print_json({"stale": {name: list(reasons) for name, reasons in found.items()}, "unsaid": list(silent)})
    else:
        print_line("\n".join(f"{name}: {'; '.join(why)}" for name, why in found.items()) or "nothing is out of date")
    if silent:
        raise InputError(
            f"{len(silent)} sections of '{document}' do not say that they are out of date, or what is in print beside "
            f"them ({', '.join(silent)}); "
            f"measure them again by the commands that they show, or: mfrec bench --mark {document}"
        )


def _publish_tables(
    tables: list[TableResult], ablations: list[AblationResult], document: Path | None, as_json: bool
) -> None:
    """Print tables, and put them into a document."""
    if document:
        from mfrec.bench.document import put_sections

        put_sections(document, [result.section(command_without_paths()) for result in (*tables, *ablations)])
    if as_json:
        print_json({"tables": [t.to_dict() for t in tables], "ablations": [a.to_dict() for a in ablations]})
        return
    print_line("\n\n".join(result.text() for result in (*tables, *ablations)))


def _publish_plots(plots: list[Plot], document: Path | None, as_json: bool) -> None:
    """Print the numbers of plots, and put the pictures beside a document and into it."""
    if document:
        from mfrec.bench.document import put_sections
        from mfrec.publication.files import replace_files

        folder = document.with_suffix("")
        replace_files(folder, {f"{one.name}.png": one.png() for one in plots})
        command = command_without_paths()
        put_sections(document, [one.section(command, f"{folder.name}/{one.name}.png") for one in plots])
    if as_json:
        print_json([one.to_dict() for one in plots])
        return
    print_line("\n\n".join(one.text() for one in plots))
