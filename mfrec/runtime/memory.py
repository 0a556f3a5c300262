"""Memory that was freed, given back to the system."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable


@functools.cache
def _trim() -> Callable[[int], int] | None:
    """``malloc_trim`` of the C library; None where it has none, as on Windows and macOS."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None


def give_back() -> None:
    """Let the C library return what was freed to the system, where it can.

    glibc keeps the room of freed arrays below one that is still in use, and in an arena of each thread; what one stage
    has freed then counts beside what the next one takes.
    """
    trim = _trim()
    if trim is not None:
        trim(0)
