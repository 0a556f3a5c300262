"""Commands in processes of their own that need not import anything.

Importing takes longer than what a test does with such a process. Here Python's fork server imports everything once, and
every command is a fork of it; nothing has run in it, and from there on the fork behaves as a command from a shell.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["cv2", "dlib", "skimage.data", "torch", "mfrec.cli", "mfrec.train.learner"])


class Forked:
    """A command of its own process.

    Args:
        main: takes its words from ``sys.argv``; of a module that can be imported, not of a test.
        words: after the name of the program.
        folder: where what it prints is written, ``stdout`` and ``stderr``.
    """

    def __init__(self, main: Callable[[], object], words: Sequence[object], folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._stdout, self._stderr = folder / "stdout", folder / "stderr"
        printed = tuple(str(path) for path in (self._stdout, self._stderr))
        self.process: ForkServerProcess = SERVER.Process(
            target=_called, args=(main, ["mfrec", *map(str, words)], printed, dict(os.environ))
        )
        self.process.start()

    @property
    def printed(self) -> str:
        """What it has written to stdout so far."""
        return self._stdout.read_text() if self._stdout.exists() else ""

    @property
    def said(self) -> str:
        """What it has written to stderr so far."""
        return self._stderr.read_text() if self._stderr.exists() else ""

    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.process.is_alive()

    def send_signal(self, number: int) -> None:
        """Send a signal, if it is still running."""
        if self.process.is_alive() and self.process.pid is not None:
            os.kill(self.process.pid, number)

    def wait(self, seconds: float) -> int:
        """Its exit code, minus the signal that killed it; killed, and a ``TimeoutError``, if it takes longer."""
        self.process.join(seconds)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
            raise TimeoutError(f"it ran for more than {seconds:.0f} s and said: {self.said}")
        return self.process.exitcode


def _called(main: Callable[[], object], argv: list[str], printed: Sequence[str], environment: dict[str, str]) -> None:
    """What the fork does."""
    for number, path in zip((1, 2), printed, strict=True):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = argv
    main()
