"""Tables: rows that exist are measured, others say what is missing, and bicubic has the figures of the literature."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from labelled_portraits import write_portraits
from PIL import Image

from mfrec.bench.tables import NAMES, tables
from mfrec.bench.tables.definitions import BICUBIC, DEFINITIONS, Line, chain, with_methods
from mfrec.bench.tables.enlargement import in_8_bits, load_pictures
from mfrec.bench.tables.memory import with_memory
from mfrec.bench.tables.methods import on_sequences
from mfrec.bench.tables.result import NUMBERED, Published, Row, finished, of_all
from mfrec.bench.tables.sequences import described
from mfrec.bench.tables.thesis import PRINTED
from mfrec.cards.load import card_path, read_card
from mfrec.errors import InputError, UsageError
from mfrec.image.cubic import resize_cubic
from mfrec.imageio.sequences import TruthSequence


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One picture in colour and one that is grey, with sides that four does not divide."""
    import skimage.data

    root = tmp_path_factory.mktemp("pictures")
    Image.fromarray(skimage.data.astronaut()[:131, 160:297]).save(root / "colour.png")
    Image.fromarray(skimage.data.camera()[100:230, 150:290]).save(root / "grey.png")
    return root


def test_every_row_has_one_method() -> None:
    for table in DEFINITIONS.values():
        labels = [line.label for line in table.lines]
        assert len(set(labels)) == len(labels)
        for line in table.lines:
            assert bool(line.method) + bool(line.recipe) == 1, line


def test_rows_are_measured_and_missing_ones_say_so(filmed_sequences: Path, tmp_path: Path) -> None:
    lines = (
        BICUBIC,
        Line("nearest", "nearest"),
        Line("nobody's", "network:nobody"),
        Line("another pose", recipe=chain("no_such_stage", "mesh")),
    )
    rows, said = on_sequences(
        filmed_sequences, "jpeg32", lines, tmp_path, people="all", seed=0, limit=None, progress=lambda *_: None
    )
    assert "jpeg32, 1 sequences of 1 people" in said
    bicubic, nearest, nobody, pose = (rows[line] for line in lines)
    assert bicubic.values["psnr"] > nearest.values["psnr"] > 10
    assert nearest.values["psnr_gain"] == pytest.approx(nearest.values["psnr"] - bicubic.values["psnr"])
    assert nearest.values["mse"] == pytest.approx(255**2 * 10 ** (-nearest.values["psnr"] / 10), rel=1e-3)
    assert bicubic.values["cpbd_gain"] == pytest.approx(0, abs=1e-6), "bicubic is what the others are compared with"
    assert nobody.count == pose.count == 0
    assert nobody.reason.startswith("not there yet (there is no card 'nobody'")
    assert "there is no stage 'no_such_stage'" in pose.reason and str(tmp_path) not in pose.reason
    printed = Row("in print", {}, 0, published=Published(20.0, 0.7, "a paper"))
    table = finished("x", "Title", said, ("psnr", "ssim", "serfiq", "MiB"), [*rows.values(), printed])
    assert table.columns[:2] == ("psnr", "ssim") and "MiB" not in table.columns
    for text in (table.text(), table.section("mfrec bench").body):
        assert "20.00 / 0.7" in text and "a paper" in text and "nobody's: not there yet" in text
    assert json.loads(json.dumps(table.to_dict()))["rows"][0]["values"]["psnr"] == bicubic.values["psnr"]


def test_gains_are_printed_with_their_spread_and_networks_with_their_training() -> None:
    rows = [
        Row("bicubic", {"psnr": 25.0, "psnr_gain": 0.0}, 3),
        Row("ours", {"psnr": 26.0, "psnr_gain": 1.0}, 3, spreads={"psnr_gain": 0.5}, cards=("mtcnn", "thesis_unet")),
    ]
    table = finished("x", "Title", "said", ("psnr", "psnr_gain"), rows, cards=("recognition",))
    header, lines = table.cells()
    assert header == ("", "psnr", "psnr_gain", "n", "trained")
    assert lines[1][:4] == ("ours", "26.00", "+1.00 ± 0.50", "3")
    assert lines[1][4] == read_card(card_path("thesis_unet")).trained_for and lines[0][4] == ""
    assert set(table.cards) == {"mtcnn", "recognition", "thesis_unet"}
    assert f"`thesis_unet` {table.cards['thesis_unet'][:12]}" in table.section("mfrec bench").markdown()


def test_tables_of_methods_are_headed_with_their_name() -> None:
    assert {*NUMBERED, "surveillance", "peers"} == {*DEFINITIONS, "3.5"}
    assert set(PRINTED) == set(NUMBERED), "what the thesis printed stands beside the tables that are after its own"


def test_a_table_says_of_how_many_it_is_a_part(tmp_path: Path) -> None:
    every = [TruthSequence(str(i), tmp_path, f"person {i // 2}") for i in range(4)]
    assert (
        described(every, None, "all", every)
        == "4 sequences of 2 people from the astronaut portrait, filmed, people all"
    )
    assert described(every[:1], tmp_path, "0/4", every).startswith(
        "1 sequences of 1 people, spread evenly over 4 sequences of 2 people, from the folder "
    )
    assert of_all(3, 3, "faces") == "3 faces" and of_all(1, 3, "faces") == "1 faces, spread evenly over 3,"


def test_a_method_of_the_user_is_added_once() -> None:
    table = DEFINITIONS["peers"]
    assert with_methods(table, ["nearest"]) == table.lines
    assert with_methods(table, ["my.toml", "my.toml"])[-1] == Line("my.toml", "my.toml")
    assert len(with_methods(table, ["my.toml", "my.toml"])) == len(table.lines) + 1


def test_memory_is_that_of_a_process_of_its_own(filmed_sequences: Path) -> None:
    ballast = np.ones(2**26)  # half a gigabyte that must not be counted
    (row,) = with_memory([Row("bicubic", {"psnr": 20.0}, 1)], [BICUBIC], filmed_sequences, 0)
    assert 30 < row.values["MiB"] < 300
    assert ballast[0] == 1


def test_bicubic_of_pictures_is_that_of_the_literature(pictures: Path) -> None:
    from skimage.color import rgb2ycbcr
    from skimage.metrics import peak_signal_noise_ratio

    (table,) = tables(["set5"], pictures)
    rows = {row.label: row for row in table.rows}
    expected = []
    for picture in load_pictures(pictures)[0]:
        height, width = (side // 4 * 4 for side in picture.shape[:2])
        truth = picture[:height, :width]
        small = in_8_bits(resize_cubic(truth, height // 4, width // 4))
        large = in_8_bits(resize_cubic(small, height, width))
        lumas = [image if image.ndim == 2 else rgb2ycbcr(image)[..., 0] / 255 for image in (truth, large)]
        a, b = (np.asarray(luma, np.float64)[4:-4, 4:-4] for luma in lumas)
        expected.append(peak_signal_noise_ratio(a, b, data_range=1.0))
    assert rows["bicubic"].values["psnr_y"] == pytest.approx(np.mean(expected), abs=1e-5)
    assert rows["bicubic"].published is not None
    assert rows["nearest"].values["psnr_y"] < rows["bicubic"].values["psnr_y"]
    assert "2 pictures" in table.data and "28.42 / 0.8104" in table.text()


def test_grey_files_stay_grey(pictures: Path) -> None:
    (colour, grey), count = load_pictures(pictures)
    assert (colour.ndim, grey.ndim, count) == (3, 2, 2)
    assert [len(load_pictures(pictures, limit=1)[0]), load_pictures(pictures, limit=1)[1]] == [1, 2]


def test_single_faces() -> None:
    (table,) = tables(["faces"], None)
    small, larger = (row.values for row in table.rows)
    assert small["psnr"] < larger["psnr"]
    assert small["ssim"] < larger["ssim"]
    assert table.rows[0].published is not None and table.rows[1].published is None


@pytest.mark.usefixtures("hasty_drawing")
def test_a_region_is_brought_over_from_a_turned_portrait() -> None:
    (table,) = tables(["3.5"], None, limit=1)
    rows = {row.label: row for row in table.rows}
    assert {label.split(", ")[1] for label in rows} == {
        "blurred", "similarity", "registered", "align_and_blend", "delaunay", "procrustes", "interfacegan", "few_shot",
        "mesh",
    }  # fmt: skip
    compared = [label.split(", ")[0] for label, row in rows.items() if label.endswith("mesh") and row.count]
    assert compared
    for degrees in compared:
        of_bin = {name: rows[f"{degrees}, {name}"].values["psnr"] for name in ("mesh", "blurred")}
        assert of_bin["mesh"] > of_bin["blurred"] + 1, degrees
    assert "taken" not in rows[f"{compared[0]}, blurred"].values
    assert "astronaut portrait, turned" in table.text()


def test_the_parser_is_measured_on_labelled_faces(tmp_path: Path) -> None:
    folder = write_portraits(tmp_path / "faces", 12)
    (table,) = tables(["parser"], folder)
    rows = {row.label: row for row in table.rows}
    assert len(rows) == 20 and table.columns == ("pixels", "iou", "iou_small")
    skin, hat, common = rows["skin"], rows["hat (rare)"], rows["mean of the 14 common"]
    assert 0 <= skin.values["iou"] <= 1 and skin.values["pixels"] > 0
    assert "iou" not in hat.values and hat.reason == "no face shows it"
    assert 0 <= common.values["iou_small"] <= 1
    with pytest.raises(UsageError, match="table 'parser' needs the folder"):
        tables(["parser"], None)
    with pytest.raises(InputError, match="no folders 'images' and 'labels'"):
        tables(["parser"], tmp_path)


def test_refusals(tmp_path: Path, pictures: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown table '3\.7'; known are 3\.1"):
        tables(["3.7"], None)
    with pytest.raises(UsageError, match="table 'set5' needs the folder"):
        tables(["set5"], None)
    with pytest.raises(InputError, match="no folder of pictures"):
        tables(["set14"], tmp_path / "none")
    with pytest.raises(InputError, match="holds no picture"):
        tables(["set14"], tmp_path)
    with pytest.raises(UsageError):
        tables(["3.1"], None, methods=["no such method"])
    with pytest.raises(UsageError, match="a limit of 0 leaves nothing to measure"):
        tables(["3.1"], pictures, limit=0)
    assert set(NAMES) >= {"3.1", "3.3", "3.4", "3.5", "3.6", "set5", "set14"}


def test_command_prints_tables_and_writes_the_document(pictures: Path, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from mfrec.cli import app

    document = tmp_path / "benchmarks.md"
    says = CliRunner().invoke(app, ["bench", str(pictures), "--table", "set5", "--document", str(document)])
    assert says.exit_code == 0, says.output
    assert "28.42 / 0.8104" in says.stdout
    text = document.read_text(encoding="utf-8")
    assert "## Set5, enlarged by four" in text and str(tmp_path) not in text
    for arguments in (["--table", "nothing"], ["--document", "a.md"]):
        assert CliRunner().invoke(app, ["bench", *arguments]).exit_code == 2
