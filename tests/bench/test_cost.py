"""Time and memory of whole processes: each is charged for itself alone."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from mfrec.bench.cost import FRAMES, SIZES, CostResult, Setting, cost, film_frames, growth, launch
from mfrec.errors import MfrecError, UsageError

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


def exact(frames: int, size: int, power: float = 1.0) -> Setting:
    """A setting whose CPU seconds are 1.5 + 0.1 a frame + 2e-5 a pixel, raised to ``power``."""
    work = 1.5 + 0.1 * frames + 2e-5 * frames * size**2
    return Setting(frames, size, 2 * work, work**power, 100 * MIB)


def test_linear_growth_is_found_exactly() -> None:
    found = growth([exact(frames, size) for frames in FRAMES for size in SIZES])
    assert (found.fixed, found.frame, found.pixel) == pytest.approx((1.5, 0.1, 2e-5))
    assert found.explained == pytest.approx(1.0)
    assert found.at(exact(100, 256)) == pytest.approx(exact(100, 256).cpu)


def test_growth_that_is_not_linear_is_not_explained() -> None:
    settings = [exact(frames, size, power=3) for frames in FRAMES for size in SIZES]
    assert growth(settings).explained < 0.95


def test_one_setting_is_met_exactly() -> None:
    only = exact(7, 32)
    assert growth([only]).at(only) == pytest.approx(only.cpu)
    assert growth([only]).explained == 1.0


def test_table_has_a_row_a_setting() -> None:
    settings = tuple(exact(frames, 32) for frames in FRAMES)
    text = CostResult("evidence", settings, growth(settings)).table()
    assert text.splitlines()[3].split() == ["3", "32", "px", "3.72", "1.86", "1.86", "100"]
    assert len(text.splitlines()) == 3 + len(FRAMES) + 2
    assert "R squared 1.0000" in text


def test_filmed_frames_have_the_size_that_was_asked_for(tmp_path: Path) -> None:
    from PIL import Image

    film_frames(tmp_path, 3, (16, 24), seed=1)
    found = {(path.parent.name, path.name): Image.open(path).size for path in tmp_path.rglob("*.jpg")}
    assert found == {(str(size), f"{i}.jpg"): (size, size) for size in (16, 24) for i in range(3)}


def test_whole_runs_are_measured_one_by_one() -> None:
    shown: list[tuple[str, int, int]] = []
    result = cost((2, 3), (32,), progress=lambda *now: shown.append(now))
    assert [(s.frames, s.size) for s in result.settings] == [(2, 32), (3, 32)]
    assert all(0.2 < s.seconds < 60 and 50 * MIB < s.bytes < 1024 * MIB for s in result.settings)
    assert shown == [("cost", 0, 2), ("cost", 1, 2), ("cost", 2, 2)]


def test_a_run_that_fails_is_told_with_its_words() -> None:
    with pytest.raises(MfrecError, match=r"2 frames of 32 px ended with code 2: .*no recipe 'evidense'"):
        cost((2,), (32,), recipe="evidense")


def test_nothing_to_measure_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot measure"):
        cost((), (32,))
    with pytest.raises(UsageError, match="cannot measure"):
        cost((0, 3), (32,))
