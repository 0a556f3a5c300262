"""Published data sets as they lie on disk: who is seen, which split, and what is wrong with a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from few_pictures import face

from mfrec.errors import InputError, UsageError
from mfrec.imageio import png_bytes
from mfrec.imageio.sequences import chosen_person
from mfrec.train.data.layouts import EXPECTED, LAYOUTS, Found, belongs, people_of, read_layout
from mfrec.train.data.pictures import VALIDATION

TREES: dict[str, tuple[str, ...]] = {
    "folder": tuple(f"any/where/{n}.png" for n in range(30)),
    "celeba": tuple(f"img_align_celeba/{n:06d}.jpg" for n in range(1, 7)),
    "imfdb": tuple(f"Actor{a}/Movie{m}/images/{n}.jpg" for a in range(9) for m in range(2) for n in range(2)),
    "chokepoint": tuple(f"P1E_S1_C1/{n:04d}/{k:08d}.pgm" for n in range(1, 10) for k in range(2)),
    "yale": tuple(f"yaleB{n:02d}/a.pgm" for n in range(1, 6)) + tuple(f"subject{n:02d}.happy" for n in range(1, 9)),
    "att": tuple(f"s{n}/{k}.pgm" for n in range(1, 10) for k in range(1, 4)),
    "u2eyes": tuple(f"user{n}/pose{p}/{k}.png" for n in range(9) for p in range(2) for k in range(2)),
    "div2k": ("DIV2K_train_HR/0001.png", "DIV2K_train_HR/0002.png", "DIV2K_valid_HR/0801.png"),
    "bsds500": ("BSDS500/data/images/train/1.jpg", "BSDS500/data/images/val/2.jpg", "BSDS500/data/images/test/3.jpg"),
}


def tree(folder: Path, names: Iterable[str]) -> Path:
    """Files of these names; layouts look at names alone."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_person_and_no_file_is_in_both_splits(layout: str, tmp_path: Path) -> None:
    folder = tree(tmp_path, TREES[layout])
    splits = [read_layout(folder, layout, split) for split in ("train", "valid")]
    assert all(splits)
    assert not set(splits[0]) & set(splits[1])
    every = {found.path: found for found in LAYOUTS[layout](folder)}
    people = [{every[path].person for path in paths} - {""} for paths in splits]
    assert not people[0] & people[1]
    left_out = set(every) - set(splits[0]) - set(splits[1])
    assert all(every[path].split == "test" for path in left_out)
    if layout != "celeba":
        assert len(every) == len(TREES[layout])


def test_people_are_whom_the_sets_name(tmp_path: Path) -> None:
    named = {
        "imfdb": "Actor0",
        "chokepoint": "0001",
        "yale": "yaleB01",
        "att": "s1",
        "u2eyes": "user0",
    }
    for layout, person in named.items():
        found = LAYOUTS[layout](tree(tmp_path / layout, TREES[layout]))
        assert person in {each.person for each in found}
    assert {"subject01", "yaleB05"} <= {each.person for each in LAYOUTS["yale"](tmp_path / "yale")}


def test_celeba_s_own_split(tmp_path: Path) -> None:
    folder = tree(tmp_path, TREES["celeba"])
    lines = [f"{n:06d}.jpg {split}" for n, split in zip(range(1, 7), (0, 0, 0, 1, 2, 2), strict=True)]
    (folder / "list_eval_partition.txt").write_text("\n".join(lines))
    assert [path.name for path in read_layout(folder, "celeba", "train")] == ["000001.jpg", "000002.jpg", "000003.jpg"]
    assert [path.name for path in read_layout(folder, "celeba", "valid")] == ["000004.jpg"]
    (folder / "list_eval_partition.txt").write_text("\n".join(lines[:-1]))
    with pytest.raises(InputError, match=r"does not say of which split '000006.jpg' is \(1 such"):
        read_layout(folder, "celeba", "train")
    (folder / "list_eval_partition.txt").write_text("000001.jpg 0\n000002.jpg three\n")
    with pytest.raises(InputError, match=r"line 2, is '000002\.jpg three'"):
        read_layout(folder, "celeba", "train")


CHOKEPOINT = """<?xml version="1.0"?>
<dataset name="ChokePoint Dataset" camera="P1E_S1_C1"><!-- eyes -->
  <frame number="00000000" />
  <frame number="00000001"><person id="0003"><leftEye x="1" y="2"/><rightEye x="3" y="2"/></person></frame>
  <frame number="00000002"><person id="0003" /><person id="0004" /></frame>
</dataset>"""


def test_chokepoint_s_table_says_who_is_seen(tmp_path: Path) -> None:
    folder = tree(tmp_path, [f"P1E_S1_C1/{n:08d}.jpg" for n in range(3)])
    with pytest.raises(InputError, match=r"has no 'P1E_S1_C1.xml' in 'groundtruth'"):
        LAYOUTS["chokepoint"](folder)
    (folder / "groundtruth").mkdir()
    table = folder / "groundtruth" / "P1E_S1_C1.xml"
    table.write_text(CHOKEPOINT)
    assert LAYOUTS["chokepoint"](folder) == [Found(folder / "P1E_S1_C1" / "00000001.jpg", "0003")]
    table.write_text("<dataset><frame")
    with pytest.raises(InputError, match="cannot be read"):
        people_of(table)
    table.write_text('<!DOCTYPE a [<!ENTITY b "c">]><dataset/>')
    with pytest.raises(InputError, match="declares types or entities"):
        people_of(table)


def test_whom_to_hold_out_can_be_said(tmp_path: Path) -> None:
    folder = tree(tmp_path, TREES["u2eyes"])
    valid = read_layout(folder, "u2eyes", "valid", ["user3"])
    assert {path.relative_to(folder).parts[0] for path in valid} == {"user3"}
    train = read_layout(folder, "u2eyes", "train", ["user3"])
    assert len(train) + len(valid) == len(TREES["u2eyes"])
    with pytest.raises(UsageError, match="'held' names nobody, who are not in"):
        read_layout(folder, "u2eyes", "valid", ["nobody"])


def test_the_final_people_are_in_no_split(monkeypatch: pytest.MonkeyPatch) -> None:
    digest = hashlib.sha256(b"final/somebody").hexdigest()[:12]
    person = Found(Path("a.png"), "somebody")
    assert belongs(person, "train", frozenset()) != belongs(person, "valid", frozenset())
    monkeypatch.setattr("mfrec.imageio.sequences.FINAL", frozenset([digest]))
    assert not belongs(person, "train", frozenset())
    assert not belongs(person, "valid", frozenset(["somebody"]))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_folder_of_something_else_is_named(layout: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(InputError, match="holds no picture in the layout"):
        read_layout(tmp_path, layout, "train")
    assert EXPECTED.keys() == LAYOUTS.keys()


def test_what_is_asked_wrongly(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no layout 'celebb'; did you mean 'celeba'"):
        read_layout(tmp_path, "celebb", "train")
    with pytest.raises(InputError, match="no folder"):
        read_layout(tmp_path / "none", "att", "train")
    (tmp_path / "s1").mkdir()
    (tmp_path / "s1" / "1.pgm").write_bytes(png_bytes(np.asarray(face())))
    only = "train" if chosen_person("s1", VALIDATION) else "valid"
    with pytest.raises(InputError, match=f"belongs to the split '{only}'"):
        read_layout(tmp_path, "att", only)
