"""Measure any pictures against the truth: one table, whoever made them.

A picture is compared with the truth of its name, or with the only truth there is. Whatever cannot be measured (no face
in the truth, a package that is not installed, a picture too small) is said with its reason and stops nothing else; two
pictures that cannot be compared at all (another size, grey against colour) stop everything, because a table with such a
row would be wrong.
"""

from __future__ import annotations

import csv
import datetime
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mfrec.bench.scores import aligned, mean
from mfrec.errors import InputError, NoFramesError, UsageError
from mfrec.metrics.names import DEFAULT, METRICS, Case, Truth, measure
from mfrec.pipeline import Progress, silent
from mfrec.provenance.digests import file_digests
from mfrec.provenance.plain_json import to_json
from mfrec.provenance.record import RECORD
from mfrec.provenance.surroundings import machine, versions
from mfrec.types import FloatArray


@dataclass(frozen=True)
class Pair:
    """Files that belong together: a picture, its truth, what the method was given, and its stated uncertainty.

    ``name`` is what the table calls the picture.
    """

    method: str
    name: str
    picture: Path
    truth: Path
    before: Path | None = None
    arrays: Path | None = None


@dataclass(frozen=True)
class Row:
    """One picture.

    Attributes:
        method: the folder that the picture came from, or its own name.
        picture: file name, after that of its output folder where it lies in one. truth: file name.
        sha256: of both files.
        size: ``(width, height)`` in pixels.
        values: metric to value; infinite PSNR means equal pictures.
        missing: metric to why it has no value.
    """

    method: str
    picture: str
    truth: str
    sha256: tuple[str, str]
    size: tuple[int, int]
    values: Mapping[str, float]
    missing: Mapping[str, str]


@dataclass(frozen=True)
class Evaluation:
    """What :func:`evaluate` measured.

    Attributes:
        created: UTC, ISO 8601.
        metrics: columns that at least one picture has, in order.
        rows: in the order of the truths, then of the pictures as given.
        pairs: the files of each row.
    """

    created: str
    metrics: tuple[str, ...]
    rows: tuple[Row, ...]
    pairs: tuple[Pair, ...]

    @property
    def methods(self) -> tuple[str, ...]:
        """In the order of their first picture."""
        return tuple(dict.fromkeys(row.method for row in self.rows))

    def means(self, method: str) -> dict[str, float | None]:
        """Metric to the mean over the pictures of a method that have it."""
        rows = [row for row in self.rows if row.method == method]
        return {name: mean(row.values[name] for row in rows if name in row.values) for name in self.metrics}

    def table(self) -> str:
        """One row a picture, one a method where methods have several, what the columns mean, and what is missing."""
        header = ("picture", *self.metrics)
        several = len(self.rows) > len(self.methods)
        blocks = []
        if several:
            lines = [(method, *cells(self.means(method))) for method in self.methods]
            blocks.append(aligned(("mean of", *self.metrics), lines))
        lines = [
            (
                f"{row.method}/{row.picture}" if several else row.method,
                *cells({m: row.values.get(m) for m in self.metrics}),
            )
            for row in self.rows
        ]
        blocks.append(aligned(header, lines))
        says = [(name, f"{METRICS[name].better or '-'}", METRICS[name].says) for name in self.metrics]
        width = max(len(name) for name in self.metrics)
        blocks.append("\n".join(f"{name:<{width}}  {better:<4}  {text}" for name, better, text in says))
        reasons: dict[tuple[str, str], int] = {}
        for row in self.rows:
            for name, why in row.missing.items():
                reasons[(name, why)] = reasons.get((name, why), 0) + 1
        if reasons:
            blocks.append(
                "\n".join(f"not measured: {name} of {count}: {why}" for (name, why), count in reasons.items())
            )
        return "\n\n".join(blocks)

    def to_json(self) -> str:
        """Everything; an infinite PSNR (equal pictures) is written as null and has no entry in ``missing``."""
        means = {method: self.means(method) for method in self.methods}
        head = {"schema": 1, "created": self.created, "machine": machine(), "versions": versions()}
        return to_json({**head, "metrics": self.metrics, "means": means, "rows": [asdict(row) for row in self.rows]})

    def to_csv(self) -> str:
        """One line a picture; a metric without value is empty, an infinite PSNR is ``inf``."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("method", "picture", "truth", "width", "height", *self.metrics))
        for row in self.rows:
            values = (row.values.get(name) for name in self.metrics)
            numbers = ("" if value is None else repr(float(value)) for value in values)
            writer.writerow((row.method, row.picture, row.truth, *row.size, *numbers))
        return text.getvalue()


def cells(values: Mapping[str, float | None]) -> tuple[str, ...]:
    """Values as text, each as its metric is printed."""
    return tuple(
        "-" if value is None else "equal" if math.isinf(value) else format(value, METRICS[name].form)
        for name, value in values.items()
    )


def evaluate(
    pictures: Sequence[Path],
    truth: Path,
    *,
    before: Path | None = None,
    metrics: Sequence[str] = DEFAULT,
    progress: Progress = silent,
) -> Evaluation:
    """Measure pictures against the truth.

    Args:
        pictures: files, folders of pictures, or output folders of ``mfrec reconstruct``, whose three pictures and
            whose uncertainty are measured.
        truth: one picture for all, or a folder with a picture of the same name (whatever the suffix) for each.
        before: what the methods were given: one picture, or a folder in the same way.
        metrics: keys of :data:`METRICS`.
        progress: called as ``progress("evaluate", done, total)``.

    Raises:
        UsageError: an unknown metric.
        InputError: a file is missing or unreadable, has no truth, or cannot be compared with it.
    """
    for name in metrics:
        if name not in METRICS:
            raise UsageError(f"unknown metric '{name}'; known are {', '.join(METRICS)}")
    pairs = paired(pictures, truth, before)
    truths: dict[Path, Truth] = {}
    rows = []
    progress("evaluate", 0, len(pairs))
    for pair in pairs:
        if pair.truth not in truths:
            truths = {pair.truth: Truth(read_one(pair.truth), pair.truth.name)}
        rows.append(measured(pair, truths[pair.truth], metrics))
        progress("evaluate", len(rows), len(pairs))
    used = tuple(name for name in METRICS if any(name in row.values or name in row.missing for row in rows))
    created = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return Evaluation(created, used, tuple(rows), tuple(pairs))


def write_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Write ``evaluation.txt``, ``.json``, ``.csv`` and the contact sheet ``evaluation.png`` into an existing folder.

    Raises:
        UsageError: a file cannot be written.
    """
    from mfrec.evaluation.contact_sheet import contact_sheet
    from mfrec.imageio import png_bytes
    from mfrec.outputs import writing

    sheet = png_bytes(contact_sheet(evaluation), {"Software": "mfrec"})
    with writing(folder):
        (folder / "evaluation.txt").write_text(f"{evaluation.table()}\n", encoding="utf-8")
        (folder / "evaluation.json").write_text(evaluation.to_json(), encoding="ascii")
        (folder / "evaluation.csv").write_text(evaluation.to_csv(), encoding="utf-8")
        (folder / "evaluation.png").write_bytes(sheet)


# --- which pictures ----------------------------------------------------------------------------------------


def paired(pictures: Sequence[Path], truth: Path, before: Path | None) -> list[Pair]:
    """Which picture belongs to which truth, ordered by truth.

    Raises:
        InputError: a file is missing, or a picture has no truth or no input of its name.
    """
    if not pictures:
        raise NoFramesError("no picture was given; name files, folders, or output folders of mfrec reconstruct")
    truths = {path.stem: path for path in picture_files(truth)} if truth.is_dir() else existing(truth, "truth")
    inputs = {path.stem: path for path in picture_files(before)} if before and before.is_dir() else None
    if before is not None and inputs is None:
        existing(before, "input")
    pairs: list[Pair] = []
    for place in pictures:
        for method, picture, arrays in entries(place):
            # An output folder holds one reconstruction, which goes by the name of the folder.
            output = (place / RECORD).is_file()
            key = place.resolve().name if output else picture.stem
            name = f"{key}/{picture.name}" if output else picture.name
            if isinstance(truths, Path):
                own = truths
            elif key in truths:
                own = truths[key]
            else:
                raise InputError(
                    f"the picture '{picture}' has no truth: '{truth}' holds nothing named '{key}' with a picture's "
                    f"suffix, but {shortened(truths)}"
                )
            if inputs is not None and key not in inputs:
                raise InputError(f"the picture '{picture}' has no input: '{before}' holds nothing named '{key}'")
            pairs.append(Pair(method, name, picture, own, before if inputs is None else inputs[key], arrays))
    order = list(dict.fromkeys(pair.truth for pair in pairs))
    return sorted(pairs, key=lambda pair: order.index(pair.truth))


def entries(place: Path) -> list[tuple[str, Path, Path | None]]:
    """The pictures that a path leads to: method, file, and the ``.npz`` that holds its uncertainty.

    Raises:
        InputError: there is nothing, or no picture in the folder.
    """
    if (place / RECORD).is_file():
        names = ("reconstruction", "evidence", "reference")
        arrays = {"reconstruction": place / "provenance.npz"}
        return [(name, existing(place / f"{name}.png", "picture"), arrays.get(name)) for name in names]
    if place.is_dir():
        return [(place.resolve().name, file, None) for file in picture_files(place)]
    return [(place.stem, existing(place, "picture"), None)]


def picture_files(folder: Path) -> list[Path]:
    """The pictures of a folder in natural order.

    Raises:
        InputError: there are none, or two differ in their suffix alone.
    """
    from mfrec.imageio.pictures import PICTURE_SUFFIXES
    from mfrec.imageio.survey import natural_key

    files = [f for f in folder.iterdir() if f.suffix.lower() in PICTURE_SUFFIXES and not f.name.startswith(".")]
    if not files:
        raise NoFramesError(f"the folder '{folder}' holds no picture")
    files.sort(key=lambda file: natural_key(file.name))
    stems: dict[str, Path] = {}
    for file in files:
        if file.stem in stems:
            raise InputError(
                f"'{stems[file.stem].name}' and '{file.name}' in '{folder}' differ in their suffix alone: "
                "nobody can say which one belongs to a picture of that name; keep one"
            )
        stems[file.stem] = file
    return files


def existing(path: Path, what: str) -> Path:
    """The path, if there is a file.

    Raises:
        InputError: there is none.
    """
    if not path.is_file():
        raise NoFramesError(f"there is no {what} '{path}'; check the spelling, or give a full path")
    return path


def shortened(names: Mapping[str, Path]) -> str:
    """The first few names and how many there are."""
    first = ", ".join(f"'{path.name}'" for path in list(names.values())[:3])
    return f"{first} and {len(names) - 3} more" if len(names) > 3 else first


# --- one picture -------------------------------------------------------------------------------------------


def read_one(path: Path) -> FloatArray:
    """One picture, ``[H, W, 3]`` float32 RGB in [0, 1].

    Raises:
        InputError: it cannot be read.
    """
    from mfrec.imageio import read

    return read([path]).frames[0].image


def measured(pair: Pair, truth: Truth, metrics: Sequence[str]) -> Row:
    """Every metric of one picture.

    Raises:
        InputError: the picture, its truth or its input cannot be read or compared.
    """
    result = read_one(pair.picture)
    check_comparable(pair, result, truth.image)
    before = None if pair.before is None else read_one(pair.before)
    if before is not None:
        check_enlarged(pair, result, before)
    case = Case(result, truth, before, None if pair.arrays is None else stated_uncertainty(pair.arrays, result))
    values, missing = measure(case, metrics)
    height, width = result.shape[:2]
    digests = (file_digests(pair.picture)["sha256"], file_digests(pair.truth)["sha256"])
    return Row(pair.method, pair.name, pair.truth.name, digests, (width, height), values, missing)


def check_comparable(pair: Pair, result: FloatArray, truth: FloatArray) -> None:
    """Refuse what a table must not hold.

    Raises:
        InputError: the sizes differ, or one is grey and the other in colour.
    """
    (height, width), (rows, columns) = result.shape[:2], truth.shape[:2]
    if (height, width) != (rows, columns):
        raise InputError(
            f"'{pair.picture}' has {width} x {height} px and its truth '{pair.truth}' {columns} x {rows} px: they are "
            "compared pixel by pixel; make the result at the size of the truth"
        )
    if is_grey(result) != is_grey(truth):
        names = (f"'{pair.picture}'", f"its truth '{pair.truth}'")
        grey, coloured = names if is_grey(result) else names[::-1]
        raise InputError(f"{grey} is grey and {coloured} in colour; convert both to grey, or compare two in colour")


def check_enlarged(pair: Pair, result: FloatArray, before: FloatArray) -> None:
    """Refuse an input that the result is no enlargement of.

    Raises:
        InputError: the sides of the result are not those of the input, multiplied by one whole number.
    """
    (height, width), (rows, columns) = result.shape[:2], before.shape[:2]
    factor = max(1, height // rows)
    if (height, width) != (factor * rows, factor * columns):
        raise InputError(
            f"'{pair.picture}' has {width} x {height} px and its input '{pair.before}' {columns} x {rows} px; expected "
            "the input's size multiplied by a whole number"
        )


def is_grey(image: NDArray[Any]) -> bool:
    """Whether the three channels are the same everywhere."""
    return bool((image[..., 0] == image[..., 1]).all() and (image[..., 1] == image[..., 2]).all())


def stated_uncertainty(path: Path, result: FloatArray) -> FloatArray:
    """The uncertainty ``[H, W]`` that a run of mfrec wrote.

    Raises:
        InputError: the file is missing, damaged, or of another size than the result.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            uncertainty = np.asarray(arrays["uncertainty"], np.float32)
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise InputError(f"'{path}' cannot be read as mfrec wrote it ({error}); make the output again") from None
    if uncertainty.shape != result.shape[:2]:
        raise InputError(f"the uncertainty in '{path}' has shape {uncertainty.shape}, the picture {result.shape[:2]}")
    return uncertainty
