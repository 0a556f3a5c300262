"""The pictures behind a table: what every method made, side by side as in the thesis's figures, and a blind survey.

For each table a folder ``table-NAME`` with ``results/METHOD/SEQUENCE.png``, ``truth/SEQUENCE.png`` and
``frames/SEQUENCE.png`` (the reference as it was given, its pixels repeated), the contact sheet ``sheet.png``, and
``survey/`` with the page that asks people the thesis's two questions and its key (:mod:`mfrec.evaluation.survey`).
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mfrec.bench.run import attempt, evenly, prepare, read_frames
from mfrec.bench.tables.definitions import DEFINITIONS, Definition, with_methods
from mfrec.bench.tables.methods import usable
from mfrec.bench.tables.sequences import sequences_root
from mfrec.errors import InputError, UsageError
from mfrec.evaluation.contact_sheet import contact_sheet
from mfrec.evaluation.evaluate import evaluate
from mfrec.evaluation.survey.page import write_survey
from mfrec.image.stamp import WORDS
from mfrec.imageio import png_bytes
from mfrec.imageio.sequences import TruthSequence, find_sequences
from mfrec.pipeline import Progress, silent
from mfrec.recipe import load

CAPTIONS = ("psnr", "ssim")
"""Metrics under the pictures of a sheet."""

PICTURED = ("3.1", "3.3", "3.4", "3.6")
"""The tables after the thesis's that have a picture for every method and sequence."""


def write_figures(
    folder: Path,
    names: Sequence[str],
    data: Path | None,
    *,
    methods: Sequence[str] = (),
    people: str = "all",
    seed: int = 0,
    limit: int | None = 3,
    progress: Progress = silent,
) -> list[str]:
    """Make the pictures of tables; see the module.

    Args:
        folder: an existing, empty one.
        names: of :data:`mfrec.bench.tables.definitions.DEFINITIONS`.
        data: a folder of sequences; None films the portrait.
        methods, people, seed, limit: as in :func:`mfrec.bench.tables.tables`.

    Returns:
        In words what was made, and which method has no pictures and why.

    Raises:
        UsageError: a table without such pictures.
        InputError: the sequences cannot be used, or fewer than two methods worked on all of them.
    """
    for name in names:
        if name not in DEFINITIONS:
            raise UsageError(f"table '{name}' has no pictures of methods; known are {', '.join(DEFINITIONS)}")
    said = []
    with tempfile.TemporaryDirectory(prefix="mfrec-figures-") as work:
        chosen = evenly(find_sequences(sequences_root(data, Path(work), limit), people), limit)
        for name in names:
            place = folder / f"table-{name}"
            said += _of_table(
                DEFINITIONS[name], chosen, place, work=Path(work), methods=methods, seed=seed, progress=progress
            )
    return said


def _of_table(
    table: Definition,
    sequences: Sequence[TruthSequence],
    place: Path,
    *,
    work: Path,
    methods: Sequence[str],
    seed: int,
    progress: Progress,
) -> list[str]:
    """The pictures of one table, its sheet and its survey, in a folder that is made for them."""
    lines, reasons = usable(with_methods(table, methods), work)
    drawn = {line for line, method in lines.items() if method.endswith(".toml") and load(method).stamp == WORDS}
    lines = {line: method for line, method in lines.items() if line not in drawn}
    reasons |= dict.fromkeys(drawn, "it draws what no frame shows, and only its figures go into a table")
    said = [f"{place.name}: no pictures of {line.label}: {why}" for line, why in reasons.items()]
    truth, frames, results = (place / part for part in ("truth", "frames", "results"))
    failed: dict[str, str] = {}
    for done, sequence in enumerate(sequences):
        progress(f"figures, {place.name}", done, len(sequences))
        with tempfile.TemporaryDirectory(prefix="mfrec-figures-") as spoilt:
            case = prepare(sequence, table.protocol, seed, Path(spoilt))
            file = f"{plain(sequence.name)}.png"
            given = read_frames(case.source)[case.spoilt.reference]
            _write(truth / file, png_bytes(case.spoilt.truth))
            _write(frames / file, png_bytes(given.repeat(case.spoilt.scale, 0).repeat(case.spoilt.scale, 1)))
            for line, method in lines.items():
                made = attempt(case.picture, method)
                if isinstance(made, str):
                    failed[line.label] = made
                else:
                    _write(results / plain(line.label) / file, png_bytes(np.clip(made[0], 0, 1)))
    for label, why in failed.items():
        # A survey asks about every method in every case.
        for file in (results / plain(label)).glob("*.png"):
            file.unlink()
        if (results / plain(label)).is_dir():
            (results / plain(label)).rmdir()
        said.append(f"{place.name}: no pictures of {label}, which failed: {why}")
    worked = [results / plain(line.label) for line in lines if line.label not in failed]
    if len(worked) < 2:
        raise InputError(f"fewer than two methods of {place.name} worked on these sequences; see its table for why")
    measured = evaluate([frames, *worked], truth, metrics=CAPTIONS, progress=progress)
    (place / "sheet.png").write_bytes(png_bytes(contact_sheet(measured).astype(np.float32) / 255))
    survey = place / "survey"
    survey.mkdir()
    write_survey(results, truth, survey, seed=seed)
    return [f"{place.name}: {len(worked)} methods, {len(sequences)} sequences", *said]


def plain(name: str) -> str:
    """A name as a file may have it: letters, digits, ``+`` and ``-``."""
    return re.sub(r"[^A-Za-z0-9+]+", "-", name).strip("-")


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
