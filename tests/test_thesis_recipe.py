"""The thesis's chain from frames to a picture: what it gains, and that every pixel says which frame gave it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mfrec.bench.run import prepare
from mfrec.imageio.sequences import find_sequences
from mfrec.metrics.psnr import psnr
from mfrec.reconstruction import reconstruct


@pytest.mark.slow
def test_the_chain_runs_from_frames_to_a_picture(filmed_sequences: Path, tmp_path: Path) -> None:
    case = prepare(find_sequences(filmed_sequences, "all")[0], "patch32", 0, tmp_path)
    result = reconstruct(
        case.source, recipe="thesis", reference=case.spoilt.reference, scale=4, crop="frame", device="cpu"
    )
    truth = case.spoilt.truth
    assert result.stamp == "RESTORED"
    assert psnr(result.image, truth) > psnr(case.picture("bicubic")[0], truth) + 1.5
    assert [step["stage"] for step in result.record["steps"]] == [
        "track", "align", "parse", "repose", "assess", "clean", "cross", "finetune",
    ]  # fmt: skip
    fused = result.track.fused
    assert fused is not None and fused.method == "cross-over, soft, finetuned"
    np.testing.assert_allclose(fused.weight.sum(axis=0), 1, atol=1e-5)
    most = fused.weight.max(axis=(1, 2))
    assert most[case.spoilt.reference] > 0.9 and (most > 0.9).sum() > 1, (
        "another frame gives what is blurred in the reference"
    )
