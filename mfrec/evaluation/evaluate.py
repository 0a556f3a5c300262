"""Measure any pictures against the truth: one table, whoever made them.

A picture is compared with the truth of its name, or with the only truth there is. Whatever cannot be measured (no face
in the truth, a package that is not installed, a picture too small) is said with its reason and stops nothing else; two
pictures that cannot be compared at all (another size, grey against colour) stop everything, because a table with such a
row would be wrong.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mfrec.documents import DocumentError
from mfrec.errors import InputError, UsageError
from mfrec.evaluation.pairs import paired, read_one
from mfrec.evaluation.result import Evaluation, Pair, Row
from mfrec.metrics.names import DEFAULT, METRICS, Case, Truth, measure
from mfrec.pipeline import Progress, silent
from mfrec.provenance.arrays import read_array
from mfrec.provenance.digests import file_digests
from mfrec.provenance.record import RECORD, read_record
from mfrec.types import FloatArray


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
    check_metrics(metrics)
    pairs = paired(pictures, truth, before)
    truths: dict[Path, Truth] = {}
    rows = []
    progress("evaluate", 0, len(pairs))
    for pair in pairs:
        if pair.truth not in truths:
            truths = {pair.truth: Truth(read_one(pair.truth), pair.truth.name)}
        rows.append(measured(pair, truths[pair.truth], metrics))
        progress("evaluate", len(rows), len(pairs))
    return evaluation_of(rows, pairs)


def check_metrics(metrics: Sequence[str]) -> None:
    """Refuse a name that is no metric.

    Raises:
        UsageError: one is.
    """
    for name in metrics:
        if name not in METRICS:
            raise UsageError(f"unknown metric '{name}'; known are {', '.join(METRICS)}")


def evaluation_of(rows: Sequence[Row], pairs: Sequence[Pair]) -> Evaluation:
    """The evaluation that rows are, measured now; ``pairs`` are their files."""
    used = tuple(name for name in METRICS if any(name in row.values or name in row.missing for row in rows))
    created = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return Evaluation(created, used, tuple(rows), tuple(pairs))


def evaluation_files(evaluation: Evaluation) -> dict[str, bytes]:
    """``evaluation.txt``, ``.json``, ``.csv`` and the contact sheet ``evaluation.png``: name to content.

    Raises:
        InputError: a picture cannot be read any more.
    """
    from mfrec.evaluation.contact_sheet import contact_sheet
    from mfrec.imageio import png_bytes

    return {
        "evaluation.txt": f"{evaluation.table()}\n".encode("utf-8", "backslashreplace"),  # a file's name may be no text
        "evaluation.json": evaluation.to_json().encode("ascii"),
        "evaluation.csv": evaluation.to_csv().encode("utf-8", "backslashreplace"),
        "evaluation.png": png_bytes(contact_sheet(evaluation), {"Software": "mfrec"}),
    }


def write_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Write :func:`evaluation_files` into an existing folder.

    Raises:
        InputError: a picture cannot be read any more.
        UsageError: a file cannot be written.
    """
    from mfrec.publication.folder import writing

    files = evaluation_files(evaluation)
    with writing():
        for name, data in files.items():
            (folder / name).write_bytes(data)


# --- one picture -------------------------------------------------------------------------------------------


def measured(pair: Pair, truth: Truth, metrics: Sequence[str]) -> Row:
    """Every metric of one picture.

    Raises:
        InputError: the picture, its truth or its input cannot be read or compared.
    """
    result = read_one(pair.picture)
    truth = laid_under(pair, result, truth)
    check_comparable(pair, result, truth.image)
    before = None if pair.before is None else read_one(pair.before)
    if before is not None:
        check_enlarged(pair, result, before)
    case = Case(result, truth, before, None if pair.arrays is None else stated_uncertainty(pair.arrays, result))
    values, missing = measure(case, metrics)
    height, width = result.shape[:2]
    digests = (file_digests(pair.picture)["sha256"], file_digests(pair.truth)["sha256"])
    return Row(pair.method, pair.name, pair.truth.name, digests, (width, height), values, missing)


def laid_under(pair: Pair, result: FloatArray, truth: Truth) -> Truth:
    """The part of a truth that a reconstruction shows, where its record says which part of the reference that is.

    The truth is one of the whole reference frame, at the scale of the result; any other is returned as it is.
    """
    place = pair.picture.parent
    if result.shape == truth.image.shape or not (place / RECORD).is_file():
        return truth
    record = read_record(place)
    canvas, reference = record.get("canvas"), record.get("reference")
    if not canvas or not reference:
        return truth
    width, height = next((e["size"] for e in record["inputs"] if e["index"] == reference["index"]), (0, 0))
    scale = canvas["scale"]
    whole = truth.image.shape[:2] == (scale * height, scale * width)
    if not whole or result.shape[:2] != (scale * canvas["height"], scale * canvas["width"]):
        return truth
    top, left = scale * canvas["y0"], scale * canvas["x0"]
    part = truth.image[top : top + result.shape[0], left : left + result.shape[1]]
    return Truth(np.ascontiguousarray(part), truth.name)


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
        uncertainty = read_array(path, "uncertainty")
    except DocumentError as error:
        raise InputError(f"'{path}' cannot be read as mfrec wrote it: {error}; make the output again") from None
    if uncertainty.dtype != np.float32 or not (uncertainty >= 0).all() or not np.isfinite(uncertainty).all():
        raise InputError(f"the uncertainty in '{path}' has values that are none; make the output again")
    if uncertainty.shape != result.shape[:2]:
        raise InputError(f"the uncertainty in '{path}' has shape {uncertainty.shape}, the picture {result.shape[:2]}")
    return uncertainty
