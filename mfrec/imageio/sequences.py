"""Folders of good frames whose person is known: what is measured on and learnt from."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from dataclasses import dataclass
from pathlib import Path

from mfrec.documents import DocumentError, read_text, shortened
from mfrec.errors import InputError, NoFramesError, UsageError

FINAL = frozenset(
    (
        "35cbe3cab6c7",
        "4dea57ee461b",
        "53ee839228c0",
        "54a6969e10cc",
        "57bc46f53bad",
        "9605cddc7a57",
        "adaccd74384b",
        "d47bf7f52766",
        "dbefd1ba3a57",
        "f493408b6a99",
    )
)
"""The people of the split ``"final"``, as the first 12 digits of the SHA-256 of ``final/NAME``.

They are kept for final figures: no training reads them, and nobody chooses weights or settings by them. A rule over the
names, like that of the folds, would have hit people that were trained on before the split was there; so these are some
of those who came later (sequences from ``seq_201`` on), every third by another salt of the hash and in neither ``0/4``
nor ``0/5``. To use somebody of them for anything else ends what the split is good for.
The last part of the training of ``clean`` (ad68914f47b2) was before the split and has seen them.
"""


@dataclass(frozen=True)
class TruthSequence:
    """A folder of good frames of one person.

    Attributes:
        name: of the folder; seeds the damage, so that it does not depend on what else is measured.
        folder: holds the frames.
        person: who is seen; the folder's name where no table says it.
    """

    name: str
    folder: Path
    person: str


def find_sequences(root: Path, people: str = "all") -> list[TruthSequence]:
    """The sequences of a folder in natural order, of the chosen people.

    Args:
        root: a folder of folders of frames, or one folder of frames.
        people: see :func:`chosen_person`.

    Raises:
        InputError: no such folder, no frames in it, nobody left by the split, or a table without the columns.
    """
    from mfrec.imageio.survey import natural_key

    if not root.is_dir():
        raise InputError(f"no folder of sequences at '{root}'; expected one that holds folders of 256 px frames")
    folders = sorted((f for f in root.iterdir() if f.is_dir() and has_frames(f)), key=lambda f: natural_key(f.name))
    if not folders and has_frames(root):
        folders = [root]
    if not folders:
        raise NoFramesError(f"'{root}' holds no folder with pictures; expected SEQUENCES/seq_001/0.jpg and so on")
    persons = read_persons(table) if (table := table_of(folders[0].parent)) else {}
    every = [TruthSequence(f.resolve().name, f, persons.get(f.resolve().name, f.resolve().name)) for f in folders]
    found = [sequence for sequence in every if chosen_person(sequence.person, people)]
    if not found:
        raise InputError(f"the split '{people}' leaves nobody of {len({s.person for s in every})} people; try 'all'")
    return found


CSV_LIMIT = 1 << 26
"""Bytes that the table of persons may have."""


def table_of(root: Path) -> Path | None:
    """The table beside folders of frames that says who is who: ``sequences.csv``, or one with the name of their folder
    (``long/long.csv``); None where there is neither."""
    tables = (root / name for name in ("sequences.csv", f"{root.resolve().name}.csv"))
    return next((table.resolve() for table in tables if table.is_file()), None)


def read_persons(table: Path) -> dict[str, str]:
    """Sequence name to person, from a CSV file with the columns ``seq`` and ``person``.

    Raises:
        InputError: it is no CSV file, lacks a column, or a row does not say whose sequence it is.
    """
    try:
        reader = csv.DictReader(io.StringIO(read_text(table, CSV_LIMIT), newline=""), strict=True)
        columns, rows = reader.fieldnames or (), list(reader)
    except (DocumentError, csv.Error) as error:
        raise InputError(f"'{table.name}' cannot be read ({error}); expected a CSV file of UTF-8 text") from None
    missing = {"seq", "person"} - set(columns)
    if missing:
        raise InputError(f"'{table.name}' has the columns {shortened(columns)}, without {', '.join(sorted(missing))}")
    persons: dict[str, str] = {}
    for row in rows:
        if not row["seq"] or not row["person"] or persons.get(row["seq"], row["person"]) != row["person"]:
            raise InputError(
                f"'{table.name}' has a row without 'seq' or 'person', or two persons of one sequence: "
                f"{shortened(list(row.values()))}; expected one person for each"
            )
        persons[row["seq"]] = row["person"]
    return persons


def chosen_person(person: str, people: str) -> bool:
    """Whether a person belongs to a split. It depends on the name alone, so sequences can come and go.

    Args:
        person: the name.
        people: ``"all"``, ``"final"`` (:data:`FINAL`), or ``"K/N"``: fold ``K`` of ``N``, by the SHA-256 of the name;
            ``"even"`` is ``0/2`` and ``"odd"`` is ``1/2``.

    Raises:
        UsageError: no such split.
    """
    if people == "all":
        return True
    if people == "final":
        return hashlib.sha256(f"final/{person}".encode()).hexdigest()[:12] in FINAL
    match = re.fullmatch(r"(\d+)/(\d+)", {"even": "0/2", "odd": "1/2"}.get(people, people))
    if match is None or int(match[1]) >= int(match[2]):
        raise UsageError(f"no split '{people}'; give all, final, even, odd, or K/N with K below N, such as 0/5")
    return int.from_bytes(hashlib.sha256(person.encode()).digest()[:8], "big") % int(match[2]) == int(match[1])


def has_frames(folder: Path) -> bool:
    """Whether there are pictures directly in a folder."""
    from mfrec.imageio.formats import PICTURE_SUFFIXES

    return any(file.suffix.lower() in PICTURE_SUFFIXES for file in folder.iterdir())
