"""The ledger: what it says after a crash, and when its disk is full."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mfrec.batch.case import Case, Reconstruct
from mfrec.batch.ledger import GROUP, Attempt, Ledger
from mfrec.batch.manifest import Problem
from mfrec.batch.summary import table
from mfrec.errors import UsageError
from mfrec.provenance.schema import Arguments


def case(name: str, recipe: str = "restore") -> Case:
    return Case(name, Reconstruct(Arguments([f"/frames/{name}"], recipe)))


def attempt(number: int, code: int = 0, reason: str = "") -> Attempt:
    return Attempt(number, 1.0, 2.0, "tcp://w", code, reason, 1.0, 1 << 20)


def test_what_ran_in_a_dead_process_waits_again_and_what_is_done_stays(tmp_path: Path) -> None:
    first = Ledger(tmp_path / "l")
    first.take_up([case("a"), case("b"), case("c")], [])
    for number in (1, 2):
        first.begun(number)
    first.ended(attempt(1), "done")
    assert first.write()
    second = Ledger(tmp_path / "l")  # the first is never closed: its process is dead
    second.take_up([case("a"), case("b"), case("c"), case("d")], [Problem("line 5", "why")])
    assert second.counts() == {"done": 1, "waiting": 3}
    assert [entry.name for entry in second.waiting(0, 10)] == ["b", "c", "d"]
    assert second.problems() == [Problem("line 5", "why")]


def test_a_case_that_is_no_longer_named_is_withdrawn_and_comes_back(tmp_path: Path) -> None:
    book = Ledger(tmp_path / "l")
    book.take_up([case("a"), case("b")], [])
    book.take_up([case("b")], [])
    assert book.counts() == {"waiting": 1, "withdrawn": 1}
    book.take_up([case("a"), case("b")], [])
    assert book.counts() == {"waiting": 2}


def test_other_options_make_another_case_of_what_is_done_and_renew_what_failed(tmp_path: Path) -> None:
    book = Ledger(tmp_path / "l")
    book.take_up([case("a"), case("b"), case("c")], [])
    book.ended(attempt(1), "done")
    book.ended(attempt(2, 3, "no face"), "failed")
    book.write()
    (problem,) = book.take_up([case(name, "evidence") for name in "abc"], [])
    assert problem.place == "case 'a'" and book.problems() == [problem]
    assert [(entry.name, '"evidence"' in entry.command) for entry in book.waiting(0, 9)] == [("b", True), ("c", True)]
    done = book.entry("a")
    assert done is not None and done.state == "done" and '"restore"' in done.command


def test_failed_cases_stay_so_until_asked_and_the_worst_code_counts(tmp_path: Path) -> None:
    book = Ledger(tmp_path / "l")
    book.take_up([case("a"), case("b")], [])
    book.ended(attempt(1, 3, "no face \udcff"), "failed")
    book.ended(attempt(2, 2, "no recipe"), "failed")
    book.write()
    book.take_up([case("a"), case("b")], [])
    assert (book.worst(), book.waiting(0, 9)) == (3, [])
    assert book.attempts(1)[0].reason == "no face \\udcff"
    book.retry_failed()
    assert (book.worst(), len(book.waiting(0, 9))) == (0, 2)


def test_a_full_disk_stops_nothing_and_loses_nothing_once_there_is_room(tmp_path: Path) -> None:
    book = Ledger(tmp_path / "l")
    book.take_up([case(str(n)) for n in range(1, 41)], [])
    database = book._database
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count = {pages}")  # SQLite then behaves as on a full disk
    for number in range(1, 41):
        book.ended(attempt(number, 6, "x" * 2000), "failed")
        book.write()
    assert "full" in book.trouble
    with pytest.raises(UsageError, match=r"full.*make room"):
        book.take_up([case("y" * 100 + str(n)) for n in range(500)], [])
    database.execute("PRAGMA max_page_count = 100000")
    assert book.write() and book.trouble == ""
    assert book.counts() == {"failed": 40}
    assert [len(book.attempts(number)) for number in range(1, 41)] == [1] * 40


class Ended:
    """A database whose disk is full when it commits: SQLite has ended the transaction then."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database

    def __getattr__(self, name: str) -> object:
        return getattr(self.database, name)

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        if statement == "COMMIT":
            self.database.execute("ROLLBACK")
            raise sqlite3.OperationalError("database or disk is full")
        return self.database.execute(statement, *values)


def test_a_disk_that_is_full_at_the_commit_is_said_as_that(tmp_path: Path) -> None:
    book = Ledger(tmp_path / "l")
    book._database = Ended(book._database)  # type: ignore[assignment]
    with pytest.raises(UsageError, match=r"full.*make room"):
        book.take_up([case("a")], [])


def test_many_outputs_lie_in_folders_of_their_own(tmp_path: Path) -> None:
    book = Ledger(tmp_path / "l")
    book.take_up([case("first")], [])
    book.take_up([case("first"), *(case(f"n{n}") for n in range(GROUP + 5))], [])
    outs = [entry.out for entry in book.entries()]
    assert outs[:2] == ["first", "0000/n0"] and outs[-1] == f"0001/n{GROUP + 4}"
    assert sorted(book.outputs()) == ["", "0000/", "0001/"]


def test_another_file_or_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("this is no database, and longer than a header of SQLite is " * 20)
    with pytest.raises(UsageError, match="--ledger"):
        Ledger(tmp_path / "text")
    database = sqlite3.connect(tmp_path / "later")
    database.execute("PRAGMA user_version = 9")
    database.close()
    with pytest.raises(UsageError, match="schema 9"):
        Ledger(tmp_path / "later")


@pytest.mark.parametrize(
    "change",
    (
        "UPDATE cases SET out = '../../elsewhere/a'",
        "UPDATE cases SET out = '/tmp/a'",
        "UPDATE cases SET name = '..', out = '..'",
        "CREATE TRIGGER mine AFTER UPDATE ON cases BEGIN DELETE FROM cases; END",
        "CREATE TABLE mine (a)",
        "DROP TRIGGER moved",
    ),
)
def test_a_ledger_of_a_stranger_is_refused(tmp_path: Path, change: str) -> None:
    with contextlib.closing(Ledger(tmp_path / "ledger.sqlite")) as book:
        book.take_up([case("a")], [])
    with contextlib.closing(Ledger(tmp_path / "ledger.sqlite")) as book:
        assert book.counts() == {"waiting": 1}
        book._database.execute(change)
    with pytest.raises(UsageError, match="is not as mfrec writes it"):
        Ledger(tmp_path / "ledger.sqlite")


def test_a_ledger_whose_words_are_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with contextlib.closing(Ledger(path)) as book:
        book.take_up([case("a")], [])
    # SQLite quotes what it cannot make sense of.
    path.write_bytes(path.read_bytes().replace(b"TRIGGER added", b"\xff" * 13))
    with pytest.raises(UsageError, match="name another with --ledger"):
        Ledger(path)


def test_a_ledger_that_is_refused_is_let_go(tmp_path: Path) -> None:
    """Else a sound one that is put in its place cannot be read either."""
    path = tmp_path / "ledger.sqlite"
    Ledger(path).close()
    sound = path.read_bytes()
    handles = len(list(Path("/dev/fd").iterdir()))
    for spoilt in (sound[:5000], sound.replace(b"TRIGGER added", b"TRIGGER other")):
        path.write_bytes(spoilt)
        with pytest.raises(UsageError):
            Ledger(path)
    assert len(list(Path("/dev/fd").iterdir())) == handles


def test_a_ledger_that_is_spoilt_while_it_is_read(tmp_path: Path) -> None:
    book = Ledger(tmp_path / "ledger.sqlite")
    book._database.execute("DROP TABLE counts")
    with contextlib.closing(book), pytest.raises(UsageError, match="take it from your backup"), book.readable():
        book.counts()


def test_no_name_is_a_formula_in_the_table(tmp_path: Path) -> None:
    with contextlib.closing(Ledger(tmp_path / "ledger.sqlite")) as book:
        book.take_up([case("=1+1"), case("door")], [Problem("@line", "-1 is no number")])
        assert [row.split(",")[0] for row in table(book).decode().splitlines()] == ["name", "'=1+1", "door", "'@line"]


def test_questions_stay_quick_with_many_cases(tmp_path: Path) -> None:
    """The million is measured by ``tests/batch_scale.py``; what scans this table takes 5 ms and more."""
    book = Ledger(tmp_path / "l")
    command = case("a").command
    book.take_up((Case(f"case-{n}", command) for n in range(20_000)), [])
    for question in (
        book.counts,
        lambda: book.waiting(10_000, 100),
        lambda: book.entry("case-17777"),
        lambda: book.entries("failed", limit=2000),
        book.worst,
    ):
        best = min(_seconds(question) for _ in range(3))
        assert best < 0.003, question


def _seconds(question: Callable[[], object]) -> float:
    begun = time.process_time()
    question()
    return time.process_time() - begun
