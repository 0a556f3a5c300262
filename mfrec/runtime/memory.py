"""Memory that was freed, given back to the system."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable

M_ARENA_MAX = -8
"""Of glibc's ``mallopt(3)``: how many arenas there may be."""


@functools.cache
def _of_glibc(name: str) -> Callable[..., int] | None:
    """A function of the C library; None where it has none of that name, as on Windows and macOS."""
    try:
        return getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):
        return None


@functools.cache
def one_arena() -> None:
    """Let threads that begin from now on take their memory from where the first one does.

    glibc gives each its own arena otherwise, and keeps the free end of one (40 MB each after a run of seven small
    frames) even where it is asked to give everything back. Large arrays lie in no arena, so nobody waits for another.
    It counts if it is said before the first thread of the process takes any memory.
    """
    option = _of_glibc("mallopt")
    if option is not None:
        option(M_ARENA_MAX, 1)


def give_back() -> None:
    """Let the C library return what was freed to the system, where it can.

    glibc keeps the room of freed arrays below one that is still in use; what one stage has freed then counts beside
    what the next one takes.
    """
    trim = _of_glibc("malloc_trim")
    if trim is not None:
        trim(0)
