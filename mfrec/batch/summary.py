"""What became of a batch: ``summary.html``, one page with a link to every report, and ``cases.csv``, every case."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from urllib.parse import quote

from mfrec.batch.case import from_text
from mfrec.batch.ledger import Entry, Ledger
from mfrec.provenance.csv_cell import no_formula
from mfrec.publication.files import replace_files
from mfrec.report.page import standalone_page
from mfrec.version import __version__

HERE = Path(__file__).parent

SUMMARY, TABLE = "summary.html", "cases.csv"

SHOWN = 2000
"""Cases that the page lists, those that failed first; the table has all."""

STATES = ("failed", "waiting", "running", "withdrawn", "done")
"""In the order of the page."""


def write_summary(ledger: Ledger, out: Path, ended: str = "") -> list[Path]:
    """Write page and table into the folder of the batch, over earlier ones that nobody changed.

    Args:
        ledger: of the batch.
        out: its folder.
        ended: why the batch stopped before its end; empty if it did not.

    Raises:
        UsageError: one of the files was changed by somebody, or cannot be written.
    """
    replace_files(out, {SUMMARY: page(ledger, ended), TABLE: table(ledger)})
    return [out / SUMMARY, out / TABLE]


def page(ledger: Ledger, ended: str = "") -> bytes:
    """The page as UTF-8."""
    rows: list[Entry] = []
    for state in STATES:
        rows += ledger.entries(state, limit=SHOWN - len(rows))
    counts = ledger.counts()
    values = {
        "counts": [(state, counts[state]) for state in reversed(STATES) if counts.get(state)],
        "total": sum(counts.values()),
        "problems": ledger.problems()[:SHOWN],
        "more_problems": max(0, len(ledger.problems()) - SHOWN),
        "rows": rows,
        "tries": {row.number: ledger.attempts(row.number) for row in rows if row.state != "done"},
        "link": link,
        "table": TABLE,
        "ended": ended,
        "trouble": ledger.trouble,
        "version": __version__,
    }
    return standalone_page(HERE, "summary", values)


def link(entry: Entry) -> str:
    """Where the report of a case lies, or its folder or file, from the page."""
    return quote(f"{entry.out}{from_text(entry.command).SHOWN}")


def table(ledger: Ledger) -> bytes:
    """Every case as CSV, UTF-8; no cell is a formula."""
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(("name", "state", "code", "tries", "seconds", "output", "worker", "reason"))
    for entry, tries in ledger.each():
        seconds = "" if entry.seconds is None else f"{entry.seconds:.3f}"
        code = "" if entry.code is None else entry.code
        name, out, reason = map(no_formula, (entry.name, entry.out, entry.reason))
        rows.writerow((name, entry.state, code, tries, seconds, out, entry.worker or "", reason))
    for problem in ledger.problems():
        rows.writerow((no_formula(problem.place), "no case", 2, 0, "", "", "", no_formula(problem.reason)))
    return text.getvalue().encode("utf-8")
