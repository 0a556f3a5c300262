"""Memory: what was freed, given back to the system; and too little of it, told from other errors."""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Callable

from mfrec.errors import UsageError

LEAST = 512
"""MiB that a process with networks has to have. Below it PyTorch ends the process while it is imported."""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""Of glibc's ``mallopt(3)``: from how much free room on the end of the heap is given back, from what size on an array
has pages of its own, and how many arenas there may be."""

OWN_PAGES = 10 << 20
"""Bytes from which on an array has pages of its own, which go back to the system with it. By itself glibc raises this
to 32 MB, and what is freed between arrays that stay was up to half of a run's memory. With 4 MB, seven frames of 256 px
take 2 % less of it, and 8 in place of 3 seconds of the system's time for pages that are taken afresh. NumPy asks for
large pages from 4 MB on, which makes taking them cheap; OpenCV does not."""


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

    glibc gives each an arena of its own otherwise, and keeps the free end of one (40 MB each after a run of seven small
    frames) even where it is asked to give everything back. It counts if it is said before the first thread of the
    process takes any memory; and for PyTorch, which then asks for large pages as NumPy does, before its first tensor.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    option = _of_glibc("mallopt")
    if option is not None:
        option(M_ARENA_MAX, 1)


@functools.cache
def large_apart() -> None:
    """Let large arrays have pages of their own from now on: see :data:`OWN_PAGES`.

    To be said after the frames are read: each of a Full HD film would take 25 MB afresh, 12 ms of the system's time.
    """
    option = _of_glibc("mallopt")
    if option is not None:
        option(M_MMAP_THRESHOLD, OWN_PAGES)
        option(M_TRIM_THRESHOLD, 8 * OWN_PAGES)  # which glibc ties to the other one, as long as nobody names either


def give_back() -> None:
    """Let the C library return what was freed to the system, where it can.

    glibc keeps the room of freed arrays below one that is still in use; what one stage has freed then counts beside
    what the next one takes.
    """
    trim = _of_glibc("malloc_trim")
    if trim is not None:
        trim(0)


def check_limit() -> None:
    """See that this process may have :data:`LEAST`.

    Raises:
        UsageError: it may not.
    """
    try:
        import resource
    except ModuleNotFoundError:
        return  # Windows has no such limits
    for option, limit in (("d", resource.RLIMIT_DATA), ("v", resource.RLIMIT_AS)):
        most, _ = resource.getrlimit(limit)
        if most != resource.RLIM_INFINITY and most >> 20 < LEAST:
            raise UsageError(
                f"this process may have {most >> 20} MiB of memory, and networks need {LEAST} or more; raise its limit "
                f"(ulimit -{option})"
            )


def ran_out(error: BaseException) -> bool:
    """Whether an error says that there is not enough memory: Python's own and NumPy's, PyTorch's or OpenCV's."""
    kind, text = type(error), str(error)
    if isinstance(error, MemoryError):
        return True
    if kind.__module__.startswith("torch") and kind.__name__ == "OutOfMemoryError":
        return True
    return "can't allocate memory" in text or (kind.__module__ == "cv2" and "Insufficient memory" in text)


TOO_LITTLE = (
    "there is not enough memory for this; close other programs, choose fewer or smaller frames, or raise limits"
)
"""What is said then."""
