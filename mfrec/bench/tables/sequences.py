"""The sequences that tables are measured on: the user's, or the portrait, filmed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mfrec.bench.run import PORTRAITS, evenly, film_sequences
from mfrec.errors import UsageError
from mfrec.imageio.sequences import TruthSequence, find_sequences


def sequences_root(data: Path | None, folder: Path, limit: int | None = None) -> Path:
    """The folder of sequences.

    Args:
        data: the user's; None for the portrait.
        folder: an existing one, into which the portrait is filmed unless an earlier table has done that.
        limit: how many sequences will be used.
    """
    if data is not None:
        return data
    root = folder / "portrait"
    if not root.exists():
        root.mkdir()
        film_sequences(root, count=min(limit or PORTRAITS, PORTRAITS))
    return root


def described(sequences: list[TruthSequence], data: Path | None, people: str) -> str:
    """How many sequences of whom, in words."""
    source = "the astronaut portrait, filmed" if data is None else f"the folder '{data.resolve().name}'"
    persons = len({sequence.person for sequence in sequences})
    return f"{len(sequences)} sequences of {persons} people from {source}, people {people}"


@contextmanager
def chosen_sequences(data: Path | None, people: str, limit: int | None) -> Iterator[tuple[list[TruthSequence], str]]:
    """The sequences that a table is measured on, and in words what they are; None films the portrait."""
    if limit is not None and limit < 1:
        raise UsageError(f"a limit of {limit} leaves nothing to measure; give 1 or more")
    with tempfile.TemporaryDirectory(prefix="mfrec-tables-") as folder:
        chosen = evenly(find_sequences(sequences_root(data, Path(folder), limit), people), limit)
        yield chosen, described(chosen, data, people)
