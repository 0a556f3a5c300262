"""How a batch scales: a ledger of a million cases, a scheduler with ten thousand trivial ones, workers side by side.

``python tests/batch_scale.py ledger 1000000``, ``... trivial 10000 WORKERS``, ``... cases 20 WORKERS`` (``make scale``)
and ``... real 20 WORKERS``, which takes the recipe ``restore`` as it is. ``... single 20`` does the cases of ``cases``
one after the other, in a process each, before it gives them to a batch: what the batch costs or saves.
Seconds of processor time say more than those of the clock where other work shares the machine; both are printed.
"""

from __future__ import annotations

import csv
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

from killed_runs import film_frames

from mfrec.batch.attempt import Limits
from mfrec.batch.case import Case, Reconstruct
from mfrec.batch.ledger import Attempt, Ledger
from mfrec.batch.manifest import read_cases
from mfrec.batch.night import LEDGER, run_batch
from mfrec.batch.summary import page
from mfrec.provenance.schema import Arguments

SHORT = Reconstruct(Arguments(recipe="evidence", settings=["fuse.method=mean", "parse.method=polygons"], scale=2))

REAL = Reconstruct(Arguments(recipe="restore"))

LIMITS = Limits(600.0, 8 << 30)


def timed(what: str, work: Callable[[], object], times: int = 1) -> None:
    """Print the median seconds of processor time and of the clock."""
    clock, processor = [], []
    for _ in range(times):
        begun, used = time.monotonic(), time.process_time()
        work()
        clock.append(time.monotonic() - begun)
        processor.append(time.process_time() - used)
    print(
        f"{what:52} {statistics.median(processor) * 1e3:12.2f} ms processor {statistics.median(clock) * 1e3:12.2f} ms"
    )


def ledger_of(count: int, folder: Path) -> None:
    """A ledger of many simulated cases, nine in ten done: every question that a running batch asks of it."""
    book = Ledger(folder / LEDGER)
    some = min(count, 20_000)
    cases = [Case(f"case-{n:07d}", SHORT) for n in range(some)]
    timed(f"take up {some} cases", lambda: book.take_up(cases, []))
    # The others are copies that SQLite makes itself, which takes seconds and not minutes.
    book._database.executescript(f"""
        BEGIN;
        WITH RECURSIVE n (i) AS (SELECT {some + 1} UNION ALL SELECT i + 1 FROM n WHERE i < {count})
        INSERT INTO cases (number, name, out, command)
        SELECT i, printf('case-%07d', i - 1), printf('%04d/case-%07d', i / 1000, i - 1), command FROM n, cases
        WHERE cases.number = 1;
        UPDATE cases SET state = iif(number % 50 = 0, 'failed', 'done'), code = iif(number % 50 = 0, 3, 0)
        WHERE number <= {count * 9 // 10};
        INSERT INTO attempts SELECT number, 1.0, 2.0, 'tcp://10.0.0.1:9000', code, '', 1.5, 536870912 FROM cases
        WHERE code IS NOT NULL;
        COMMIT;
    """)
    middle = count * 9 // 10
    timed("how many are in each state", book.counts, 20)
    timed("the next 100 that wait", lambda: book.waiting(0, 100), 20)
    timed("a case by its name", lambda: book.entry(f"case-{count // 2:07d}"), 20)
    timed("every try of a case", lambda: book.attempts(count // 3), 20)
    timed("the worst code", book.worst, 20)
    timed("the first 2000 that failed", lambda: book.entries("failed", limit=2000), 20)

    def one_more() -> None:
        nonlocal middle
        middle += 1
        book.begun(middle + 1)
        book.ended(Attempt(middle, 1.0, 2.0, "tcp://10.0.0.1:9000", 0, "", 1.5, 1 << 29), "done")
        assert book.write()

    timed("put down one end and one begin, on the disk", one_more, 50)
    timed("the page of the summary", lambda: page(book), 3)
    book.close()
    timed("open again", lambda: Ledger(folder / LEDGER).counts())
    print(f"the ledger has {(folder / LEDGER).stat().st_size / 1e6:.0f} MB")


def used(which: int) -> float:
    """Seconds of processor time until now."""
    now = getrusage(which)
    return now.ru_utime + now.ru_stime


def one_by_one(command: Reconstruct, cases: list[tuple[str, Path]], folder: Path) -> float:
    """Work on cases in a process each, and say what it took; the seconds of processor time."""
    begun, below = time.monotonic(), used(RUSAGE_CHILDREN)
    for name, path in cases:
        words = [sys.executable, "-m", *command.at(str(path)).words(folder / "single" / name)]
        subprocess.run(words, check=True, capture_output=True)
    wall, children, count = time.monotonic() - begun, used(RUSAGE_CHILDREN) - below, len(cases)
    print(f"{count} cases, a process each, one after the other")
    print(f"  {wall:.1f} s of the clock, {wall / count:.4f} a case")
    print(f"  {children:.1f} s of processor, {children / count:.4f} a case")
    return children


def worked_off(command: Reconstruct, cases: list[tuple[str, Path]], workers: int, folder: Path) -> float:
    """Work on cases by a batch, and say what it took; the seconds of processor time."""
    table = folder / "cases.csv"
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([("name", "path"), *cases])
    begun, own, below = time.monotonic(), used(RUSAGE_SELF), used(RUSAGE_CHILDREN)
    found = run_batch(read_cases([str(table)], command, folder), folder / "out", LIMITS, workers=workers)
    wall, here, children = time.monotonic() - begun, used(RUSAGE_SELF) - own, used(RUSAGE_CHILDREN) - below
    book = Ledger(folder / "out" / LEDGER)
    work = [entry.seconds or 0.0 for entry in book.entries()]
    book.close()
    count = len(cases)
    print(f"{count} cases, {workers} workers: {dict(found.counts)}")
    print(f"  {wall:.1f} s of the clock, {wall / count:.4f} a case, {count / wall * 3600:.0f} an hour")
    print(f"  {children:.1f} s of processor in the processes that work, {children / count:.4f} a case")
    print(f"  {here:.1f} s of processor around them, {here / count * 1e3:.2f} ms a case, {100 * here / children:.2f} %")
    print(f"  a case takes {statistics.median(work):.3f} s of the clock (median); {sum(work):.1f} s in all")
    print(f"  workers without work: {100 * (1 - sum(work) / (wall * workers)):.1f} % of their time, the start included")
    return here + children


def main(what: str, count: int, workers: int = 1) -> None:
    with tempfile.TemporaryDirectory(prefix="mfrec-scale-") as place:
        folder = Path(place)
        if what == "ledger":
            ledger_of(count, folder)
        elif what == "trivial":
            worked_off(SHORT, [(f"case-{n}", folder / "nothing") for n in range(count)], workers, folder)
        else:
            frames = film_frames(folder / "frames")
            cases = [(f"case-{n}", folder / f"frames-{n}") for n in range(count)]
            for _, path in cases:
                shutil.copytree(frames, path)
            command = REAL if what == "real" else SHORT
            single = one_by_one(command, cases, folder) if what == "single" else None
            batch = worked_off(command, cases, workers, folder)
            if single is not None:
                print(f"the batch takes {100 * (batch / single - 1):+.1f} % of their seconds of processor")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
