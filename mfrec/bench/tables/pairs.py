"""Table 3.5: a region brought over from a frame of another pose."""

from __future__ import annotations

from pathlib import Path

from mfrec.bench.tables.result import Row, TableResult, finished, means, spreads
from mfrec.bench.weights import DETECTOR
from mfrec.imageio.sequences import find_sequences
from mfrec.pipeline import Progress

PAIR_COLUMNS = ("psnr", "ssim", "landmarks", "identity", "taken")
"""Measured of every method on pairs of frames."""


def on_pairs(data: Path | None, people: str, limit: int | None, progress: Progress) -> TableResult:
    """What bringing a region over from another pose is worth, see :mod:`mfrec.bench.tables.repose_trials`.

    All methods are measured on the pairs that ``mesh`` does not refuse; ``taken`` is the share that each method would
    take over by itself.
    """
    from mfrec.bench.tables.repose_trials import (
        BINS,
        DRAWN,
        METHODS,
        PAIRS,
        drawing_repose,
        pictures_of,
        repose_trials,
        turned_portraits,
        usable,
    )

    pictures = turned_portraits() if data is None else pictures_of(find_sequences(data, people), progress)
    methods, reasons = usable()
    outcomes = repose_trials(pictures, limit or PAIRS, methods, progress)
    rows = []
    for low, high in BINS:
        here = [one for one in outcomes if low <= one.trial.gap < high]
        taken = {one.trial for one in here if one.method == "mesh" and not one.refused}
        for method in METHODS:
            of_method = [one for one in here if one.method == method]
            used = [one.values for one in of_method if one.trial in taken]
            values = means(used)
            if of_method and method != "blurred":
                values["taken"] = sum(not one.refused for one in of_method) / len(of_method)
            reason = reasons.get(method) or ("" if used else f"no pair of {len(of_method)} that mesh takes over")
            label = f"{low:.0f} to {high:.0f} degrees, {method}"
            cards = drawing_repose(method).cards if method in DRAWN and used else ()
            rows.append(Row(label, values, len(used), reason, spreads=spreads(used), cards=cards))
    what = "the astronaut portrait, turned as a smooth head" if data is None else f"the folder '{data.resolve().name}'"
    persons = len({picture.person for picture in pictures})
    pairs = len({one.trial for one in outcomes})
    said = (
        f"{pairs} pairs of two frames of {persons} people from {what}, people {people}, one part of each blurred away"
    )
    return finished(
        "3.5", "A blurred region brought over from another pose", said, PAIR_COLUMNS, rows, cards=(DETECTOR,)
    )
