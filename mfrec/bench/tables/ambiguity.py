"""How many people would have given the same frames: what the recipe ``generative`` answers, by size and number.

For every sequence the middle frames are made small and coded as JPEGs, several faces are drawn that explain all of
them, and it is measured how unlike these are. That they grow more alike with more frames is the argument for fusing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mfrec.bench.run import truth_frames
from mfrec.bench.tables.likeness import draw_coded
from mfrec.bench.tables.result import Row, TableResult, finished
from mfrec.bench.tables.sequences import chosen_sequences
from mfrec.bench.weights import DETECTOR
from mfrec.errors import MfrecError
from mfrec.image.geometry import resize
from mfrec.imageio.encode import jpeg_bytes
from mfrec.imageio.sequences import TruthSequence
from mfrec.pipeline import Progress
from mfrec.report.text_table import spread
from mfrec.types import Imagined

SIDES = (32, 48)
"""Pixels of the frames along each side."""

COUNTS = (1, 7, 31)
"""Frames; a sequence that is shorter is left out of a row."""

SOLUTIONS = 4

COLUMNS = ("identity", "identity most", "spread", "determined %", "misfit", "within noise %")
"""Of the answers: mean and largest distance between two identities; grey levels between them; the frames' share in
their pixels; what is left of the frames in units of their noise, and how many answers leave no more than that."""

RECIPE = "generative"


@dataclass(frozen=True)
class Answered:
    """What one sequence gave at one size and number of frames; a reason where it gave nothing."""

    sequence: str
    side: int
    count: int
    found: Imagined | None
    reason: str = ""


def answered(sequence: TruthSequence, side: int, count: int, seed: int, folder: Path) -> Answered:
    """Draw answers to the middle frames of a sequence.

    Args:
        sequence: true pictures.
        side: to which they are made small.
        count: how many.
        seed: of the qualities and of the search.
        folder: an empty one, for the files.
    """
    from mfrec.reconstruction import reconstruct

    truths = truth_frames(sequence)
    first = len(truths) // 2 - count // 2
    if first < 0 or first + count > len(truths):
        return Answered(sequence.name, side, count, None, f"the sequence has {len(truths)} frames")
    qualities = draw_coded(sequence, side, len(truths), seed).quality
    for k in range(first, first + count):
        small = resize(truths[k], side, side, interpolation="area")
        (folder / f"{k:03d}.jpg").write_bytes(jpeg_bytes(small, qualities[k]))
    try:
        made = reconstruct(
            folder, recipe=RECIPE, reference=count // 2, seed=seed, settings=[f"imagine.solutions={SOLUTIONS}"]
        )
    except MfrecError as error:
        return Answered(sequence.name, side, count, None, str(error))
    return Answered(sequence.name, side, count, made.track.imagined)


def ambiguity_table(data: Path | None, people: str, seed: int, limit: int | None, progress: Progress) -> TableResult:
    """How unlike faces are that all explain the same frames, a row for each size and number of frames."""
    rows = []
    with chosen_sequences(data, people, limit) as (sequences, said), tempfile.TemporaryDirectory() as root:
        total = len(SIDES) * len(COUNTS) * len(sequences)
        done = 0
        for side in SIDES:
            for count in COUNTS:
                found = []
                for sequence in sequences:
                    progress("tables, ambiguity", done, total)
                    folder = Path(root) / str(done)
                    folder.mkdir()
                    found.append(answered(sequence, side, count, seed, folder))
                    done += 1
                rows.append(row_of(side, count, found))
        progress("tables, ambiguity", total, total)
    title = f"How unlike {SOLUTIONS} faces are that all explain the same frames"
    return finished("ambiguity", title, f"{said}, seed {seed}", COLUMNS, rows, cards=(DETECTOR,))


def row_of(side: int, count: int, found: Sequence[Answered]) -> Row:
    """The mean over the sequences that gave answers."""
    good = [one.found for one in found if one.found is not None]
    failed = [one.reason for one in found if one.found is None]
    pairs = np.triu_indices(SOLUTIONS, 1)
    columns = {
        "identity": [float(one.distances[pairs].mean()) for one in good],
        "identity most": [float(one.distances[pairs].max()) for one in good],
        "spread": [255 * one.mean_spread for one in good],
        "determined %": [100 * one.determined for one in good],
        "misfit": [float(one.misfit.mean()) for one in good],
        "within noise %": [100 * float((one.misfit <= 1).mean()) for one in good],
    }
    return Row(
        f"{side} px, {count} frame{'' if count == 1 else 's'}",
        {name: float(np.mean(values)) for name, values in columns.items() if values},
        len(good),
        f"none for {len(failed)} of {len(found)}, first: {failed[0]}" if failed else "",
        spreads={name: apart for name, values in columns.items() if (apart := spread(values)) is not None},
        cards=("stylegan",) if good else (),
    )
