"""The factors of coverage: calibrated on all people, and checked on each of them by the factor of the others."""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mfrec.bench.run import attempt, prepare, reconstructed
from mfrec.bench.tables.result import Row, TableResult, finished
from mfrec.bench.tables.sequences import chosen_sequences
from mfrec.bench.weights import LOOKING, cards_of, hashes
from mfrec.errors import InputError
from mfrec.imageio.sequences import TruthSequence
from mfrec.metrics.coverage import SCHEMA, SHARE, conformal_factor, coverage, kind_of_input, scores
from mfrec.pipeline import Progress

RECIPES = ("evidence", "restore")

INPUTS: dict[str, tuple[str, ...]] = {
    "still": ("jpeg32",),
    "exported": ("export-h264-png", "export-hevc-png", "export-mpeg4-png", "export-vp9-png"),
    "video": ("cctv64",),
}
"""Kind of input to the protocols that stand for it; the sequences take them in turn."""

COLUMNS = ("factor", "coverage", "error", "lowest", "highest", "people")


def coverage_table(data: Path | None, people: str, seed: int, limit: int | None, progress: Progress) -> TableResult:
    """One row a recipe and kind of input.

    Columns: the factor that holds :data:`~mfrec.metrics.coverage.SHARE` of the pixels on all people; the share that is
    held on a person by the factor of all others (mean over the pictures, its standard error over the people, lowest and
    highest of a picture); and how many people there were.

    Raises:
        InputError: the sequences show fewer than two people, so that nobody can be left out.
    """
    found: dict[str, list[tuple[TruthSequence, NDArray[np.float64]]]] = {}
    failed: dict[str, str] = {}
    with chosen_sequences(data, people, limit) as (sequences, said):
        if len({sequence.person for sequence in sequences}) < 2:
            raise InputError(
                "the coverage of a person is checked by the factor of others; give sequences of two people"
            )
        for label, sequence, score in measured(sequences, seed, progress):
            if isinstance(score, str):
                failed[label] = f"{sequence.name}: {score}"
            else:
                found.setdefault(label, []).append((sequence, score))
    rows = []
    for label in (f"{recipe}, {kind}" for recipe in RECIPES for kind in INPUTS):
        reason = f"failed, for example on {failed[label]}" if label in failed else ""
        rows.append(Row(label, left_out_in_turn(found.get(label, [])), len(found.get(label, [])), reason))
    share = f"{100 * SHARE:.0f} %"
    title = f"Coverage: the factor on the uncertainty that holds {share} of the pixels, and what it holds on others"
    return finished("coverage", title, f"{said}, seed {seed}", COLUMNS, rows, cards=cards_of("restore"))


def measured(
    sequences: Sequence[TruthSequence], seed: int, progress: Progress
) -> Iterator[tuple[str, TruthSequence, NDArray[np.float64] | str]]:
    """Row, sequence, and its scores or why there are none. The kind is what the frames are taken for."""
    work = [(i, sequence, kind) for i, sequence in enumerate(sequences) for kind in INPUTS]
    for done, (i, sequence, kind) in enumerate(work):
        progress("tables, coverage", done, len(work))
        protocol = INPUTS[kind][i % len(INPUTS[kind])]
        with tempfile.TemporaryDirectory(prefix="mfrec-tables-") as folder:
            case = attempt(prepare, sequence, protocol, seed, Path(folder))
            for recipe in RECIPES:
                if isinstance(case, str):
                    yield f"{recipe}, {kind}", sequence, case
                    continue
                made = attempt(reconstructed, case.source, recipe, case.spoilt.reference, case.spoilt.scale, seed)
                if isinstance(made, str):
                    yield f"{recipe}, {kind}", sequence, made
                    continue
                taken_for = kind_of_input(o.frame for o in made.track.observations)
                score = attempt(scores, made.uncertainty, made.image, case.spoilt.truth)
                yield f"{recipe}, {taken_for}", sequence, score
    progress("tables, coverage", len(work), len(work))


def left_out_in_turn(found: Sequence[tuple[TruthSequence, NDArray[np.float64]]]) -> Mapping[str, float]:
    """The values of a row; none where fewer than two people are left.

    The factor is of everybody. What it holds on people whom it has not seen is measured by leaving each of them out in
    turn (cross-conformal prediction: Vovk, "Cross-conformal predictors", Annals of Mathematics and Artificial
    Intelligence 74, 2015, with one fold a person). Two halves, as in split conformal prediction, would give the
    shipped factor, and the check of it, the noise of half as many people.
    """
    people = sorted({sequence.person for sequence, _ in found})
    if len(people) < 2:
        return {}
    held: dict[str, list[float]] = {}
    for person in people:
        factor = conformal_factor([score for sequence, score in found if sequence.person != person])
        held[person] = [coverage(score, factor) for sequence, score in found if sequence.person == person]
    every = [share for shares in held.values() for share in shares]
    of_people = [float(np.mean(shares)) for shares in held.values()]
    return {
        "factor": conformal_factor([score for _, score in found]),
        "coverage": float(np.mean(every)),
        "error": float(np.std(of_people, ddof=1) / np.sqrt(len(people))),
        "lowest": min(every),
        "highest": max(every),
        "people": len(people),
    }


def factors_toml(table: TableResult) -> str:
    """The file of factors, see :class:`mfrec.metrics.coverage.Factors`, of a measured table.

    A row without a value is left out; nothing is then stated of such results.

    Raises:
        InputError: no row has a value.
    """
    networks = [card for card in cards_of("restore") if card not in LOOKING]
    lines = [
        "# Written by the command that mfrec/metrics/coverage.py names; not by hand.",
        f"schema = {SCHEMA}",
        f"share = {SHARE}",
        f'made = "{datetime.datetime.now(datetime.UTC):%Y-%m-%d}"',
        f'data = "{table.data}"',
        "",
        "[weights]",
        *(f'{card} = "{digest}"' for card, digest in hashes(networks).items()),
    ]
    rows = [row for row in table.rows if row.values]
    if not rows:
        raise InputError("no factor was found; give sequences of two people at least, with --people and --limit")
    for row in rows:
        recipe, kind = row.label.split(", ")
        v = row.values
        lines += [
            "",
            f"[recipes.{recipe}.{kind}]",
            f"factor = {v['factor']:.3f}",
            f'inputs = "{", ".join(INPUTS[kind])}"',
            f"sequences = {row.count}",
            f"people = {v['people']:.0f}",
            f"held = {{ mean = {v['coverage']:.4f}, error = {v['error']:.4f}, lowest = {v['lowest']:.4f}, "
            f"highest = {v['highest']:.4f} }}",
        ]
    return "\n".join(lines) + "\n"
