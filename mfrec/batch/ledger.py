"""The ledger of a batch: which case is where, in SQLite. Whatever dies, it says what is done and what is not.

One process writes it, the one that hands out cases; whoever wants to know reads it meanwhile (write-ahead log). A case
is ``waiting``, ``running``, ``done``, ``failed``, or ``withdrawn`` when it is no longer asked for. What was ``running``
in a process that is gone is ``waiting`` again: if its output came to its name after all it is found there, see
:meth:`mfrec.batch.reconstruct_case.Reconstruct.is_done`.

A full disk stops no case. What cannot be written is kept and tried again; what is lost of it in the end is found by the
next run in the same way.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mfrec.batch.case import Case, to_text
from mfrec.batch.manifest import Problem
from mfrec.errors import UsageError

SCHEMA = 1

TABLES = """
CREATE TABLE cases (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, out TEXT NOT NULL, command TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting', code INTEGER, reason TEXT NOT NULL DEFAULT '', seconds REAL, worker TEXT);
CREATE INDEX by_state ON cases (state, number);
CREATE INDEX by_code ON cases (code) WHERE state = 'failed';
CREATE TABLE attempts (
    number INTEGER NOT NULL REFERENCES cases, began REAL NOT NULL, ended REAL NOT NULL, worker TEXT NOT NULL,
    code INTEGER NOT NULL, reason TEXT NOT NULL, seconds REAL NOT NULL, memory INTEGER NOT NULL);
CREATE INDEX by_case ON attempts (number);
CREATE TABLE problems (place TEXT NOT NULL, reason TEXT NOT NULL);
-- Counting a million rows takes as long as doing a case; adding one does not.
CREATE TABLE counts (state TEXT PRIMARY KEY, cases INTEGER NOT NULL);
CREATE TRIGGER added AFTER INSERT ON cases BEGIN
    INSERT INTO counts VALUES (new.state, 1) ON CONFLICT (state) DO UPDATE SET cases = cases + 1;
END;
CREATE TRIGGER moved AFTER UPDATE OF state ON cases WHEN old.state <> new.state BEGIN
    UPDATE counts SET cases = cases - 1 WHERE state = old.state;
    INSERT INTO counts VALUES (new.state, 1) ON CONFLICT (state) DO UPDATE SET cases = cases + 1;
END;
"""

SPOILT = (sqlite3.Error, UnicodeDecodeError)
"""What SQLite says of a file that is no ledger; the second where what it says quotes bytes of that file."""

GROUP = 1000
"""From so many cases on, outputs lie in folders of so many: a folder with a million entries is slow to list."""


@dataclass(frozen=True)
class Entry:
    """A case as the ledger has it.

    Attributes:
        number: of the case, from 1.
        name: of the case.
        out: folder of its output, relative to that of the batch.
        command: see :func:`mfrec.batch.case.from_text`.
        state: see the module.
        code: of its end, as the exit code of a single run; None before.
        reason: why it failed; empty where it did not.
        seconds: that the last attempt took; None before.
        worker: where.
    """

    number: int
    name: str
    out: str
    command: str
    state: str = "waiting"
    code: int | None = None
    reason: str = ""
    seconds: float | None = None
    worker: str | None = None


@dataclass(frozen=True)
class Attempt:
    """What came of one try of a case.

    Attributes:
        number: of the case.
        began: seconds since 1970.
        ended: likewise.
        worker: its address.
        code: 0 done, else as the exit code of a single run.
        reason: why not 0, or a remark.
        seconds: of work, without waiting for a worker.
        memory: most bytes that it had.
    """

    number: int
    began: float
    ended: float
    worker: str
    code: int
    reason: str
    seconds: float
    memory: int


class Ledger:
    """A ledger in a file; it is made where there is none.

    Args:
        path: of the file.

    Raises:
        UsageError: it is no ledger of this version, or cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trouble = ""
        """Why something could not be written; empty when all is."""
        self._unwritten: list[tuple[str, tuple[object, ...]]] = []
        try:
            with contextlib.ExitStack() as refused:
                self._database = refused.enter_context(
                    contextlib.closing(sqlite3.connect(path, timeout=30, isolation_level=None))
                )
                self._begin()
                refused.pop_all()
        except SPOILT as error:
            raise UsageError(f"the ledger '{path}' cannot be used ({error}); name another with --ledger") from None

    def _begin(self) -> None:
        """Make the tables where there are none, and see that they are ours.

        Raises:
            UsageError: they are not.
            sqlite3.Error, UnicodeDecodeError: the file is no ledger, or cannot be written.
        """
        self._database.execute("PRAGMA journal_mode = WAL")
        # A commit is on the disk when it returns, so that a machine that loses its power forgets nothing.
        self._database.execute("PRAGMA synchronous = FULL")
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._database.executescript(f"BEGIN; {TABLES} PRAGMA user_version = {SCHEMA}; COMMIT;")
        elif version != SCHEMA:
            raise UsageError(
                f"the ledger '{self.path}' has schema {version}, and this version of mfrec writes schema {SCHEMA}; "
                "go on with the version that began it, or choose another folder with -o"
            )
        if not self._is_ours():
            raise UsageError(
                f"the ledger '{self.path}' is not as mfrec writes it: it has other tables, or outputs outside of its "
                "folder; choose another folder with -o"
            )

    def _is_ours(self) -> bool:
        """Whether there is nothing but our tables (a trigger of somebody else would run), and no output leads out."""
        with contextlib.closing(sqlite3.connect(":memory:")) as model:
            model.executescript(TABLES)
            tables = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
            if model.execute(tables).fetchall() != self._database.execute(tables).fetchall():
                return False
        astray = self._database.execute(
            "SELECT 1 FROM cases WHERE out NOT IN (name, printf('%04d/%s', number / ?, name)) "
            "OR name IN ('', '.', '..') OR instr(name, '/') OR instr(name, char(0)) LIMIT 1",
            (GROUP,),
        )
        return astray.fetchone() is None

    def close(self) -> None:
        """After a last try to write what was kept."""
        self.write()
        self._database.close()

    def take_up(self, cases: Iterable[Case], problems: Iterable[Problem]) -> list[Problem]:
        """Put down what is asked for: new cases join, those that are no longer named are withdrawn.

        Args:
            cases: with distinct names.
            problems: of the manifest; they replace the earlier ones.

        Returns:
            Cases that were done with another command, as problems. One that was not is taken up with the new command.

        Raises:
            UsageError: the ledger cannot be written.
        """
        with _writing(self.path):
            database = self._database
            database.execute("BEGIN IMMEDIATE")
            try:
                # What a dead process was at, and what was withdrawn and may be named again.
                database.execute("UPDATE cases SET state = 'waiting' WHERE state IN ('running', 'withdrawn')")
                database.execute("CREATE TEMP TABLE asked (name TEXT PRIMARY KEY, command TEXT NOT NULL)")
                database.executemany("INSERT INTO asked VALUES (?, ?)", ((c.name, to_text(c.command)) for c in cases))
                (known,) = database.execute("SELECT coalesce(max(number), 0) FROM cases").fetchone()
                new = database.execute(
                    "SELECT name, command FROM asked WHERE name NOT IN (SELECT name FROM cases) ORDER BY rowid"
                ).fetchall()
                grouped = known + len(new) > GROUP
                database.executemany(
                    "INSERT INTO cases (number, name, out, command) VALUES (?, ?, ?, ?)",
                    (
                        (number, name, f"{number // GROUP:04d}/{name}" if grouped else name, command)
                        for number, (name, command) in enumerate(new, known + 1)
                    ),
                )
                changed = [
                    Problem(f"case '{name}'", "it was done with other options or frames; give the new one another name")
                    for (name,) in database.execute(
                        "SELECT name FROM cases JOIN asked USING (name) "
                        "WHERE cases.command <> asked.command AND state = 'done'"
                    )
                ]
                database.execute(
                    "UPDATE cases SET command = asked.command, state = 'waiting', reason = '' FROM asked "
                    "WHERE asked.name = cases.name AND cases.command <> asked.command AND cases.state <> 'done'"
                )
                database.execute(
                    "UPDATE cases SET state = 'withdrawn' "
                    "WHERE state = 'waiting' AND name NOT IN (SELECT name FROM asked)"
                )
                database.execute("DELETE FROM problems")
                database.executemany(
                    "INSERT INTO problems VALUES (?, ?)", ((p.place, p.reason) for p in (*problems, *changed))
                )
                database.execute("DROP TABLE asked")
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:  # SQLite itself ends it where the disk is full
                    database.execute("ROLLBACK")
                raise
        return changed

    def retry_failed(self) -> None:
        """Cases that failed wait again."""
        with _writing(self.path):
            self._database.execute("UPDATE cases SET state = 'waiting', reason = '' WHERE state = 'failed'")

    def waiting(self, after: int, count: int) -> list[Entry]:
        """The next cases that wait, in their order.

        Args:
            after: only those with a higher number.
            count: at most so many.
        """
        return self._entries("WHERE state = 'waiting' AND number > ? ORDER BY number LIMIT ?", (after, count))

    def begun(self, number: int, worker: str = "") -> None:
        """Put down that a case was handed out; :meth:`write` writes it."""
        self._unwritten.append(("UPDATE cases SET state = 'running', worker = ? WHERE number = ?", (worker, number)))

    def ended(self, attempt: Attempt, state: str) -> None:
        """Put down what came of a case, and that its state is ``state`` now; :meth:`write` writes it."""
        self._unwritten += [
            (
                "INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(attempt.number, attempt.began, attempt.ended, attempt.worker),
                    *(attempt.code, storable(attempt.reason), attempt.seconds, attempt.memory),
                ),
            ),
            (
                "UPDATE cases SET state = ?, code = ?, reason = ?, seconds = ?, worker = ? WHERE number = ?",
                (
                    *(state, attempt.code, storable(attempt.reason), attempt.seconds),
                    *(attempt.worker, attempt.number),
                ),
            ),
        ]

    def write(self) -> bool:
        """Write what was put down since, in one step; what cannot be written is kept for the next time.

        Returns:
            Whether nothing is left.
        """
        if not self._unwritten:
            return True
        try:
            self._database.execute("BEGIN IMMEDIATE")
            for statement, values in self._unwritten:
                self._database.execute(statement, values)
            self._database.execute("COMMIT")
        except SPOILT as error:
            self.trouble = str(error)
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            return False
        self._unwritten.clear()
        self.trouble = ""
        return True

    def counts(self) -> Mapping[str, int]:
        """How many cases are in each state."""
        return dict(self._database.execute("SELECT state, cases FROM counts WHERE cases > 0"))

    def entry(self, name: str) -> Entry | None:
        """A case by its name."""
        return next(iter(self._entries("WHERE name = ?", (name,))), None)

    def entries(self, state: str | None = None, *, limit: int = -1) -> list[Entry]:
        """Cases in their order, all or those in a state; at most ``limit`` where that is not negative."""
        if state is None:
            return self._entries("ORDER BY number LIMIT ?", (limit,))
        return self._entries("WHERE state = ? ORDER BY number LIMIT ?", (state, limit))

    def each(self) -> Iterator[tuple[Entry, int]]:
        """Every case in its order, and how often it was tried; they are read as they are asked for."""
        columns = ", ".join(f"cases.{name}" for name in Entry.__dataclass_fields__)
        counted = "(SELECT count(*) FROM attempts WHERE attempts.number = cases.number)"
        for *values, tries in self._database.execute(f"SELECT {columns}, {counted} FROM cases ORDER BY number"):
            yield Entry(*values), tries

    def attempts(self, number: int) -> list[Attempt]:
        """Every try of a case, the first one first."""
        rows = self._database.execute("SELECT * FROM attempts WHERE number = ? ORDER BY rowid", (number,))
        return [Attempt(*row) for row in rows]

    def problems(self) -> list[Problem]:
        """What of the manifest could not become a case."""
        return [Problem(*row) for row in self._database.execute("SELECT place, reason FROM problems ORDER BY rowid")]

    def worst(self) -> int:
        """The highest exit code of any case that failed; 0 where none did."""
        found = self._database.execute(
            "SELECT code FROM cases INDEXED BY by_code WHERE state = 'failed' ORDER BY code DESC LIMIT 1"
        ).fetchone()
        return found[0] if found else 0

    def outputs(self) -> list[str]:
        """The folders in which outputs lie, relative to that of the batch."""
        found = self._database.execute("SELECT DISTINCT substr(out, 1, length(out) - length(name)) FROM cases")
        return [folder for (folder,) in found]

    def readable(self) -> contextlib.AbstractContextManager[None]:
        """Say in one sentence that the file turned out to be spoilt within it.

        Raises:
            UsageError: within the block, in the place of an error of SQLite.
        """
        advice = "take it from your backup, or name another with --ledger, which finds the outputs that are there"
        return _in_words(f"the ledger '{self.path}' cannot be read", advice)

    def _entries(self, rest: str, values: tuple[object, ...]) -> list[Entry]:
        columns = ", ".join(Entry.__dataclass_fields__)
        return [Entry(*row) for row in self._database.execute(f"SELECT {columns} FROM cases {rest}", values)]


def storable(text: str) -> str:
    """Text that SQLite can hold: a name that is no valid Unicode is written with escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _writing(path: Path) -> contextlib.AbstractContextManager[None]:
    """Say in one sentence why the ledger could not be written; as :meth:`Ledger.readable`."""
    return _in_words(f"the ledger '{path}' cannot be written", "make room, or name another with --ledger")


@contextlib.contextmanager
def _in_words(trouble: str, advice: str) -> Iterator[None]:
    """Say what is wrong and what to do in the place of an error of SQLite.

    Raises:
        UsageError: within the block.
    """
    try:
        yield
    except SPOILT as error:
        raise UsageError(f"{trouble} ({error}); {advice}") from None
