"""Tables of text, for a terminal and for Markdown."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence


def mean(values: Iterable[float]) -> float | None:
    """Arithmetic mean; None of nothing."""
    every = list(values)
    return math.fsum(every) / len(every) if every else None


def spread(values: Iterable[float]) -> float | None:
    """Standard deviation of a sample (with ``n - 1``); None for fewer than two values, or where one is not finite."""
    every = list(values)
    return statistics.stdev(every) if len(every) > 1 and all(map(math.isfinite, every)) else None


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A text table: the first column to the left, the others to the right."""
    lines = [header, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The same for Markdown."""
    lines = [header, ("---", *("---:" for _ in header[1:])), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
