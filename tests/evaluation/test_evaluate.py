"""``mfrec evaluate``: which picture goes with which truth, what is measured, and every kind of bad input."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from mfrec.cli import app
from mfrec.errors import InputError, NoFramesError, UsageError
from mfrec.evaluation.evaluate import evaluate, evaluation_files
from mfrec.evaluation.pairs import paired, picture_files
from mfrec.image.filters import gaussian
from mfrec.image.geometry import enlarge, resize
from mfrec.imageio import png_bytes
from mfrec.metrics.names import METRICS, Case, Truth, measure
from mfrec.types import FloatArray

QUICK = ("psnr", "ssim", "cpbd", "cpbd_before", "cpbd_gain", "consistency")


def mfrec_says(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def written(path: Path, image: FloatArray) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_bytes(png_bytes(image))
    return path


@pytest.fixture
def folder(portrait: FloatArray, tmp_path: Path) -> Path:
    """Two truths (``truth/a.png``, ``b.png``), their small inputs, and two methods."""
    for name, image in (("a", portrait), ("b", np.ascontiguousarray(portrait[:, ::-1]))):
        written(tmp_path / "truth" / f"{name}.png", image)
        small = resize(image, 48, 48, interpolation="area")
        written(tmp_path / "input" / f"{name}.png", small)
        written(tmp_path / "bicubic" / f"{name}.png", enlarge(small, 4))
        written(tmp_path / "soft" / f"{name}.png", np.clip(gaussian(enlarge(small, 4), 3), 0, 1))
    return tmp_path


# --- pairing -----------------------------------------------------------------------------------------------


def test_pictures_find_their_truth_and_input_by_name(folder: Path) -> None:
    pairs = paired([folder / "bicubic", folder / "soft"], folder / "truth", folder / "input")
    found = [(p.method, p.picture.name, p.truth.name, p.before and p.before.name) for p in pairs]
    assert found == [
        ("bicubic", "a.png", "a.png", "a.png"),
        ("soft", "a.png", "a.png", "a.png"),
        ("bicubic", "b.png", "b.png", "b.png"),
        ("soft", "b.png", "b.png", "b.png"),
    ]


def test_one_truth_serves_every_picture(folder: Path) -> None:
    pairs = paired([folder / "bicubic" / "a.png", folder / "soft"], folder / "truth" / "a.png", None)
    assert [(p.method, p.truth.name) for p in pairs] == [("a", "a.png"), ("soft", "a.png"), ("soft", "a.png")]


@pytest.mark.parametrize(
    ("pictures", "truth", "before", "message"),
    [
        (["nothing.png"], "truth", None, "there is no picture .*nothing.png"),
        (["bicubic"], "no.png", None, "there is no truth .*no.png"),
        (["bicubic"], "truth", "no", "there is no input .*no"),
        (["bicubic"], "empty", None, "empty' holds no picture"),
        ([], "truth", None, "no picture was given"),
    ],
)
def test_what_is_missing_is_named(
    folder: Path, pictures: list[str], truth: str, before: str | None, message: str
) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(NoFramesError, match=message):
        paired([folder / p for p in pictures], folder / truth, folder / before if before else None)


def test_a_picture_without_truth_is_named_with_what_is_there(folder: Path) -> None:
    (folder / "bicubic" / "a.png").rename(folder / "bicubic" / "c.png")
    with pytest.raises(InputError, match=r"c\.png' has no truth: .*nothing named 'c'.*'a\.png', 'b\.png'"):
        paired([folder / "bicubic"], folder / "truth", None)
    (folder / "truth" / "a.png").rename(folder / "truth" / "c.png")
    with pytest.raises(InputError, match=r"c\.png' has no input: .*nothing named 'c'"):
        paired([folder / "bicubic"], folder / "truth", folder / "input")


def test_two_files_of_one_name_are_refused(folder: Path) -> None:
    (folder / "truth" / "a.jpg").write_bytes(b"")
    with pytest.raises(InputError, match=r"'a\.jpg' and 'a\.png' in .* differ in their suffix alone"):
        picture_files(folder / "truth")


# --- measuring ---------------------------------------------------------------------------------------------


def test_means_order_the_methods(folder: Path) -> None:
    result = evaluate([folder / "bicubic", folder / "soft"], folder / "truth", before=folder / "input", metrics=QUICK)
    assert result.methods == ("bicubic", "soft")
    better, worse = result.means("bicubic"), result.means("soft")
    for name in ("psnr", "ssim", "consistency"):
        ahead = (better[name] or 0) - (worse[name] or 0)
        assert (ahead > 0) == (METRICS[name].better == "more"), name
    for row in result.rows:
        assert row.values["cpbd_gain"] == pytest.approx(row.values["cpbd"] - row.values["cpbd_before"])
        assert row.missing == {}
    assert better["cpbd_gain"] == pytest.approx(0, abs=0.02), (
        "bicubic enlargement is what it was before, but for 8 bits"
    )


def test_every_default_metric_of_a_face(folder: Path) -> None:
    result = evaluate([folder / "bicubic" / "a.png", folder / "truth" / "a.png"], folder / "truth" / "a.png")
    bicubic, same = (row.values for row in result.rows)
    assert same["psnr"] == same["psnr_y"] == np.inf
    assert (same["identity"], same["landmarks"]) == (0, 0)
    assert same["ssim"] == pytest.approx(1)
    assert 0 < bicubic["identity"] < 0.6
    assert 0 < bicubic["landmarks"] < 0.08
    assert not {"tenths", "rank", "consistency", "cpbd_before"} & set(bicubic), "there is nothing to measure these with"
    assert "equal" in result.table()
    assert ",inf," in result.to_csv()
    assert json.loads(result.to_json())["rows"][1]["values"]["psnr"] is None


def test_an_output_folder_is_measured_with_its_uncertainty(folder: Path, portrait: FloatArray) -> None:
    from mfrec.provenance.arrays import write_arrays

    out = folder / "a"
    error = np.random.default_rng(0).normal(0, 1, portrait.shape[:2])
    said = np.linspace(0.001, 0.1, error.size).reshape(error.shape)
    image = np.clip(portrait + (said * error)[..., None], 0, 1).astype(np.float32)
    for name in ("reconstruction", "evidence", "reference"):
        written(out / f"{name}.png", image)
    (out / "run.json").write_text("{}")
    write_arrays(out / "provenance.npz", {"uncertainty": said.astype(np.float32)})
    result = evaluate([out], folder / "truth", metrics=("psnr", "tenths", "rank"))
    assert [row.picture for row in result.rows] == ["a/reconstruction.png", "a/evidence.png", "a/reference.png"]
    assert result.rows[0].values["tenths"] < 0.3
    assert result.rows[0].values["rank"] > 0.4
    assert set(result.rows[1].values) == {"psnr"}


def test_what_cannot_be_measured_is_said_and_stops_nothing(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).random((48, 48, 3), np.float32)
    a, b = written(tmp_path / "a.png", noise), written(tmp_path / "b.png", noise[::-1])
    result = evaluate([a], b, metrics=("psnr", "identity", "cpbd"))
    assert set(result.rows[0].values) == {"psnr"}
    assert "no face was found in the truth 'b.png'" in result.rows[0].missing["identity"]
    assert "48 x 48 px, expected at least 64 x 64" in result.rows[0].missing["cpbd"]
    assert "not measured: cpbd of 1: the picture has 48 x 48 px" in result.table()


def test_a_constant_picture_has_values(portrait: FloatArray) -> None:
    flat = np.full_like(portrait, 0.5)
    values, missing = measure(Case(flat, Truth(portrait, "a"), None, None), ("psnr", "ssim", "cpbd", "identity"))
    assert missing == {}
    assert values["cpbd"] == 0
    assert values["identity"] > 0.5


def test_pictures_that_cannot_be_compared_name_both_sides(folder: Path, portrait: FloatArray) -> None:
    small = written(folder / "small.png", portrait[:100])
    with pytest.raises(InputError, match=r"small.png' has 192 x 100 px and its truth .*a\.png' 192 x 192 px"):
        evaluate([small], folder / "truth" / "a.png")
    grey = written(folder / "grey.png", portrait.mean(axis=2))
    with pytest.raises(InputError, match=r"grey\.png' is grey and its truth .*a\.png' in colour"):
        evaluate([grey], folder / "truth" / "a.png")
    with pytest.raises(InputError, match=r"its truth .*grey\.png' is grey and .*a\.png' in colour"):
        evaluate([folder / "truth" / "a.png"], grey)
    with pytest.raises(InputError, match=r"its input .*small\.png' 192 x 100 px; expected the input's size multiplied"):
        evaluate([folder / "truth" / "a.png"], folder / "truth" / "a.png", before=small)
    with pytest.raises(UsageError, match="unknown metric 'psnrr'; known are psnr, mse, psnr_y"):
        evaluate([grey], grey, metrics=("psnrr",))


# --- the command -------------------------------------------------------------------------------------------


def test_command_writes_table_json_csv_and_sheet(folder: Path) -> None:
    arguments = [
        folder / "bicubic",
        folder / "soft",
        "--truth",
        folder / "truth",
        "--metric",
        "psnr",
        "--metric",
        "ssim",
    ]
    says = mfrec_says("evaluate", *arguments, "-o", folder / "out")
    assert says.exit_code == 0, says.output
    assert (folder / "out" / "evaluation.txt").read_text(encoding="utf-8").strip() == says.stdout.strip()
    assert says.stdout.splitlines()[0].split() == ["mean", "of", "psnr", "ssim"]
    with (folder / "out" / "evaluation.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["method"], row["picture"]) for row in rows][:2] == [("bicubic", "a.png"), ("soft", "a.png")]
    record = json.loads((folder / "out" / "evaluation.json").read_text())
    assert float(rows[3]["psnr"]) == record["rows"][3]["values"]["psnr"]
    assert np.mean([float(row["psnr"]) for row in rows[::2]]) == pytest.approx(record["means"]["bicubic"]["psnr"])
    with Image.open(folder / "out" / "evaluation.png") as sheet:
        assert sheet.width > 3 * 192 and sheet.height > 2 * 192
    again = mfrec_says("evaluate", *arguments, "-o", folder / "out")
    assert again.exit_code == 2 and "choose another folder" in again.output
    among = mfrec_says("evaluate", *arguments, "-o", folder / "truth" / "out")
    assert among.exit_code == 2 and "lies among the originals" in among.output


def test_command_prints_json_and_explains_itself(folder: Path) -> None:
    says = mfrec_says("evaluate", folder / "soft", "--truth", folder / "truth", "--metric", "psnr", "--json")
    assert [row["picture"] for row in json.loads(says.stdout)["rows"]] == ["a.png", "b.png"]
    assert mfrec_says("evaluate", folder / "soft").exit_code == 2
    wrong = mfrec_says("evaluate", folder / "soft", "--truth", folder / "none.png")
    assert wrong.exit_code == 3 and "there is no truth" in wrong.output


def test_a_name_that_is_no_text_is_written_with_its_bytes(tmp_path: Path) -> None:
    picture = tmp_path / os.fsdecode(b"caf\xe9.png")
    picture.write_bytes(png_bytes(np.zeros((48, 48, 3), np.float32)))
    files = evaluation_files(evaluate([picture], picture, metrics=["psnr"]))
    assert all("caf\\udce9" in files[name].decode() for name in ("evaluation.txt", "evaluation.csv"))
