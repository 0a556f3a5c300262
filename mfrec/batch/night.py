"""A whole batch: cases through workers to their outputs, ledger and summary."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mfrec.batch.attempt import Limits
from mfrec.batch.cluster import cluster
from mfrec.batch.engine import Status, work_off
from mfrec.batch.ledger import Entry, Ledger
from mfrec.batch.manifest import Manifest
from mfrec.batch.measuring import Gather, Table
from mfrec.batch.summary import write_summary
from mfrec.errors import UsageError
from mfrec.publication.claims import names_in
from mfrec.publication.files import replace_files
from mfrec.publication.folder import make_parents, resolved, writing
from mfrec.publication.partial import remove_leftovers

LEDGER, LOCK = "ledger.sqlite", ".mfrec-batch.lock"


@dataclass(frozen=True)
class Batch:
    """What became of a batch.

    Attributes:
        counts: cases by their state, see :mod:`mfrec.batch.ledger`.
        problems: how many entries of the manifest are no case.
        code: the exit code of the worst case; 0 where all are done.
        ended: why it ended before all was done; empty if it did not.
        trouble: why the ledger could not be written; empty if it could.
        files: the summary, and those of the table; none where it could not be written.
        table: of all cases as text, where they are made for one; else empty.
    """

    counts: Mapping[str, int]
    problems: int
    code: int
    ended: str
    trouble: str
    files: tuple[Path, ...]
    table: str = ""


def run_batch(
    cases: Manifest,
    out: str | os.PathLike[str],
    limits: Limits,
    *,
    engine: str = "local",
    workers: int = 1,
    retries: int = 1,
    retry_failed: bool = False,
    ledger: Path | None = None,
    gather: Gather | None = None,
    report: Callable[[Status], None] = lambda _: None,
) -> Batch:
    """Work on cases; again with the same ``out``, it goes on where it was ended.

    Args:
        cases: see :func:`mfrec.batch.manifest.read_cases` and :mod:`mfrec.batch.measuring`.
        out: folder with an output a case, the ledger and the summary; of an earlier call, or none.
        limits: of each case.
        engine, workers: see :func:`mfrec.batch.cluster.cluster`.
        retries: how many more tries a case gets that crashed.
        retry_failed: whether cases that failed in an earlier call are tried again.
        ledger: its file; in ``out`` where none is said. On a network share SQLite cannot be relied on.
        gather: makes a table of all cases, see :mod:`mfrec.batch.measuring`.
        report: see :func:`mfrec.batch.engine.work_off`.

    Raises:
        UsageError: the folder or the ledger cannot be used; ``limits`` or counts make no sense; another
            process works on this batch.
    """
    if workers < 1 or retries < 0 or not limits.seconds > 0 or limits.memory < 1:
        raise UsageError("a batch needs 1 worker or more, 0 retries or more, and limits above 0")
    target = resolved(out)
    with (
        _alone(target, Path(out)) as lock,
        contextlib.closing(Ledger(ledger or target / LEDGER)) as book,
        book.readable(),
    ):
        book.take_up(cases.cases, cases.problems)
        if retry_failed:
            book.retry_failed()
        ended = "it was interrupted"
        files: list[Path] = []
        table: Table | None = None
        try:
            with cluster(engine, workers, limits.memory, target) as crew:
                ended = work_off(book, crew, target, lock, limits, retries=retries, report=report)
        finally:
            for folder in book.outputs():
                remove_leftovers(target / folder)
            book.write()
            with contextlib.suppress(UsageError) if book.trouble else contextlib.nullcontext():
                files = write_summary(book, target, ended)
        if gather is not None and files:
            table = gather([outcome(book, case.name, target) for case in cases.cases])
            replace_files(target, table.files)
            files += [target / name for name in table.files]
        problems, lacking = len(book.problems()), table.lacking if table else 0
        wrong = UsageError.exit_code if problems or ended or book.trouble or lacking else 0
        return Batch(
            book.counts(),
            problems,
            max(wrong, book.worst()),
            ended,
            book.trouble,
            tuple(files),
            table.text if table else "",
        )


def outcome(book: Ledger, name: str, target: Path) -> tuple[Entry | None, Path]:
    """What the ledger has of a case, and where its output lies."""
    entry = book.entry(name)
    return entry, target / (name if entry is None else entry.out)


@contextlib.contextmanager
def _alone(target: Path, shown: Path) -> Iterator[Path]:
    """The folder of the batch, locked for this process; gives the file whose bytes are the cases' locks.

    Raises:
        UsageError: it is another folder, cannot be written, or another process works in it.
    """
    lock = target / LOCK
    if os.path.lexists(target) and not (target.is_dir() and (lock.exists() or not names_in(target))):
        raise UsageError(f"the output '{shown}' exists and is no batch; choose another folder with -o")
    with writing(shown):
        make_parents(target)
        target.mkdir(exist_ok=True)
        file = lock.open("a+b")
    with file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 0)
        except BlockingIOError:
            raise UsageError(f"another mfrec batch works in '{shown}'; wait for it, or choose another folder") from None
        except OSError:
            pass  # a file system without locks
        yield lock
