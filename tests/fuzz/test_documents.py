"""Spoilt documents end in mfrec's own errors. ``make fuzz`` reads ten thousand and more."""

from __future__ import annotations

from pathlib import Path

from fuzzed_documents import attack


def test_nothing_but_mfrec_s_own_errors(tmp_path: Path) -> None:
    found, wrong = attack(tmp_path, 1500, seed=1)
    assert wrong == []
    assert found.total() == 1500
    # Some are read and some refused of most kinds, else it would say little.
    assert sum(what.endswith("read") for what in found) >= 7
    assert sum(what.endswith("refused") for what in found) >= 8
