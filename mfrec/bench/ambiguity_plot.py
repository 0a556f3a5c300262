"""The argument for fusion in one plot: faces that explain the same frames grow more alike with every frame.

It is drawn from the table ``ambiguity`` (:mod:`mfrec.bench.tables.ambiguity`), which takes long, and measures nothing::

    mfrec bench long --table ambiguity --json > ambiguity.json
    mfrec bench ambiguity.json --plot ambiguity
"""

from __future__ import annotations

import re
from pathlib import Path

from msgspec import Struct

from mfrec.bench.curves import Panel, Plot
from mfrec.documents import DocumentError, parse_json, read_text, shaped
from mfrec.errors import UsageError

LIMIT = 1 << 22
"""Bytes that the file may have."""

LABEL = re.compile(r"(\d+ px), (\d+) frames?")

PANELS = {
    "spread": ("What the frames leave open", "grey levels between the answers"),
    "identity": ("How unlike the people are", "identity distance between the answers"),
    "determined %": ("What the frames determine", "% of the drawn pixels"),
}
"""Column of the table to title and unit."""


class MeasuredRow(Struct):
    """A row of a table, as far as the plot needs it."""

    label: str
    values: dict[str, float]
    cards: list[str] = []


class MeasuredTable(Struct):
    """A table."""

    name: str
    data: str
    created: str
    rows: list[MeasuredRow]


class Measured(Struct):
    """What ``mfrec bench --table --json`` prints."""

    tables: list[MeasuredTable]


def ambiguity_plot(file: Path | None) -> Plot:
    """The plot of a measured table.

    Args:
        file: JSON that the bench printed.

    Raises:
        UsageError: no file, or one without that table.
    """
    told = "mfrec bench SEQUENCES --table ambiguity --json > FILE, then mfrec bench FILE --plot ambiguity"
    if file is None:
        raise UsageError(f"the plot 'ambiguity' is of a measured table: {told}")
    try:
        measured = shaped(parse_json(read_text(file, LIMIT)), Measured)
    except DocumentError as error:
        raise UsageError(f"'{file.name}' holds no measured table ({error}): {told}") from None
    found = [table for table in measured.tables if table.name == "ambiguity"]
    rows = [
        (match[1], int(match[2]), row) for row in (found[0].rows if found else []) if (match := LABEL.match(row.label))
    ]
    if not any(row.values for _, _, row in rows):
        raise UsageError(f"'{file.name}' holds no figures of the table 'ambiguity': {told}")
    panels = []
    for column, (title, unit) in PANELS.items():
        series: dict[str, list[tuple[float, float]]] = {}
        for size, count, row in rows:
            if column in row.values:
                series.setdefault(f"frames of {size}", []).append((float(count), row.values[column]))
        panels.append(Panel(title, "frames", unit, {k: tuple(sorted(v)) for k, v in series.items()}, logarithmic=True))
    cards = sorted({card for _, _, row in rows for card in row.cards})
    return Plot(
        "ambiguity",
        "How much is left open of a face, against the number of frames",
        f"{found[0].data}; measured {found[0].created}",
        tuple(panels),
        cards=tuple(cards),
    )
