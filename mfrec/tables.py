"""The tables that the field argues with, each as a command, ours beside what was published.

* ``3.1`` to ``3.6`` are the tables of the thesis that mfrec builds on. Our rows are measured on sequences of the user
  or on the filmed portrait, by the protocols of :mod:`mfrec.protocols`; the published rows are of other pictures, and
  the tables say so. A row whose network or stage does not exist yet says that, and fills when it lands.
* ``set5`` and ``set14`` are x4 enlargement measured on the luma, where bicubic has 28.43 and 26.00 dB; a bench that
  cannot reproduce those has another bicubic, another luma or another border than the literature.
* ``faces`` is bicubic enlargement at the published settings for single faces, 16 -> 128 and 32 -> 128 px.
* ``parser`` is the intersection over union of every face region, on labelled faces that the parser has not learnt from.
* ``regions`` and ``foreign`` are trials: whether the one sharp region is chosen (:mod:`mfrec.region_trials`), and
  whether a frame of somebody else is found (:mod:`mfrec.foreign_trials`).
* ``peers`` adds time and memory, every method in a process of its own.
* ``metrics``, ``identity``, ``calibration`` and ``eyes`` measure the measures (:mod:`mfrec.metric_tables`).
"""

from __future__ import annotations

import datetime
import math
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mfrec.errors import InputError, MfrecError, UsageError
from mfrec.measures import METRICS, Truth, measure
from mfrec.measures import Case as MeasuredCase
from mfrec.pipeline import Progress, silent
from mfrec.provenance.surroundings import machine
from mfrec.scores import BASELINE, aligned, markdown_table, mean
from mfrec.types import FloatArray

if TYPE_CHECKING:
    from mfrec.bench import TruthSequence
    from mfrec.document import Section
    from mfrec.region_trials import Outcome


@dataclass(frozen=True)
class Published:
    """What somebody else printed. ``source`` names the paper and the pictures."""

    psnr: float
    ssim: float | None
    source: str


@dataclass(frozen=True)
class Line:
    """One row before it is measured.

    Attributes:
        label: in words.
        method: a method of the bench, see :func:`mfrec.bench.check_method`; empty for a row that is published only.
        recipe: TOML of the recipe that is the method, where no name does; ``method`` is then empty.
        published: what is known of others.
    """

    label: str
    method: str = ""
    recipe: str = ""
    published: Published | None = None


@dataclass(frozen=True)
class Definition:
    """A table of methods on sequences: what it shows, under which protocol, and its rows."""

    title: str
    protocol: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Row:
    """One measured row.

    Attributes:
        values: column to mean.
        count: how many pictures the means are over.
        reason: why there is no value, or none for some pictures; empty where all went well.
        published: what is known of others.
    """

    label: str
    values: Mapping[str, float]
    count: int
    reason: str = ""
    published: Published | None = None


@dataclass(frozen=True)
class TableResult:
    """A measured table.

    Attributes:
        name: as it is asked for.
        title: what it shows.
        data: on which pictures.
        columns: keys of the rows' values, in order.
        rows: in order.
        created: UTC, ISO 8601.
        machine, commit: where it was measured.
    """

    name: str
    title: str
    data: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    created: str
    machine: Mapping[str, Any] = field(default_factory=dict)
    commit: str | None = None

    def cells(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Header and rows as text; the last columns hold what was published and what is missing."""
        published = any(row.published for row in self.rows)
        header = ("", *self.columns, "n", *(("published",) if published else ()))
        lines = []
        for row in self.rows:
            values = [number(row.values.get(column), column) for column in self.columns]
            lines.append((row.label, *values, str(row.count), *((in_print(row.published),) if published else ())))
        return header, lines

    def text(self) -> str:
        """The table for a terminal."""
        header, lines = self.cells()
        missing = [f"{row.label}: {row.reason}" for row in self.rows if row.reason]
        sources = [f"published, {row.label}: {row.published.source}" for row in self.rows if row.published]
        return "\n\n".join(
            filter(
                None,
                (
                    f"{self.name}: {self.title}\n{self.data}",
                    aligned(header, lines),
                    *map("\n".join, (missing, sources)),
                ),
            )
        )

    def section(self, command: str) -> Section:
        """The table for a document."""
        from mfrec.document import Section

        notes = [f"- {row.label}: {row.reason}" for row in self.rows if row.reason]
        notes += [f"- published, {row.label}: {row.published.source}" for row in self.rows if row.published]
        body = "\n\n".join(filter(None, (f"{self.data}.", markdown_table(*self.cells()), "\n".join(notes))))
        heading = f"Table {self.name}: {self.title}" if self.name in (*DEFINITIONS, "3.5") else self.title
        return Section(self.name, heading, body, command, self.created, self.machine, self.commit)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def number(value: float | None, column: str) -> str:
    """A value as its column is printed."""
    forms = {
        "seconds": ".2f",
        "MiB": ".0f",
        "ssim_y": ".4f",
        "taken": ".2f",
        "straight ahead": ".1f",
        "pixels": ",.0f",
        **dict.fromkeys(TRIAL_COLUMNS, ".1f"),
        "expected / true": ".2f",
        "spread": ".2f",
    }
    if value is None:
        return "-"
    if math.isinf(value):
        return "equal"
    return format(value, forms.get(column) or (METRICS[column].form if column in METRICS else ".3f"))


def in_print(published: Published | None) -> str:
    """PSNR and SSIM of others as text."""
    if published is None:
        return ""
    return f"{published.psnr:.2f}" if published.ssim is None else f"{published.psnr:.2f} / {published.ssim:.4g}"


THESIS = "the thesis that mfrec builds on; other pictures, so the figures are not comparable with ours"

BICUBIC = Line("bicubic", BASELINE)
MULTI_FRAME = (
    Line("U-Net", "network:unet"),
    Line("U-Net, SER-FIQ loss", "network:unet_serfiq"),
    Line("BiO-Net", "network:bionet"),
    Line("feature merge", "network:feature_merge"),
)
OURS = (Line("registered mean", "mean"), Line("evidence", "evidence"), Line("restore", "restore"))
FINISHED = (
    Line("U-Net, then finetune", "network:unet+finetune"),
    Line("bicubic, then finetune", "network:finetune"),
)
FINISHED_PUBLISHED = (replace(FINISHED[0], published=Published(26.48, 0.82, f"CelebA, {THESIS}")), FINISHED[1])


def chain(stage: str, method: str) -> str:
    """TOML of a recipe that ends in one stage with one method."""
    names = ["track", "align", "parse", *([] if stage == "cross" else [stage]), "assess", "cross"]
    listed = ", ".join(f'"{name}"' for name in names)
    stamp = "RESTORED" if method == "unet" else "ENHANCED"
    return f'name = "{stage} {method}"\nstamp = "{stamp}"\nstages = [{listed}]\n\n[{stage}]\nmethod = "{method}"\n'


CROSSED = tuple(
    Line(f"cross-over, {name}", recipe=chain("cross", name)) for name in ("soft", "sharp", "pyramid", "unet")
)
REPOSED = tuple(
    Line(f"repose, {name}", recipe=chain("repose", name)) for name in ("align_and_blend", "delaunay", "mesh")
)

DEFINITIONS: dict[str, Definition] = {
    "3.1": Definition("Multi-frame networks, small JPEGs", "jpeg32", (BICUBIC, *MULTI_FRAME, *OURS)),
    "3.2": Definition("Multi-frame networks, surveillance film", "cctv64", (BICUBIC, *MULTI_FRAME, *OURS)),
    "3.3": Definition("Finetuning of a single picture", "jpeg32", (BICUBIC, *FINISHED_PUBLISHED, *OURS)),
    "3.4": Definition("Ways to cross regions over", "patch32", (BICUBIC, *CROSSED, *OURS)),
    "3.6": Definition(
        "Everything, frames with blurred patches",
        "patch32",
        (
            Line("bilinear", "bilinear"),
            BICUBIC,
            *MULTI_FRAME,
            *FINISHED,
            *CROSSED,
            *REPOSED,
            Line("the thesis's whole chain", published=Published(17.11, 0.77, f"patch-damaged sequences, {THESIS}")),
            *OURS,
        ),
    ),
    "peers": Definition(
        "Peers: quality, time and memory of a whole process",
        "jpeg32",
        (
            Line("nearest", "nearest"),
            Line("bilinear", "bilinear"),
            BICUBIC,
            Line("Lanczos", "lanczos"),
            Line("registered median", "median"),
            Line("Real-ESRGAN x4", "realesrgan"),
            *OURS,
        ),
    ),
}
"""Tables of methods on sequences."""

PICTURES = {
    "set5": Published(28.42, 0.8104, "bicubic x4 on Set5, Kim et al., VDSR (CVPR 2016), table 3"),
    "set14": Published(26.00, 0.7027, "bicubic x4 on Set14, Kim et al., VDSR (CVPR 2016), table 3"),
}
"""Tables of single pictures, and what bicubic has there in print."""

FACES = {
    16: Published(23.58, 0.6285, "bicubic on CelebA, Ma et al., DIC (CVPR 2020), table 1; other faces than ours"),
    32: None,
}
"""Side of the small face in pixels to what bicubic has in print; the truth has 128 px."""

CHECKS = ("metrics", "identity", "calibration", "eyes")
"""Tables of :data:`mfrec.metric_tables.METRIC_TABLES`, which is imported when one is asked for."""

TRIALS = ("regions", "foreign")
"""Tables of trials with a right answer, in per cent."""

TRIAL_COUNT = 100
"""Trials of each row where no limit is given."""

NAMES = (*DEFINITIONS, "3.5", *PICTURES, "faces", "parser", *CHECKS, *TRIALS)
"""Every table there is, but ``ablation``, which is :mod:`mfrec.ablation`."""

TRIAL_COLUMNS = ("chosen %", "refused %", "expected / true", "spread", "found %", "own lost %", "false alarms %")
"""Measured of trials. ``refused``: the sharp region was refused, for a reason; ``expected / true`` and ``spread``:
median and standard deviation (as a factor) of the expected error over the true one; ``own lost``: trials in which a
frame of the right person was left out; ``false alarms``: clean sequences in which one was."""

COLUMNS = ("psnr", "ssim", "identity", "cpbd_before", "cpbd", "cpbd_gain", "serfiq")
"""Measured of every method on sequences."""


PAIR_COLUMNS = ("psnr", "ssim", "landmarks", "identity", "taken")
"""Measured of every method on pairs of frames."""


def tables(
    names: Sequence[str],
    data: Path | None,
    *,
    methods: Sequence[str] = (),
    people: str = "all",
    seed: int = 0,
    limit: int | None = None,
    progress: Progress = silent,
) -> list[TableResult]:
    """Measure tables; a method that several of them have under one protocol runs once.

    Args:
        names: of :data:`NAMES`.
        data: for ``set5``, ``set14`` and ``faces`` a folder of pictures, for ``parser`` one of pictures and labels as
            :mod:`mfrec.train.labelled_faces` describes it, else a folder of sequences as :mod:`mfrec.bench` describes
            it; None films the portrait.
        methods: added to the rows of every table on sequences.
        people, seed, limit: as in :func:`mfrec.bench.bench`; of ``regions`` and ``foreign``, the limit is the number of
            trials.
        progress: called as ``progress("tables", done, total)``.

    Raises:
        UsageError: an unknown table or method, or one that needs pictures and has none.
        InputError: the pictures or sequences cannot be used.
    """
    from mfrec.bench import check_method

    for name in names:
        if name not in NAMES:
            raise UsageError(f"unknown table '{name}'; known are {', '.join(NAMES)} and ablation")
        if name == "foreign" and data is None:
            raise UsageError(
                "table 'foreign' needs a folder of sequences of several people; the portrait is one person"
            )
        if name in (*PICTURES, "parser") and data is None:
            raise UsageError(f"table '{name}' needs the folder with the pictures of that set, which is not shipped")
    for method in methods:
        check_method(method)
    out: dict[str, TableResult] = {}
    with tempfile.TemporaryDirectory(prefix="mfrec-tables-") as folder:
        asked = [DEFINITIONS[name] for name in names if name in DEFINITIONS]
        lines = {
            protocol: list(
                dict.fromkeys(
                    line for table in asked if table.protocol == protocol for line in with_methods(table, methods)
                )
            )
            for protocol in dict.fromkeys(table.protocol for table in asked)
        }
        found = {
            protocol: on_sequences(
                data, protocol, those, Path(folder), people=people, seed=seed, limit=limit, progress=progress
            )
            for protocol, those in lines.items()
        }
        for name in names:
            if name in DEFINITIONS:
                table = DEFINITIONS[name]
                rows, said = found[table.protocol]
                chosen = [rows[line] for line in with_methods(table, methods)]
                columns: tuple[str, ...] = (*COLUMNS, "seconds")
                if name == "peers":
                    chosen = with_memory(chosen, with_methods(table, methods), data, seed)
                    columns = (*columns, "MiB")
                out[name] = finished(name, table.title, said, columns, chosen)
            elif name == "3.5":
                out[name] = on_pairs(data, people, limit, progress)
            elif name in CHECKS:
                from mfrec.metric_tables import METRIC_TABLES

                out[name] = METRIC_TABLES[name](data, people, seed, limit, progress)
            elif name in TRIALS:
                out[name] = on_trials(
                    name, data, Path(folder), people=people, seed=seed, limit=limit, progress=progress
                )
            elif name in PICTURES and data is not None:
                out[name] = on_pictures(name, data, progress)
            elif name == "parser" and data is not None:
                out[name] = on_labelled_faces(data, progress)
            else:
                out[name] = on_faces(data, limit, progress)
    return [out[name] for name in names]


def with_methods(table: Definition, methods: Sequence[str]) -> tuple[Line, ...]:
    """The rows of a table and one for each method of the user that it does not have yet."""
    there = {line.method for line in table.lines}
    return (*table.lines, *(Line(method, method) for method in dict.fromkeys(methods) if method not in there))


def finished(name: str, title: str, data: str, columns: Sequence[str], rows: Sequence[Row]) -> TableResult:
    """A table with the columns that at least one row fills, and where it was measured."""
    from mfrec.bench import commit

    used = tuple(column for column in columns if any(column in row.values for row in rows))
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return TableResult(name, title, data, used, tuple(rows), now, machine(), commit())


# --- trials ------------------------------------------------------------------------------------------------


def on_trials(
    name: str, data: Path | None, folder: Path, *, people: str, seed: int, limit: int | None, progress: Progress
) -> TableResult:
    """The tables of :data:`TRIALS`, a row for each size of the frames.

    Args:
        folder: an existing one, for the portrait's film where ``data`` is None.
    """
    from mfrec import foreign_trials, region_trials
    from mfrec.bench import film_sequences, find_sequences

    if limit is not None and limit < 1:
        raise UsageError(f"a limit of {limit} leaves no trial; give 1 or more")
    root = folder / "portrait" if data is None else data
    if data is None and not root.exists():
        root.mkdir()
        film_sequences(root)
    sequences = find_sequences(root, people)
    count = limit or TRIAL_COUNT
    source = "the astronaut portrait, filmed" if data is None else f"the folder '{root.resolve().name}'"
    persons = len({sequence.person for sequence in sequences})
    said = f"{len(sequences)} sequences of {persons} people from {source}, people {people}, seed {seed}"
    rows = []
    if name == "regions":
        for side in region_trials.SIDES:
            tried = region_trials.region_trials(sequences, side, count, seed, progress)
            rows.append(Row(f"one sharp region, {side} px", region_values(tried), len(tried)))
        title = "One region of one frame is sharp, in all others blurred or blocked: is it chosen?"
    else:
        for side in foreign_trials.SIDES:
            tried = foreign_trials.foreign_trials(sequences, side, count, seed, progress)
            mixed = [outcome for outcome in tried if outcome.foreign is not None]
            clean = [outcome for outcome in tried if outcome.foreign is None]
            values = {
                "found %": percent([outcome.found for outcome in mixed]),
                "own lost %": percent([outcome.false_alarm for outcome in mixed]),
                "false alarms %": percent([outcome.false_alarm for outcome in clean]),
            }
            rows.append(Row(f"one foreign frame, {side} px ({len(clean)} sequences without)", values, len(mixed)))
        title = "A frame of somebody else among the frames of one person: is it left out?"
    return finished(name, title, said, TRIAL_COLUMNS, rows)


def percent(answers: Sequence[bool]) -> float:
    """Share of the answers that are yes, in per cent; at least one answer."""
    return 100.0 * sum(answers) / len(answers)


def region_values(tried: Sequence[Outcome]) -> dict[str, float]:
    """The columns of the table ``regions``; empty without a trial."""
    if not tried:
        return {}
    ratios = np.log([expected / max(true, 1e-4) for outcome in tried for expected, true in outcome.errors])
    return {
        "chosen %": percent([outcome.right for outcome in tried]),
        "refused %": percent([bool(outcome.refused) for outcome in tried]),
        "expected / true": math.exp(float(np.median(ratios))),
        "spread": math.exp(float(np.std(ratios))),
    }


# --- methods on sequences ----------------------------------------------------------------------------------


def on_sequences(
    data: Path | None,
    protocol: str,
    lines: Sequence[Line],
    folder: Path,
    *,
    people: str,
    seed: int,
    limit: int | None,
    progress: Progress,
) -> tuple[dict[Line, Row], str]:
    """Every line on every sequence under one protocol.

    Args:
        folder: an existing one, for what has to be written on the way.

    Returns:
        The measured rows, and in words on what.
    """
    from mfrec.bench import PORTRAITS, film_sequences, find_sequences

    if limit is not None and limit < 1:
        raise UsageError(f"a limit of {limit} leaves no sequence; give 1 or more")
    root = folder / "portrait" if data is None else data
    if data is None and not root.exists():
        root.mkdir()
        film_sequences(root, count=min(limit or PORTRAITS, PORTRAITS))
    every = find_sequences(root, people)
    chosen = every if limit is None else [every[i * len(every) // limit] for i in range(min(limit, len(every)))]
    methods, reasons = usable(lines, folder)
    measured = []
    progress(f"tables, {protocol}", 0, len(chosen))
    for i, sequence in enumerate(chosen):
        measured.append((sequence.name, *measure_sequence(sequence, protocol, methods, seed)))
        progress(f"tables, {protocol}", i + 1, len(chosen))
    rows = {}
    for line in lines:
        values = [found[line] for _, found, _ in measured if line in found]
        failed = [f"{name}: {why[line]}" for name, _, why in measured if line in why]
        reason = reasons.get(line, f"failed on {len(failed)} of {len(chosen)}, first {failed[0]}" if failed else "")
        rows[line] = Row(line.label, means(values), len(values), reason, line.published)
    source = "the astronaut portrait, filmed" if data is None else f"the folder '{root.resolve().name}'"
    persons = len({sequence.person for sequence in chosen})
    what = f"Protocol {protocol}, {len(chosen)} sequences of {persons} people from {source}"
    return rows, f"{what}, people {people}, seed {seed}"


def usable(lines: Sequence[Line], folder: Path) -> tuple[dict[Line, str], dict[Line, str]]:
    """Line to the method that the bench knows it by, and line to why there is none."""
    from mfrec.bench import check_method

    methods: dict[Line, str] = {}
    reasons: dict[Line, str] = {}
    for number_, line in enumerate(lines):
        method = line.method
        if line.recipe:
            path = folder / f"row-{number_}.toml"
            path.write_text(line.recipe, encoding="utf-8")
            method = str(path)
        if not method:
            continue
        try:
            check_method(method)
            methods[line] = method
        except MfrecError as error:
            reasons[line] = f"not there yet ({str(error).replace(method, line.label)})"
    return methods, reasons


def measure_sequence(
    sequence: TruthSequence, protocol: str, methods: Mapping[Line, str], seed: int
) -> tuple[dict[Line, dict[str, float]], dict[Line, str]]:
    """Spoil one sequence and run every method on it.

    Returns:
        What was measured of each line, and why the others failed.
    """
    from mfrec.bench import attempt, prepare, read_frames

    values: dict[Line, dict[str, float]] = {}
    failures: dict[Line, str] = {}
    with tempfile.TemporaryDirectory(prefix="mfrec-tables-") as folder:
        case = attempt(prepare, sequence, protocol, seed, Path(folder))
        if isinstance(case, str):
            return {}, dict.fromkeys(methods, case)
        truth = Truth(case.spoilt.truth, sequence.name)
        before = read_frames(case.source)[case.spoilt.reference]
        for line, method in methods.items():
            made = attempt(case.picture, method)
            if isinstance(made, str):
                failures[line] = made
            else:
                found, _ = measure(MeasuredCase(made[0], truth, before, None), COLUMNS)
                values[line] = found | {"seconds": made[1]}
    return values, failures


def means(values: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Column to the mean over the pictures that have it."""
    columns = dict.fromkeys(column for found in values for column in found)
    averages = {column: mean(found[column] for found in values if column in found) for column in columns}
    return {column: average for column, average in averages.items() if average is not None}


RUN_ALONE = """
import sys
from pathlib import Path
from mfrec.bench import Case
from mfrec.protocols import Spoilt
import numpy as np
source, method, reference, seed = sys.argv[1:]
Case(Path(source), Spoilt((), np.zeros((1, 1, 3), np.float32), int(reference), {}), None, int(seed)).picture(method)
"""
"""One method on the files of one sequence, in a process of its own."""


def with_memory(rows: Sequence[Row], lines: Sequence[Line], data: Path | None, seed: int) -> list[Row]:
    """The rows with the peak memory of a whole process that runs the method on the first sequence."""
    from mfrec.bench import film_sequences, find_sequences, prepare
    from mfrec.cost import launch

    out = []
    with tempfile.TemporaryDirectory(prefix="mfrec-tables-") as name:
        root, folder = (Path(name) / part for part in ("truth", "files"))
        root.mkdir()
        folder.mkdir()
        if data is None:
            film_sequences(root, count=1)
        case = prepare(find_sequences(root if data is None else data)[0], "jpeg32", seed, folder)
        for row, line in zip(rows, lines, strict=True):
            values = dict(row.values)
            if values and line.method:
                arguments = [str(folder), line.method, str(case.spoilt.reference), str(seed)]
                used = launch([sys.executable, "-c", RUN_ALONE, *arguments])
                if used.code == 0:
                    values["MiB"] = used.bytes / 2**20
            out.append(Row(row.label, values, row.count, row.reason, row.published))
    return out


# --- pairs of frames ---------------------------------------------------------------------------------------


def on_pairs(data: Path | None, people: str, limit: int | None, progress: Progress) -> TableResult:
    """What bringing a region over from another pose is worth, see :mod:`mfrec.repose_table`.

    All methods are measured on the pairs that ``mesh`` does not refuse; ``taken`` is the share that each method would
    take over by itself.
    """
    from mfrec.bench import find_sequences
    from mfrec.repose_table import BINS, METHODS, PAIRS, measure_pairs, pictures_of, turned_portraits

    pictures = turned_portraits() if data is None else pictures_of(find_sequences(data, people), progress)
    outcomes = measure_pairs(pictures, limit or PAIRS, progress)
    rows = []
    for low, high in BINS:
        here = [one for one in outcomes if low <= one.pair.gap < high]
        taken = {one.pair for one in here if one.method == "mesh" and not one.refused}
        for method in METHODS:
            of_method = [one for one in here if one.method == method]
            used = [one.values for one in of_method if one.pair in taken]
            values = means(used)
            if of_method and method != "blurred":
                values["taken"] = sum(not one.refused for one in of_method) / len(of_method)
            reason = "" if used else f"no pair of {len(of_method)} that mesh takes over"
            rows.append(Row(f"{low:.0f} to {high:.0f} degrees, {method}", values, len(used), reason))
    what = "the astronaut portrait, turned as a smooth head" if data is None else f"the folder '{data.resolve().name}'"
    persons = len({picture.person for picture in pictures})
    pairs = len({one.pair for one in outcomes})
    said = (
        f"{pairs} pairs of two frames of {persons} people from {what}, people {people}, one part of each blurred away"
    )
    return finished("3.5", "A blurred region brought over from another pose", said, PAIR_COLUMNS, rows)


# --- single pictures ---------------------------------------------------------------------------------------


def on_pictures(name: str, folder: Path, progress: Progress) -> TableResult:
    """Enlargement by four of the pictures of a folder, on their luma.

    The small picture is made as the literature makes it (:mod:`mfrec.cubic`, rounded to 8 bits), sides are cut to a
    multiple of four, and four pixels along each border are left out.

    Raises:
        InputError: there is no such folder, or no picture in it.
    """
    from mfrec.cubic import resize_cubic
    from mfrec.metrics.psnr import psnr_y, studio_luma
    from mfrec.metrics.ssim import ssim
    from mfrec.peers import REALESRGAN, find_peer

    scale = 4
    pictures = load_pictures(folder)
    kinds = ("nearest", "bilinear", BASELINE, "lanczos", REALESRGAN)
    found: dict[str, list[dict[str, float]]] = {kind: [] for kind in kinds}
    reasons: dict[str, str] = {}
    for i, picture in enumerate(pictures):
        progress(f"tables, {name}", i, len(pictures))
        height, width = (side // scale * scale for side in picture.shape[:2])
        truth = picture[:height, :width]
        small = in_8_bits(resize_cubic(truth, height // scale, width // scale))
        for kind in kinds:
            if kind == BASELINE:
                large = in_8_bits(resize_cubic(small, height, width))
            elif kind in reasons:
                continue
            else:
                colour = np.dstack([small] * 3) if small.ndim == 2 else small
                try:
                    made = find_peer(kind)([colour], 0)
                except MfrecError as error:
                    reasons[kind] = f"not there ({error})"
                    continue
                large = in_8_bits(made if truth.ndim == 3 else made.mean(axis=2))
            inner = np.s_[scale : height - scale, scale : width - scale]
            lumas = [studio_luma(np.asarray(image, np.float64))[inner] for image in (large, truth)]
            found[kind].append({"psnr_y": psnr_y(large, truth, border=scale), "ssim_y": ssim(*lumas)})
    progress(f"tables, {name}", len(pictures), len(pictures))
    rows = [
        Row(
            kind,
            means(found[kind]),
            len(found[kind]),
            reasons.get(kind, ""),
            PICTURES[name] if kind == BASELINE else None,
        )
        for kind in kinds
    ]
    title = f"{name.capitalize()}, enlarged by four, PSNR and SSIM of the luma"
    data = f"{len(pictures)} pictures of the folder '{folder.resolve().name}', {scale} px of the border left out"
    return finished(name, title, data, ("psnr_y", "ssim_y"), rows)


def on_faces(folder: Path | None, limit: int | None, progress: Progress) -> TableResult:
    """Bicubic enlargement of single faces to 128 px, as the literature on faces states it.

    Raises:
        InputError: there is no such folder, or no picture of 128 px in it.
    """
    from mfrec.cubic import resize_cubic
    from mfrec.metrics.psnr import psnr, psnr_y
    from mfrec.metrics.ssim import ssim

    side = 128
    if folder is None:
        from mfrec.demo import HEAD, astronaut

        x, y = (int(centre) - 96 for centre in HEAD)
        pictures, source = [astronaut()[y : y + 192, x : x + 192]], "the astronaut portrait"
    else:
        pictures = [p for p in load_pictures(folder, limit) if p.ndim == 3 and min(p.shape[:2]) >= side]
        source = f"the folder '{folder.resolve().name}'"
    if not pictures:
        raise InputError(f"'{folder}' holds no colour picture of {side} px and more along each side")
    found: dict[int, list[dict[str, float]]] = {small: [] for small in FACES}
    for i, picture in enumerate(pictures):
        progress("tables, faces", i, len(pictures))
        height, width = picture.shape[:2]
        edge = min(height, width)
        top, left = (height - edge) // 2, (width - edge) // 2
        truth = in_8_bits(resize_cubic(picture[top : top + edge, left : left + edge], side, side))
        for small in FACES:
            result = in_8_bits(resize_cubic(in_8_bits(resize_cubic(truth, small, small)), side, side))
            found[small].append(
                {"psnr": psnr(result, truth), "psnr_y": psnr_y(result, truth), "ssim": ssim(result, truth)}
            )
    progress("tables, faces", len(pictures), len(pictures))
    rows = [
        Row(f"bicubic, {small} -> {side} px", means(found[small]), len(found[small]), "", published)
        for small, published in FACES.items()
    ]
    title = "Bicubic enlargement of single faces"
    return finished("faces", title, f"{len(pictures)} faces from {source}", ("psnr", "psnr_y", "ssim"), rows)


def on_labelled_faces(folder: Path, progress: Progress) -> TableResult:
    """Intersection over union of the parser as the recipes use it, region by region.

    The faces are those that training holds out, upright already; each is read as it is, and at 32 px and JPEG quality
    50 enlarged to where it was. Left and right are the person's own, in mirrored portraits too.

    Raises:
        InputError: the folder holds no such faces.
        WeightsError: the parser's weights are missing.
    """
    from mfrec.face_parsing import on_frame, probabilities
    from mfrec.landmarks import read_aligned
    from mfrec.metrics.iou import confusion, iou
    from mfrec.regions import RARE, Region
    from mfrec.stages.parse import Parse
    from mfrec.train.labelled_faces import read_faces
    from mfrec.train.parser_stream import SMALL, SMALL_QUALITY, scaled, small_jpeg
    from mfrec.types import Similarity
    from mfrec.weights import load_network

    parse = Parse()
    network = load_network(parse.card)
    faces = read_faces([folder], "valid")
    matrices = {column: np.zeros((len(Region), len(Region)), np.int64) for column in ("iou", "iou_small")}
    for i, face in enumerate(faces):
        progress("tables, parser", i, len(faces))
        height, width = face.labels.shape
        step = min(height, width) / parse.side
        first = (step - 1) / 2 + np.array((width - step * parse.side, height - step * parse.side)) / 2
        to_picture = Similarity(np.array([[step, 0, first[0]], [0, step, first[1]]]))
        crops = [read_aligned(made(face.image), to_picture, parse.side) for made in (scaled, small_jpeg)]
        for column, found in zip(matrices, probabilities(network, crops), strict=True):
            masks = on_frame(found, to_picture, face.labels.shape, 0, parse.card)
            matrices[column] += confusion(masks.labels, face.labels, len(Region))
    progress("tables, parser", len(faces), len(faces))
    scores = {column: iou(matrix) for column, matrix in matrices.items()}
    pixels = matrices["iou"].sum(axis=1)
    common = [region for region in Region if region not in RARE]
    rows = [
        Row(
            region.name.lower() + (" (rare)" if region in RARE else ""),
            {"pixels": float(pixels[region]), **{c: float(v[region]) for c, v in scores.items() if pixels[region]}},
            len(faces),
            "" if pixels[region] else "no face shows it",
        )
        for region in Region
    ]
    mean_of = {column: float(np.nanmean(values[common])) for column, values in scores.items()}
    rows.append(Row(f"mean of the {len(common)} common", mean_of, len(faces)))
    title = f"Face parser at {parse.side} px: intersection over union of each region"
    data = (
        f"{len(faces)} held-out faces of the folder '{folder.resolve().name}', as they are and at {SMALL} px and JPEG "
        f"quality {SMALL_QUALITY}"
    )
    return finished("parser", title, data, ("pixels", "iou", "iou_small"), rows)


def load_pictures(folder: Path, limit: int | None = None) -> list[FloatArray]:
    """The pictures of a folder in natural order: ``[H, W, 3]`` float32 in [0, 1], and ``[H, W]`` where a file is grey.

    Args:
        limit: at most so many, spread evenly.

    Raises:
        InputError: there is no such folder, no picture in it, or one that cannot be read.
    """
    from PIL import Image

    from mfrec.evaluate import picture_files, read_one

    if not folder.is_dir():
        raise InputError(f"no folder of pictures at '{folder}'")
    files = picture_files(folder)
    if limit is not None and limit < len(files):
        files = [files[i * len(files) // limit] for i in range(limit)]
    out = []
    for file in files:
        image = read_one(file)
        with Image.open(file) as picture:
            grey = picture.mode == "L"
        out.append(np.ascontiguousarray(image[..., 0]) if grey else image)
    return out


def in_8_bits(image: NDArray[Any]) -> FloatArray:
    """A picture as a file of 8 bits would hold it, in [0, 1]."""
    return (np.rint(np.clip(image, 0.0, 1.0) * 255.0) / 255.0).astype(np.float32)
