"""Time and memory of whole processes: each is charged for itself alone."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from mfrec.cost import CostResult, Setting, film_frames, launch, line

MIB = 2**20


def test_a_process_is_not_charged_for_the_memory_of_its_parent() -> None:
    ballast = np.ones(40 * MIB)  # 320 MiB
    used = launch([sys.executable, "-I", "-S", "-c", "pass"])
    assert ballast[0] == 1
    assert used.code == 0
    assert used.bytes < 60 * MIB


def test_a_process_is_charged_for_its_own_peak_memory_and_time() -> None:
    program = "import time; block = bytearray(150 << 20); del block; time.sleep(0.5)"
    used = launch([sys.executable, "-I", "-S", "-c", program])
    assert 150 * MIB < used.bytes < 200 * MIB
    assert 0.5 < used.seconds < 10
    assert used.cpu < used.seconds


def test_failure_is_told_with_code_and_words() -> None:
    used = launch([sys.executable, "-c", "raise SystemExit('no frames there')"])
    assert used.code == 1
    assert used.said.strip() == "no frames there"


def test_the_line_through_exact_times_is_exact() -> None:
    x = [3e3, 7e3, 15e3, 31e3]
    assert line(x, [2 + 1e-4 * v for v in x]) == pytest.approx((2, 1e-4, 1))
    assert line([5.0], [1.5]) == (1.5, 0.0, 1.0)


def test_growth_that_is_not_linear_shows_in_the_correlation() -> None:
    x = np.linspace(1, 10, 10)
    assert line(x.tolist(), (x**4).tolist())[2] < 0.95


def test_table_has_a_row_a_setting() -> None:
    settings = (Setting(3, 32, 1.5, 1.4, 300 * MIB), Setting(7, 32, 2.0, 1.9, 310 * MIB))
    fixed, slope, correlation = line([s.pixels for s in settings], [s.seconds for s in settings])
    text = CostResult("evidence", settings, fixed, slope, correlation).table()
    assert [row.split() for row in text.splitlines()[3:5]] == [
        ["3", "32", "px", "1.50", "1.40", "1.50", "300"],
        ["7", "32", "px", "2.00", "1.90", "2.00", "310"],
    ]


def test_filmed_frames_have_the_size_that_was_asked_for(tmp_path: Path) -> None:
    from PIL import Image

    film_frames(tmp_path, 3, (16, 24), seed=1)
    found = {(path.parent.name, path.name): Image.open(path).size for path in tmp_path.rglob("*.jpg")}
    assert found == {(str(size), f"{i}.jpg"): (size, size) for size in (16, 24) for i in range(3)}
