"""The peak memory of a method in a process of its own."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mfrec.bench.run import film_sequences, prepare
from mfrec.bench.tables.definitions import Line
from mfrec.bench.tables.result import Row
from mfrec.imageio.sequences import find_sequences

RUN_ALONE = """
import sys
from pathlib import Path
from mfrec.bench.run import Case
from mfrec.camera.protocols import Spoilt
import numpy as np
source, method, reference, seed = sys.argv[1:]
Case(Path(source), Spoilt((), np.zeros((1, 1, 3), np.float32), int(reference), {}), None, int(seed)).picture(method)
"""
"""One method on the files of one sequence, in a process of its own."""


def with_memory(rows: Sequence[Row], lines: Sequence[Line], data: Path | None, seed: int) -> list[Row]:
    """The rows with the peak memory of a whole process that runs the method on the first sequence."""
    from mfrec.bench.cost import launch

    out = []
    with tempfile.TemporaryDirectory(prefix="mfrec-tables-") as name:
        root, folder = (Path(name) / part for part in ("truth", "files"))
        root.mkdir()
        folder.mkdir()
        if data is None:
            film_sequences(root, count=1)
        case = prepare(find_sequences(root if data is None else data)[0], "jpeg32", seed, folder)
        for row, line in zip(rows, lines, strict=True):
            values = dict(row.values)
            if values and line.method:
                arguments = [str(folder), line.method, str(case.spoilt.reference), str(seed)]
                used = launch([sys.executable, "-c", RUN_ALONE, *arguments])
                if used.code == 0:
                    values["MiB"] = used.bytes / 2**20
            out.append(replace(row, values=values))
    return out
