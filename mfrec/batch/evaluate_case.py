"""One picture of ``mfrec evaluate`` as a case of a batch."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from mfrec.batch.measured import found_in, measure_into
from mfrec.evaluation.evaluate import measured
from mfrec.evaluation.pairs import read_one
from mfrec.evaluation.result import Pair, Row
from mfrec.metrics.names import Truth
from mfrec.provenance.record import RECORD


class Evaluate(Struct, frozen=True, tag="evaluate", tag_field="command"):
    """A picture against its truth.

    Attributes:
        method, name: what the table calls it, see :class:`~mfrec.evaluation.result.Pair`.
        picture, truth, before, arrays: absolute paths; empty where there is none.
        metrics: keys of :data:`~mfrec.metrics.names.METRICS`.
    """

    method: str
    name: str
    picture: str
    truth: str
    before: str
    arrays: str
    metrics: list[str]

    SHOWN: ClassVar[str] = ""
    """The output is a file, to which the summary leads."""

    @property
    def pair(self) -> Pair:
        """The files."""
        before, arrays = (Path(path) if path else None for path in (self.before, self.arrays))
        return Pair(self.method, self.name, Path(self.picture), Path(self.truth), before, arrays)

    def run(self, out: Path) -> None:
        """Measure; ``out`` is there, whole, when this returns.

        Raises:
            MfrecError, OSError: see :func:`mfrec.evaluation.evaluate.measured`, or a file is gone.
        """
        pair = self.pair
        record = pair.picture.parent / RECORD
        files = [pair.picture, pair.truth, pair.before, pair.arrays, record if record.is_file() else None]

        def row() -> dict[str, Any]:
            return asdict(measured(pair, Truth(read_one(pair.truth), pair.truth.name), self.metrics))

        measure_into(out, msgspec.to_builtins(self), [file for file in files if file is not None], row)

    def found(self, out: Path) -> Row | None:
        """What was measured; None where ``out`` is not what :meth:`run` would write now."""
        found = found_in(out, msgspec.to_builtins(self))
        return None if found is None else msgspec.convert(found, Row, strict=False)

    def is_done(self, out: Path) -> bool:
        """Whether ``out`` is what :meth:`run` would write: by the same mfrec, from the same files, unchanged."""
        return self.found(out) is not None
