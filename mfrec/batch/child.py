"""The process that works on cases, one after the other: ``python -m mfrec.batch.child``.

A worker of Dask starts it (:mod:`mfrec.batch.attempt`), tells it one case a line on stdin and reads what came of it on
stdout. Importing everything takes longer than a small case, so it stays; whatever a hostile file does to it, it does to
this process alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import select
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from mfrec.batch.case import from_text
from mfrec.errors import InputError, MfrecError, UsageError
from mfrec.runtime.memory import TOO_LITTLE, ran_out

IDLE = 60.0
"""Seconds without a case after which it ends: Dask's workers may live on for days, and it holds half a gigabyte."""

BROKEN = 6
"""Code of a case that did not end by itself: a defect, a limit, a process that died."""

PR_SET_PDEATHSIG = 1
"""Of Linux's ``prctl(2)``: the signal that a process gets when its parent dies."""


def main() -> None:
    """Work until stdin ends."""
    die_with_parent(int(sys.argv[1]))
    requests, answers = os.dup(0), os.dup(1)
    with open(os.devnull, "r+b") as nothing:  # noqa: PTH123 (what libraries print goes nowhere but the log)
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    import mfrec.outputs
    import mfrec.reconstruction  # noqa: F401 (imported now, so that no case is charged with it)

    with os.fdopen(requests, "rb", buffering=0) as lines, os.fdopen(answers, "wb", buffering=0) as out:
        out.write(b"{}\n")
        while select.select([lines], [], [], IDLE)[0]:
            line = lines.readline()
            if not line:
                return
            out.write(json.dumps(worked(json.loads(line))).encode("ascii") + b"\n")


def worked(request: dict[str, Any]) -> dict[str, Any]:
    """Work on a case; what came of it.

    Args:
        request: ``number``, ``command``, ``out`` and ``lock``, see :func:`mfrec.batch.attempt.perform`.

    Returns:
        ``code``, 0 or as the exit code of a single run; ``reason``; ``again``, whether another try may help;
        ``seconds``.
    """
    begun = time.monotonic()
    code, reason, again = 0, "", False
    try:
        command, out = from_text(request["command"]), Path(request["out"])
        with alone(Path(request["lock"]), request["number"]):
            if os.path.lexists(out) and command.is_done(out):
                reason = "its output was there already"
            else:
                command.run(out)
    except MfrecError as error:
        code, reason = error.exit_code, str(error)
    except OSError as error:
        # As the command line takes it, see mfrec.cli.
        named = error.filename is not None
        code, again = (InputError.exit_code, False) if named else (BROKEN, True)
        reason = f"'{error.filename}' cannot be used: {error.strerror}" if named else defect(error)
    except Exception as error:
        code, reason, again = BROKEN, TOO_LITTLE if ran_out(error) else defect(error), True
    return {"code": code, "reason": reason, "again": again, "seconds": time.monotonic() - begun}


def defect(error: Exception) -> str:
    """What is no error of the user, in one line with its place."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"a defect: {type(error).__name__}: {error} ({Path(last.filename).name}, line {last.lineno})"


@contextlib.contextmanager
def alone(lock: Path, number: int) -> Any:
    """Within it, no other process works on this case: one that a dead client left behind is waited for.

    Args:
        lock: a file in the folder of the batch; its byte ``number`` is locked, and nothing written.
        number: of the case.

    Raises:
        UsageError: the file is not there.
    """
    try:
        file = lock.open("r+b")
    except OSError as error:
        raise UsageError(
            f"this worker cannot use '{lock}' ({error.strerror}); the folder of a batch has to be one that all workers "
            "share"
        ) from None
    with file:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.lockf(file, fcntl.LOCK_EX, 1, number)
        yield


def die_with_parent(parent: int) -> None:
    """End at once when the parent dies, whatever this process is busy with; where the system cannot, at the next case.

    Args:
        parent: its number; it may be dead already.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    main()
