"""What small faces still tell of a person: drawn from the names alone, and ranked against everybody."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mfrec.bench.tables import likeness
from mfrec.bench.tables.likeness import Coded, Seen, alike_table, draw_coded, likeness_table
from mfrec.imageio.sequences import TruthSequence
from mfrec.pipeline import silent


def seen(person: str, number: int, apart: float) -> Seen:
    """A sequence whose frames lie near its person's own place."""
    rng = np.random.default_rng(number)
    place = np.zeros(128)
    place[int(person)] = 0.6
    small = {side: place + rng.normal(0, apart / np.sqrt(128), (7, 128)) for side in likeness.SIDES}
    return Seen(TruthSequence(f"seq_{number}", Path("none"), person), 0.25, place, small)


def test_qualities_are_drawn_from_the_name_alone() -> None:
    sequence = TruthSequence("seq_1", Path("anywhere"), "a")
    drawn = draw_coded(sequence, 32, 7, 0)
    assert drawn == draw_coded(sequence, 32, 7, 0) == Coded.from_json(drawn.to_json())
    assert drawn != draw_coded(sequence, 32, 7, 1)
    assert all(30 <= quality <= 90 for quality in drawn.quality)


def test_people_who_lie_apart_are_told_apart(monkeypatch) -> None:
    def all_seen(apart: float):
        people = [seen(person, 2 * i + j, apart) for i, person in enumerate("0123") for j in (0, 1)]
        return lambda *_, **__: (people, "four people")

    monkeypatch.setattr(likeness, "seen_of", all_seen(0.1))
    table = likeness_table(None, "all", 0, None, silent)
    assert all(row.values["nearest %"] == 100 for row in table.rows)
    found = alike_table(None, "all", 0, None, silent).rows[0].values
    assert found["left out %"] == found["or warned %"] == 100
    assert found["false alarms %"] == found["false warnings %"] == 0
    monkeypatch.setattr(likeness, "seen_of", all_seen(3.0))
    table = likeness_table(None, "all", 0, None, silent)
    assert min(row.values["nearest %"] for row in table.rows) < 90
