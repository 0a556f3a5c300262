"""The command line. Every command is a few lines around a function that Python can call as well.

Results go to stdout; progress, warnings and errors go to stderr. Exit codes: 0 done, 1 a repeated run differs, 2 usage,
3 unusable input, 4 weights, 5 the result is unlike its frames (under ``--strict``), 130 interrupted.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import mfrec
from mfrec.errors import MfrecError, UsageError
from mfrec.interruption import asked_to_stop, interruptible


class Commands(TyperGroup):
    """Turns what mfrec raises on purpose into one line on stderr and an exit code."""

    def invoke(self, ctx: Any) -> Any:  # Typer's own context class is private
        try:
            with interruptible():
                return super().invoke(ctx)
        except MfrecError as error:
            _say(f"error: {error}")
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            _say("interrupted; no half-written output is left, and an earlier one is as it was")
            raise typer.Exit(128 + signal.SIGINT) from None


app = typer.Typer(
    cls=Commands,
    name="mfrec",
    help="One picture of a face from many poor ones, with a record of where each pixel came from.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
weights_app = typer.Typer(help="The networks' weights that are installed.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(weights_app, name="weights")


class Progress:
    """Progress on stderr once a run takes longer than a second: one moving line on a terminal, else a line a stage."""

    def __init__(self) -> None:
        self.start = time.monotonic()
        self.terminal = sys.stderr.isatty()
        self.stage = ""

    def __call__(self, stage: str, done: int, total: int) -> None:
        if time.monotonic() - self.start < 1.0:
            return
        if self.terminal:
            sys.stderr.write(f"\r\033[K{stage} {done}/{total}")
            sys.stderr.flush()
        elif stage != self.stage:
            _say(f"{stage} ...")
        self.stage = stage

    def say(self, text: str) -> None:
        """A line of its own, above the moving one."""
        self._clear()
        _say(text)

    def _clear(self) -> None:
        if self.terminal and self.stage:
            sys.stderr.write("\r\033[K")

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()


def _say(text: str) -> None:
    """One line for the user on stderr."""
    typer.echo(f"mfrec: {_safe(text)}", err=True)


def _safe(text: object) -> str:
    """Text that any terminal can show: nothing in a file name moves the cursor or fails to be encoded."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in str(text))


def _print(text: object = "") -> None:
    typer.echo(_safe(text))


Frames = Annotated[list[Path], typer.Argument(help="A folder of pictures, a video, or files.", show_default=False)]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder to write.", show_default=False)]
RecipeName = Annotated[str, typer.Option("--recipe", help="restore, evidence, or a TOML file.")]
Reference = Annotated[str, typer.Option("--reference", help="auto, a frame's index from 0, or its name.")]
Subject = Annotated[str, typer.Option("--subject", help="Whom to follow: auto, or a number from the report.")]
Scale = Annotated[int, typer.Option("--scale", help="Output pixels per reference pixel along each side.")]
Crop = Annotated[str, typer.Option("--crop", help="auto, face, or frame for the whole reference frame.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="stage.key=value; may be repeated.", show_default=False)]
Start = Annotated[float | None, typer.Option("--start", help="Seconds of a video to start at.", show_default=False)]
End = Annotated[float | None, typer.Option("--end", help="Seconds of a video to end at.", show_default=False)]
Every = Annotated[int, typer.Option("--every", help="Take each n-th frame.")]
Deinterlace = Annotated[bool, typer.Option("--deinterlace", help="The video is interlaced: separate its fields.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]
Seed = Annotated[int, typer.Option("--seed", help="Of every random draw.")]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="Write nothing and end with code 5 where the result is less like the frames than they "
        "are like each other.",
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an earlier output.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback(invoke_without_command=True)
def root(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """One picture of a face from many poor ones, with a record of where each pixel came from."""
    if version:
        _print(f"mfrec {mfrec.__version__}")
        raise typer.Exit(0)
    if ctx.invoked_subcommand is None:
        _print(ctx.get_help())
        raise typer.Exit(2)


@app.command()
def reconstruct(
    frames: Frames,
    *,
    out: Out,
    recipe: RecipeName = "restore",
    reference: Reference = "auto",
    subject: Subject = "auto",
    scale: Scale = 4,
    crop: Crop = "auto",
    settings: Set = None,
    start: Start = None,
    end: End = None,
    every: Every = 1,
    deinterlace: Deinterlace = False,
    device: Device = "auto",
    seed: Seed = 0,
    pdf: Annotated[bool, typer.Option("--pdf", help="Write the report as PDF too.")] = False,
    strict: Strict = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Make one picture from many frames, with its provenance, a report and a record."""
    from mfrec.outputs import staged, write_outputs
    from mfrec.provenance.left_out import count_others, other_files
    from mfrec.reconstruction import reconstruct as run

    with staged(out, overwrite=overwrite, originals=frames) as folder, Progress() as progress:
        result = run(
            frames[0] if len(frames) == 1 else frames,
            recipe=recipe,
            reference=reference,
            scale=scale,
            crop=crop,
            device=device,
            seed=seed,
            subject=subject,
            settings=settings or (),
            start=start,
            end=end,
            every=every,
            deinterlace=deinterlace,
            strict=strict,
            progress=progress,
        )
        result = replace(result, record={**result.record, "command": _command()})
        write_outputs(result, folder, pdf=pdf)
    record = _written(out)
    if as_json:
        _print_json(record)
        return
    height, width = result.uncertainty.shape
    _print(f"{out / 'reconstruction.png'}: {width} x {height} px, {result.stamp}, recipe {record['recipe']['name']}")
    others = len(other_files(record["dropped"]))
    counts = [f"{len(record['used'])} used", f"{len(record['dropped']) - others} left out", count_others(others)]
    _print(f"frames: {', '.join(filter(None, counts))}")
    _print(f"reference: frame {record['reference']['index']}, {record['reference']['name']}")
    _print(f"identity: {record['identity']['text']}")
    _print(f"report: {out / 'report.html'}")
    for warning in record["warnings"]:
        _say(f"warning: {warning}")


@app.command()
def inspect(
    out: Annotated[Path, typer.Argument(help="An output folder or its run.json.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Print the record of a run: what went in, what was done, which frames gave the picture."""
    from mfrec.provenance.record import read_record
    from mfrec.provenance.summary import summary

    record = read_record(out)
    if as_json:
        _print_json(record)
    else:
        _print(summary(record))


@app.command()
def rerun(
    record: Annotated[Path, typer.Argument(help="An output folder or its run.json.", show_default=False)],
    frames: Annotated[
        list[Path] | None, typer.Option("--frames", help="Where the originals are now, if moved.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Repeat a run from its record; say for every output whether it is identical, or by how much it differs.

    Ends with code 0 where all are identical, else 1.
    """
    from mfrec.provenance.rerun import rerun as repeat

    with Progress() as progress:
        found = repeat(record, frames=frames, progress=progress)
    if as_json:
        _print_json({"identical": found.identical, **asdict(found)})
    else:
        width = max(len(difference.name) for difference in found.differences)
        for difference in found.differences:
            _print(f"{difference.name:<{width}}  {'identical' if difference.identical else difference.detail}")
        for change in found.surroundings:
            _print(f"not as recorded: {change}")
    if not found.identical:
        raise typer.Exit(1)


@app.command()
def stage(
    name: Annotated[
        str, typer.Argument(help="Where the chain ends: track, align, parse, assess ...", show_default=False)
    ],
    frames: Frames,
    *,
    out: Out,
    recipe: RecipeName = "restore",
    reference: Reference = "auto",
    subject: Subject = "auto",
    scale: Scale = 4,
    crop: Crop = "auto",
    settings: Set = None,
    start: Start = None,
    end: End = None,
    every: Every = 1,
    deinterlace: Deinterlace = False,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Run a recipe's chain up to one stage and write pictures of what it has found in every frame."""
    from mfrec.outputs import staged, write_stage
    from mfrec.reconstruction import run_until

    with staged(out, overwrite=overwrite, originals=frames) as folder, Progress() as progress:
        track, record = run_until(
            name,
            frames[0] if len(frames) == 1 else frames,
            recipe=recipe,
            reference=reference,
            scale=scale,
            crop=crop,
            subject=subject,
            settings=settings or (),
            start=start,
            end=end,
            every=every,
            deinterlace=deinterlace,
            seed=seed,
            progress=progress,
        )
        write_stage(track, {**record, "command": _command()}, folder)
    record = _written(out)
    if as_json:
        _print_json(record)
        return
    for file in record["outputs"]:
        _print(out / file)


@app.command()
def demo(
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")] = Path("demo"),
    frames: Annotated[int, typer.Option("--frames", help="How many frames to film.")] = 15,
    size: Annotated[int, typer.Option("--size", help="Pixels along each side of a frame, even.")] = 48,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Film a public-domain portrait with a simulated camera, reconstruct it, and compare with the truth."""
    from mfrec.demo import demonstrate, table

    try:
        with Progress() as progress:
            shown = demonstrate(out, frames=frames, size=size, seed=seed, progress=progress)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if as_json:
        rows = [asdict(row) for row in shown.rows]
        _print_json({"rows": rows, "report": str(shown.report), "comparison": str(shown.comparison)})
        return
    _print(table(shown.rows))
    _print(f"\nreport: {shown.report}\npictures: {shown.comparison}")


@app.command()
def evaluate(
    pictures: Annotated[
        list[Path], typer.Argument(help="Pictures, folders of them, or outputs of reconstruct.", show_default=False)
    ],
    *,
    truth: Annotated[Path, typer.Option("--truth", help="A picture, or a folder with one of the same name for each.")],
    before: Annotated[
        Path | None, typer.Option("--before", help="What the methods were given: a picture, or a folder likewise.")
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", help="psnr, psnr_y, ssim ... (all by default but serfiq, which is slow); repeat."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for table, JSON, CSV and a contact sheet.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure pictures, whoever made them, against the truth."""
    from mfrec.evaluate import evaluate as measure
    from mfrec.evaluate import write_evaluation
    from mfrec.measures import DEFAULT
    from mfrec.outputs import staged

    with Progress() as progress:
        result = measure(pictures, truth, before=before, metrics=metric or DEFAULT, progress=progress)
    if out:
        with staged(out, originals=[*pictures, truth, *([before] if before else [])]) as folder:
            write_evaluation(result, folder)
    if as_json:
        _print_json(json.loads(result.to_json()))
    else:
        _print(result.table())


@app.command()
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
        from mfrec.survey.answers import collect as count

        counted = count(collect, key)
        if as_json:
            _print_json(counted.to_dict())
        else:
            _print(counted.table())
        return
    if results is None or truth is None or out is None:
        raise UsageError("a page needs the folder of results, --truth with pictures of the persons, and -o")
    from mfrec.outputs import staged
    from mfrec.survey.page import KEY, PAGE, write_survey

    with staged(out, originals=[results, truth]) as folder:
        cases = write_survey(results, truth, folder, seed=seed)
    pictures = len(cases[0].candidates)
    if as_json:
        _print_json({"page": str(out / PAGE), "key": str(out / KEY), "cases": len(cases), "methods": pictures})
        return
    _print(f"{out / PAGE}: {len(cases)} cases of {pictures} pictures; hand this file out, alone")
    _print(f"{out / KEY}: says which picture is whose; keep it")


@app.command()
def bench(
    sequences: Annotated[
        Path | None, typer.Argument(help="A folder of folders of 256 px frames; without it the portrait is filmed.")
    ] = None,
    *,
    protocol: Annotated[
        list[str] | None, typer.Option("--protocol", help="jpeg32, cctv64, patch32; may be repeated; default all.")
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option("--method", help="unregistered, mean, median, a recipe or its file; may be repeated."),
    ] = None,
    people: Annotated[str, typer.Option("--people", help="all, even, odd, or K/N: a split by person.")] = "all",
    limit: Annotated[int | None, typer.Option("--limit", help="At most so many sequences.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", help="Processes.")] = 1,
    seed: Seed = 0,
    cost: Annotated[bool, typer.Option("--cost", help="Measure time and memory against frames and size too.")] = False,
    table: Annotated[
        list[str] | None,
        typer.Option(
            "--table",
            help="3.1 to 3.6, set5, set14, faces, parser, peers, ablation, metrics, identity, calibration, eyes, "
            "regions, foreign; repeatable.",
        ),
    ] = None,
    curve: Annotated[
        list[str] | None, typer.Option("--plot", help="frames, degradation, pose, errors, cost; may be repeated.")
    ] = None,
    document: Annotated[
        Path | None, typer.Option("--document", help="Markdown file whose sections the tables and plots replace.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Spoil good sequences by named protocols and compare recipes with plain alternatives against the truth."""
    if document and not (table or curve):
        raise UsageError("--document takes tables and plots: name them with --table or --plot")
    if table and curve:
        raise UsageError("tables and plots are measured one after the other: give --table or --plot")
    if curve:
        _plots(
            curve,
            sequences,
            methods=method or [],
            people=people,
            limit=limit,
            seed=seed,
            document=document,
            as_json=as_json,
        )
        return
    if table:
        _tables(
            table,
            sequences,
            methods=method or [],
            protocols=protocol or [],
            people=people,
            limit=limit,
            seed=seed,
            document=document,
            as_json=as_json,
        )
        return
    from mfrec.bench import METHODS
    from mfrec.bench import bench as measure
    from mfrec.protocols import PROTOCOLS

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
        from mfrec.cost import cost as measure_cost

        with Progress() as progress:
            used = measure_cost(seed=seed, progress=progress)
    if as_json:
        _print_json({**json.loads(result.to_json()), **({"cost": json.loads(used.to_json())} if used else {})})
        return
    _print(result.table())
    if used:
        _print(f"\n{used.table()}")


@app.command()
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
    try:
        from mfrec.train.job import run_job
    except ModuleNotFoundError as error:
        raise UsageError(f"training needs the package '{error.name}': pip install 'mfrec[train]'") from None

    with asked_to_stop(_say) as asked, Progress() as progress:
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
        )
    if asked and found.step < found.total:
        _say(f"stopped after step {found.step} of {found.total}; the same command with --resume goes on")
        raise typer.Exit(128 + asked[0])
    if found.card is None:
        return  # one of several processes, and not the one that writes
    if as_json:
        _print_json(asdict(found.card))
        return
    for figure, value in found.card.metrics.items():
        _print(f"{figure:<14} {value}")
    _print(out / f"{found.card.name}.toml")


@weights_app.command("list")
def weights_list(as_json: Json = False) -> None:
    """Print every card: what the network does, and under which licence."""
    from mfrec.weights import card_names, cards_folder, read_card

    cards = [read_card(cards_folder() / f"{name}.toml") for name in card_names()]
    if as_json:
        _print_json([asdict(card) for card in cards])
        return
    for card in cards:
        state = f"{card.file}, SHA-256 {card.sha256}" if card.sha256 else "not trained"
        _print(f"{card.name}: {card.summary}\n  {state}\n  {card.licence}")


@weights_app.command("verify")
def weights_verify(as_json: Json = False) -> None:
    """Check every weights file against the hash on its card. Ends with code 4 where one is missing or damaged.

    A card with a recipe that nobody has trained yet has no weights, and is said to be not trained.
    """
    from mfrec.errors import WeightsError
    from mfrec.weights import card_names, cards_folder, read_card, read_state

    problems: dict[str, str | None] = {}
    for name in card_names():
        try:
            card = read_card(cards_folder() / f"{name}.toml")
            if card.sha256:
                read_state(card)
            problems[name] = "" if card.sha256 else None
        except WeightsError as error:
            problems[name] = str(error)
    if as_json:
        _print_json({name: {"intact": None if p is None else not p, "problem": p} for name, p in problems.items()})
    else:
        for name, problem in problems.items():
            _print(f"{name}: {'not trained' if problem is None else problem or 'intact'}")
    if any(problems.values()):
        raise typer.Exit(WeightsError.exit_code)


@weights_app.command("export")
def weights_export(
    name: Annotated[str, typer.Argument(help="A card, or a path ending in .toml.", show_default=False)],
    *,
    onnx: Annotated[bool, typer.Option("--onnx", help="As ONNX, the only format there is.")] = False,
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Write a network in another format, checked against PyTorch."""
    if not onnx:
        raise UsageError("no format was given; the only one is --onnx")
    from mfrec.onnx_export import export_onnx

    found = export_onnx(name, out)
    if as_json:
        _print_json(asdict(found))
        return
    for input_name, shape in found.inputs.items():
        _print(f"input {input_name} [{', '.join(map(str, shape))}]")
    _print(f"outputs {', '.join(found.outputs)}")
    _print(f"{out}: differs from PyTorch by {found.difference:.1e} at most")


def main() -> None:
    """The script ``mfrec``."""
    app(prog_name="mfrec")


def _tables(
    names: list[str],
    data: Path | None,
    *,
    methods: list[str],
    protocols: list[str],
    people: str,
    limit: int | None,
    seed: int,
    document: Path | None,
    as_json: bool,
) -> None:
    """``mfrec bench --table``: measure, print, and put into a document what was asked for."""
    from mfrec.ablation import ablate
    from mfrec.bench import METHODS
    from mfrec.tables import tables

    with Progress() as progress:
        plain = [name for name in names if name != "ablation"]
        made = tables(plain, data, methods=methods, people=people, seed=seed, limit=limit, progress=progress)
        ablations = [
            ablate(
                data,
                protocol,
                methods or (*METHODS, "restore"),
                people=people,
                seed=seed,
                limit=limit,
                progress=progress,
            )
            for protocol in (protocols or ["jpeg32"] if "ablation" in names else [])
        ]
    if document:
        from mfrec.document import put_sections

        put_sections(document, [result.section(_command_without_paths()) for result in (*made, *ablations)])
    if as_json:
        _print_json({"tables": [t.to_dict() for t in made], "ablations": [a.to_dict() for a in ablations]})
        return
    _print("\n\n".join(result.text() for result in (*made, *ablations)))


def _plots(
    names: list[str],
    data: Path | None,
    *,
    methods: list[str],
    people: str,
    limit: int | None,
    seed: int,
    document: Path | None,
    as_json: bool,
) -> None:
    """``mfrec bench --plot``: measure, print the numbers, and put pictures beside a document."""
    from mfrec.plots import plot

    asked = methods or ["mean", "evidence", "restore"]
    with Progress() as progress:
        made = [
            plot(name, asked, data=data, people=people, limit=limit, seed=seed, progress=progress) for name in names
        ]
    if document:
        from mfrec.document import put_sections
        from mfrec.outputs import writing

        folder = document.with_suffix("")
        pictures = {one.name: one.png() for one in made}
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for name, png in pictures.items():
                (folder / f"{name}.png").write_bytes(png)
        command = _command_without_paths()
        put_sections(document, [one.section(command, f"{folder.name}/{one.name}.png") for one in made])
    if as_json:
        _print_json([one.to_dict() for one in made])
        return
    _print("\n\n".join(one.text() for one in made))


def _command_without_paths() -> str:
    """What was typed, with nothing of the machine in it but the last name of each path."""
    # A fold of people such as 0/4 looks like a path too, but its folder does not exist.
    words = [Path(word).name if Path(word).parent.exists() else word for word in sys.argv[1:]]
    return shlex.join(["mfrec", *words])


def _command() -> str:
    """What was typed, quoted so that it can be typed again."""
    return shlex.join(["mfrec", *sys.argv[1:]])


def _written(out: Path) -> dict[str, Any]:
    """The record that was just written; its warnings go to stderr."""
    from mfrec.provenance.left_out import count_others, other_files
    from mfrec.provenance.record import read_record

    record = read_record(out)
    others = other_files(record["dropped"])
    for dropped in record["dropped"]:
        if dropped not in others:
            _say(f"left out: {dropped['name']}: {dropped['reason']}")
    if others:
        _say(f"{count_others(len(others))}: {', '.join(other['name'] for other in others)}")
    for warning in record["warnings"]:
        _say(f"warning: {warning}")
    return record


def _print_json(value: Mapping[str, Any] | list[Any]) -> None:
    typer.echo(json.dumps(value, indent=1, ensure_ascii=True))
