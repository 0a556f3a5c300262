"""Plots: what is swept is what the axis says, curves are drawn as measured, and documents get the numbers too."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from mfrec.bench.curves import Panel, Plot, cumulative
from mfrec.bench.plots import (
    ERRORS,
    FRAMES,
    PLOTS,
    SMALL,
    of_frames,
    of_quality,
    of_turn,
    plot,
)
from mfrec.cli import app
from mfrec.errors import UsageError


@pytest.fixture(scope="module")
def quality() -> Plot:
    return plot("degradation", ["nearest"])


def test_frames_are_taken_around_one_reference() -> None:
    one, three = of_frames(1, 0), of_frames(3, 0)
    assert (len(one.files), len(three.files), three.reference) == (1, 3, 1)
    assert one.files[0][1] == three.files[1][1]
    assert np.array_equal(one.truth, three.truth)
    assert one.truth.shape == (4 * SMALL, 4 * SMALL, 3)
    assert FRAMES[0] == 1 and FRAMES[-1] == 31


def test_sweeps_do_what_their_axis_says() -> None:
    coarse, fine = of_quality(10, 0), of_quality(97, 0)
    assert sum(len(data) for _, data in coarse.files) < 0.6 * sum(len(data) for _, data in fine.files)
    assert np.array_equal(coarse.truth, fine.truth)

    def spread(yaw: int) -> float:
        pictures = [np.asarray(Image.open(io.BytesIO(data)), np.float64) for _, data in of_turn(yaw, 0).files]
        return float(np.std(np.stack(pictures), axis=0).mean())

    assert spread(0) < spread(10) < spread(30)


def test_finer_pictures_measure_better(quality: Plot) -> None:
    fidelity, identity = quality.panels
    assert set(fidelity.series) == {"bicubic", "nearest"}
    points = dict(fidelity.series["bicubic"])
    assert points[97] > points[50] > points[10]
    closeness = dict(identity.series["bicubic"])
    assert closeness[97] < closeness[10]
    assert quality.notes == ()


def test_the_picture_is_repeatable_and_the_document_has_the_numbers(quality: Plot) -> None:
    pytest.importorskip("matplotlib")
    first = quality.png()
    assert first == quality.png()
    with Image.open(io.BytesIO(first)) as picture:
        assert picture.width > picture.height > 300
    section = quality.section("mfrec bench --plot degradation", "benchmarks/degradation.png")
    assert "(benchmarks/degradation.png)" in section.body
    value = dict(quality.panels[0].series["nearest"])[50]
    assert f"{value:.4g}" in section.body and f"{value:.4g}" in quality.text()


def test_cumulative_curve() -> None:
    curve = dict(cumulative([0.01, 0.05, 0.05, 0.5], 5, 0.1, steps=10))
    assert curve[0.0] == 0
    assert curve[0.01] == pytest.approx(0.2)
    assert curve[0.05] == pytest.approx(0.6)
    assert curve[0.1] == pytest.approx(0.6), "one error lies beyond, and one case gave no landmarks"
    assert list(curve.values()) == sorted(curve.values())


def test_errors_of_landmarks_iris_pupil_and_gaze() -> None:
    made = plot("errors", ["nearest"], limit=1)
    assert [panel.title.split(",")[0] for panel in made.panels] == [
        title.split(",")[0] for title, *_ in ERRORS.values()
    ]
    for panel in made.panels:
        assert [label.split(",")[0] for label in panel.series] == ["bicubic", "nearest"]
        for points in panel.series.values():
            shares = [share for _, share in points]
            assert shares[0] == 0 and shares[-1] in (0, 1) and len(points) == 101


def test_command_writes_pictures_beside_the_document(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    arguments = ["bench", "--plot", "errors", "--limit", "1", "--method", "nearest", "--document"]
    says = CliRunner().invoke(app, [*arguments, str(tmp_path / "benchmarks.md")])
    assert says.exit_code == 0, says.output
    assert (tmp_path / "benchmarks" / "errors.png").is_file()
    assert "(benchmarks/errors.png)" in (tmp_path / "benchmarks.md").read_text(encoding="utf-8")


def test_refusals() -> None:
    with pytest.raises(UsageError, match=f"unknown plot 'time'; known are {', '.join(PLOTS)}"):
        plot("time", [])
    with pytest.raises(UsageError):
        plot("frames", ["no such method"])
    with pytest.raises(UsageError, match="a limit of 0"):
        plot("errors", [], limit=0)
    for arguments in (["--plot", "time"], ["--plot", "pose", "--table", "3.1"]):
        assert CliRunner().invoke(app, ["bench", *arguments]).exit_code == 2


def test_a_logarithmic_axis_names_its_points() -> None:
    pytest.importorskip("matplotlib")
    points = tuple((float(x), float(x)) for x in FRAMES)
    assert Plot("p", "h", "d", (Panel("t", "x", "y", {"a": points}, logarithmic=True),)).png()
