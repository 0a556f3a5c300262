"""Methods on sequences that a protocol has spoilt, see :data:`mfrec.bench.tables.definitions.DEFINITIONS`."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from mfrec.bench.run import attempt, check_method, evenly, prepare, read_frames
from mfrec.bench.scores import BASELINE
from mfrec.bench.tables.definitions import Line
from mfrec.bench.tables.result import Row, means, spreads
from mfrec.bench.tables.sequences import described, sequences_root
from mfrec.bench.weights import cards_of
from mfrec.errors import MfrecError
from mfrec.imageio.sequences import TruthSequence, find_sequences
from mfrec.metrics.names import Case, Truth, measure
from mfrec.pipeline import Progress

COLUMNS = ("psnr", "mse", "ssim", "identity", "cpbd_before", "cpbd", "cpbd_gain", "serfiq")
"""Measured of every method on sequences."""


def on_sequences(
    data: Path | None,
    protocol: str,
    lines: Sequence[Line],
    folder: Path,
    *,
    people: str,
    seed: int,
    limit: int | None,
    progress: Progress,
) -> tuple[dict[Line, Row], str]:
    """Every line on every sequence under one protocol.

    Args:
        folder: an existing one, for what has to be written on the way.

    Returns:
        The measured rows, and in words on what.
    """
    every = find_sequences(sequences_root(data, folder, limit), people)
    chosen = evenly(every, limit)
    methods, reasons = usable(lines, folder)
    measured = []
    progress(f"tables, {protocol}", 0, len(chosen))
    for i, sequence in enumerate(chosen):
        measured.append((sequence.name, *measure_sequence(sequence, protocol, methods, seed)))
        progress(f"tables, {protocol}", i + 1, len(chosen))
    base = next((line for line in lines if line.method == BASELINE), None)
    rows = {}
    exact = {False: {"seconds"}, True: {"seconds", "psnr_gain", "cpbd_gain"}}  # the baseline gains nothing over itself
    for line in lines:
        values = [with_gain(found[line], found.get(base)) for _, found, _ in measured if line in found]
        failed = [f"{name}: {why[line]}" for name, _, why in measured if line in why]
        reason = reasons.get(line, f"failed on {len(failed)} of {len(chosen)}, first {failed[0]}" if failed else "")
        rows[line] = Row(
            line.label,
            means(values),
            len(values),
            reason,
            spreads={name: value for name, value in spreads(values).items() if name not in exact[line == base]},
            cards=cards_of(methods[line]) if values else (),
        )
    return rows, f"Protocol {protocol}, {described(chosen, data, people, every)}, seed {seed}"


def with_gain(values: Mapping[str, float], base: Mapping[str, float] | None) -> dict[str, float]:
    """What was measured of one sequence, with the gain in PSNR over :data:`~mfrec.bench.scores.BASELINE`."""
    return dict(values) if base is None else {**values, "psnr_gain": values["psnr"] - base["psnr"]}


def usable(lines: Sequence[Line], folder: Path) -> tuple[dict[Line, str], dict[Line, str]]:
    """Line to the method that the bench knows it by, and line to why there is none."""
    methods: dict[Line, str] = {}
    reasons: dict[Line, str] = {}
    for number_, line in enumerate(lines):
        method = line.method
        if line.recipe:
            path = folder / f"row-{number_}.toml"
            path.write_text(line.recipe, encoding="utf-8")
            method = str(path)
        if not method:
            continue
        try:
            check_method(method)
            methods[line] = method
        except MfrecError as error:
            reasons[line] = f"not there yet ({str(error).replace(method, line.label)})"
    return methods, reasons


def measure_sequence(
    sequence: TruthSequence, protocol: str, methods: Mapping[Line, str], seed: int
) -> tuple[dict[Line, dict[str, float]], dict[Line, str]]:
    """Spoil one sequence and run every method on it.

    Returns:
        What was measured of each line, and why the others failed.
    """
    values: dict[Line, dict[str, float]] = {}
    failures: dict[Line, str] = {}
    with tempfile.TemporaryDirectory(prefix="mfrec-tables-") as folder:
        case = attempt(prepare, sequence, protocol, seed, Path(folder))
        if isinstance(case, str):
            return {}, dict.fromkeys(methods, case)
        truth = Truth(case.spoilt.truth, sequence.name)
        before = read_frames(case.source)[case.spoilt.reference]
        for line, method in methods.items():
            made = attempt(case.picture, method)
            if isinstance(made, str):
                failures[line] = made
            else:
                found, _ = measure(Case(made[0], truth, before, None), COLUMNS)
                values[line] = found | {"seconds": made[1]}
    return values, failures
