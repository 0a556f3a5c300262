"""Two names of one file system exchanged in one step, and a name that is taken only if it is free.

At every instant each name stands for what it stood for before or after, never for nothing: Linux has it as
``renameat2(2)`` with ``RENAME_EXCHANGE``, macOS as ``renamex_np`` with ``RENAME_SWAP``. Not every file system can.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path

NO_REPLACE, EXCHANGE = 1, 2
"""Flags of ``renameat2``."""

EXCLUSIVE, SWAP = 4, 2
"""The same two of ``renamex_np``."""

HERE = -100
"""``AT_FDCWD``: relative names start in the working folder."""

UNKNOWN = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP})
"""What a system or a file system says that does not know the call."""


def exchange(first: Path, second: Path) -> bool:
    """Let two existing names change places.

    Returns:
        Whether it was done; False where system or file system cannot, and then nothing was.

    Raises:
        OSError: it can, and refused.
    """
    return _rename(first, second, EXCHANGE, SWAP)


def rename_to_free(source: Path, target: Path) -> None:
    """Give a file or folder a name that nothing has.

    Raises:
        FileExistsError: something has it.
        OSError: another reason.
    """
    if _rename(source, target, NO_REPLACE, EXCLUSIVE):
        return
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    source.rename(target)


def _rename(source: Path, target: Path, linux: int, macos: int) -> bool:
    system = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(source), os.fsencode(target)
    if sys.platform == "darwin":
        call = getattr(system, "renamex_np", None)
        arguments = (*names, ctypes.c_uint(macos))
    else:
        call = getattr(system, "renameat2", None)
        arguments = (HERE, names[0], HERE, names[1], ctypes.c_uint(linux))
    if call is None:
        return False
    if call(*arguments) == 0:
        return True
    number = ctypes.get_errno()
    if number in UNKNOWN:
        return False
    raise OSError(number, os.strerror(number), str(source), None, str(target))
