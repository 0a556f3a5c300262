"""The examples run as they stand, in a folder of their own, and each stays small."""

from __future__ import annotations

import contextlib
import io
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

SAYS = {
    "01_reconstruct": "report.html",
    "02_evidence_only": "% of the picture",
    "03_one_stage": "residual",
    "04_own_pipeline": "fuse: ",
    "05_provenance": "the pixel in the middle",
    "06_against_the_truth": "restore",
    "07_own_recipe": "did you mean 'evidence'",
}
"""Example to what it prints when it has come to its point."""


def test_they_are_numbered_without_a_gap_and_all_named_here() -> None:
    assert [int(path.stem[:2]) for path in EXAMPLES] == list(range(1, len(EXAMPLES) + 1))
    assert {path.stem for path in EXAMPLES} == set(SAYS)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_it_is_short_says_what_it_shows_and_stands_in_the_site(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 40
    assert text.startswith('"""') and text.splitlines()[0].endswith('."""')
    assert f"../examples/{path.name}" in (ROOT / "docs" / "examples.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_it_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        names = runpy.run_path(str(path), run_name="__main__")
    assert SAYS[path.stem] in printed.getvalue()
    if path.stem == "06_against_the_truth":
        psnr, truth, result = names["psnr"], names["truth"], names["result"]
        assert psnr(result.image, truth) > psnr(result.evidence, truth) > psnr(result.reference, truth)
