"""A measured table: its rows, and how it is printed."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from mfrec.bench.run import commit
from mfrec.bench.tables.thesis import PRINTED
from mfrec.bench.weights import hashes, trained_for
from mfrec.metrics.names import METRICS
from mfrec.provenance.surroundings import machine
from mfrec.report.text_table import aligned, markdown_table, mean, spread

if TYPE_CHECKING:
    from mfrec.bench.document import Section

NUMBERED = ("3.1", "3.3", "3.4", "3.5", "3.6")
"""Tables whose name, which is that of the thesis, stands before their title."""


@dataclass(frozen=True)
class Published:
    """What somebody else printed. ``source`` names the paper and the pictures."""

    psnr: float
    ssim: float | None
    source: str


@dataclass(frozen=True)
class Row:
    """One measured row.

    Attributes:
        values: column to mean.
        count: how many pictures the means are over.
        reason: why there is no value, or none for some pictures; empty where all went well.
        published: what is known of others.
        spreads: column to the standard deviation over the pictures.
        cards: whose weights the row depends on.
    """

    label: str
    values: Mapping[str, float]
    count: int
    reason: str = ""
    published: Published | None = None
    spreads: Mapping[str, float] = field(default_factory=dict)
    cards: tuple[str, ...] = ()

    @property
    def trained(self) -> str:
        """How long the networks of the row were trained; empty where none makes a pixel."""
        return trained_for(self.cards)


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
        cards: name to the SHA-256 of every weights file that the figures depend on.
    """

    name: str
    title: str
    data: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    created: str
    machine: Mapping[str, Any] = field(default_factory=dict)
    commit: str | None = None
    cards: Mapping[str, str] = field(default_factory=dict)

    def cells(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Header and rows as text; the last columns hold the length of the training and what was published."""
        trained, published = any(row.trained for row in self.rows), any(row.published for row in self.rows)
        header = ("", *self.columns, "n", *(("trained",) if trained else ()), *(("published",) if published else ()))
        lines = []
        for row in self.rows:
            values = [with_spread(row, column) for column in self.columns]
            told = (*((row.trained,) if trained else ()), *((in_print(row.published),) if published else ()))
            lines.append((row.label, *values, str(row.count), *told))
        return header, lines

    def text(self) -> str:
        """The table for a terminal."""
        notes = map("\n".join, self._notes())
        printed = (table.text() for table in PRINTED.get(self.name, ()))
        parts = (f"{self.name}: {self.title}\n{self.data}", aligned(*self.cells()), *notes, *printed)
        return "\n\n".join(filter(None, parts))

    def section(self, command: str) -> Section:
        """The table for a document."""
        from mfrec.bench.document import Section

        missing, sources = self._notes()
        notes = "\n".join(f"- {note}" for note in (*missing, *sources))
        body = "\n\n".join(filter(None, (f"{self.data}.", markdown_table(*self.cells()), notes)))
        heading = f"Table {self.name}: {self.title}" if self.name in NUMBERED else self.title
        return Section(self.name, heading, body, command, self.created, self.machine, self.commit, self.cards)

    def to_dict(self) -> dict[str, Any]:
        """For JSON; ``printed`` holds what stands in the thesis."""
        return asdict(self) | {"printed": [asdict(table) for table in PRINTED.get(self.name, ())]}

    def _notes(self) -> tuple[list[str], list[str]]:
        """What is missing and why, and where the published figures are from."""
        missing = [f"{row.label}: {row.reason}" for row in self.rows if row.reason]
        sources = [f"published, {row.label}: {row.published.source}" for row in self.rows if row.published]
        return missing, sources


FORMS = {
    "psnr_gain": "+.2f",
    "least gain": "+.2f",
    "identity_gain": "+.3f",
    "seconds": ".2f",
    "MiB": ".0f",
    "ssim_y": ".4f",
    "taken": ".2f",
    "straight ahead": ".1f",
    "pixels": ",.0f",
    "gaze °": ".2f",
    "more ° (95 %)": "+.2f",
    "moved °": ".2f",
    "mm": ".1f",
    **dict.fromkeys(("iris centre", "contours"), ".4f"),
    "minutes": ".1f",
    "people": ".0f",
    "expected / true": ".2f",
    "spread": ".2f",
    **dict.fromkeys(("flicker", "detail"), ".2f"),
}
"""How the columns are printed that neither are of :data:`mfrec.metrics.names.METRICS` nor in per cent."""


def with_spread(row: Row, column: str) -> str:
    """The mean of a column, and the standard deviation where the row has one."""
    text = number(row.values.get(column), column)
    spread = row.spreads.get(column)
    return text if spread is None else f"{text} ± {number(spread, column).lstrip('+')}"


def number(value: float | None, column: str) -> str:
    """A value as its column is printed."""
    if value is None:
        return "-"
    if math.isinf(value):
        return "equal"
    if column.endswith(" %"):
        return format(value, ".1f")
    return format(value, FORMS.get(column) or (METRICS[column].form if column in METRICS else ".3f"))


def in_print(published: Published | None) -> str:
    """PSNR and SSIM of others as text."""
    if published is None:
        return ""
    return f"{published.psnr:.2f}" if published.ssim is None else f"{published.psnr:.2f} / {published.ssim:.4g}"


def of_all(count: int, every: int, what: str) -> str:
    """How many things were measured, in words, and among how many where a limit left some out."""
    return f"{count} {what}" if count == every else f"{count} {what}, spread evenly over {every},"


def means(values: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Column to the mean over the pictures that have it."""
    columns = dict.fromkeys(column for found in values for column in found)
    averages = {column: mean(found[column] for found in values if column in found) for column in columns}
    return {column: average for column, average in averages.items() if average is not None}


def spreads(values: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Column to the standard deviation over the pictures that have it; two at least."""
    columns = dict.fromkeys(column for found in values for column in found)
    found = {column: spread([one[column] for one in values if column in one]) for column in columns}
    return {column: value for column, value in found.items() if value is not None}


def finished(
    name: str, title: str, data: str, columns: Sequence[str], rows: Sequence[Row], *, cards: Iterable[str] = ()
) -> TableResult:
    """A table with the columns that at least one row fills, where it was measured, and by which weights.

    Args:
        cards: whose weights the measures depend on; those of the rows are added.
    """
    used = tuple(column for column in columns if any(column in row.values for row in rows))
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return TableResult(
        name,
        title,
        data,
        used,
        tuple(rows),
        now,
        machine(),
        commit(),
        hashes({*cards, *(card for row in rows for card in row.cards)}),
    )
