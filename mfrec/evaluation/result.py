"""What an evaluation has measured: rows, means, and how they are written down."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from mfrec.metrics.names import METRICS
from mfrec.provenance.csv_cell import no_formula
from mfrec.provenance.plain_json import to_json
from mfrec.provenance.surroundings import machine, versions
from mfrec.report.text_table import aligned, mean


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
        """One line a picture; a metric without value is empty, an infinite PSNR is ``inf``, no name is a formula."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("method", "picture", "truth", "width", "height", *self.metrics))
        for row in self.rows:
            values = (row.values.get(name) for name in self.metrics)
            numbers = ("" if value is None else repr(float(value)) for value in values)
            names = map(no_formula, (row.method, row.picture, row.truth))
            writer.writerow((*names, *row.size, *numbers))
        return text.getvalue()


def cells(values: Mapping[str, float | None]) -> tuple[str, ...]:
    """Values as text, each as its metric is printed."""
    return tuple(
        "-" if value is None else "equal" if math.isinf(value) else format(value, METRICS[name].form)
        for name, value in values.items()
    )
