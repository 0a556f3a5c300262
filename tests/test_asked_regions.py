"""Frames and masks for single regions by hand: what is read, what is refused, and that the picture obeys."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from mfrec.asked_regions import asked_regions, check_sources, drawn_mask, named_pairs
from mfrec.cli import app
from mfrec.errors import InputError, UsageError
from mfrec.face.region_labels import regions_shown
from mfrec.face.regions import FEATURES
from mfrec.imageio import png_bytes, read
from mfrec.options import Options
from mfrec.provenance.record import read_record
from mfrec.reconstruction import run_recipe
from mfrec.types import ByHand, Dropped, FaceTrack, FrameId, Observation, Reconstruction, Region

FRAMES = [FrameId(i, f"clip.mp4#{i}", i / 5) for i in range(7)]
MOUTH = FEATURES["mouth"]
SCARRED = 5


def said(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def scarred(sequence: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The film's frames; one alone shows a dark stroke across the mouth."""
    folder = tmp_path_factory.mktemp("scarred")
    for frame in read(sequence).frames:
        image = np.array(frame.image)
        if frame.index == SCARRED:
            image[34:36, 21:28] *= 0.35
        (folder / f"{frame.index}.png").write_bytes(png_bytes(image))
    return folder


def in_the_mouth(result: Reconstruction) -> np.ndarray:
    chief = result.track.observations[result.track.reference or 0]
    assert chief.registration is not None
    return np.isin(regions_shown(chief, chief.registration, result.uncertainty.shape), MOUTH)


@pytest.mark.parametrize("recipe", ["evidence", "restore"])
def test_the_frame_that_was_chosen_by_hand_is_in_the_picture(recipe: str, scarred: Path) -> None:
    options = Options(recipe=recipe, scale=2, reference=0)
    plain = run_recipe(scarred, options)
    chosen = run_recipe(scarred, replace(options, source=(f"mouth={SCARRED}",)))
    shares = [r.weight[SCARRED][in_the_mouth(r)].mean() for r in (plain, chosen)]
    assert shares[0] < 0.3
    assert shares[1] > 0.75
    darkest = [np.percentile(r.image[in_the_mouth(r)], 3) for r in (plain, chosen)]
    assert darkest[1] < darkest[0] - 0.08
    # Far from the mouth nothing has changed.
    assert np.abs(chosen.image[:30] - plain.image[:30]).mean() < 1 / 255
    (entry,) = chosen.record["by_hand"]
    assert entry == {"region": "mouth", "index": SCARRED, "drawn": False, "share": pytest.approx(shares[1], abs=1e-3)}
    assert np.allclose(chosen.weight.sum(axis=0), 1, atol=1e-3)


def test_masks_of_both_kinds_come_from_a_stage_and_go_back_in(scarred: Path, tmp_path: Path) -> None:
    parsed, out = tmp_path / "parsed", tmp_path / "out"
    assert said("stage", "parse", scarred, "-o", parsed, "--reference", "0").exit_code == 0
    with Image.open(parsed / "labels-0000.png") as labels, Image.open(parsed / "mask-mouth.png") as mask:
        assert set(np.unique(np.asarray(labels))) <= set(range(19))
        assert set(np.unique(np.asarray(mask))) == {0, 255}
        assert np.array_equal(np.isin(np.asarray(labels), MOUTH), np.asarray(mask) == 0)
    # A person draws the mouth a little larger; the picture has that size.
    drawn = np.full((96, 96), 255, np.uint8)
    drawn[60:80, 34:64] = 0
    (tmp_path / "mouth.png").write_bytes(png_bytes(drawn))
    handles = ("--source", f"mouth={SCARRED}", "--mask", f"mouth={tmp_path / 'mouth.png'}")
    done = said("reconstruct", scarred, "-o", out, "--recipe", "evidence", "--scale", "2", "--reference", "0", *handles)
    assert done.exit_code == 0, done.output
    assert "mouth by hand: frame 5 gave" in done.stderr
    record = read_record(out)
    assert [entry["option"] for entry in record["given"]] == ["--mask mouth"]
    assert record["by_hand"][0]["drawn"] and record["by_hand"][0]["share"] > 0.75
    assert "mouth drawn by hand" in record["used"][0]["regions"]["source"]
    again = said("rerun", out)
    assert again.exit_code == 0, again.output
    (tmp_path / "mouth.png").write_bytes(png_bytes(255 - drawn))
    assert "is not the recorded file" in said("rerun", out).stderr


def test_a_mask_as_large_as_the_picture_takes_all_of_it(scarred: Path, tmp_path: Path) -> None:
    whole = np.full((48, 48), 1, np.uint8)
    whole[0, 0] = 0
    (tmp_path / "skin.png").write_bytes(png_bytes(whole))
    options = Options("evidence", scale=2, reference=0, source=("skin=3",), mask=(f"skin={tmp_path / 'skin.png'}",))
    result = run_recipe(scarred, options)
    assert result.weight[3].mean() > 0.9


def refused(arguments: tuple[str, ...], scarred: Path, tmp_path: Path) -> str:
    done = said("reconstruct", scarred, "-o", tmp_path / "out", "--recipe", "evidence", "--scale", "2", *arguments)
    assert done.exit_code == 2, done.output
    assert not (tmp_path / "out").exists()
    return done.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--source", "eyes"), "expected a region and what it gets, such as eyes=3"),
        (("--source", "eyed=3"), "did you mean 'eyes'"),
        (("--source", "eyes=3", "--source", "l_eye=4"), "both say what l_eye gets"),
        (("--source", "eyes=99"), "--source eyes=99: there is no such frame; give an index, 0 to 6"),
        (("--source", "eyes=3", "--without", "3"), "that frame (3.png) was left out: left out by hand"),
        (("--source", "hat=3"), "shows no hat"),
        (("--mask", "eyes=none.png"), "none.png"),
    ],
)
def test_what_cannot_be_is_refused(arguments: tuple[str, ...], expected: str, scarred: Path, tmp_path: Path) -> None:
    if "none.png" in expected:
        done = said("reconstruct", scarred, "-o", tmp_path / "out", *arguments)
        assert done.exit_code == 3 and "none.png' cannot be read" in done.stderr
        return
    assert expected in refused(arguments, scarred, tmp_path)


def test_masks_that_name_nothing_are_refused(scarred: Path, tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    keep = np.full((48, 48), 255, np.uint8)
    cases = {
        "nothing would be taken": keep,
        "nothing but 0": np.zeros((48, 48), np.uint8),
        "97, which is no region": np.where(np.eye(48) > 0, 97, keep).astype(np.uint8),
        "without 11 (u_lip)": np.eye(48, dtype=np.uint8),
        "colours": np.random.default_rng(0).integers(0, 255, (48, 48, 3), np.uint8),
    }
    for expected, values in cases.items():
        path.write_bytes(png_bytes(values))
        with pytest.raises(UsageError) as raised:
            drawn_mask(path, MOUTH, "--mask mouth=mask.png")
        text = str(raised.value)
        assert expected.replace("without 11 (u_lip)", "11 (u_lip)") in text and "--mask mouth=mask.png" in text
    path.write_text("no picture")
    with pytest.raises(UsageError, match="no picture that can be read"):
        drawn_mask(path, MOUTH, "--mask")
    with pytest.raises(InputError, match="there is no file"):
        drawn_mask(tmp_path / "none.png", MOUTH, "--mask")
    small = np.full((20, 20), 255, np.uint8)
    small[5:9, 5:9] = 0
    path.write_bytes(png_bytes(small))
    text = refused(("--mask", f"mouth={path}", "--reference", "2"), scarred, tmp_path / "sub")
    assert "the mask has 20 x 20 pixels; expected 48 x 48 as the reference '2.png' has, or 96 x 96" in text


def test_palette_and_bilevel_masks_are_read_as_numbers(tmp_path: Path) -> None:
    labels = np.zeros((20, 20), np.uint8)
    labels[5:9, 5:9] = Region.U_LIP
    picture = Image.fromarray(labels, "L").convert("P")
    picture.putdata(labels.ravel().tolist())
    picture.putpalette(list(range(256)) * 3)
    picture.save(tmp_path / "labels.png")
    assert np.array_equal(drawn_mask(tmp_path / "labels.png", MOUTH, "--mask"), labels > 0)
    Image.fromarray(labels == 0).save(tmp_path / "two.png")
    assert np.array_equal(drawn_mask(tmp_path / "two.png", MOUTH, "--mask"), labels > 0)


def test_names_go_before_indices() -> None:
    assert named_pairs(("eyes=3", "mouth = clip.mp4#2"), "--source") == [("eyes", "3"), ("mouth", "clip.mp4#2")]
    frames = [*FRAMES, FrameId(7, "3")]
    hands = asked_regions(Options(source=("eyes=3", "mouth=clip.mp4#2", "nose=4")), frames)
    assert [(hand.name, hand.index) for hand in hands] == [("eyes", 7), ("mouth", 2), ("nose", 4)]


def test_a_source_that_a_stage_left_out_is_named(scarred: Path) -> None:
    frames = read(scarred).frames
    hand = ByHand("eyes", FEATURES["eyes"], 3, told="--source eyes=3")
    in_use = tuple(Observation(frame) for frame in frames if frame.index != 3)
    track = FaceTrack(in_use, (Dropped("3.png", "shows somebody else", 3, "track"),), by_hand=(hand,))
    with pytest.raises(UsageError, match=r"--source eyes=3: that frame \(3.png\) was left out: shows somebody else"):
        check_sources(track)
