"""Ctrl-C and SIGTERM as exceptions that always arrive.

Python raises what a signal handler raises wherever the program happens to be. Inside a finaliser or the callback of a
weak reference (the import system has one) an exception has nowhere to go: Python prints it as ignored, and the run goes
on.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn


class Interrupted(KeyboardInterrupt):
    """Ctrl-C. CPython remembers where a plain KeyboardInterrupt came up and may end by the signal, not by the code."""

    number = signal.SIGINT


class Terminated(SystemExit):
    """The system, or another program, asked this one to end."""

    number = signal.SIGTERM


def _raised(number: int) -> NoReturn:
    if number == Interrupted.number:
        raise Interrupted
    raise Terminated(128 + number)


LATER = 0.01
"""Seconds after which a signal whose exception was swallowed is raised again; by then its callback has returned."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Within it, SIGINT raises ``Interrupted`` and SIGTERM ``Terminated`` in the main thread, which must call it.

    One that Python would ignore is raised again a moment later, without the traceback that Python prints for it.

    Raises:
        ValueError: called outside the main thread.
    """
    print_ignored = sys.unraisablehook
    hooks = 0

    def once_more(number: int) -> None:
        time.sleep(LATER)
        # To the main thread itself, so that it wakes if it waits for something.
        signal.pthread_kill(threading.main_thread().ident, number)  # pyright: ignore[reportArgumentType]

    def take(number: int, _frame: FrameType | None) -> None:
        if not hooks:
            _raised(number)
        _thread.start_new_thread(once_more, (number,))  # the hook below would swallow it

    def raise_again(ignored: sys.UnraisableHookArgs) -> None:
        nonlocal hooks
        hooks += 1
        try:
            if isinstance(ignored.exc_value, Interrupted | Terminated):
                # threading.Thread would wait here until it runs, on a busy machine for longer than the signal takes.
                _thread.start_new_thread(once_more, (ignored.exc_value.number,))
            else:
                print_ignored(ignored)
        finally:
            hooks -= 1

    previous = {number: signal.signal(number, take) for number in (Interrupted.number, Terminated.number)}
    sys.unraisablehook = raise_again
    try:
        yield
    finally:
        sys.unraisablehook = print_ignored
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def asked_to_stop(say: Callable[[str], None]) -> Iterator[list[int]]:
    """A list that gets the number of the first signal to end; the second one does what it did before. ``say`` tells so.

    Raises:
        ValueError: called outside the main thread.
    """
    asked: list[int] = []
    owner = os.getpid()

    def take(number: int, frame: FrameType | None) -> None:
        if os.getpid() != owner:
            return  # a process that makes samples, which ends with this one
        if asked:
            previous[number](number, frame)
        asked.append(number)
        say("ending after this step; once more ends at once")

    previous: dict[int, Any] = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in previous:
        signal.signal(number, take)
    try:
        yield asked
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back Ctrl-C and a request to terminate until the block is done. Only the main thread gets them anyway."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    previous = {
        number: signal.signal(number, lambda n, _: held.append(n)) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        if held:
            signal.raise_signal(held[0])
