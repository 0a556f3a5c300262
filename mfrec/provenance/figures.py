"""The figures of every frame of a run as a table for other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from mfrec.provenance.csv_cell import no_formula
from mfrec.provenance.left_out import other_files

COLUMNS = (
    "index",
    "name",
    "state",
    "share",
    "residual_grey_levels",
    "consistency_grey_levels",
    "interocular_px",
    "reason",
    "stage",
    "sha256",
)


def figures_csv(record: Mapping[str, Any]) -> str:
    """One row a frame that was used or left out, in the order of their indices.

    Shares are fractions of 1, residual and consistency grey levels of 255, the distance of the eyes pixels of a frame.
    A cell is empty where nothing was measured. Cells are quoted as in RFC 4180, lines end with a line feed. A text that
    a spreadsheet would take for a formula begins with an apostrophe; the record has it as it is.

    Args:
        record: of a reconstruction or of a stage, see :func:`mfrec.provenance.record.read_record`.
    """
    hashes = {entry["index"]: entry["sha256"] for entry in record["inputs"]}
    chief = (record.get("reference") or {}).get("index")
    rows: list[dict[str, Any]] = [
        {
            "index": used["index"],
            "name": used["name"],
            "state": "reference" if used["index"] == chief else "used",
            "share": used.get("share"),
            "residual_grey_levels": _grey_levels(used.get("residual")),
            "consistency_grey_levels": _grey_levels(used.get("consistency")),
            "interocular_px": used.get("interocular"),
        }
        for used in record.get("used", ())
    ]
    others = other_files(record["dropped"])
    rows += [
        {**{key: gone[key] for key in ("index", "name", "reason", "stage")}, "state": "left out"}
        for gone in record["dropped"]
        if gone not in others
    ]
    text = io.StringIO()
    table: csv.DictWriter[str] = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    for row in sorted(rows, key=lambda row: (row["index"] is None, row["index"])):
        cells = {**row, "sha256": hashes.get(row["index"], "")}
        table.writerow({key: no_formula(cell) if isinstance(cell, str) else cell for key, cell in cells.items()})
    return text.getvalue()


def _grey_levels(value: float | None) -> float | None:
    return None if value is None else round(value * 255, 4)
