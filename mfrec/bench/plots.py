"""Curves: quality against frames, damage and pose, errors of landmarks, iris, pupil and gaze, time and memory.

Each plot is measured and drawn by one command and goes into a document with that command and its numbers. The sequences
are filmed from the public-domain portrait, because only a film can be asked for 31 frames or for a head that turns by
30 degrees; ``errors`` can be measured on the user's own sequences. The reference is always the middle frame.
``eyes``, ``interpolation`` and ``training`` are of networks of single pictures, see
:mod:`mfrec.bench.single_picture_plots`; ``ambiguity`` is of a measured table, see :mod:`mfrec.bench.ambiguity_plot`.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mfrec.bench.curves import Panel, Plot, Series, cumulative
from mfrec.errors import MfrecError, UsageError
from mfrec.pipeline import Progress, silent
from mfrec.report.text_table import mean
from mfrec.types import FloatArray

if TYPE_CHECKING:
    from mfrec.bench.cost import Setting
    from mfrec.camera.protocols import Spoilt

FRAMES = (1, 3, 7, 15, 31)
QUALITIES = (10, 20, 30, 50, 70, 90, 97)
TURNS = (0, 5, 10, 15, 20, 30)
"""Amplitude of the head's yaw in degrees."""

SMALL = 32
"""Side of a small frame in pixels; the truth has :data:`~mfrec.camera.protocols.SCALE` times as many."""


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
        data: a folder of sequences, for ``errors`` and ``interpolation``, or of a training, or the file of a measured
            table, for ``ambiguity``; None films the portrait.
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
    if limit is not None and limit < 1:
        raise UsageError(f"a limit of {limit} leaves nothing; give 1 or more")
    if name in OF_A_TABLE:
        from mfrec.bench.ambiguity_plot import ambiguity_plot

        return ambiguity_plot(data)
    if name in OF_SINGLE_PICTURES:
        from mfrec.bench.single_picture_plots import eyes_plot, interpolation_plot, training_plot

        if name == "eyes":
            return eyes_plot(limit, seed, progress)
        return interpolation_plot(data, people, limit, progress) if name == "interpolation" else training_plot(data)
    methods = tuple(dict.fromkeys((BASELINE, *methods)))
    for method in methods:
        check_method(method)
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

OF_A_TABLE = ("ambiguity",)
"""Plots of what a table has measured."""

OF_SINGLE_PICTURES = ("eyes", "interpolation", "training")
"""Plots that compare no methods of the bench."""

PLOTS = (*SWEEPS, "errors", "cost", *OF_SINGLE_PICTURES, *OF_A_TABLE)
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
