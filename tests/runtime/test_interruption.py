"""Signals end a run wherever they arrive, with one exception and no traceback of Python's own."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mfrec.runtime.interruption import Interrupted, Terminated, interruptible

ROOT = Path(__file__).resolve().parents[2]

EXCEPTIONS = [(signal.SIGINT, Interrupted), (signal.SIGTERM, Terminated)]


@pytest.mark.parametrize(("number", "exception"), EXCEPTIONS)
def test_a_signal_is_an_exception_inside_and_what_it_was_outside(
    number: signal.Signals, exception: type[BaseException]
) -> None:
    before = signal.getsignal(number), sys.unraisablehook
    with pytest.raises(exception), interruptible():
        signal.raise_signal(number)
    assert (signal.getsignal(number), sys.unraisablehook) == before


IN_A_CALLBACK = """
import signal, sys, time, weakref
from mfrec.runtime.interruption import Interrupted, Terminated, interruptible

class Thing: pass

try:
    with interruptible():
        thing = Thing()
        held = weakref.ref(thing, lambda _: signal.raise_signal(int(sys.argv[1])))
        del thing
        time.sleep(300)
except (Interrupted, Terminated) as stop:
    print(type(stop).__name__)
"""


@pytest.mark.parametrize(("number", "exception"), EXCEPTIONS)
def test_a_signal_in_a_callback_is_not_lost(number: signal.Signals, exception: type[BaseException]) -> None:
    command = [sys.executable, "-c", IN_A_CALLBACK, str(int(number))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    assert (done.stdout.strip(), done.stderr) == (exception.__name__, "")


def test_other_exceptions_in_callbacks_are_printed_as_ever() -> None:
    class Careless:
        def __del__(self) -> None:
            raise RuntimeError("careless")

    seen: list[object] = []
    before = sys.unraisablehook
    sys.unraisablehook = lambda ignored: seen.append(ignored.exc_value)
    try:
        with interruptible():
            thing = Careless()
            del thing
    finally:
        sys.unraisablehook = before
    assert [str(value) for value in seen] == ["careless"]


def test_only_the_main_thread_takes_signals() -> None:
    raised: list[BaseException] = []

    def enter() -> None:
        try:
            with interruptible():
                pass
        except ValueError as error:
            raised.append(error)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert len(raised) == 1
