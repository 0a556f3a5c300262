"""Do metrics fall with the damage? Every metric over ladders of blur, size and compression on the same faces.

How well each keeps the order of the rungs (Spearman's rank correlation), and how long it takes on a pair of 256 px.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mfrec.bench.run import read_frames
from mfrec.bench.tables.result import Row, TableResult, finished, means
from mfrec.bench.tables.sequences import chosen_sequences
from mfrec.bench.weights import DETECTOR, MEASURING
from mfrec.errors import NoFaceError
from mfrec.image.geometry import enlarge, resize
from mfrec.metrics.names import METRICS, Case, Truth, measure
from mfrec.pipeline import Progress
from mfrec.types import FloatArray

BLURS = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Sigma in pixels of the ladder of blur."""

SIZES = (128, 64, 32, 16)
"""Side in pixels of the ladder of size; the picture is brought back by bicubic interpolation."""

QUALITIES = (90, 70, 50, 30, 20, 10, 5)
"""Of JPEG, of the ladders of compression."""

LADDERS = ("blur", "size", "jpeg", "jpeg32")
"""``jpeg`` compresses the picture as it is, ``jpeg32`` after shrinking it to 32 px, as small cameras do."""

LADDER_METRICS = tuple(
    name for name in METRICS if name not in ("mse", "cpbd_before", "cpbd_gain", "consistency", "tenths", "rank")
)
"""The metrics that need nothing but a picture and its truth."""


def rungs(picture: FloatArray, ladder: str) -> list[FloatArray]:
    """A picture and itself with more and more damage of one kind, all of one size."""
    from mfrec.image.filters import gaussian
    from mfrec.train.data.degrade import through_jpeg

    if ladder == "blur":
        damaged = [gaussian(picture, sigma) for sigma in BLURS]
    elif ladder == "size":
        side = picture.shape[0]
        damaged = [
            enlarge(resize(picture, small, small, interpolation="area"), side // small)
            for small in SIZES
            if small < side
        ]
    elif ladder == "jpeg":
        damaged = [through_jpeg(picture, quality).image for quality in QUALITIES]
    else:
        small = resize(picture, 32, 32, interpolation="area")
        scale = picture.shape[0] // 32
        damaged = [enlarge(through_jpeg(small, quality).image, scale) for quality in QUALITIES]
        picture = np.clip(enlarge(small, scale), 0, 1)
    return [picture, *(np.clip(image, 0, 1).astype(np.float32) for image in damaged)]


def order_kept(values: Sequence[float], better: str) -> float:
    """Spearman's rank correlation of damage with a metric: 1 where every rung is worse than the one before.

    Args:
        values: of the rungs, from no damage to the most.
        better: ``"less"``, else more counts as better.
    """
    from scipy.stats import spearmanr

    if np.ptp(np.nan_to_num(values, posinf=1e9)) == 0:
        return 0.0
    found = float(spearmanr(np.arange(len(values)), values).statistic)  # pyright: ignore[reportAttributeAccessIssue]
    return found if better == "less" else -found


def metrics_table(data: Path | None, people: str, seed: int, limit: int | None, progress: Progress) -> TableResult:
    """Every metric over the ladders, on the middle frame of every sequence.

    Columns: mean over the faces of :func:`order_kept` for each ladder, the least of any face and ladder, the share of
    faces on which no step of blur makes the metric better, and the median time of one measurement.
    """
    del seed  # nothing is drawn
    kept: dict[str, list[dict[str, float]]] = {name: [] for name in LADDER_METRICS}
    seconds: dict[str, list[float]] = {name: [] for name in LADDER_METRICS}
    reasons: dict[str, str] = {}
    with chosen_sequences(data, people, limit) as (sequences, said):
        for i, sequence in enumerate(sequences):
            progress("tables, metrics", i, len(sequences))
            frames = read_frames(sequence.folder)
            truth = Truth(frames[len(frames) // 2], sequence.name)
            try:
                truth.face  # noqa: B018  # looked for once, so that no metric is charged for it
            except NoFaceError as error:
                reasons |= dict.fromkeys(("identity", "landmarks", "iris", "pupil", "gaze", "serfiq"), str(error))
            pictures = {ladder: rungs(truth.image, ladder) for ladder in LADDERS}
            for name in LADDER_METRICS:
                found = ladder_values(name, truth, pictures, seconds[name])
                if isinstance(found, str):
                    reasons[name] = found
                    continue
                better = METRICS[name].better
                row = {ladder: order_kept(values, better) for ladder, values in found.items()}
                row["least"] = min(row.values())
                steps = np.diff(np.nan_to_num(found["blur"], posinf=1e9)) * (1 if better == "less" else -1)
                row["falls"] = float((steps >= 0).all())
                kept[name].append(row)
        progress("tables, metrics", len(sequences), len(sequences))
    rows = []
    for name in LADDER_METRICS:
        values = means(kept[name])
        if kept[name]:
            values["least"] = min(row["least"] for row in kept[name])
            values["seconds"] = float(np.median(seconds[name]))
        rows.append(Row(name, values, len(kept[name]), reasons.get(name, "")))
    title = "Metrics over ladders of blur, size and compression: Spearman's rank correlation with the damage"
    return finished(
        "metrics",
        title,
        f"{said}, the middle frame of each",
        (*LADDERS, "least", "falls", "seconds"),
        rows,
        cards=(DETECTOR, *MEASURING.values()),
    )


def ladder_values(
    name: str, truth: Truth, pictures: Mapping[str, list[FloatArray]], seconds: list[float]
) -> dict[str, list[float]] | str:
    """A metric on every rung of every ladder, or why it has no value; its times are added to ``seconds``."""
    out: dict[str, list[float]] = {}
    for ladder, damaged in pictures.items():
        out[ladder] = []
        for picture in damaged:
            start = time.perf_counter()
            values, missing = measure(Case(picture, truth, None, None), (name,))
            seconds.append(time.perf_counter() - start)
            if name not in values:
                return missing.get(name, "no value")
            out[ladder].append(values[name])
    return out
