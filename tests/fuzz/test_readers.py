"""Spoilt files end in mfrec's own errors. ``make fuzz`` reads a hundred thousand and more."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from fuzzed import PARTS, attack, in_memory, readers_of

COUNTS = {"documents": 1500, "custody": 200, "media": 500, "training": 200}


@pytest.mark.parametrize("part", PARTS)
def test_nothing_but_mfrec_s_own_errors(part: str) -> None:
    with tempfile.TemporaryDirectory(prefix="mfrec-test-", dir=in_memory()) as scratch:
        kinds = readers_of(part, Path(scratch) / part)
        found, wrong = attack(kinds, Path(scratch), COUNTS[part], seed=1)
    assert wrong == []
    assert found.total() == COUNTS[part]
    # Some are read and some refused of many kinds, else it would say little.
    assert sum(what.endswith("read") for what in found) >= len(kinds) / 3
    assert sum(what.endswith("refused") for what in found) >= len(kinds) / 3
