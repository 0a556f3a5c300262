"""What is freed between stages is no longer the process's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mfrec.cli import app
from mfrec.errors import InputError, UsageError
from mfrec.runtime.memory import TOO_LITTLE, check_limit, give_back, ran_out


def resident() -> int:
    """Bytes of this process that lie in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc alone can be asked, and /proc tells")
def test_room_below_what_is_in_use_is_given_back() -> None:
    # Small enough for the heap, with something that stays above them.
    arrays = [np.ones(8_000) for _ in range(1_000)]
    stays = np.ones(8_000)
    del arrays
    before = resident()
    give_back()
    assert before - resident() > 30_000_000
    assert stays.sum() == 8_000


AFTER_A_THREAD = """
import sys, threading
import numpy as np
from mfrec.runtime.memory import give_back
from mfrec.runtime.threads import side_by_side
from test_memory import resident
np.ones(3_500_000)  # once so much was freed, glibc keeps as much and twice that at the end of each arena
def work(_):
    arrays = [np.ones(8_000) for _ in range(600)]
before = resident()
if sys.argv[1] == "ours":
    list(side_by_side(work, range(2)))
else:
    thread = threading.Thread(target=work, args=[0])
    thread.start()
    thread.join()
give_back()
print(resident() - before)
"""


def kept(whose: str, program: str = AFTER_A_THREAD) -> int:
    paths = os.pathsep.join((str(Path(__file__).parent), *sys.path))
    command = [sys.executable, "-c", program, whose]
    run = subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, check=True)
    return int(run.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc alone can be asked, and /proc tells")
def test_what_our_threads_have_freed_is_given_back_too() -> None:
    """In a fresh process: how many arenas there may be is settled when its first thread takes memory."""
    assert kept("ours") < 5_000_000 < kept("another's")


BELOW_WHAT_STAYS = """
import os, sys
import numpy as np
from mfrec.runtime.memory import large_apart
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
if sys.argv[1] == "apart":
    large_apart()
np.ones(3_500_000)  # glibc then takes arrays up to that size from its heap
before = resident()
pairs = [(np.ones(1_500_000), bytearray(100_000)) for _ in range(10)]
stays = [small for _, small in pairs]
del pairs
print(resident() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc alone can be asked, and /proc tells")
def test_large_arrays_are_given_back_at_once_whatever_lies_beside_them() -> None:
    assert kept("apart", BELOW_WHAT_STAYS) < 5_000_000
    assert kept("usual", BELOW_WHAT_STAYS) > 30_000_000


def test_it_may_always_be_asked() -> None:
    give_back()
    give_back()


def test_too_little_memory_is_told_from_defects() -> None:
    import cv2
    import torch

    large = 1 << 46
    for ask in (
        lambda: bytearray(large),
        lambda: np.ones(large),
        lambda: torch.ones(large),
        lambda: cv2.copyMakeBorder(np.ones((9, 9)), 0, 1 << 29, 0, 1 << 16, cv2.BORDER_CONSTANT),
    ):
        with pytest.raises(Exception) as said:
            ask()
        assert ran_out(said.value), said.value
    assert not ran_out(RuntimeError("another")) and not ran_out(ValueError("memory"))


def test_it_is_said_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("mfrec.outputs.reconstruct_into", full)
    with pytest.raises(SystemExit) as end:
        app(["reconstruct", str(tmp_path), "-o", str(tmp_path / "out")])
    assert (end.value.code, capsys.readouterr().err) == (InputError.exit_code, f"mfrec: error: {TOO_LITTLE}\n")


def test_a_limit_below_what_networks_need(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    check_limit()
    monkeypatch.setattr(resource, "getrlimit", lambda _: (200 << 20, resource.RLIM_INFINITY))
    with pytest.raises(UsageError, match=r"may have 200 MiB of memory, and networks need 512 .*ulimit -d"):
        check_limit()
