"""Curves: measured numbers as panels side by side, drawn, printed, and put into a document."""

from __future__ import annotations

import datetime
import importlib.util
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mfrec.errors import UsageError
from mfrec.provenance.surroundings import machine
from mfrec.report.text_table import markdown_table
from mfrec.runtime.extras import not_installed

if TYPE_CHECKING:
    from mfrec.bench.document import Section

Series = Mapping[str, tuple[tuple[float, float], ...]]
"""Label to its points ``(x, y)``."""


@dataclass(frozen=True)
class Panel:
    """One set of axes. ``logarithmic`` is about x."""

    title: str
    x: str
    y: str
    series: Series
    logarithmic: bool = False


@dataclass(frozen=True)
class Plot:
    """Measured curves.

    Attributes:
        name: as it is asked for.
        heading: what it shows.
        data: on what it was measured.
        panels: side by side.
        notes: what is missing, and why.
        created: UTC, ISO 8601.
        cards: whose weights the numbers depend on.
    """

    name: str
    heading: str
    data: str
    panels: tuple[Panel, ...]
    notes: tuple[str, ...] = ()
    created: str = field(default_factory=lambda: datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"))
    cards: tuple[str, ...] = ()

    def png(self) -> bytes:
        """The picture, the same bytes for the same numbers.

        Raises:
            UsageError: matplotlib is not installed.
        """
        check_drawing()
        from matplotlib.figure import Figure

        figure = Figure(figsize=(5.2 * len(self.panels), 3.8), dpi=110, layout="constrained")
        for axes, panel in zip(np.atleast_1d(figure.subplots(1, len(self.panels))), self.panels, strict=True):
            for (label, points), style in zip(panel.series.items(), STYLES * len(panel.series), strict=False):
                # Steps of a cumulative curve need no marks.
                marks = style if len(points) < 40 else style[1:]
                axes.plot(*zip(*points, strict=True), marks, label=label, markersize=5, linewidth=1.6)
            axes.set(title=panel.title, xlabel=panel.x, ylabel=panel.y)
            if panel.logarithmic:
                axes.set_xscale("log")
                ticks = sorted({x for points in panel.series.values() for x, _ in points})
                axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks], minor=False)
                axes.minorticks_off()
            axes.grid(True, alpha=0.3)
            axes.spines[["top", "right"]].set_visible(False)
            axes.legend(frameon=False, fontsize=9)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": "mfrec"})
        return buffer.getvalue()

    def text(self) -> str:
        """The numbers for a terminal."""
        parts = [f"{self.name}: {self.heading}\n{self.data}"]
        for panel in self.panels:
            parts.append(f"{panel.title}: {panel.y} against {panel.x}\n" + "\n".join(self._lines(panel)))
        return "\n\n".join([*parts, *self.notes])

    def section(self, command: str, picture: str) -> Section:
        """The plot for a document that reaches the picture at ``picture``."""
        from mfrec.bench.document import Section
        from mfrec.bench.run import commit
        from mfrec.bench.weights import hashes

        parts = [f"{self.data}.", f"![{self.heading}]({picture})"]
        for panel in self.panels:
            few = {label: points for label, points in panel.series.items() if len(points) < 40}
            if few:
                places = sorted({x for points in few.values() for x, _ in points})
                rows = [
                    (label, *(f"{dict(points)[x]:.4g}" if x in dict(points) else "-" for x in places))
                    for label, points in few.items()
                ]
                parts.append(f"{panel.y}, by {panel.x}:")
                parts.append(markdown_table(("", *(f"{x:g}" for x in places)), rows))
        parts += [f"- {note}" for note in self.notes]
        body = "\n\n".join(parts)
        used = hashes(self.cards)
        return Section(f"plot {self.name}", self.heading, body, command, self.created, machine(), commit(), used)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @staticmethod
    def _lines(panel: Panel) -> list[str]:
        return [
            f"  {label}: " + ", ".join(f"{x:g} {y:.4g}" for x, y in points[:: max(1, len(points) // 12)])
            for label, points in panel.series.items()
        ]


def check_drawing() -> None:
    """Whether plots can be drawn, asked before minutes of measuring.

    Raises:
        UsageError: matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise UsageError(not_installed("a plot", "matplotlib", "plots"))


STYLES = ("o-", "s-", "^-", "D-", "v-", "P-", "X-", "*-")


def cumulative(errors: Sequence[float], of: int, top: float, steps: int = 100) -> tuple[tuple[float, float], ...]:
    """Points ``(bound, share)``: the share of ``of`` cases with an error up to the bound; failures never arrive."""
    ordered = np.sort(np.asarray(errors, np.float64))
    bounds = np.linspace(0, top, steps + 1)
    return tuple((float(b), float(np.searchsorted(ordered, b, side="right") / of)) for b in bounds)
