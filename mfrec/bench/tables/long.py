"""What more frames bring: the middle 1, 3, 7, 15 and 31 frames of the same long sequences."""

from __future__ import annotations

from pathlib import Path

from mfrec.bench.run import bench
from mfrec.bench.scores import BASELINE, BenchResult, Summary
from mfrec.bench.tables.result import Row, TableResult, finished
from mfrec.bench.weights import DETECTOR, cards_of
from mfrec.camera.protocols import LONG
from mfrec.pipeline import Progress

LONG_METHODS = (BASELINE, "evidence", "restore")

GAINS = ("psnr_gain", "identity_gain")
"""Columns that are paired differences to :data:`~mfrec.bench.scores.BASELINE`; less identity distance is nearer."""

COLUMNS = ("psnr", "psnr_gain", "identity", "identity_gain")


def long_table(data: Path | None, people: str, seed: int, limit: int | None, progress: Progress) -> TableResult:
    """PSNR and identity distance by the number of frames, a row for each damage, number and method.

    Args:
        data: a folder of sequences of 31 frames and more, as :mod:`mfrec.bench.run` describes it; None films the
            portrait.
    """
    result = bench(data, tuple(LONG), LONG_METHODS, people=people, seed=seed, limit=limit, progress=progress)
    rows = [row_of(summary, result) for protocol in LONG for summary in result.summaries(protocol)]
    persons, sequences = ({getattr(one, name) for one in result.results} for name in ("person", "sequence"))
    said = f"{len(sequences)} sequences of {len(persons)} people from {result.source}, people {people}, seed {seed}"
    title = "What more frames bring: the middle ones of long sequences"
    return finished("long", title, said, COLUMNS, rows, cards=(DETECTOR,))


def row_of(summary: Summary, result: BenchResult) -> Row:
    """One method under one of the protocols."""
    damage, _, count = summary.protocol.removeprefix("long-").rpartition("-")
    values = {name: getattr(summary, name) for name in COLUMNS}
    spreads = {name: getattr(summary, f"{name}_spread") for name in GAINS if summary.method != BASELINE}
    failed = [
        why
        for one in result.results
        if one.protocol == summary.protocol
        for what, why in one.errors.items()
        if what in ("sequence", summary.method)
    ]
    return Row(
        f"{damage}, {count} frame{'' if count == '1' else 's'}, {summary.method}",
        {name: value for name, value in values.items() if value is not None},
        summary.sequences - summary.failed,
        f"failed on {summary.failed} of {summary.sequences}, first {failed[0]}" if failed else "",
        spreads={name: value for name, value in spreads.items() if value is not None},
        cards=cards_of(summary.method) if summary.failed < summary.sequences else (),
    )
