"""Enlarged film: every frame is measured against its own truth, and the rows are what the command makes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mfrec.bench.run import truth_frames
from mfrec.bench.scores import BASELINE
from mfrec.bench.tables import films, tables
from mfrec.imageio.sequences import find_sequences
from mfrec.types import Frame
from mfrec.upscale.asked import Asked


def test_rows_of_a_filmed_portrait(filmed_sequences: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for asked in films.ASKED.values():
        assert asked.scale in (films.SCALE, None)
    few = {BASELINE: films.ASKED[BASELINE], "steadied": Asked(scale=4, steady=1)}
    monkeypatch.setattr(films, "ASKED", few)
    (table,) = tables(["films"], filmed_sequences, limit=1)
    plain, steady = table.rows
    assert [plain.label, steady.label] == list(few) and plain.count == steady.count == 1
    assert plain.values["psnr_gain"] == 0
    assert steady.values["psnr_gain"] == pytest.approx(steady.values["psnr"] - plain.values["psnr"])
    # The source, enlarged by bicubic interpolation, is what flicker is counted in.
    assert plain.values["flicker"] == pytest.approx(1, abs=0.05) and plain.values["detail"] == pytest.approx(
        1, abs=0.05
    )
    assert steady.values["flicker"] < 0.9 * plain.values["flicker"]


def test_each_frame_is_measured_against_its_own_truth(filmed_sequences: Path) -> None:
    truths = truth_frames(find_sequences(filmed_sequences)[0])
    frames = [Frame(np.ascontiguousarray(truth[::4, ::4]), i, f"{i}") for i, truth in enumerate(truths)]
    right, _ = films.measured(frames, truths, truths)
    shifted, _ = films.measured(frames, [*truths[1:], truths[0]], truths)
    assert right["psnr"] == np.inf and right["perceptual"] == pytest.approx(0, abs=1e-6)
    assert shifted["psnr"] < 40
