"""The folder of a training: made where it is missing, and one process works in it at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from mfrec.errors import UsageError


def make_folder(folder: Path) -> None:
    """Make a folder where it is missing.

    Raises:
        UsageError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder '{folder}': {error.strerror}; choose another with -o") from None


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Within it no other process trains into this folder: their checkpoints would take turns under one name.

    Args:
        folder: made where it is missing. It is locked itself, so that no file is left behind.

    Raises:
        UsageError: another one does, its name is no UTF-8, or see :func:`make_folder`.
    """
    try:
        os.fspath(folder).encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError(
            f"the name of the folder {os.fspath(folder)!r} is no UTF-8, and TensorBoard writes into no other; choose "
            "another with -o"
        ) from None
    new = not folder.exists()
    make_folder(folder)
    lock = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise UsageError(
            f"another training works in '{folder}'; wait for it, or choose another folder with -o"
        ) from None
    except OSError:
        pass  # a file system without locks
    try:
        yield
    finally:
        os.close(lock)
        if new:
            with contextlib.suppress(OSError):  # something is in it now
                folder.rmdir()
