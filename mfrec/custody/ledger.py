"""The ledger of a case: a list to which entries are added only.

A SQLite file. Every row carries the hash of the row before it (Haber and Stornetta 1991, "How to time-stamp a digital
document"), and triggers refuse to change, to delete and to insert in between. Who drops the triggers and changes a row
is found by the hashes; who changes all that follow too, or cuts off the end, is found by a hash that was written down
elsewhere: ``mfrec sign`` prints it.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import rfc8785

from mfrec.documents import DocumentError, parse_json
from mfrec.errors import UsageError

SCHEMA = 1

APPLICATION = 0x6D667265
"""``application_id`` of the file: "mfre"."""

BEGINNING = "0" * 64
"""What stands for the hash before the first row."""

TRIGGERS = ("no_update", "no_delete", "in_order")

TABLES = """
CREATE TABLE entry (
    number INTEGER PRIMARY KEY, time TEXT NOT NULL, event TEXT NOT NULL, details TEXT NOT NULL,
    previous TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE TRIGGER no_update BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;
CREATE TRIGGER no_delete BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'entries are never deleted'); END;
CREATE TRIGGER in_order BEFORE INSERT ON entry
WHEN new.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM entry)
    OR new.previous IS NOT coalesce((SELECT hash FROM entry ORDER BY number DESC LIMIT 1), printf('%064d', 0))
BEGIN SELECT RAISE(ABORT, 'entries are added at the end'); END;
"""


@dataclass(frozen=True)
class Entry:
    """A row of the ledger.

    Attributes:
        number: from 1.
        time: by the clock of the machine, ISO 8601, UTC.
        event: what was done, in a word.
        details: JSON text.
        previous: hash of the row before.
        hash: SHA-256 of the other five as canonical JSON (RFC 8785).
    """

    number: int
    time: str
    event: str
    details: str
    previous: str
    hash: str


def add_entry(path: Path, event: str, details: Mapping[str, Any], *, now: datetime.datetime | None = None) -> Entry:
    """Add an entry at the end; the ledger is made where it is missing.

    Args:
        path: of the ledger.
        event: what was done, in a word.
        details: JSON types.
        now: the clock's time where nobody says.

    Raises:
        UsageError: it cannot be written, is no ledger, or its last row does not hold.
    """
    time = (now or datetime.datetime.now(datetime.UTC)).isoformat(timespec="seconds")
    text = json.dumps(details, sort_keys=True, ensure_ascii=True, allow_nan=False)
    with _opened(path, new=True) as database:
        database.execute("BEGIN IMMEDIATE")
        last = next(iter(_rows(database, path, "DESC LIMIT 1")), None)
        number, previous = (1, BEGINNING) if last is None else (last.number + 1, last.hash)
        if last is not None and hash_of(last) != last.hash:
            raise UsageError(
                f"the last row of the ledger '{path}' was changed; nothing is added to it: keep it as it is and begin "
                "another"
            )
        entry = Entry(number, time, event, text, previous, "")
        entry = Entry(number, time, event, text, previous, hash_of(entry))
        database.execute("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)", tuple(asdict(entry).values()))
        database.execute("COMMIT")
    return entry


def hash_of(entry: Entry) -> str:
    """The hash that a row should carry."""
    values = {key: value for key, value in asdict(entry).items() if key != "hash"}
    return hashlib.sha256(rfc8785.dumps(values)).hexdigest()


def read_entries(path: Path) -> list[Entry]:
    """All rows in order, as they are; :func:`check_ledger` says whether they hold.

    Raises:
        UsageError: it is no ledger that this version can read.
    """
    with _opened(path, new=False) as database:
        return _rows(database, path)


def check_ledger(path: Path, *, known: str | None = None) -> list[str]:
    """What is wrong with a ledger, in words; nothing where it is whole.

    Args:
        path: of the ledger.
        known: the hash of a row, written down elsewhere, that it must still have.

    Raises:
        UsageError: it is no ledger that this version can read.
    """
    with _opened(path, new=False) as database:
        rows = _rows(database, path)
        triggers = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
    said = [f"the trigger '{name}' was removed" for name in TRIGGERS if name not in triggers]
    previous = BEGINNING
    for number, entry in enumerate(rows, start=1):
        if entry.number != number:
            said.append(f"row {number} is missing: the next is {entry.number}")
            break
        if entry.previous != previous:
            said.append(f"row {number} does not follow row {number - 1}")
        if hash_of(entry) != entry.hash:
            said.append(f"row {number} was changed")
        previous = entry.hash
    if known is not None and known not in {entry.hash for entry in rows}:
        said.append(f"no row has the hash {known}: rows were cut off, or all were written again")
    return said


def json_lines(path: Path) -> Iterator[str]:
    """Every row as a line of JSON, for another program or for paper; details that are no JSON any more stay text.

    Raises:
        UsageError: it is no ledger that this version can read.
    """
    for entry in read_entries(path):
        try:
            details = parse_json(entry.details)
        except DocumentError:
            details = entry.details
        yield json.dumps({**asdict(entry), "details": details}, ensure_ascii=True)


def is_ledger(path: Path) -> bool:
    """Whether a file says of itself that it is a ledger."""
    try:
        with path.open("rb") as file:
            head = file.read(72)
    except OSError:
        return False
    return head[:16] == b"SQLite format 3\0" and head[68:72] == APPLICATION.to_bytes(4, "big")


@contextmanager
def _opened(path: Path, *, new: bool) -> Iterator[sqlite3.Connection]:
    """The database of a ledger.

    Raises:
        UsageError: in the place of every :class:`sqlite3.Error`, and of text that is no UTF-8.
    """
    if not new and not path.is_file():
        raise UsageError(f"no ledger at '{path}'; expected the file that mfrec sign --ledger wrote")
    uri = f"{path.absolute().as_uri()}?mode={'rwc' if new else 'ro'}"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=30, isolation_level=None)) as database:
            if new:
                _begin(database)
            found = database.execute("PRAGMA application_id").fetchone()[0]
            version = database.execute("PRAGMA user_version").fetchone()[0]
            if found != APPLICATION:
                raise UsageError(f"'{path}' is a database but no ledger of mfrec; name another file with --ledger")
            if version != SCHEMA:
                raise UsageError(
                    f"the ledger '{path}' has version {version} and this mfrec writes {SCHEMA}; use the newer mfrec"
                )
            yield database
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise UsageError(
            f"the ledger '{path}' cannot be used ({error}); check that it is one, and that its folder may be written"
        ) from None


def _rows(database: sqlite3.Connection, path: Path, order: str = "") -> list[Entry]:
    """Rows by their numbers.

    Raises:
        UsageError: one holds something else than text, which mfrec never writes.
    """
    rows = [Entry(*row) for row in database.execute(f"SELECT * FROM entry ORDER BY number {order}")]
    for entry in rows:
        number, *texts = asdict(entry).values()
        if type(number) is not int or not 0 < number < 1 << 53 or not all(type(text) is str for text in texts):
            raise UsageError(f"row {number} of the ledger '{path}' is damaged; take the ledger from a backup")
    return rows


def _begin(database: sqlite3.Connection) -> None:
    """Make the tables in an empty file."""
    database.execute("PRAGMA synchronous = FULL")
    database.execute("BEGIN IMMEDIATE")
    if not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        for command in _commands():
            database.execute(command)
        database.execute(f"PRAGMA application_id = {APPLICATION}")
        database.execute(f"PRAGMA user_version = {SCHEMA}")
    database.execute("COMMIT")


def _commands() -> Iterator[str]:
    """The commands of :data:`TABLES`, one by one: ``executescript`` would end the transaction."""
    pending = ""
    for line in TABLES.strip().splitlines():
        pending += line + "\n"
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
