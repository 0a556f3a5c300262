"""The contact sheet: pictures at whole factors, and no more rows than fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mfrec.evaluation.contact_sheet import GAP, MOST_ROWS, SIDE, contact_sheet, enlarged
from mfrec.evaluation.evaluate import evaluate
from mfrec.imageio import png_bytes


def test_pixels_are_shown_as_they_are(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pictures = {name: rng.integers(0, 256, (64, 96, 3), np.uint8) for name in ("truth", "a", "b")}
    for name, picture in pictures.items():
        (tmp_path / f"{name}.png").write_bytes(png_bytes(picture))
    result = evaluate([tmp_path / "a.png", tmp_path / "b.png"], tmp_path / "truth.png", metrics=("psnr",))
    sheet = contact_sheet(result)
    assert SIDE == 3 * 64
    for column, name in enumerate(("truth", "a", "b")):
        x = GAP + column * (3 * 96 + GAP)
        assert np.array_equal(sheet[GAP : GAP + 192 : 3, x : x + 288 : 3], pictures[name])
        assert sheet[GAP + 192 :, x : x + 288].min() < 100, "a caption"


def test_many_truths_are_thinned_out_evenly(tmp_path: Path) -> None:
    for folder in ("truth", "result"):
        (tmp_path / folder).mkdir()
    for i in range(2 * MOST_ROWS):
        for folder in ("truth", "result"):
            picture = np.full((192, 192, 3), 10 * i, np.uint8)
            (tmp_path / folder / f"{i}.png").write_bytes(png_bytes(picture))
    sheet = contact_sheet(evaluate([tmp_path / "result"], tmp_path / "truth", metrics=("psnr",)))
    middles = sheet[:, GAP + 150]
    shown = [v for v in np.unique(middles[:, 0]) if v % 20 == 0 and np.count_nonzero(middles[:, 0] == v) >= 192]
    assert shown == list(range(0, 240, 20))


def test_enlarging_repeats_pixels() -> None:
    assert enlarged(np.zeros((32, 40, 3), np.uint8)).shape == (192, 240, 3)
    assert enlarged(np.zeros((500, 193, 3), np.uint8)).shape == (500, 193, 3)
