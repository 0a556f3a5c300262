"""Whether the errors of a reconstruction lie where its uncertainty says."""

from __future__ import annotations

import tempfile
from pathlib import Path

from mfrec.bench.run import attempt, prepare, reconstructed
from mfrec.bench.tables.result import Row, TableResult, finished, means
from mfrec.bench.tables.sequences import chosen_sequences
from mfrec.bench.weights import cards_of
from mfrec.pipeline import Progress

CALIBRATED = ("evidence", "restore")
"""The recipes whose uncertainty is measured."""


def calibration_table(data: Path | None, people: str, seed: int, limit: int | None, progress: Progress) -> TableResult:
    """Stated uncertainty against error: both recipes under every protocol, means over the sequences.

    Columns: error of the tenth said to be best over that of the tenth said to be worst, the same of the least fortunate
    sequence, the rank correlation, the least of one sequence, and the root mean square of error over stated uncertainty
    (1 is right, above 1 is overconfident).
    """
    from mfrec.camera.protocols import PROTOCOLS
    from mfrec.metrics.calibration import normalised_error, rank_correlation, tenth_ratio

    found: dict[str, list[dict[str, float]]] = {}
    failed: dict[str, str] = {}
    with chosen_sequences(data, people, limit) as (sequences, said):
        work = [(protocol, sequence) for protocol in PROTOCOLS for sequence in sequences]
        for i, (protocol, sequence) in enumerate(work):
            progress("tables, calibration", i, len(work))
            with tempfile.TemporaryDirectory(prefix="mfrec-tables-") as folder:
                case = attempt(prepare, sequence, protocol, seed, Path(folder))
                for recipe in CALIBRATED:
                    label = f"{recipe}, {protocol}"
                    rows = found.setdefault(label, [])
                    if isinstance(case, str):
                        failed[label] = f"{sequence.name}: {case}"
                        continue
                    made = attempt(reconstructed, case.source, recipe, case.spoilt.reference, case.spoilt.scale, seed)
                    if isinstance(made, str):
                        failed[label] = f"{sequence.name}: {made}"
                        continue
                    three = (made.uncertainty, made.image, case.spoilt.truth)
                    rows.append(
                        {
                            "tenths": tenth_ratio(*three),
                            "rank": rank_correlation(*three),
                            "error/said": normalised_error(*three),
                        }
                    )
        progress("tables, calibration", len(work), len(work))
    rows = []
    for label in sorted(found, key=lambda label: label.split(",")[0]):
        values = means(found[label])
        if found[label]:
            values["worst tenths"] = max(row["tenths"] for row in found[label])
            values["least rank"] = min(row["rank"] for row in found[label])
        reason = f"failed, for example on {failed[label]}" if label in failed else ""
        rows.append(Row(label, values, len(found[label]), reason))
    title = "Calibration: error of the tenth said to be best over that of the tenth said to be worst"
    columns = ("tenths", "worst tenths", "rank", "least rank", "error/said")
    return finished("calibration", title, f"{said}, seed {seed}", columns, rows, cards=cards_of("restore"))
