"""Jobs: what is asked of a case, done by child processes that outlive the page and the desk.

A job is ``jobs/0003.json`` in the case's folder, written whole at every change. While its process lives, that process
holds a lock on ``jobs/0003.lock`` which it got from the desk that started it: a desk that is started again asks the
lock and not a process number, which may be somebody else's by then. What the process says goes to ``jobs/0003.log``
(messages and progress) and ``jobs/0003.out`` (its result, where that is JSON), never through a pipe that would break
with the desk.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from mfrec.cli.console import PROGRESS, PROGRESS_LINES
from mfrec.desk.case import Case, Cases, now
from mfrec.desk.choices import Wanted, checked_options, command_text, reconstruct_arguments, registered_arguments
from mfrec.desk.inputs import source_path
from mfrec.desk.places import NUMBER, child, number_of, write_whole
from mfrec.desk.refusal import RefusalError
from mfrec.desk.signing import enter
from mfrec.desk.words import word
from mfrec.documents import DocumentError, check_schema, parse_json, read_text, shaped
from mfrec.errors import MfrecError
from mfrec.provenance.plain_json import to_json
from mfrec.provenance.record import RECORD
from mfrec.publication.claims import sha256

SCHEMA = 1

LIMIT = 1 << 20
"""Bytes that the state of a job may have."""

TAIL = 1 << 13
"""Bytes at the end of a log that are looked at."""

TICK = 0.15
"""Seconds between two looks at what the processes do."""

PATIENCE = 10.0
"""Seconds that a cancelled process gets to put its things away before it is killed."""

BEHIND = 5
"""By how much a process is nicer to others than the desk itself."""

State = Literal["waiting", "running", "done", "failed", "cancelled"]

LIVE = ("waiting", "running")


class Job(Struct):
    """One child process, as its file says it.

    Attributes:
        number: names its files; but for ``people`` also the folder of its output, ``runs/NUMBER``.
        kind: ``"reconstruct"``; ``"registered"``: the registered frames of such a run; or ``"people"``: who is seen in
            an input, and what its codec says of each frame.
        input: number of the input.
        words: after ``mfrec``, as on the command line, seen from the case's folder.
        wanted: the choices that made these words.
        message: why it failed, in the words of the process.
        pid: of the process while it runs; its lock tells whether that is so.
    """

    schema: int
    number: str
    kind: Literal["reconstruct", "registered", "people"]
    input: str
    words: list[str]
    state: State
    created: str
    wanted: Wanted = msgspec.field(default_factory=Wanted)
    started: str | None = None
    ended: str | None = None
    message: str = ""
    cancelled: bool = False
    pid: int | None = None


@dataclass
class Handle:
    """A job with what only this desk knows of it."""

    case: Case
    job: Job
    process: subprocess.Popen[bytes] | None = None
    progress: tuple[str, int, int] | None = None
    killed_at: float | None = None
    changes: int = field(default=0)

    @property
    def out(self) -> str:
        """The folder of its output, seen from the case's folder."""
        return f"runs/{self.job.number}"

    def file(self, suffix: str) -> Path:
        """One of its files."""
        return child(self.case.folder, "jobs", f"{self.job.number}{suffix}")

    def save(self) -> None:
        """Write its state."""
        self.changes += 1
        write_whole(self.file(".json"), to_json(msgspec.to_builtins(self.job)).encode("ascii"))

    def shown(self) -> dict[str, Any]:
        """What the page is told."""
        out = msgspec.to_builtins(self.job)
        del out["pid"], out["schema"]
        out["command"] = command_text(self.job.words)
        out["progress"] = self.progress
        return out


class Jobs:
    """The queue of all cases, and the processes that work on it.

    Args:
        cases: whose jobs they are.
        at_once: how many processes may run.
    """

    def __init__(self, cases: Cases, at_once: int = 1) -> None:
        self.cases = cases
        self.at_once = at_once
        self._handles: dict[tuple[str, str], Handle] = {}
        self._loaded: set[str] = set()
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Take up what an earlier desk left, and begin to work."""
        for key in self.cases.names():
            with contextlib.suppress(RefusalError):
                self._load(self.cases.case(key))
        self._thread = threading.Thread(target=self._work, name="desk jobs", daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """Stop looking after processes, which go on; how many do."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            return sum(handle.job.state == "running" for handle in self._handles.values())

    def of(self, case: Case) -> list[Handle]:
        """The jobs of a case, the latest first."""
        with self._lock:
            self._load(case)
            mine = [handle for (key, _), handle in self._handles.items() if key == case.key]
            return sorted(mine, key=lambda handle: -int(handle.job.number))

    def job(self, case: Case, number: str) -> Handle:
        """One job of a case.

        Raises:
            RefusalError: there is none of that number.
        """
        with self._lock:
            self._load(case)
            handle = self._handles.get((case.key, number_of(number)))
        if handle is None:
            raise RefusalError("refused.job", 404, name=number)
        return handle

    def reconstruct(self, case: Case, given: str, wanted: Wanted) -> Handle:
        """Queue a run.

        Raises:
            RefusalError: the choices cannot be, or the input cannot be used.
        """
        values = checked_options(wanted, case.folder)
        source_path(case, case.input(given))
        with self._lock:
            kept = Wanted(values, wanted.device, wanted.seed, wanted.pdf, wanted.strict)
            job = Job(SCHEMA, self._free_number(case), "reconstruct", given, [], "waiting", now(), kept)
            job.words = words_of(case, job)
            return self._queue(case, job)

    def registered(self, case: Case, number: str) -> Handle:
        """Queue the registered frames of a run: its input and its choices, as far as the frames lie onto one another.

        Raises:
            RefusalError: there is no such run, or its input cannot be used any more.
        """
        run = self.job(case, number).job
        if run.kind != "reconstruct":
            raise RefusalError("refused.job", 404, name=number)
        source_path(case, case.input(run.input))
        with self._lock:
            for handle in self.of(case):
                same = handle.job.kind == "registered" and (handle.job.input, handle.job.wanted) == (
                    run.input,
                    run.wanted,
                )
                if same and handle.job.state in (*LIVE, "done"):
                    return handle
            job = Job(SCHEMA, self._free_number(case), "registered", run.input, [], "waiting", now(), run.wanted)
            job.words = words_of(case, job)
            return self._queue(case, job)

    def people(self, case: Case, given: str) -> Handle:
        """Queue a look at everybody who is seen in an input.

        Raises:
            RefusalError: the input cannot be used.
        """
        source_path(case, case.input(given))
        with self._lock:
            for handle in self.of(case):
                if handle.job.kind == "people" and handle.job.input == given and handle.job.state in LIVE:
                    return handle
            job = Job(SCHEMA, self._free_number(case), "people", given, [], "waiting", now())
            job.words = words_of(case, job)
            return self._queue(case, job)

    def cancel(self, case: Case, number: str) -> Handle:
        """Take a job out of the queue, or ask its process to end."""
        handle = self.job(case, number)
        with self._lock:
            if handle.job.state == "waiting":
                handle.job.state, handle.job.cancelled, handle.job.ended = "cancelled", True, now()
                handle.save()
            elif handle.job.state == "running" and not handle.job.cancelled:
                handle.job.cancelled = True
                handle.save()
                self._signal(handle, signal.SIGTERM)
        return handle

    def _queue(self, case: Case, job: Job) -> Handle:
        handle = Handle(case, job)
        handle.save()
        self._handles[case.key, job.number] = handle
        return handle

    def _free_number(self, case: Case) -> str:
        """The next number, under which nothing is there yet."""
        taken = [0]
        for part in ("jobs", "runs"):
            for entry in case.part(part).iterdir():
                stem = entry.name.partition(".")[0]
                taken += [int(stem)] if NUMBER.fullmatch(stem) else []
        return f"{max(taken) + 1:04d}"

    def _load(self, case: Case) -> None:
        """Read the jobs of a case that this desk does not know yet."""
        with self._lock:
            if case.key in self._loaded:
                return
            self._loaded.add(case.key)
            for path in sorted(case.part("jobs").glob("*.json")):
                if not NUMBER.fullmatch(path.stem):
                    continue
                try:
                    value = check_schema(parse_json(read_text(child(path.parent, path.name), LIMIT)), SCHEMA)
                    job = shaped(dict(value), Job)
                except (DocumentError, RefusalError):
                    continue
                if job.number == path.stem:
                    self._handles[case.key, job.number] = Handle(case, job)

    def _work(self) -> None:
        while not self._stop.wait(TICK):
            with self._lock:
                running = [handle for handle in self._handles.values() if handle.job.state == "running"]
                for handle in running:
                    with contextlib.suppress(RefusalError):
                        self._look(handle)
                busy = sum(handle.job.state == "running" for handle in running)
                waiting = [handle for handle in self._handles.values() if handle.job.state == "waiting"]
                for handle in sorted(waiting, key=lambda h: (h.job.created, h.job.number))[
                    : max(0, self.at_once - busy)
                ]:
                    self._begin(handle)

    def _begin(self, handle: Handle) -> None:
        job, folder = handle.job, handle.case.folder
        try:
            source_path(handle.case, handle.case.input(job.input))
            # The file of a job may be anybody's: a case can come from another desk.
            if job.words != words_of(handle.case, job):
                raise RefusalError("refused.words", 409, name=job.number)
            handle.case.part("runs")
            lock = os.open(handle.file(".lock"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
                with (
                    os.fdopen(os.open(handle.file(".out"), flags, 0o644), "wb") as out,
                    os.fdopen(os.open(handle.file(".log"), flags, 0o644), "wb") as log,
                ):
                    handle.process = subprocess.Popen(
                        # -P: nothing that lies in a case's folder is taken for a module.
                        [sys.executable, "-P", "-m", "mfrec", *job.words],
                        cwd=folder,
                        env=environment(),
                        stdin=subprocess.DEVNULL,
                        stdout=out,
                        stderr=log,
                        pass_fds=(lock,),
                        start_new_session=True,
                    )
            finally:
                os.close(lock)
        except (OSError, RefusalError) as error:
            job.state, job.ended, job.message = "failed", now(), str(error)
        else:
            job.state, job.started, job.pid = "running", now(), handle.process.pid
            put_behind(handle.process.pid)
        with contextlib.suppress(RefusalError):
            handle.save()

    def _look(self, handle: Handle) -> None:
        """See how far a running job is, and whether it has ended."""
        job = handle.job
        lines = self._tail(handle)
        found = next((seen for line in reversed(lines) if (seen := PROGRESS_LINES.fullmatch(line))), None)
        progress = None if found is None else (found[1], int(found[2]), int(found[3]))
        if progress != handle.progress:
            handle.progress = progress
            handle.changes += 1
        if self._alive(handle):
            self._press(handle)
            return
        code = None if handle.process is None else handle.process.returncode
        job.ended, job.pid, handle.progress = now(), None, None
        if job.cancelled and code != 0:
            job.state = "cancelled"
        elif self._complete(handle, code):
            job.state = "done"
        else:
            job.state = "failed"
            errors = [line.removeprefix("mfrec: error: ") for line in lines if line.startswith("mfrec: error: ")]
            job.message = errors[-1] if errors else word("job.silent", log=f"jobs/{job.number}.log")
        self._enter(handle)
        handle.save()
        with contextlib.suppress(OSError):
            handle.file(".lock").unlink()

    def _enter(self, handle: Handle) -> None:
        """Say in the case's ledger how a run has ended."""
        job = handle.job
        if job.kind == "people":
            return
        details = {"run": job.number, "state": job.state, "command": command_text(job.words)}
        if job.state == "done":
            details["sha256"] = sha256(child(handle.case.folder, "runs", job.number, RECORD))
        try:
            enter(handle.case, "run ended", details)
        except MfrecError as error:
            job.message = str(error)

    def _complete(self, handle: Handle, code: int | None) -> bool:
        """Whether a job that has ended left what it was to make; a desk that did not start it knows no code."""
        if code not in (None, 0):
            return False
        if handle.job.kind != "people":
            return child(handle.case.folder, "runs", handle.job.number, RECORD).is_file()
        try:
            parse_json(read_text(handle.file(".out"), 1 << 28))
        except DocumentError:
            return False
        return True

    def _alive(self, handle: Handle) -> bool:
        if handle.process is not None:
            return handle.process.poll() is None
        try:
            lock = os.open(handle.file(".lock"), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(lock)
        return False

    def _press(self, handle: Handle) -> None:
        """Kill what was asked to end and has not."""
        if not handle.job.cancelled:
            return
        if handle.killed_at is None:
            handle.killed_at = time.monotonic() + PATIENCE
            if handle.process is None:
                self._signal(handle, signal.SIGTERM)
        elif time.monotonic() > handle.killed_at:
            handle.killed_at = time.monotonic() + PATIENCE
            self._signal(handle, signal.SIGKILL)

    def _signal(self, handle: Handle, number: int) -> None:
        """Send a signal to a job's processes, which are a session of their own."""
        if handle.job.pid is not None and self._alive(handle):
            with contextlib.suppress(OSError):
                os.killpg(handle.job.pid, number)

    def _tail(self, handle: Handle) -> list[str]:
        try:
            with handle.file(".log").open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL))
                return file.read(TAIL).decode("utf-8", "replace").splitlines()
        except OSError:
            return []


def put_behind(process: int) -> None:
    """Let a process that leads a session work behind this one, so that the page stays quick beside a run."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, process, os.getpriority(os.PRIO_PROCESS, 0) + BEHIND)
    with contextlib.suppress(OSError):
        # Where Linux shares processors among sessions (autogroup), a process is nice to its own session alone.
        Path(f"/proc/{process}/autogroup").write_text(str(BEHIND), encoding="ascii")


def words_of(case: Case, job: Job) -> list[str]:
    """The words of a job, by the choices that it was made of.

    Raises:
        RefusalError: its input is not there, or its choices cannot be.
    """
    source = case.input(job.input).source
    if job.kind == "people":
        return ["people", source, "--json", "--every-frame"]
    words = reconstruct_arguments if job.kind == "reconstruct" else registered_arguments
    return words(source, f"runs/{job.number}", job.wanted, checked_options(job.wanted, case.folder))


def environment() -> dict[str, str]:
    """That of a child process: it finds this mfrec, and tells its progress line by line."""
    package = Path(__file__).resolve().parents[2]
    paths = [str(package), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)), PROGRESS: "lines"}
