"""A killed run costs nobody anything. ``make faults`` kills three hundred."""

from __future__ import annotations

from pathlib import Path

import pytest
from killed_runs import kill_many


@pytest.mark.slow
def test_the_name_always_shows_a_whole_output(tmp_path: Path) -> None:
    found = kill_many(tmp_path, anywhere=3, publishing=4, seed=1)
    assert found.keys() <= {"old", "new"}
    assert found.total() == 7
