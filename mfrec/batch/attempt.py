"""One try of a case on a worker: in a process of its own, within limits.

The worker keeps that process for the next case, because its imports cost more than a small case does. A case that takes
too long or too much memory, or crashes, costs this process and nothing else; the next case gets a new one.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mfrec.batch.case import from_text
from mfrec.batch.child import BROKEN

LOOK = 0.05
"""Seconds between two looks at the memory of a case; what it can take between them is not much on any machine."""

START = 300.0
"""Seconds in which the process has to be ready. Imports from a cold network share are slow."""

SAID = 300
"""Characters of its last words that a reason quotes."""


@dataclass(frozen=True)
class Limits:
    """What one case may take.

    Attributes:
        seconds: of time.
        memory: bytes of main memory.
    """

    seconds: float
    memory: int


@dataclass(frozen=True)
class Outcome:
    """What came of a try.

    Attributes:
        code: 0 done, else the exit code of a single run, or :data:`~mfrec.batch.child.BROKEN`.
        reason: why not 0, or a remark.
        again: whether another try may help.
        seconds: that it took.
        memory: the most bytes that it was seen to have.
        worker: address of the worker.
        began: seconds since 1970.
    """

    code: int
    reason: str
    again: bool
    seconds: float
    memory: int
    worker: str
    began: float


class DiedError(Exception):
    """The process is gone; says how."""


def perform(number: int, command: str, out: str, lock: str, limits: Limits) -> Outcome:
    """Try a case: this is what Dask runs, one call a thread.

    Args:
        number: of the case.
        command: see :func:`mfrec.batch.case.to_text`.
        out: folder of its output, absolute.
        lock: see :func:`mfrec.batch.child.alone`.
        limits: of the case.

    Returns:
        What came of it; nothing that a case does makes this raise.
    """
    began = time.time()
    begun = time.monotonic()
    child = _of_this_thread()
    request = {"number": number, "command": command, "out": out, "lock": lock}
    try:
        answer = child.ask(request, limits)
    except DiedError as error:
        child.close()
        done = os.path.lexists(out) and from_text(command).is_done(Path(out))
        answer = {
            "code": 0 if done else BROKEN,
            "reason": f"{error}, after its output was complete" if done else str(error),
            "again": child.killed_for == "",
            "seconds": time.monotonic() - begun,
        }
    if answer["code"] == BROKEN:
        child.close()  # nobody knows what a defect left behind
    return Outcome(**answer, memory=child.most, worker=_worker(), began=began)


class Child:
    """The process, begun when it is first asked."""

    def __init__(self) -> None:
        self.killed_for = ""
        """The limit for which it was killed last."""
        self.most = 0
        """Bytes that the last case was seen to have."""
        self._process: subprocess.Popen[bytes] | None = None
        self._log: Any = None

    def ask(self, request: dict[str, Any], limits: Limits) -> dict[str, Any]:
        """Let it work on a case and wait for the answer.

        Raises:
            DiedError: it did not answer; the process is dead.
        """
        self.killed_for, self.most = "", 0
        for _ in range(2):
            process = self._running()
            try:
                _pipe(process.stdin).write(json.dumps(request).encode("ascii") + b"\n")
                break
            except OSError:
                self.close()  # it was idle for long and has just ended
        else:
            raise DiedError("its process ends before it takes a case")
        return self._answer(limits.seconds, limits.memory)

    def close(self) -> None:
        """Kill it, if it is there."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (_pipe(process.stdin), _pipe(process.stdout), self._log):
                pipe.close()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the process)
        package = str(Path(__file__).resolve().parents[2])
        path = [package, os.environ.get("PYTHONPATH", "")]
        self._process = subprocess.Popen(
            # -P: nothing is imported from the folder in which the worker happens to stand.
            [sys.executable, "-P", "-m", "mfrec.batch.child", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            bufsize=0,
            # Cases fill the cores; threads of one case would only wait for those of another.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path)), "OMP_NUM_THREADS": "1"},
            # Ctrl-C in the terminal is for the process that hands out cases.
            start_new_session=True,
        )
        try:
            self._answer(START, sys.maxsize)
        except DiedError:
            self.close()
            raise
        return self._process

    def _answer(self, seconds: float, memory: int) -> dict[str, Any]:
        import psutil

        process = self._process
        assert process is not None
        answers, until = _pipe(process.stdout), time.monotonic() + seconds
        watched = psutil.Process(process.pid)
        data = b""
        while not data.endswith(b"\n"):
            if select.select([answers], [], [], LOOK)[0]:
                part = answers.read(1 << 16)
                if not part:
                    raise DiedError(self._last_words(process))
                data += part
                continue
            with contextlib.suppress(psutil.Error):  # it has just died; the pipe tells
                self.most = max(self.most, watched.memory_info().rss)
            if self.most > memory:
                self.killed_for = f"it took {self.most / 2**30:.1f} GiB, and {memory / 2**30:.3g} are the limit"
            elif time.monotonic() > until:
                self.killed_for = f"it took longer than {seconds:g} s, which is the limit"
            if self.killed_for:
                process.kill()
                raise DiedError(self.killed_for)
        return json.loads(data)

    def _last_words(self, process: subprocess.Popen[bytes]) -> str:
        status = process.wait()
        how = f"killed by {signal.Signals(-status).name}" if status < 0 else f"it ended with {status}"
        if status == -signal.SIGKILL:
            how += ", as the system does when memory runs out"
        self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, self._log.tell() - SAID))
        said = " ".join(self._log.read().decode("utf-8", "replace").split())
        return f"its process died: {how}" + (f"; it said: {said}" if said else "")


def close_children() -> None:
    """Kill every process of this worker; what they were at comes back as died."""
    for child in list(_children):
        child.close()


_thread = threading.local()
_children: list[Child] = []


def _of_this_thread() -> Child:
    if not hasattr(_thread, "child"):
        _thread.child = Child()
        _children.append(_thread.child)
    return _thread.child


def _pipe(pipe: Any) -> Any:
    assert pipe is not None
    return pipe


def _worker() -> str:
    from distributed import get_worker

    try:
        return get_worker().address
    except ValueError:
        return "here"  # called directly
