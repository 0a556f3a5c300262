"""``mfrec evaluate`` and ``mfrec bench`` as batches: their cases, and the tables of what came of them.

A figure is the one that a single process measures, to the bit. A case without figures costs its own row and no other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from mfrec.batch.bench_case import Bench
from mfrec.batch.evaluate_case import Evaluate
from mfrec.batch.ledger import Entry
from mfrec.batch.manifest import Manifest, case_name
from mfrec.bench.run import bench_result, evenly, planned
from mfrec.bench.scores import SequenceResult
from mfrec.evaluation.evaluate import check_metrics, evaluation_files, evaluation_of
from mfrec.evaluation.pairs import paired
from mfrec.imageio.sequences import find_sequences
from mfrec.metrics.names import DEFAULT

CHANGED = "their files or mfrec changed since they were measured; choose another folder with -o"


@dataclass(frozen=True)
class Table:
    """What all cases together say.

    Attributes:
        text: for the terminal.
        files: name to content.
        lacking: how many cases have no figures.
    """

    text: str
    files: Mapping[str, bytes]
    lacking: int


Outcomes = Sequence[tuple[Entry | None, Path]]
"""Of each case of a manifest, in its order: what the ledger has of it, and where its output lies."""

Gather = Callable[[Outcomes], Table]
"""Makes the table."""


def evaluate_cases(
    pictures: Sequence[Path], truth: Path, before: Path | None = None, metrics: Sequence[str] = DEFAULT
) -> tuple[Manifest, Gather]:
    """A case a picture; arguments as in :func:`mfrec.evaluation.evaluate.evaluate`.

    Raises:
        UsageError, InputError: see there.
    """
    check_metrics(metrics)
    found = Manifest()
    for pair in paired(pictures, truth, before):
        picture, truth_of, given, arrays = map(absolute, (pair.picture, pair.truth, pair.before, pair.arrays))
        command = Evaluate(pair.method, pair.name, picture, truth_of, given, arrays, list(metrics))
        found.add(f"{case_name((pair.method, *PurePath(pair.name).parts))}.json", command, f"'{pair.picture}'")

    def gather(outcomes: Outcomes) -> Table:
        done = []
        for case, (_, out) in zip(found.cases, outcomes, strict=True):
            assert isinstance(case.command, Evaluate)
            row = case.command.found(out)
            if row is not None:
                done.append((row, case.command.pair))
        lacking = len(outcomes) - len(done)
        says = f"{lacking} of {len(outcomes)} pictures have no figures; the summary says why, or {CHANGED}"
        if not done:
            return Table(says, {}, lacking)
        evaluation = evaluation_of([row for row, _ in done], [pair for _, pair in done])
        text = f"{evaluation.table()}\n\n{says}" if lacking else evaluation.table()
        return Table(text, evaluation_files(evaluation), lacking)

    return found, gather


def absolute(path: Path | None) -> str:
    """A path from anywhere; empty where there is none. A link has its own name."""
    return "" if path is None else os.path.abspath(path)  # noqa: PTH100


def bench_cases(
    sequences: Path,
    protocols: Sequence[str],
    methods: Sequence[str],
    *,
    people: str = "all",
    seed: int = 0,
    limit: int | None = None,
) -> tuple[Manifest, Gather]:
    """A case a sequence and protocol; arguments as in :func:`mfrec.bench.run.bench`, but for the portrait.

    Raises:
        UsageError, InputError, WeightsError: see there.
    """
    methods = [absolute(Path(method)) if Path(method).is_file() else method for method in methods]
    protocols, methods = planned(protocols, methods, limit)
    found = Manifest()
    for protocol in protocols:
        for one in evenly(find_sequences(sequences, people), limit):
            command = Bench(one.name, one.person, absolute(one.folder), protocol, list(methods), seed)
            found.add(f"{case_name((protocol, one.name))}.json", command, f"'{one.folder}', {protocol}")

    def gather(outcomes: Outcomes) -> Table:
        results, lacking = [], 0
        for case, (entry, out) in zip(found.cases, outcomes, strict=True):
            assert isinstance(case.command, Bench)
            one, result = case.command, case.command.found(out)
            if result is None:
                why = CHANGED if entry is None or entry.state == "done" else entry.reason or f"it is {entry.state}"
                result = SequenceResult(one.protocol, one.sequence, one.person, errors={"sequence": why})
                lacking += 1
            results.append(result)
        made = bench_result(sequences, results, people=people, seed=seed, protocols=protocols, methods=methods)
        text = f"{made.table()}\n".encode("utf-8", "backslashreplace")
        files = {"bench.txt": text, "bench.json": made.to_json().encode("ascii")}
        return Table(made.table(), files, lacking)

    return found, gather
