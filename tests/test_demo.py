"""The demonstration holds what it promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from mfrec.demo import demonstrate, table
from mfrec.errors import UsageError


def test_demo_gains_a_decibel(tmp_path: Path) -> None:
    shown = demonstrate(tmp_path / "demo")
    reference, evidence, restored = shown.rows
    assert evidence.psnr >= reference.psnr + 1.0
    assert evidence.ssim > reference.ssim
    assert restored.psnr >= evidence.psnr + 0.2
    assert restored.ssim > evidence.ssim
    assert {"clip.mp4", "truth.png", "comparison.png", "result", "mfrec-files.json"} == {
        path.name for path in (tmp_path / "demo").iterdir()
    }
    assert shown.report.is_file()
    assert f"{evidence.psnr:.2f}" in table(shown.rows)
    # A second one replaces the first.
    assert demonstrate(tmp_path / "demo", frames=3, size=32).report == shown.report


def test_demo_into_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(UsageError, match="cannot write"):
        demonstrate(tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "mine"
