"""Batches whose scheduler, workers and client are killed at random, and what is there in the end.

``python tests/killed_batches.py 300 10`` (``make faults``) works on 300 cases of seven frames and kills ten times. Then
a few on a cluster of which one worker has another mfrec: it gets none.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from killed_runs import OPTIONS, film_frames

import mfrec
from mfrec.batch.ledger import Ledger
from mfrec.batch.night import LEDGER
from mfrec.provenance.record import read_record
from mfrec.publication.claims import foreign, sha256

QUICK = tuple(option for option in OPTIONS if option != "--overwrite")
"""Options that make a case short."""


class Cluster:
    """A scheduler and workers as processes of their own; :meth:`mend` starts again what was killed.

    Args:
        folder: for what they write.
        workers: how many.
        port: of the scheduler; 0 for any that is free.
        last: folder from which the last worker takes its mfrec; None for the same as all.
    """

    def __init__(self, folder: Path, workers: int, port: int = 0, last: Path | None = None) -> None:
        self.folder, self.port, self.last = folder, port, last
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes] | None] = [None] * workers
        self.mend()

    @property
    def address(self) -> str:
        """For ``--engine``."""
        return f"dask://127.0.0.1:{self.port}"

    def mend(self) -> None:
        """Start what does not run."""
        if self.scheduler is None or self.scheduler.poll() is not None:
            place = self.folder / "scheduler.json"
            place.unlink(missing_ok=True)
            options = ("--port", str(self.port), "--scheduler-file", str(place))
            self.scheduler = self._start("dask_scheduler", *options)
            while not place.exists() or not place.stat().st_size:
                time.sleep(0.05)
            self.port = int(place.read_text().split("tcp://127.0.0.1:")[1].split('"')[0])
        for number, worker in enumerate(self.workers):
            if worker is None or worker.poll() is not None:
                options = ("--nthreads", "1", "--no-nanny", "--local-directory", str(self.folder))
                own = self.last if number == len(self.workers) - 1 else None
                self.workers[number] = self._start("dask_worker", f"tcp://127.0.0.1:{self.port}", *options, own=own)

    def processes(self) -> dict[str, subprocess.Popen[bytes]]:
        """Name to process of all that runs."""
        named = {"scheduler": self.scheduler, **{f"worker {n}": w for n, w in enumerate(self.workers)}}
        return {name: process for name, process in named.items() if process is not None}

    def close(self) -> None:
        """Kill everything."""
        for process in self.processes().values():
            process.kill()
            process.wait()

    def _start(self, module: str, *options: str, own: Path | None = None) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.{module}", *options, "--host", "127.0.0.1", "--no-dashboard"]
        log = (self.folder / f"{module}.log").open("ab")
        # Python looks for a module in the working folder first, and there may be an mfrec.
        return subprocess.Popen(command, env=environment(own), stdout=log, stderr=log, cwd=self.folder)


def environment(own: Path | None = None) -> dict[str, str]:
    """In which a process finds the same mfrec, or the one in a folder."""
    paths = [*([] if own is None else [str(own)]), *filter(None, sys.path)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}


def kill_many(folder: Path, cases: int, kills: int, seed: int = 0) -> tuple[Counter[str], list[str]]:
    """Work on cases while something is killed now and then.

    Args:
        folder: empty.
        cases: how many.
        kills: how many.
        seed: of who is killed, and when.

    Returns:
        How often what was killed; and what is wrong in the end.
    """
    draw = random.Random(seed)
    frames = film_frames(folder / "frames")
    for number in range(cases):
        shutil.copytree(frames, folder / "cases" / f"c{number:04d}")
    out = folder / "out"
    command = [sys.executable, "-m", "mfrec", "batch", str(folder / "cases"), "-o", str(out), *QUICK, "--retries", "3"]
    (folder / "dask").mkdir()
    cluster = Cluster(folder / "dask", 2)
    seen: dict[str, str] = {}
    killed: Counter[str] = Counter()
    # Kills are spread over the cases, so that all of them hit work that is under way, however fast it is.
    marks = sorted(draw.uniform(0.0, 0.9) * cases for _ in range(kills))
    client = None
    try:
        while True:
            if client is None or client.poll() not in (None, 0):
                with (folder / "client.log").open("ab") as log:
                    client = subprocess.Popen([*command, "--engine", cluster.address], env=environment(), stderr=log)
            time.sleep(draw.uniform(0.02, 0.5))
            for record in out.glob("*/run.json"):
                name = record.parent.name
                if name not in seen:
                    seen[name] = read_record(record)["seal"]
            if marks and len(seen) >= marks[0]:
                marks.pop(0)
                named = {**cluster.processes(), "client": client}
                what = draw.choice(sorted(named))
                named[what].kill()
                named[what].wait()
                killed[what] += 1
                time.sleep(draw.uniform(0.0, 2.0))
                cluster.mend()
            if client.poll() == 0:
                break
    finally:
        cluster.close()
        if client is not None and client.poll() is None:
            client.kill()
            client.wait()
    return killed, wrongs(out, frames, folder / "single", cases, seen)


def mix_versions(folder: Path, cases: int) -> list[str]:
    """What is wrong after cases on two workers, one of which has an mfrec with another comment in its source.

    Args:
        folder: empty.
        cases: how many.
    """
    frames = film_frames(folder / "frames")
    for number in range(cases):
        shutil.copytree(frames, folder / "cases" / f"c{number:04d}")
    package = Path(mfrec.__file__).parent
    for part in (package, package.parent / "models", package.parent / "weights"):
        if part.exists():
            shutil.copytree(part, folder / "other" / part.name)
    with (folder / "other" / "mfrec" / "version.py").open("a") as file:
        file.write("# another\n")
    (folder / "dask").mkdir()
    cluster = Cluster(folder / "dask", 2, last=folder / "other")
    command = [sys.executable, "-m", "mfrec", "batch", str(folder / "cases"), "-o", str(folder / "out"), *QUICK]
    try:
        run = subprocess.run(
            [*command, "--engine", cluster.address], env=environment(), capture_output=True, text=True, check=False
        )
    finally:
        cluster.close()
    with contextlib.closing(Ledger(folder / "out" / LEDGER)) as book:
        tries = [attempt for entry in book.entries() for attempt in book.attempts(entry.number)]
    by = Counter(attempt.worker for attempt in tries)
    found = [] if run.returncode == 0 and len(tries) == cases else [f"code {run.returncode}, {len(tries)} tries"]
    found += [] if len(by) == 1 else [f"workers of two versions had cases: {dict(by)}"]
    return found + ([] if "gets no case: it has mfrec source" in run.stderr else [f"it was not said: {run.stderr}"])


def wrongs(out: Path, frames: Path, single: Path, cases: int, seen: dict[str, str]) -> list[str]:
    """What is wrong with the outputs of a batch in which every case is the same.

    Args:
        out: of the batch.
        frames: of every case.
        single: where to put the output of a single run.
        cases: how many.
        seen: name of a case to the seal of its record when it was first there.
    """
    command = [sys.executable, "-m", "mfrec", "reconstruct", str(frames), "-o", str(single), *QUICK]
    subprocess.run(command, env=environment(), check=True, capture_output=True)
    pictures = {path.name: sha256(path) for path in single.iterdir() if path.suffix in (".png", ".npz")}
    found = []
    for number in range(cases):
        place = out / f"c{number:04d}"
        why = foreign(place) if place.is_dir() else "nothing"
        if why:
            found.append(f"{place.name} holds {why}")
            continue
        found += [
            f"{place.name}: {name} differs" for name, digest in pictures.items() if sha256(place / name) != digest
        ]
        if seen.get(place.name, "") not in ("", read_record(place)["seal"]):
            found.append(f"{place.name} was done twice")
    folders = [path.name for path in out.iterdir() if path.is_dir()]
    found += [f"left over: {name}" for name in folders if not name.startswith("c")]
    with contextlib.closing(Ledger(out / LEDGER)) as book:
        if dict(book.counts()) != {"done": cases}:
            found.append(f"the ledger says {dict(book.counts())}")
        ends = Counter(sum(attempt.code == 0 for attempt in book.attempts(e.number)) for e in book.entries())
        if set(ends) != {1}:
            found.append(f"ends of one case in the ledger: {dict(ends)}")
        tries = Counter(len(book.attempts(entry.number)) for entry in book.entries())
        there = sum(a.reason != "" and a.code == 0 for e in book.entries() for a in book.attempts(e.number))
        print(f"tries of a case: {dict(tries)}; {there} outputs were there already when their case was tried again")
    return found


if __name__ == "__main__":
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mfrec-batches-") as place:
        who, wrong = kill_many(Path(place), int(sys.argv[1]), int(sys.argv[2]), *map(int, sys.argv[3:]))
    print(f"{sys.argv[1]} cases, {time.monotonic() - begun:.0f} s; killed: {dict(who)}")
    print("\n".join(wrong) or "every case exactly once, and as a single run makes it")
    with tempfile.TemporaryDirectory(prefix="mfrec-versions-") as place:
        mixed = mix_versions(Path(place), 8)
    print("\n".join(mixed) or "a worker with another mfrec had no case, and it was said why")
    sys.exit(1 if wrong or mixed else 0)
