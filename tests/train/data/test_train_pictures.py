"""Reading what one trains on: kinds of folders are told apart, and no person is on both sides."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from few_pictures import face, moving, write_labelled
from PIL import Image

from mfrec.errors import InputError
from mfrec.imageio import png_bytes, sequences
from mfrec.imageio.sequences import chosen_person
from mfrec.train.data.pictures import (
    FRAMES,
    VALIDATION,
    VALIDATION_STILLS,
    Pictures,
    read_pictures,
    read_still,
    takes_labelled,
)


def write_sequences(root: Path, count: int) -> Path:
    """Folders of three small frames whose colour is the number of the sequence; two sequences a person."""
    rows = ["seq,person"]
    for number in range(count):
        folder = root / f"seq_{number}"
        folder.mkdir(parents=True)
        for k in range(3):
            (folder / f"{k}.png").write_bytes(png_bytes(np.full((40, 40, 3), number, np.uint8)))
        rows.append(f"seq_{number},person {number // 2}")
    (root / "sequences.csv").write_text("\n".join(rows), encoding="utf-8")
    return root


def write_stills(root: Path, count: int) -> Path:
    """Pictures whose colour is their number, and a file that is none."""
    root.mkdir()
    for number in range(count):
        (root / f"still_{number}.png").write_bytes(png_bytes(np.full((40, 40, 3), number, np.uint8)))
    (root / "manifest.csv").write_text("file\n", encoding="utf-8")
    return root


def test_every_person_of_the_sequences_is_on_one_side(tmp_path: Path) -> None:
    root = write_sequences(tmp_path / "sequences", 16)
    people: dict[str, set[int]] = {"train": set(), "valid": set()}
    for split in ("train", "valid"):
        found = read_pictures([root], split)
        assert found.stills == ()
        assert all(len(sequence) == 3 for sequence in found.sequences)
        people[split] = {int(sequence[0][0, 0, 0]) // 2 for sequence in found.sequences}
    assert not people["train"] & people["valid"]
    assert people["train"] | people["valid"] == set(range(8))
    assert people["valid"] == {n for n in range(8) if chosen_person(f"person {n}", VALIDATION)}


def test_the_people_who_are_kept_for_final_figures_are_never_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_sequences(tmp_path / "sequences", 40)
    kept = {hashlib.sha256(f"final/person {n}".encode()).hexdigest()[:12] for n in (1, 4)}
    monkeypatch.setattr(sequences, "FINAL", kept)
    read = {int(s[0][0, 0, 0]) // 2 for split in ("train", "valid") for s in read_pictures([root], split).sequences}
    assert read == {*range(20)} - {1, 4}
    assert {s.person for s in sequences.find_sequences(root, "final")} == {"person 1", "person 4"}


def test_stills_are_split_by_the_name_of_their_file(tmp_path: Path) -> None:
    root = write_stills(tmp_path / "stills", 160)
    train, valid = (
        {int(still[0, 0, 0]) for still in read_pictures([root], split).stills} for split in ("train", "valid")
    )
    assert train | valid == set(range(160))
    assert not train & valid
    assert valid == {n for n in range(160) if chosen_person(f"still_{n}", VALIDATION_STILLS)}


def test_folders_of_both_kinds_go_together(tmp_path: Path) -> None:
    folders = [write_stills(tmp_path / "stills", 20), write_sequences(tmp_path / "sequences", 8)]
    found = read_pictures(folders, "train")
    assert len(found.every) == len(found.stills) + 3 * len(found.sequences)
    assert np.array_equal(found.every[len(found.stills) + 1], found.sequences[0][1])


@pytest.mark.parametrize(("side", "label"), [(32, 64), (32, 128), (32, 256), (24, 96)])
@pytest.mark.parametrize("last", ["gt.png", "label.png", "000.png"])
def test_a_label_is_known_by_its_size(tmp_path: Path, side: int, label: int, last: str) -> None:
    names = (*(f"{k}.jpg" for k in range(1, FRAMES + 1)), last)
    for number in range(8):
        write_labelled(tmp_path / f"set/{number}", side=side, label=label, names=names)
    found = [one for split in ("train", "valid") for one in read_pictures([tmp_path / "set"], split).labelled]
    assert len(found) == 8
    for one in found:
        assert one.label.shape == (label, label, 3)
        assert [frame.name for frame in one.frames] == list(names[:-1])
        assert all(frame.image.shape == (side, side, 3) for frame in one.frames)
        assert all(frame.jpeg is not None for frame in one.frames)


def test_frames_are_taken_in_natural_order(tmp_path: Path) -> None:
    names = (*(f"f{k}.jpg" for k in (8, 9, 10, 11, 12, 100, 101)), "a.png")
    for number in range(8):
        write_labelled(tmp_path / f"{number}", names=names)
    assert [frame.name for frame in read_pictures([tmp_path], "train").labelled[0].frames] == list(names[:-1])


def test_eight_frames_of_one_size_are_a_sequence(tmp_path: Path) -> None:
    for number in range(8):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        for k, picture in enumerate(moving(8)):
            (folder / f"{k}.png").write_bytes(png_bytes(picture))
    found = read_pictures([tmp_path], "train")
    assert found.labelled == ()
    assert all(len(sequence) == 8 for sequence in found.sequences)


@pytest.mark.parametrize(("label", "frames", "truth"), [(64, 16, 64), (128, 32, 128), (256, 32, 128)])
def test_what_is_too_large_is_averaged_and_nothing_is_enlarged(
    tmp_path: Path, label: int, frames: int, truth: int
) -> None:
    for number in range(8):
        write_labelled(tmp_path / f"{number}", label=label)
    pictures = read_pictures([tmp_path], "train")
    small, large = pictures.labelled[0].matched()
    assert [image.shape for image in small] == [(frames, frames, 3)] * FRAMES
    assert large.shape == (truth, truth, 3)
    assert np.abs(large.mean() - pictures.labelled[0].label.mean() / 255) < 1e-3
    pictures.check_side(truth)
    with pytest.raises(InputError, match=rf"a truth of {truth} px, and {truth + 8} px are wanted; set side = {truth}"):
        pictures.check_side(truth + 8)


def test_labelled_frames_come_as_often_as_they_are(tmp_path: Path) -> None:
    for number in range(8):
        write_labelled(tmp_path / f"{number}")
    labelled = read_pictures([tmp_path], "train").labelled[:2]
    pictures = Pictures((face(),) * 3, (moving(),) * 3, labelled)
    rng = np.random.default_rng(0)
    taken = np.mean([takes_labelled(pictures, rng) for _ in range(4000)])
    assert taken == pytest.approx(0.25, abs=0.03)
    assert takes_labelled(Pictures(labelled=labelled), rng)
    state = rng.bit_generator.state
    assert not takes_labelled(Pictures((face(),)), rng)
    assert rng.bit_generator.state == state


def test_a_still_is_upright_and_in_colour(tmp_path: Path) -> None:
    picture = Image.fromarray(face()[:100])
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned by a quarter
    picture.save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(read_still(tmp_path / "turned.png"), np.rot90(face()[:100], -1))
    picture.convert("L").save(tmp_path / "grey.png")
    assert read_still(tmp_path / "grey.png").shape == (100, 192, 3)


def test_missing_empty_and_broken_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no folder '.*nowhere'"):
        read_pictures([tmp_path / "nowhere"], "train")
    with pytest.raises(InputError, match=r"no picture in '.*'; expected folders"):
        read_pictures([tmp_path], "train")
    with pytest.raises(InputError, match="no picture in no folder"):
        read_pictures([], "valid")
    (tmp_path / "broken.png").write_bytes(b"no picture at all")
    with pytest.raises(InputError, match=r"cannot use the picture '.*broken\.png'"):
        read_still(tmp_path / "broken.png")


def test_people_who_are_all_on_the_other_side_are_counted(tmp_path: Path) -> None:
    root = write_sequences(tmp_path / "sequences", 2)
    other = "train" if chosen_person("person 0", VALIDATION) else "valid"
    with pytest.raises(InputError, match=f"none of the 1 people or stills in .* belongs to the split '{other}'"):
        read_pictures([root], other)


@pytest.mark.parametrize("content", [b"no picture at all", png_bytes(np.zeros((32, 32, 3), np.uint8))[:60]])
@pytest.mark.parametrize("label", [True, False])
def test_a_broken_frame_is_named(tmp_path: Path, content: bytes, label: bool) -> None:
    for number in range(8):
        folder = write_labelled(tmp_path / f"{number}", label=128 if label else 32)
        (folder / "3.jpg").write_bytes(content)
    with pytest.raises(InputError, match=r"cannot use the picture '.*3\.jpg'"):
        read_pictures([tmp_path], "train")
