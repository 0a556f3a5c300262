"""``mfrec evaluate`` and ``survey``: finished pictures against the truth, by metrics and by people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from mfrec.cli.console import Progress, print_json, print_line
from mfrec.cli.options import Json, Seed
from mfrec.errors import UsageError

Pictures = Annotated[
    list[Path], typer.Argument(help="Pictures, folders of them, or outputs of reconstruct.", show_default=False)
]

TruthOption = Annotated[
    Path, typer.Option("--truth", help="A picture, or a folder with one of the same name for each.")
]

Before = Annotated[
    Path | None, typer.Option("--before", help="What the methods were given: a picture, or a folder likewise.")
]

Metric = Annotated[
    list[str] | None,
    typer.Option("--metric", help="psnr, psnr_y, ssim ... (all by default but serfiq, which is slow); repeat."),
]


def evaluate(
    pictures: Pictures,
    *,
    truth: TruthOption,
    before: Before = None,
    metric: Metric = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for table, JSON, CSV and a contact sheet.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure pictures, whoever made them, against the truth."""
    from mfrec.evaluation.evaluate import evaluate as measure
    from mfrec.evaluation.evaluate import write_evaluation
    from mfrec.metrics.names import DEFAULT
    from mfrec.publication.folder import staged

    with Progress() as progress:
        result = measure(pictures, truth, before=before, metrics=metric or DEFAULT, progress=progress)
    if out:
        with staged(out, originals=[*pictures, truth, *([before] if before else [])]) as folder:
            write_evaluation(result, folder)
    if as_json:
        print_json(json.loads(result.to_json()))
    else:
        print_line(result.table())


def survey(
    results: Annotated[
        Path | None, typer.Argument(help="A folder with a folder of pictures for each method.", show_default=False)
    ] = None,
    *,
    truth: Annotated[
        Path | None, typer.Option("--truth", help="Folder with a good picture of the person for each case.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the page and its key.")] = None,
    collect: Annotated[Path | None, typer.Option("--collect", help="Folder of saved answers: print the table.")] = None,
    key: Annotated[Path | None, typer.Option("--key", help="The key.json to the answers, if it is elsewhere.")] = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Ask people: write a blind page with all results, or count the answers that came back."""
    if (results is None) == (collect is None):
        raise UsageError("give either a folder of results with --truth and -o, or --collect with a folder of answers")
    if collect is not None:
        from mfrec.evaluation.survey.answers import collect as count

        counted = count(collect, key)
        if as_json:
            print_json(counted.to_dict())
        else:
            print_line(counted.table())
        return
    if results is None or truth is None or out is None:
        raise UsageError("a page needs the folder of results, --truth with pictures of the persons, and -o")
    from mfrec.evaluation.survey.page import KEY, PAGE, write_survey
    from mfrec.publication.folder import staged

    with staged(out, originals=[results, truth]) as folder:
        cases = write_survey(results, truth, folder, seed=seed)
    pictures = len(cases[0].candidates)
    if as_json:
        print_json({"page": str(out / PAGE), "key": str(out / KEY), "cases": len(cases), "methods": pictures})
        return
    print_line(f"{out / PAGE}: {len(cases)} cases of {pictures} pictures; hand this file out, alone")
    print_line(f"{out / KEY}: says which picture is whose; keep it")
