"""Curves: quality against frames, damage and pose, errors of landmarks, iris, pupil and gaze, time and memory.

Each plot is measured and drawn by one command and goes into a document with that command and its numbers. The sequences
are filmed from the public-domain portrait, because only a film can be asked for 31 frames or for a head that turns by
30 degrees; ``errors`` can be measured on the user's own sequences. The reference is always the middle frame.
"""

from __future__ import annotations

import datetime
import functools
import importlib.util
import io
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mfrec.errors import MfrecError, UsageError
from mfrec.pipeline import Progress, silent
from mfrec.provenance.surroundings import machine
from mfrec.report.text_table import markdown_table, mean
from mfrec.runtime.extras import not_installed
from mfrec.types import FloatArray

if TYPE_CHECKING:
    from mfrec.bench.cost import Setting
    from mfrec.bench.document import Section
    from mfrec.camera.protocols import Spoilt

FRAMES = (1, 3, 7, 15, 31)
QUALITIES = (10, 20, 30, 50, 70, 90, 97)
TURNS = (0, 5, 10, 15, 20, 30)
"""Amplitude of the head's yaw in degrees."""

SMALL = 32
"""Side of a small frame in pixels; the truth has :data:`~mfrec.camera.protocols.SCALE` times as many."""

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


def plot(
    name: str,
    methods: Sequence[str],
    *,
    data: Path | None = None,
    people: str = "all",
    limit: int | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Plot:
    """Measure one plot.

    Args:
        name: of :data:`PLOTS`.
        methods: of the bench; the reference enlarged by bicubic interpolation is always there.
        data: a folder of sequences, for ``errors``; None films the portrait.
        people, limit: which of the sequences.
        seed: of motion and damage.
        progress: called as ``progress("plot", done, total)``.

    Raises:
        UsageError: an unknown plot or method.
        InputError: the sequences cannot be used.
    """
    from mfrec.bench.run import check_method
    from mfrec.bench.scores import BASELINE
    from mfrec.bench.weights import DETECTOR, MEASURING, cards_of

    if name not in PLOTS:
        raise UsageError(f"unknown plot '{name}'; known are {', '.join(PLOTS)}")
    methods = tuple(dict.fromkeys((BASELINE, *methods)))
    for method in methods:
        check_method(method)
    if limit is not None and limit < 1:
        raise UsageError(f"a limit of {limit} leaves no sequence; give 1 or more")
    if name == "cost":
        return replace(cost_plot(seed, progress), cards=cards_of("evidence"))
    cards = (DETECTOR, *(card for method in methods for card in cards_of(method)))
    if name == "errors":
        made = errors_plot(methods, data, people=people, limit=limit, seed=seed, progress=progress)
        return replace(made, cards=(*cards, MEASURING["gaze"]))
    heading, axis, places, make = SWEEPS[name]
    notes: list[str] = []
    found: dict[str, dict[str, list[tuple[float, float]]]] = {
        metric: {method: [] for method in methods} for metric in ("psnr", "identity")
    }
    for i, place in enumerate(places):
        progress("plot", i, len(places))
        scores = measured(make(place, seed), methods, tuple(found), seed, notes=notes, where=f"{axis} {place}")
        for method, values in scores.items():
            for metric, points in found.items():
                if metric in values:
                    points[method].append((float(place), values[metric]))
    progress("plot", len(places), len(places))
    panels = tuple(
        Panel(
            title,
            axis,
            unit,
            {method: tuple(points) for method, points in found[metric].items() if points},
            name == "frames",
        )
        for metric, title, unit in (("psnr", "Fidelity", "PSNR in dB"), ("identity", "Identity", "identity distance"))
    )
    said = f"The astronaut portrait, filmed with seed {seed} at {SMALL} px; truth {4 * SMALL} px, of the middle frame"
    return Plot(name, heading, said, panels, tuple(dict.fromkeys(notes)), cards=cards)


# --- sweeps over a film of the portrait --------------------------------------------------------------------


@functools.cache
def filmed(frames: int, seed: int, yaw: float | None = None) -> tuple[FloatArray, ...]:
    """Ideal frames of the portrait, ``[128, 128, 3]`` each."""
    from mfrec.camera.film import Motion, astronaut, draw_shoot, film

    motion = Motion() if yaw is None else replace(Motion(), yaw=yaw)
    return tuple(film(astronaut(), draw_shoot(frames=frames, size=SMALL, seed=seed, motion=motion)).truth)


def as_jpegs(truths: Sequence[FloatArray], qualities: Sequence[int]) -> Spoilt:
    """Frames resampled to :data:`SMALL` px, each a JPEG of its quality; the truth is the middle one."""
    from mfrec.camera.protocols import DrawnJpegs, Spoilt
    from mfrec.image.geometry import resize
    from mfrec.imageio import jpeg_bytes

    files = tuple(
        (f"{i}.jpg", jpeg_bytes(resize(truth, SMALL, SMALL, interpolation="area"), quality))
        for i, (truth, quality) in enumerate(zip(truths, qualities, strict=True))
    )
    middle = len(truths) // 2
    return Spoilt(files, truths[middle], middle, DrawnJpegs(tuple(qualities)))


def of_frames(count: int, seed: int) -> Spoilt:
    """The middle ``count`` of 31 frames, qualities 30 to 90 as in the protocol ``jpeg32``."""
    truths = filmed(FRAMES[-1], seed)
    qualities = np.random.default_rng(seed).integers(30, 91, len(truths)).tolist()
    start = len(truths) // 2 - count // 2
    return as_jpegs(truths[start : start + count], qualities[start : start + count])


def of_quality(quality: int, seed: int) -> Spoilt:
    """Seven frames of one JPEG quality."""
    return as_jpegs(filmed(7, seed), [quality] * 7)


def of_turn(yaw: int, seed: int) -> Spoilt:
    """Seven frames of a head that turns by ``yaw`` degrees to each side, JPEG quality 75."""
    return as_jpegs(filmed(7, seed, float(yaw)), [75] * 7)


SWEEPS: dict[str, tuple[str, str, tuple[int, ...], Callable[[int, int], Spoilt]]] = {
    "frames": ("Quality against the number of frames", "frames", FRAMES, of_frames),
    "degradation": ("Quality against compression, seven frames", "JPEG quality", QUALITIES, of_quality),
    "pose": ("Quality against the turn of the head, seven frames", "yaw to each side in degrees", TURNS, of_turn),
}
"""Plot to its heading, its axis, the places on it, and what is filmed there."""

PLOTS = (*SWEEPS, "errors", "cost")
"""Every plot there is."""


def measured(
    spoilt: Spoilt, methods: Sequence[str], metrics: Sequence[str], seed: int, *, notes: list[str], where: str
) -> dict[str, dict[str, float]]:
    """Metrics of every method that gave a picture; failures go into ``notes``."""
    from mfrec.bench.run import Case, attempt
    from mfrec.metrics.names import Case as MeasuredCase
    from mfrec.metrics.names import Truth, measure

    truth = Truth(spoilt.truth, where)
    out: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="mfrec-plots-") as folder:
        spoilt.write(Path(folder))
        case = Case(Path(folder), spoilt, None, seed)
        for method in methods:
            made = attempt(case.picture, method)
            if isinstance(made, str):
                notes.append(f"{method} failed at {where}: {made}")
                continue
            out[method], missing = measure(MeasuredCase(made[0], truth, None, None), metrics)
            notes += [f"no {name} at {where}: {why}" for name, why in missing.items()]
    return out


# --- cumulative errors and cost ----------------------------------------------------------------------------


ERRORS = {
    "landmarks": ("Landmarks", "landmark error in inter-ocular distances", 0.2),
    "iris": ("Iris centre, worse eye", "error in inter-ocular distances", 0.3),
    "pupil": ("Pupil centre, worse eye", "error in inter-ocular distances", 0.3),
    "gaze": ("Gaze, change against the truth", "degrees", 30.0),
}
"""Metric to the title of its cumulative curve, its unit, and the largest bound."""


def errors_plot(
    methods: Sequence[str], data: Path | None, *, people: str, limit: int | None, seed: int, progress: Progress
) -> Plot:
    """Share of the sequences whose error is below a bound, for every bound.

    Of landmarks as in the 300-W challenge, of iris, pupil and gaze as in the thesis on gaze. A sequence whose truth has
    no such error, closed eyes say, does not count; one in which only this method has none never arrives.
    """
    from mfrec.bench.run import PORTRAITS, evenly, film_sequences, spoil
    from mfrec.bench.tables.sequences import described
    from mfrec.imageio.sequences import find_sequences

    errors: dict[str, dict[str, list[float]]] = {metric: {method: [] for method in methods} for metric in ERRORS}
    counts = dict.fromkeys(ERRORS, 0)
    notes: list[str] = []
    with tempfile.TemporaryDirectory(prefix="mfrec-plots-") as folder:
        root = Path(folder) if data is None else data
        if data is None:
            film_sequences(root, count=min(limit or PORTRAITS, PORTRAITS))
        every = find_sequences(root, people)
        chosen = evenly(every, limit)
        for i, sequence in enumerate(chosen):
            progress("plot", i, len(chosen))
            try:
                spoilt = spoil(sequence, "jpeg32", seed)
            except MfrecError as error:
                notes.append(f"{sequence.name}: {error}")
                continue
            found = measured(spoilt, methods, tuple(ERRORS), seed, notes=notes, where=sequence.name)
            for metric in ERRORS:
                counts[metric] += any(metric in values for values in found.values())
                for method, values in found.items():
                    if metric in values:
                        errors[metric][method].append(values[metric])
        progress("plot", len(chosen), len(chosen))
    panels = tuple(
        Panel(
            f"{title}, {counts[metric]} sequences",
            unit,
            "share of sequences",
            {
                f"{method}, mean {mean(values):.3f}": cumulative(values, counts[metric], top)
                for method, values in errors[metric].items()
                if values
            },
        )
        for metric, (title, unit, top) in ERRORS.items()
        if counts[metric]
    )
    said = f"Protocol jpeg32, {described(chosen, data, people, every)}, seed {seed}"
    return Plot(
        "errors", "Cumulative errors of landmarks, iris, pupil and gaze", said, panels, tuple(dict.fromkeys(notes))
    )


def cumulative(errors: Sequence[float], of: int, top: float, steps: int = 100) -> tuple[tuple[float, float], ...]:
    """Points ``(bound, share)``: the share of ``of`` cases with an error up to the bound; failures never arrive."""
    ordered = np.sort(np.asarray(errors, np.float64))
    bounds = np.linspace(0, top, steps + 1)
    return tuple((float(b), float(np.searchsorted(ordered, b, side="right") / of)) for b in bounds)


def cost_plot(seed: int, progress: Progress) -> Plot:
    """Time and memory of a whole ``mfrec reconstruct`` against frames and their size, see :mod:`mfrec.bench.cost`."""
    from mfrec.bench.cost import cost

    found = cost(seed=seed, progress=progress)
    sizes = sorted({setting.size for setting in found.settings})

    def series(value: Callable[[Setting], float]) -> Series:
        return {
            f"{size} px": tuple((float(s.frames), value(s)) for s in found.settings if s.size == size) for size in sizes
        }

    panels = (
        Panel("Work", "frames", "seconds of all cores", series(lambda s: s.cpu)),
        Panel("Memory", "frames", "MiB at the peak", series(lambda s: s.bytes / 2**20)),
    )
    said = (
        f"Recipe {found.recipe}, a whole process from start to report, the astronaut portrait, filmed with seed {seed}"
    )
    return Plot("cost", "Time and memory against frames and their size", said, panels)
