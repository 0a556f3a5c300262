"""Pictures and folders, methods and their stamps, and what is refused."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
import tifffile
from PIL import Image
from small_networks import randomised
from tiny_cards import SMALL, card_of
from typer.testing import CliRunner, Result
from upscale_clips import portrait_clip

from mfrec.cards.single_picture import is_grey
from mfrec.cli import app
from mfrec.errors import UsageError
from mfrec.image.geometry import enlarge
from mfrec.image.stamp import METADATA, small_tiles, stamped
from mfrec.imageio import png_bytes, read, to_uint8
from mfrec.nets.enhance import Enhance
from mfrec.nets.srresnet import Srresnet
from mfrec.provenance.record import read_record
from mfrec.provenance.rerun import rerun
from mfrec.provenance.summary import summary
from mfrec.publication.claims import foreign
from mfrec.types import FloatArray
from mfrec.upscale.asked import Asked
from mfrec.upscale.job import upscale_into


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Tiny networks: honest, taught by a discriminator, and grey."""
    folder = tmp_path_factory.mktemp("cards")
    network = randomised(Srresnet(features=4, blocks=1, scale=2))
    return {
        "honest": card_of(folder / "a", "srresnet", network, SMALL),
        "drawing": card_of(folder / "b", "srresnet", network, SMALL, "adversarial"),
        "grey": card_of(
            folder / "c", "enhance", randomised(Enhance(features=4, blocks=1)), "features = 4\nblocks = 1\n"
        ),
    }


def says(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["upscale", *map(str, arguments)])


def picture(portrait: FloatArray, path: Path, **options: object) -> Path:
    path.write_bytes(png_bytes(portrait[60:123, 60:125]))
    return path


# --- pictures ----------------------------------------------------------------------------------------------


def test_a_picture(portrait: FloatArray, tmp_path: Path) -> None:
    path = picture(portrait, tmp_path / "a.png")
    done = says(path, "-o", tmp_path / "out", "--scale", 3)
    assert done.exit_code == 0, done.stderr
    assert f"{tmp_path / 'out' / 'upscaled.png'}: 195 x 189 px, ENHANCED, bicubic interpolation" in done.stdout
    made = np.asarray(Image.open(tmp_path / "out" / "upscaled.png"))
    assert np.array_equal(made, to_uint8(enlarge(read(path).frames[0].image, 3)))
    record = read_record(tmp_path / "out")
    assert record["inputs"][0]["name"] == "a.png" and len(record["inputs"][0]["sha256"]) == 64
    assert foreign(tmp_path / "out") == ""
    assert "bicubic interpolation, 3 times" in summary(record)


def test_a_folder_of_all_kinds(portrait: FloatArray, tmp_path: Path, cards: dict[str, str]) -> None:
    """Grey, alpha, 16 bit and odd sizes: each as it is defined."""
    folder = tmp_path / "in"
    folder.mkdir()
    part = to_uint8(portrait[60:101, 60:93])
    Image.fromarray(part).save(folder / "1.png")
    Image.fromarray(part).convert("L").save(folder / "2.png")
    alpha = np.dstack([part, np.where(np.arange(33) < 16, 0, 255)[None].repeat(41, 0).astype(np.uint8)])
    Image.fromarray(alpha).save(folder / "3.png")
    deep = (portrait[60:101, 60:93] * 65535).astype(np.uint16)
    tifffile.imwrite(folder / "4.tif", deep, photometric="rgb")
    (folder / "5.txt").write_text("notes")
    record = upscale_into(tmp_path / "out", folder, Asked(method=cards["honest"]))
    files = {entry["index"]: tmp_path / "out" / entry["file"] for entry in record["upscaled"]["pictures"]}
    assert [path.name for path in files.values()] == [*(f"upscaled-000{i}.png" for i in range(3)), "upscaled-0003.tiff"]
    assert Image.open(files[0]).mode == "RGB" and Image.open(files[0]).size == (66, 82)
    assert Image.open(files[1]).mode == "L", "grey stays grey"
    transparent = read(files[2]).frames[0].image[:, :20]
    assert transparent.std() < 0.1, "what is transparent was not seen: grey"
    assert any("composited over mid-grey" in note for note in record["inputs"][2]["notes"])
    samples = tifffile.imread(files[3])
    assert samples.dtype == np.uint16 and samples.shape == (82, 66, 3)
    assert len(np.unique(samples & 255)) > 100, "and the low bits are not empty"
    assert [entry["name"] for entry in record["dropped"]] == ["5.txt"]
    assert record["recipe"]["stamp"] == "RESTORED"


def test_a_grey_network_on_grey_and_colour(portrait: FloatArray, tmp_path: Path, cards: dict[str, str]) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    part = to_uint8(portrait[60:92, 60:92])
    Image.fromarray(part).save(folder / "1.png")
    Image.fromarray(part).convert("L").save(folder / "2.png")
    upscale_into(tmp_path / "out", folder, Asked(method=cards["grey"]))
    colour, grey = (read(tmp_path / "out" / f"upscaled-000{i}.png").frames[0].image for i in range(2))
    assert colour.shape == grey.shape == (64, 64, 3)
    assert is_grey(grey) and not is_grey(colour)


def test_a_stopped_folder_is_gone_on_with(portrait: FloatArray, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for i in range(4):
        (folder / f"{i}.png").write_bytes(png_bytes(portrait[i : i + 32, :32]))

    def stopping(_stage: str, done: int, _total: int) -> None:
        if done >= 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        upscale_into(tmp_path / "out", folder, Asked(scale=2), progress=stopping)
    upscale_into(tmp_path / "out", folder, Asked(scale=2))
    upscale_into(tmp_path / "whole", folder, Asked(scale=2))
    for name in read_record(tmp_path / "whole")["outputs"]:
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out", "whole"]


# --- stamps ------------------------------------------------------------------------------------------------


def test_what_may_be_drawn_says_so_everywhere(portrait: FloatArray, tmp_path: Path, cards: dict[str, str]) -> None:
    path = picture(portrait, tmp_path / "a.png")
    upscale_into(tmp_path / "honest", path, Asked(method=cards["honest"]))
    record = upscale_into(tmp_path / "drawn", path, Asked(method=cards["drawing"]))
    assert [p.name for p in sorted((tmp_path / "drawn").iterdir())] == ["run.json", "upscaled-NOT-EVIDENCE.png"]
    with Image.open(tmp_path / "drawn" / "upscaled-NOT-EVIDENCE.png") as made:
        assert made.info["Comment"] == METADATA
        pixels = np.asarray(made, np.float32) / 255
    plain = read(tmp_path / "honest" / "upscaled.png").frames[0].image
    assert np.abs(pixels - stamped(plain)).max() < 0.01
    assert record["recipe"]["stamp"] == "NOT EVIDENCE"
    assert summary(record).startswith("NOT EVIDENCE: network net")


def test_every_frame_of_a_film_says_so(portrait: FloatArray, tmp_path: Path, cards: dict[str, str]) -> None:
    path = portrait_clip(portrait, tmp_path / "a.mp4", 3, side=48)
    upscale_into(tmp_path / "honest", path, Asked(method=cards["honest"], lossless=True))
    upscale_into(tmp_path / "drawn", path, Asked(method=cards["drawing"], crf=23))
    out = tmp_path / "drawn" / "upscaled-NOT-EVIDENCE.mp4"
    with av.open(str(out)) as container:
        assert container.metadata["comment"] == METADATA
    tiles = small_tiles(96, 96)
    for made, plain in zip(read(out).frames, read(tmp_path / "honest" / "upscaled.mp4").frames, strict=True):
        expected = stamped(plain.image) - plain.image
        change = made.image - plain.image
        for tile in tiles:
            there = np.s_[tile.y : tile.y + tile.height, tile.x : tile.x + tile.width]
            assert np.corrcoef(change[there].ravel(), expected[there].ravel())[0, 1] > 0.8


def test_a_picture_that_cannot_bear_the_words_is_not_written(
    portrait: FloatArray, tmp_path: Path, cards: dict[str, str]
) -> None:
    (tmp_path / "a.png").write_bytes(png_bytes(portrait[:16, :16]))
    with pytest.raises(UsageError, match="too small for the words NOT EVIDENCE"):
        upscale_into(tmp_path / "out", tmp_path / "a.png", Asked(method=cards["drawing"]))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


# --- the record --------------------------------------------------------------------------------------------


def test_a_run_is_repeated_from_its_record(portrait: FloatArray, tmp_path: Path, cards: dict[str, str]) -> None:
    path = portrait_clip(portrait, tmp_path / "a.mp4", 3, side=32)
    upscale_into(tmp_path / "out", path, Asked(method=cards["honest"], crf=20))
    found = rerun(tmp_path / "out")
    assert found.identical, found.differences
    path.rename(tmp_path / "b.mp4")
    assert rerun(tmp_path / "out", frames=[tmp_path / "b.mp4"]).identical
    (tmp_path / "out" / "upscaled.mp4").write_bytes(b"")
    assert rerun(tmp_path / "out", frames=[tmp_path / "b.mp4"]).identical, "the record says what it was"


def test_an_earlier_output_is_replaced_only_when_asked_and_unchanged(portrait: FloatArray, tmp_path: Path) -> None:
    path, out = picture(portrait, tmp_path / "a.png"), tmp_path / "out"
    assert says(path, "-o", out, "--scale", 2).exit_code == 0
    again = says(path, "-o", out, "--scale", 2)
    assert again.exit_code == 2 and "--overwrite" in again.stderr
    assert says(path, "-o", out, "--scale", 4, "--overwrite").exit_code == 0
    (out / "letter.txt").write_text("mine")
    refused = says(path, "-o", out, "--scale", 4, "--overwrite")
    assert refused.exit_code == 2 and "letter.txt" in refused.stderr
    assert says(path, "-o", tmp_path, "--scale", 4).exit_code == 2  # among the originals
    assert (out / "letter.txt").read_text() == "mine" and sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "out"]


# --- what is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "says_so"),
    [
        (["--scale", "0"], "--scale is 0; expected a whole number from 1 to 8"),
        (["--scale", "9"], "--scale is 9"),
        (["--window", "4"], "expected an odd number of frames from 1 to 31"),
        (["--window", "5", "--method", "realesrgan"], "give one of them"),
        (["--set", "fuse.method=mean"], "add --window 5"),
        (["--subject", "2"], "add --face"),
        (["--crf", "60"], "--crf is 60"),
        (["--method", "nothing"], "there is no card 'nothing'"),
        (["--method", "clean"], "of a network 'clean'"),
        (["--method", "missing.pth"], "there is no file 'missing.pth'"),
        (["--device", "abacus", "--window", "3"], "there is no device 'abacus'"),
        (["--window", "3", "--recipe", "nothing"], "there is no recipe 'nothing'"),
    ],
)
def test_options_that_cannot_be(portrait: FloatArray, tmp_path: Path, options: list[str], says_so: str) -> None:
    path = picture(portrait, tmp_path / "a.png")
    done = says(path, "-o", tmp_path / "out", *options)
    assert done.exit_code in (2, 4) and says_so in done.stderr, done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_a_network_of_another_scale_is_refused(portrait: FloatArray, tmp_path: Path, cards: dict[str, str]) -> None:
    path = picture(portrait, tmp_path / "a.png")
    done = says(path, "-o", tmp_path / "out", "--method", cards["honest"], "--scale", 4)
    assert done.exit_code == 2
    assert "the network 'net' enlarges 2 times, and --scale 4 was asked for; leave --scale out" in done.stderr


def test_options_of_a_video_for_pictures_and_inputs_that_are_none(portrait: FloatArray, tmp_path: Path) -> None:
    path = picture(portrait, tmp_path / "a.png")
    done = says(path, "-o", tmp_path / "out", "--start", 1)
    assert done.exit_code == 3 and "--start is for a video" in done.stderr
    assert says(tmp_path / "nothing.mp4", "-o", tmp_path / "out").exit_code == 3
    (tmp_path / "text.mp4").write_text("no video")
    done = says(tmp_path / "text.mp4", "-o", tmp_path / "out")
    assert done.exit_code == 3 and "neither a picture nor a video" in done.stderr
    blank = tmp_path / "blank.png"
    blank.write_bytes(png_bytes(np.full((48, 48, 3), 0.5, np.float32)))
    done = says(blank, "-o", tmp_path / "out", "--face")
    assert done.exit_code == 3 and "leave --face out" in done.stderr
    assert not (tmp_path / "out").exists()
