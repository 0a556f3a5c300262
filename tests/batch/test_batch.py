"""Batches on a real cluster: two workers, hostile neighbours, kills in the middle; the outputs of single runs."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import dask.config as dask_config
import msgspec
import numpy as np
import pytest
from killed_runs import OPTIONS
from typer.testing import CliRunner

from mfrec.batch.attempt import Child, DiedError, Limits
from mfrec.batch.case import Reconstruct, from_text, to_text
from mfrec.batch.cluster import as_address, cluster
from mfrec.batch.engine import other, work_off
from mfrec.batch.ledger import Ledger
from mfrec.batch.manifest import Manifest, read_cases
from mfrec.batch.night import LEDGER, LOCK, run_batch
from mfrec.cli import app
from mfrec.errors import UsageError
from mfrec.imageio import png_bytes
from mfrec.provenance.record import read_record
from mfrec.provenance.schema import Arguments
from mfrec.provenance.surroundings import surroundings
from mfrec.publication.claims import foreign

QUICK = tuple(option for option in OPTIONS if option != "--overwrite")
"""Options that make a case short."""

EASY = Limits(seconds=300.0, memory=2 << 30)

SHORT = Reconstruct(Arguments(recipe="evidence", settings=["fuse.method=mean", "parse.method=polygons"], scale=2))
"""The same as a command."""


@pytest.fixture(scope="module")
def cases(sequence: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table: two good cases, a hostile one, a clip that is not there, an output twice, options of another kind."""
    folder = tmp_path_factory.mktemp("night")
    shutil.copytree(sequence, folder / "one")
    shutil.copytree(sequence, folder / "two")
    (folder / "bomb").mkdir()
    for number in range(2):
        (folder / "bomb" / f"{number}.png").write_bytes(png_bytes(np.zeros((6000, 6000, 3), np.uint8)))
    (folder / "cases.csv").write_text(
        "name,path,scale\none,one,\nbomb,bomb,\ngone,gone.mp4,\none,two,\ntwo,two,\nlast,two,much\nnone,one,9000\n"
    )
    return folder


@pytest.fixture(scope="module")
def done(cases: Path) -> tuple[Path, int, str]:
    """The table worked off by two workers; the folder, the exit code, and what was printed."""
    out = cases / "out"
    command = ["batch", str(cases / "cases.csv"), "-o", str(out), *QUICK, "--workers", "2", "--memory-limit", "1.2"]
    result = CliRunner().invoke(app, command)
    return out, result.exit_code, result.output


def named(place: Path) -> Manifest:
    return read_cases([str(place)], SHORT, place / "out")


def states(out: Path) -> dict[str, tuple[str, int | None]]:
    with contextlib.closing(Ledger(out / LEDGER)) as book:
        return {entry.name: (entry.state, entry.code) for entry in book.entries()}


def test_a_hostile_case_costs_itself_alone(done: tuple[Path, int, str]) -> None:
    out, code, said = done
    assert states(out) == {
        "one": ("done", 0),
        "bomb": ("failed", 6),
        "gone": ("failed", 3),
        "two": ("done", 0),
        "none": ("failed", 2),
    }
    assert code == 6, said
    assert re.search(r"bomb: failed: it took [\d.]+ GiB, and 1.2 are the limit", said), said
    assert {path.name for path in out.iterdir()} == {
        *("one", "two", LEDGER, LOCK, "summary.html", "cases.csv", "mfrec-files.json")
    }, "no leftover of the killed one"


def test_the_summary_says_what_and_why(done: tuple[Path, int, str]) -> None:
    out, _, said = done
    assert "2 done, 3 failed\n2 entries are no case" in said
    text = (out / "summary.html").read_text()
    for words in ("is that of", "GiB, and 1.2 are the limit", "there is no file or folder", "much"):
        assert words in text
    links = Links()
    links.feed(text)
    assert {"one/report.html", "two/report.html"} <= links.found
    assert all((out / link).is_file() for link in links.found)
    rows = (out / "cases.csv").read_text().splitlines()
    assert len(rows) == 1 + 5 + 2 and rows[1].startswith("one,done,0,1,")


class Links(HTMLParser):
    """The addresses of a page's links."""

    found: set[str]

    def __init__(self) -> None:
        super().__init__()
        self.found = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {value for name, value in attrs if tag == "a" and name == "href" and value}


def test_a_case_is_the_single_run_of_its_command_to_the_bit(done: tuple[Path, int, str], tmp_path: Path) -> None:
    """The record but for times, and every file that holds none of them."""
    out, _, _ = done
    with contextlib.closing(Ledger(out / LEDGER)) as book:
        entry = book.entry("two")
    assert entry is not None
    command = from_text(entry.command)
    assert isinstance(command, Reconstruct)
    kept = (out / "two").rename(tmp_path / "kept")
    single = CliRunner().invoke(app, command.words(out / "two")[1:])
    assert single.exit_code == 0, single.output
    ours, theirs = read_record(kept), read_record(out / "two")
    for record in (ours, theirs):
        for step in (*record["steps"], *record["evidence"]["steps"]):
            del step["seconds"]
        del record["created"], record["seal"], record["outputs"]["report.html"]
    # What this process was started with is no command of mfrec.
    del theirs["command"]
    assert ours.pop("command") == shlex.join(command.words(out / "two"))
    assert ours == theirs
    assert command.is_done(out / "two") and command.is_done(kept)


def test_an_output_is_a_case_s_only_as_it_was_written(done: tuple[Path, int, str], tmp_path: Path) -> None:
    shutil.copytree(done[0] / "one", tmp_path / "one")
    record = read_record(tmp_path / "one")
    command = Reconstruct(msgspec.convert(record["arguments"], Arguments))
    assert command.is_done(tmp_path / "one")
    other_seed = msgspec.structs.replace(command.arguments, seed=5)
    assert not Reconstruct(other_seed).is_done(tmp_path / "one")
    assert not command.is_done(tmp_path / "nowhere")
    (tmp_path / "one" / "evidence.png").write_bytes(b"")
    assert not command.is_done(tmp_path / "one")


def test_the_same_command_again_does_nothing_again(done: tuple[Path, int, str], cases: Path) -> None:
    out, _, _ = done
    seals = {name: read_record(out / name)["seal"] for name in ("one", "two")}
    before = states(out)
    again = run_batch(named(cases / "cases.csv"), out, EASY)
    assert states(out) == before and again.code == 6
    assert {name: read_record(out / name)["seal"] for name in seals} == seals


def test_limits_and_crashes_of_a_child_are_told_apart(cases: Path, tmp_path: Path) -> None:
    child = Child()
    (tmp_path / "lock").touch()
    (case,) = read_cases([str(cases / "one")], SHORT, tmp_path / "out").cases
    request = {
        "number": 1,
        "command": to_text(case.command),
        "out": str(tmp_path / "out"),
        "lock": str(tmp_path / "lock"),
    }
    with pytest.raises(DiedError, match=r"longer than 0.1 s"):
        child.ask(request, Limits(0.1, 8 << 30))
    assert child.killed_for
    process = child._running()
    os.kill(process.pid, signal.SIGSEGV)
    process.wait()
    process.poll()
    assert child.ask({**request, "lock": str(tmp_path / "none")}, EASY)["code"] == 2, "a new one is begun"
    child.close()
    assert child._process is None


@pytest.mark.slow
def test_killed_workers_and_clients_cost_no_case(cases: Path, sequence: Path, tmp_path: Path) -> None:
    """kill -9 of a worker and of the client in the middle; every case is there exactly once after another call."""
    for number in range(4):
        shutil.copytree(sequence, tmp_path / "cases" / f"c{number}")
    out = tmp_path / "out"
    with dask(2, tmp_path) as (address, workers):
        command = [sys.executable, "-m", "mfrec", "batch", str(tmp_path / "cases"), "-o", str(out), *QUICK]
        client = subprocess.Popen([*command, "--engine", address], env=environment(), stderr=subprocess.DEVNULL)
        wait_for(lambda: any(out.glob("c*/run.json")))
        workers[0].kill()
        workers[0].wait()
        client.kill()
        client.wait()
        done = {path.parent.name: read_record(path.parent)["seal"] for path in out.glob("c*/run.json")}
        again = run_batch(named(tmp_path / "cases"), out, EASY, engine=address)
    assert (again.counts, again.code, again.ended) == ({"done": 4}, 0, "")
    assert sorted(path.name for path in out.iterdir() if path.is_dir()) == ["c0", "c1", "c2", "c3"], "no leftover"
    assert not any(foreign(out / name) for name in ("c0", "c1", "c2", "c3"))
    assert {name: read_record(out / name)["seal"] for name in done} == done


@contextlib.contextmanager
def dask(count: int, folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and workers as processes of their own; the address, and the workers."""
    place = folder / "scheduler.json"

    def start(module: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.{module}", "--scheduler-file", str(place), *options]
        nowhere = subprocess.DEVNULL
        return subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--no-dashboard"], env=environment(), stdout=nowhere, stderr=nowhere
        )

    processes = [start("dask_scheduler", "--port", "0")]
    try:
        wait_for(place.exists)
        options = ("--nthreads", "1", "--no-nanny", "--local-directory", str(folder))
        processes += [start("dask_worker", *options) for _ in range(count)]
        yield msgspec.json.decode(place.read_bytes())["address"].replace("tcp://", "dask://"), processes[1:]
    finally:
        for process in processes[::-1]:
            process.kill()
            process.wait()


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def wait_for(condition: Callable[[], object], seconds: float = 120.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_worker_with_other_versions_gets_no_case() -> None:
    own = surroundings()
    assert other(own, dict(own)) == ""
    assert other(own, {**own, "mfrec source": "f" * 64}).startswith("it has mfrec source ffffffffffff, and here it is")
    assert "numpy none" in other(own, {name: value for name, value in own.items() if name != "numpy"})
    assert "ModuleNotFoundError" in other(own, ModuleNotFoundError("mfrec"))


def test_workers_of_another_version_alone_end_the_batch_with_the_reason(
    cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mfrec.batch.engine.other", lambda _own, _said: "it has mfrec 0.0.1, and here it is 0.1.0")
    book = Ledger(tmp_path / LEDGER)
    book.take_up(read_cases([str(cases / "one")], SHORT, tmp_path).cases, [])
    said: list[str] = []
    with cluster("local", 1, 1 << 30, tmp_path) as workers:
        hasty = dataclasses.replace(workers, patience=0.5)
        ended = work_off(
            book, hasty, tmp_path, tmp_path / LOCK, EASY, report=lambda status: said.append(status.message)
        )
    assert "no worker took a case for 0.5 s; one was there, but it has mfrec 0.0.1" in ended
    assert any("gets no case" in message for message in said)
    assert book.counts() == {"waiting": 1}


def test_engines_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mfrec.batch.cluster.CONNECT", 0.5)
    for engine, says in (("cloud", "no engine 'cloud'"), ("dask://127.0.0.1:9", "no scheduler answers")):
        with pytest.raises(UsageError, match=says), cluster(engine, 1, 1 << 30, tmp_path) as workers:
            workers.connect()


def test_dask_means_tls_where_dask_has_certificates() -> None:
    assert as_address("dask://host:1") == "tcp://host:1"
    with dask_config.set({"distributed.comm.tls.ca-file": "/etc/ca.pem"}):
        assert as_address("dask://host:1") == "tls://host:1"
    assert as_address("tls://host:1") == "tls://host:1"


def test_only_one_process_works_on_a_batch_and_only_in_its_own_folder(tmp_path: Path, sequence: Path) -> None:
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "beach.png").touch()
    with pytest.raises(UsageError, match="exists and is no batch"):
        run_batch(named(sequence), tmp_path / "holiday", EASY)
    out = tmp_path / "out"
    out.mkdir()
    hold = "import fcntl, sys; f = open(sys.argv[1], 'a+b'); fcntl.lockf(f, 2, 1, 0); print(1, flush=True); input()"
    command = [sys.executable, "-c", hold, str(out / LOCK)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline()
        with pytest.raises(UsageError, match="another mfrec batch works in"):
            run_batch(named(sequence), out, EASY)
        holder.communicate(b"\n")


def test_waiting_for_cases_costs_a_fraction_of_what_dask_would_spend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it is a twelfth of the work of small cases."""

    def waiting() -> float:
        with cluster("local", 2, 1 << 30, tmp_path) as workers, contextlib.closing(workers.connect()) as client:
            begun = time.process_time()
            client.gather([client.submit(time.sleep, 0.8, pure=False) for _ in range(2)])
            return time.process_time() - begun

    ours = waiting()
    monkeypatch.setattr("mfrec.batch.cluster.HERE", {})
    assert ours < 0.6 * waiting()
