"""What is wrong with training pictures is said before the first step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from few_pictures import face

from mfrec.errors import InputError, UsageError
from mfrec.imageio import png_bytes
from mfrec.train.data.picture_files import LEAST, PictureFiles, read_sets
from mfrec.train.tasks import TASKS


def people(folder: Path, count: int = 16, sizes: tuple[int, ...] = (64, 80)) -> Path:
    """Pictures in AT&T's layout, four of each person, which are PNG by another name."""
    for number in range(count):
        side = sizes[number % len(sizes)]
        (folder / f"s{number}").mkdir(parents=True)
        for k in range(4):
            (folder / f"s{number}" / f"{k}.pgm").write_bytes(png_bytes(np.asarray(face(number, k, side))))
    return folder


def test_pictures_are_read_when_they_are_needed(tmp_path: Path) -> None:
    folder = people(tmp_path, 2)
    files = sorted(folder.rglob("*.pgm"))
    kept = PictureFiles(files)
    assert [picture.shape for picture in kept] == [(64, 64, 3)] * 4 + [(80, 80, 3)] * 4
    few = PictureFiles(files, kept=64 * 64 * 3)
    assert len(few.kept) == 1
    assert all(np.array_equal(a, b) for a, b in zip(kept, few, strict=True))


def test_a_broken_file_among_them(tmp_path: Path) -> None:
    folder = people(tmp_path)
    broken = folder / "s3" / "1.pgm"
    broken.write_bytes(broken.read_bytes()[:200])
    with pytest.raises(InputError, match=r"1\.pgm.*replace it, or take it out"):
        for split in ("train", "valid"):
            TASKS["enlarge"]([folder], 0, split, {"layouts": ["att"], "height": 32, "width": 32})


def test_too_few_and_too_small(tmp_path: Path) -> None:
    folder = people(tmp_path, 16, (64, 40))
    with pytest.raises(InputError, match=rf"smaller than 96 x 96 px.*at least {LEAST} of 96 x 96 px"):
        read_sets([folder], "train", (96, 96), layouts=("att",))
    sets, notes = read_sets([folder], "train", (48, 48), layouts=("att",))
    assert all(picture.shape[0] == 64 for picture in sets[0])
    assert "pictures are smaller than 48 x 48 px, such as 's1/0.pgm'; they are left out" in notes[0]
    few = people(tmp_path / "few", 2)
    with pytest.raises(InputError, match=f"expected at least {LEAST}|belongs to the split 'train'"):
        read_sets([few], "train", (32, 32), layouts=("att",), held=("s0",))


def test_pictures_of_one_size_are_said_to_be(tmp_path: Path) -> None:
    folder = people(tmp_path, 16, (64,))
    _, notes = read_sets([folder], "train", (32, 32), layouts=("att",))
    assert notes[0].endswith("pictures have one size, 64 x 64 px")
    _, notes = read_sets([folder], "train", (64, 64), layouts=("att",))
    assert "every cut is the whole picture" in notes[0]
    stream = TASKS["enlarge"]([folder], 0, "train", {"layouts": ["att"], "height": 32, "width": 32})
    assert len(stream.notes) == 1
    assert read_sets([people(tmp_path / "two")], "train", (32, 32), layouts=("att",))[1] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layouts": ["att", "yale"]}, "2 names for 1 folders"),
        ({"held": ["s1"]}, "say which one in 'layouts'"),
        ({"layout": "att"}, "no argument 'layout'"),
        ({"layouts": "att"}, "'layouts' is"),
        ({"layouts": ["orl"]}, "no layout 'orl'"),
    ],
)
def test_what_is_asked_wrongly(tmp_path: Path, arguments: dict[str, Any], message: str) -> None:
    folder = people(tmp_path, 1)
    with pytest.raises(UsageError, match=message):
        TASKS["enlarge"]([folder], 0, "train", {"height": 32, "width": 32, **arguments})
    with pytest.raises(UsageError, match="name their folders"):
        TASKS["enlarge"]([], 0, "train", {})
