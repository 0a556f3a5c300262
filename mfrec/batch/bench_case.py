"""One sequence of ``mfrec bench`` under one protocol as a case of a batch."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import ClassVar

import msgspec
from msgspec import Struct

from mfrec.batch.measured import found_in, measure_into
from mfrec.bench.run import run_sequence
from mfrec.bench.scores import SequenceResult
from mfrec.imageio.sequences import TruthSequence


class Bench(Struct, frozen=True, tag="bench", tag_field="command"):
    """Every method on one sequence that one protocol has spoilt.

    Attributes:
        sequence, person: names.
        folder: of the frames, absolute.
        protocol, methods, seed: see :func:`mfrec.bench.run.run_sequence`; a recipe's file has its absolute path.
    """

    sequence: str
    person: str
    folder: str
    protocol: str
    methods: list[str]
    seed: int

    SHOWN: ClassVar[str] = ""
    """The output is a file, to which the summary leads."""

    def run(self, out: Path) -> None:
        """Measure; ``out`` is there, whole, when this returns.

        Raises:
            MfrecError, OSError: a file is gone or was changed meanwhile. What a method trips over is a figure.
        """
        sequence = TruthSequence(self.sequence, Path(self.folder), self.person)
        files = [file for file in sorted(sequence.folder.iterdir()) if file.is_file()]
        files += [Path(method) for method in self.methods if Path(method).is_file()]
        measure_into(
            out,
            msgspec.to_builtins(self),
            files,
            lambda: asdict(run_sequence(sequence, self.protocol, tuple(self.methods), self.seed)),
        )

    def found(self, out: Path) -> SequenceResult | None:
        """What was measured; None where ``out`` is not what :meth:`run` would write now."""
        found = found_in(out, msgspec.to_builtins(self))
        return None if found is None else msgspec.convert(found, SequenceResult, strict=False)

    def is_done(self, out: Path) -> bool:
        """Whether ``out`` is what :meth:`run` would write: by the same mfrec, from the same files, unchanged."""
        return self.found(out) is not None
