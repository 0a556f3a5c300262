"""The factors of coverage: calibrated on half of the people, checked on the other half."""

from __future__ import annotations

import datetime
import hashlib
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

COLUMNS = ("factor", "coverage", "lowest", "highest", "calibrated", "checked", "people calibrated", "people checked")


def coverage_table(data: Path | None, people: str, seed: int, limit: int | None, progress: Progress) -> TableResult:
    """One row a recipe and kind of input.

    Columns: the factor that holds :data:`~mfrec.metrics.coverage.SHARE` of the pixels on the people of one half, the
    share that it holds on those of the other half (mean, lowest and highest of a picture), and how many sequences and
    people there were in each half.

    Raises:
        InputError: the sequences show fewer than two people, so that there are no halves.
    """
    found: dict[str, list[tuple[TruthSequence, NDArray[np.float64]]]] = {}
    failed: dict[str, str] = {}
    with chosen_sequences(data, people, limit) as (sequences, said):
        if len({sequence.person for sequence in sequences}) < 2:
            raise InputError("the coverage is calibrated on some people and checked on others; give sequences of two")
        for label, sequence, score in measured(sequences, seed, progress):
            if isinstance(score, str):
                failed[label] = f"{sequence.name}: {score}"
            else:
                found.setdefault(label, []).append((sequence, score))
    rows = []
    for label in (f"{recipe}, {kind}" for recipe in RECIPES for kind in INPUTS):
        reason = f"failed, for example on {failed[label]}" if label in failed else ""
        rows.append(Row(label, halves(found.get(label, [])), len(found.get(label, [])), reason))
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


def halves(found: Sequence[tuple[TruthSequence, NDArray[np.float64]]]) -> Mapping[str, float]:
    """The values of a row; none where a half is empty.

    People are parted by the SHA-256 of their names, alternately in its order, so that it does not matter who else is
    measured by which recipe.
    """
    people = sorted({sequence.person for sequence, _ in found}, key=lambda name: hashlib.sha256(name.encode()).digest())
    first = set(people[::2])
    calibrating = [score for sequence, score in found if sequence.person in first]
    checking = [score for sequence, score in found if sequence.person not in first]
    if not calibrating or not checking:
        return {}
    factor = conformal_factor(calibrating)
    held = [coverage(score, factor) for score in checking]
    return {
        "factor": factor,
        "coverage": float(np.mean(held)),
        "lowest": min(held),
        "highest": max(held),
        "calibrated": len(calibrating),
        "checked": len(checking),
        "people calibrated": len(first),
        "people checked": len(people) - len(first),
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
            f"calibrated = {{ sequences = {v['calibrated']:.0f}, people = {v['people calibrated']:.0f} }}",
            f"checked = {{ sequences = {v['checked']:.0f}, people = {v['people checked']:.0f}, coverage = "
            f"{v['coverage']:.4f}, lowest = {v['lowest']:.4f}, highest = {v['highest']:.4f} }}",
        ]
    return "\n".join(lines) + "\n"
