"""Trials with a right answer, in per cent: the one sharp region, the frame of somebody else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mfrec.bench.tables import foreign_trials, region_trials
from mfrec.bench.tables.region_trials import Outcome
from mfrec.bench.tables.result import Row, TableResult, finished
from mfrec.bench.tables.sequences import described, sequences_root
from mfrec.bench.weights import DETECTOR, cards_of
from mfrec.imageio.sequences import find_sequences
from mfrec.pipeline import Progress

TRIALS = ("regions", "foreign")
"""Tables of trials with a right answer, in per cent."""

TRIAL_COUNT = 100
"""Trials of each row where no limit is given."""

TRIAL_COLUMNS = ("chosen %", "refused %", "expected / true", "spread", "found %", "own lost %", "false alarms %")
"""Measured of trials. ``refused``: the sharp region was refused, for a reason; ``expected / true`` and ``spread``:
median and standard deviation (as a factor) of the expected error over the true one; ``own lost``: trials in which a
frame of the right person was left out; ``false alarms``: clean sequences in which one was."""


def on_trials(
    name: str, data: Path | None, folder: Path, *, people: str, seed: int, limit: int | None, progress: Progress
) -> TableResult:
    """The tables of :data:`TRIALS`, a row for each size of the frames.

    Args:
        folder: an existing one, for the portrait's film where ``data`` is None.
    """
    sequences = find_sequences(sequences_root(data, folder), people)
    count = limit or TRIAL_COUNT
    said = f"{described(sequences, data, people)}, seed {seed}"
    rows = []
    if name == "regions":
        for side in region_trials.SIDES:
            tried = region_trials.region_trials(sequences, side, count, seed, progress)
            rows.append(Row(f"one sharp region, {side} px", region_values(tried), len(tried)))
        title = "One region of one frame is sharp, in all others blurred or blocked: is it chosen?"
        cards = cards_of("evidence")
    else:
        for side in foreign_trials.SIDES:
            tried = foreign_trials.foreign_trials(sequences, side, count, seed, progress)
            mixed = [outcome for outcome in tried if outcome.trial.foreign is not None]
            clean = [outcome for outcome in tried if outcome.trial.foreign is None]
            values = {
                "found %": percent([outcome.found for outcome in mixed]),
                "own lost %": percent([outcome.false_alarm for outcome in mixed]),
                "false alarms %": percent([outcome.false_alarm for outcome in clean]),
            }
            rows.append(Row(f"one foreign frame, {side} px ({len(clean)} sequences without)", values, len(mixed)))
        title = "A frame of somebody else among the frames of one person: is it left out?"
        cards = (DETECTOR,)
    return finished(name, title, said, TRIAL_COLUMNS, rows, cards=cards)


def percent(answers: Sequence[bool]) -> float:
    """Share of the answers that are yes, in per cent; at least one answer."""
    return 100.0 * sum(answers) / len(answers)


def region_values(tried: Sequence[Outcome]) -> dict[str, float]:
    """The columns of the table ``regions``; empty without a trial."""
    if not tried:
        return {}
    ratios = np.log([expected / max(true, 1e-4) for outcome in tried for expected, true in outcome.errors])
    return {
        "chosen %": percent([outcome.right for outcome in tried]),
        "refused %": percent([bool(outcome.refused) for outcome in tried]),
        "expected / true": math.exp(float(np.median(ratios))),
        "spread": math.exp(float(np.std(ratios))),
    }
