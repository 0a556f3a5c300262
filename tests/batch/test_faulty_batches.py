"""Batches where something around them is wrong; ``make faults`` runs the command itself on full disks and so on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mfrec.batch.attempt import Child, Limits
from mfrec.batch.child import worked
from mfrec.batch.engine import Status
from mfrec.batch.ledger import Ledger
from mfrec.batch.measuring import evaluate_cases
from mfrec.batch.night import Batch, run_batch
from mfrec.errors import UsageError
from mfrec.imageio import png_bytes

EASY = Limits(seconds=300.0, memory=8 << 30)


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cases are worked on in this process: what is looked at is what is around them."""
    monkeypatch.setattr(Child, "ask", lambda _self, request, _limits: worked(request))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Three pictures, each its own truth."""
    (tmp_path / "pictures").mkdir()
    rng = np.random.default_rng(0)
    for number in range(3):
        (tmp_path / "pictures" / f"{number}.png").write_bytes(png_bytes(rng.random((24, 24, 3), np.float32)))
    return tmp_path / "pictures"


def measured(pictures: Path, out: Path, **how: Any) -> Batch:
    cases, gather = evaluate_cases([pictures], pictures, metrics=["psnr"])
    return run_batch(cases, out, EASY, gather=gather, **how)


def test_a_ledger_whose_disk_is_full_stops_no_case_and_the_same_command_finds_them(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, take_up = tmp_path / "out", Ledger.take_up

    def then_full(book: Ledger, *asked: Any) -> Any:
        try:
            return take_up(book, *asked)
        finally:
            # Every write is refused from here on, as on a full disk.
            book._database.execute("PRAGMA query_only = on")

    with monkeypatch.context() as full:
        full.setattr(Ledger, "take_up", then_full)
        made = measured(pictures, out)
    assert made.code == UsageError.exit_code and made.trouble
    assert made.counts == {"waiting": 3} and made.table.count("equal") >= 3
    written = {file.name: file.stat().st_mtime_ns for file in out.glob("pictures__*.json")}
    assert len(written) == 3
    assert "The ledger could not be written" in (out / "summary.html").read_text()

    again = measured(pictures, out)
    assert (again.counts, again.code, again.trouble) == ({"done": 3}, 0, "")
    assert {file.name: file.stat().st_mtime_ns for file in out.glob("pictures__*.json")} == written
    assert (out / "cases.csv").read_text().count("its output was there already") == 3


def test_where_nothing_can_be_written_is_said_before_any_case(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot write the output"):
        measured(pictures, tmp_path / "file" / "out")
    with pytest.raises(UsageError, match="name another with --ledger"):
        measured(pictures, tmp_path / "out", ledger=tmp_path / "nowhere" / "ledger.sqlite")


def test_what_is_gone_when_its_turn_comes_costs_itself(pictures: Path, tmp_path: Path) -> None:
    cases, gather = evaluate_cases([pictures], pictures, metrics=["psnr"])
    (pictures / "1.png").unlink()
    said: list[Status] = []
    made = run_batch(cases, tmp_path / "out", EASY, gather=gather, report=said.append)
    assert (made.counts, made.code) == ({"done": 2, "failed": 1}, 3)
    assert any("1.png' cannot be used: No such file" in status.message for status in said)


def test_a_process_in_which_no_worker_can_be_started_says_so(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def started(**_: Any) -> None:
        try:
            raise OSError(24, "Too many open files")
        except OSError as error:
            raise RuntimeError("Worker failed to start.") from error

    monkeypatch.setattr("mfrec.batch.cluster.LocalCluster", started)
    with pytest.raises(UsageError, match=r"no worker could be started here \(.*Too many open files\)"):
        measured(pictures, tmp_path / "out")
