"""Plots of networks of single pictures: ends are the networks themselves, rounds are those of the checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from mfrec.bench.plots import plot
from mfrec.bench.single_picture_plots import ALPHAS, ENDS
from mfrec.bench.tables.judged_eyes import SETS
from mfrec.cards.load import card_path, read_card
from mfrec.cli import app
from mfrec.errors import UsageError
from mfrec.train.checkpoint import Checkpoint, save_checkpoint


def test_eyes_of_three_sets_in_cumulative_curves(few_learnt_eyes: None) -> None:
    made = plot("eyes", [], limit=2)
    assert [panel.title.split(",")[:2] for panel in made.panels] == [
        [metric, f" {name}"] for metric in ("Contours of iris and pupil", "Gaze") for name in SETS
    ]
    for panel in made.panels:
        shown = [label.split(", mean")[0] for label in panel.series]
        assert shown == ["originals", "x2 bicubic", "x4 bicubic", "srgan_eyes, adversarial", "srresnet_eyes"]
        for points in panel.series.values():
            assert points[0][1] == 0
            assert len(points) == 101
    assert set(made.cards) == {"srresnet_eyes", "srgan_eyes", "gaze_users"}


def test_between_two_networks_fidelity_falls_and_its_ends_are_theirs() -> None:
    made = plot("interpolation", [])
    fidelity = made.panels[0]
    label = f"{ENDS[0]} to {ENDS[1]}"
    assert fidelity.title == "Fidelity"
    assert [x for x, _ in fidelity.series[label]] == list(ALPHAS)
    points = dict(fidelity.series[label])
    assert points[0.0] > points[1.0] > dict(fidelity.series["bicubic"])[0.0]
    assert dict(fidelity.series["bicubic"])[0.0] == dict(fidelity.series["bicubic"])[1.0]


def test_the_rounds_of_a_training(tmp_path: Path) -> None:
    rows = [
        {"step": step, "loss": 1 / step, "validation_loss": 2 / step, "psnr": quality}
        for step, quality in ((10.0, 20.0), (20.0, 21.0))
    ]

    def put(history: list[dict[str, float]]) -> None:
        save_checkpoint(Checkpoint("x", 20, 40, 10, 5.0, {}, {}, {}, history), tmp_path)

    put(rows)
    loss, fidelity = plot("training", [], data=tmp_path).panels
    assert loss.series == {"training": ((10.0, 0.1), (20.0, 0.05)), "validation": ((10.0, 0.2), (20.0, 0.1))}
    assert fidelity.series == {"validation": ((10.0, 20.0), (20.0, 21.0))}
    said = CliRunner().invoke(app, ["bench", str(tmp_path), "--plot", "training"])
    assert said.exit_code == 0, said.output
    assert "20 of 40 steps" in said.output
    card = card_path("enhance").read_text()
    (tmp_path / "enhance.toml").write_text(card)
    plain = read_card(tmp_path / "enhance.toml").metrics["psnr_bicubic"]
    beside = plot("training", [], data=tmp_path).panels[1].series
    assert beside == {**fidelity.series, "bicubic": ((10.0, plain), (20.0, plain))}
    (tmp_path / "enhance.toml").unlink()
    put([{**row, "psnr": float("nan")} for row in rows])
    assert len(plot("training", [], data=tmp_path).panels) == 1, "a network that makes no pictures has no PSNR"
    put([])
    for folder, words in ((tmp_path, "has not finished a round"), (None, "name its folder")):
        with pytest.raises(UsageError, match=words):
            plot("training", [], data=folder)
