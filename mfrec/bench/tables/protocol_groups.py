"""Tables on a group of protocols: what more frames bring, and every way in which frames reach an analyst."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mfrec.bench.run import bench
from mfrec.bench.scores import BASELINE, BenchResult, Summary
from mfrec.bench.tables.result import Row, TableResult, finished
from mfrec.bench.weights import DETECTOR, cards_of
from mfrec.camera.protocols import EXPORTS, LONG
from mfrec.pipeline import Progress
from mfrec.report.text_table import mean

COMPARED = (BASELINE, "evidence", "restore")

GAINS = ("psnr_gain", "identity_gain")
"""Columns that are paired differences to :data:`~mfrec.bench.scores.BASELINE`; less identity distance is nearer."""

COLUMNS = ("psnr", "psnr_gain", "least gain", "identity", "identity_gain")
"""``least gain`` is the PSNR gain of the least fortunate sequence."""


IN_WORDS = {
    name: f"{damage}, {count} frame{'' if count == '1' else 's'}"
    for name in LONG
    for damage, _, count in [name.removeprefix("long-").rpartition("-")]
}
"""Protocols of ``long``, as the rows call them."""


def long_table(data: Path | None, people: str, seed: int, limit: int | None, progress: Progress) -> TableResult:
    """PSNR and identity distance by the number of frames, a row for each damage, number and method.

    Args:
        data: a folder of sequences of 31 frames and more, as :mod:`mfrec.bench.run` describes it; None films the
            portrait.
    """
    result = bench(data, tuple(LONG), COMPARED, people=people, seed=seed, limit=limit, progress=progress)
    title = "What more frames bring: the middle ones of long sequences"
    return finished("long", title, said_of(result), COLUMNS, rows_of(result, IN_WORDS), cards=(DETECTOR,))


def exports_table(data: Path | None, people: str, seed: int, limit: int | None, progress: Progress) -> TableResult:
    """PSNR and identity distance by the way from the recorder to the analyst, and over all of them.

    Args:
        data: a folder of sequences as :mod:`mfrec.bench.run` describes it; None films the portrait.
    """
    result = bench(data, tuple(EXPORTS), COMPARED, people=people, seed=seed, limit=limit, progress=progress)
    names = {protocol: protocol.removeprefix("export-") for protocol in EXPORTS}
    rows = rows_of(result, names)
    averages = [
        averaged(f"all, {method}", [row for row in rows if row.label.endswith(f", {method}")]) for method in COMPARED
    ]
    title = "Every way in which frames reach an analyst"
    return finished("exports", title, said_of(result), COLUMNS, [*rows, *averages], cards=(DETECTOR,))


def said_of(result: BenchResult) -> str:
    """What was measured on."""
    persons, sequences = ({getattr(one, name) for one in result.results} for name in ("person", "sequence"))
    return (
        f"{len(sequences)} sequences of {len(persons)} people from {result.source}, people {result.people}, "
        f"seed {result.seed}"
    )


def rows_of(result: BenchResult, names: Mapping[str, str]) -> list[Row]:
    """One row a protocol and method.

    Args:
        result: of the bench.
        names: protocol to what its rows are called.
    """
    return [
        row_of(f"{names[protocol]}, {summary.method}", summary, result)
        for protocol in result.protocols
        for summary in result.summaries(protocol)
    ]


def row_of(label: str, summary: Summary, result: BenchResult) -> Row:
    """One method under one of the protocols."""
    values = {name: getattr(summary, name) for name in ("psnr", "psnr_gain", "identity", "identity_gain")}
    spreads = {}
    if summary.method != BASELINE:
        values["least gain"] = summary.psnr_worst_gain
        spreads = {name: getattr(summary, f"{name}_spread") for name in GAINS}
    failed = [
        why
        for one in result.results
        if one.protocol == summary.protocol
        for what, why in one.errors.items()
        if what in ("sequence", summary.method)
    ]
    return Row(
        label,
        {name: value for name, value in values.items() if value is not None},
        summary.sequences - summary.failed,
        f"failed on {summary.failed} of {summary.sequences}, first {failed[0]}" if failed else "",
        spreads={name: value for name, value in spreads.items() if value is not None},
        cards=cards_of(summary.method) if summary.failed < summary.sequences else (),
    )


def averaged(label: str, rows: Sequence[Row]) -> Row:
    """The mean of one method over the protocols; its least gain is the least of all."""
    values = {}
    for column in COLUMNS:
        found = [row.values[column] for row in rows if column in row.values]
        average = min(found, default=None) if column == "least gain" else mean(found)
        if average is not None:
            values[column] = average
    return Row(label, values, sum(row.count for row in rows), cards=next((row.cards for row in rows if row.cards), ()))
