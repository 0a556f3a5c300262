"""How far faces turn: the longest rise of a curve, and what is said of a generator."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_generator import tiny_generator

from mfrec.generative.turns import measured, rising


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 1, 2, 3], (0, 3)),
        ([3, 2, 1], (0, 0)),
        ([0, 5, 4, 5, 6, 12, 11], (2, 5)),
        ([0, 9, 9, 10], (0, 1)),
        ([1], (0, 0)),
    ],
)
def test_the_largest_rise_without_a_step_back(values: list[float], expected: tuple[int, int]) -> None:
    assert rising(values) == expected
    assert rising(np.array(values)) == expected


def test_what_is_said_of_a_generator() -> None:
    found = measured(tiny_generator(), np.eye(8, dtype=np.float32)[0], 2, 1)
    assert found["turn_faces"] == 2
    assert 0 <= found["turn_least"] <= found["turn_degrees"] < 180
    assert 0 <= found["turn_wanted"] <= 1 and found["turn_identity"] >= 0
    assert found == measured(tiny_generator(), np.eye(8, dtype=np.float32)[0], 2, 1)
