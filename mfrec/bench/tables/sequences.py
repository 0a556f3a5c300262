"""The sequences that tables are measured on: the user's, or the portrait, filmed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mfrec.bench.run import PORTRAITS, evenly, film_sequences
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


def described(
    sequences: Sequence[TruthSequence], data: Path | None, people: str, every: Sequence[TruthSequence] = ()
) -> str:
    """How many sequences of whom, in words.

    Args:
        sequences: that are measured.
        data, people: where they are from.
        every: among which they were chosen, where a limit left some out.
    """
    source = "the astronaut portrait, filmed" if data is None else f"the folder '{data.resolve().name}'"
    among = f", spread evenly over {_counted(every)}," if len(every) > len(sequences) else ""
    return f"{_counted(sequences)}{among} from {source}, people {people}"


def _counted(sequences: Sequence[TruthSequence]) -> str:
    return f"{len(sequences)} sequences of {len({sequence.person for sequence in sequences})} people"


@contextmanager
def chosen_sequences(data: Path | None, people: str, limit: int | None) -> Iterator[tuple[list[TruthSequence], str]]:
    """The sequences that a table is measured on, and in words what they are; None films the portrait."""
    with tempfile.TemporaryDirectory(prefix="mfrec-tables-") as folder:
        every = find_sequences(sequences_root(data, Path(folder), limit), people)
        chosen = evenly(every, limit)
        yield chosen, described(chosen, data, people, every)
