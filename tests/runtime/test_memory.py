"""What is freed between stages is no longer the process's."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from mfrec.runtime.memory import give_back


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


def test_it_may_always_be_asked() -> None:
    give_back()
    give_back()
