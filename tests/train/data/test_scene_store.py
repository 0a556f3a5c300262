"""Kept scenes: never another one than was asked for, whoever has made it and wherever it lies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mfrec.errors import UsageError
from mfrec.train.data.scene_store import SceneStore, digest
from mfrec.train.data.scenes import Scene


def scene(number: int, points: bool = False) -> Scene:
    """A scene that says its number everywhere."""
    return Scene(
        np.full((2, 8, 4, 4), number, np.float16),
        np.full((2, 8), number, np.float32),
        number % 2,
        np.full((4, 4, 3), number, np.float16),
        np.full((68, 2), number, np.float32) if points else None,
    )


class Maker:
    """Makes scenes and remembers which."""

    def __init__(self, points: bool = False) -> None:
        self.made: list[int] = []
        self.points = points

    def __call__(self, number: int) -> Scene:
        self.made.append(number)
        return scene(number, self.points)


@pytest.fixture(params=["memory", "files"])
def folder(request, tmp_path: Path) -> Path | None:
    return tmp_path / "scenes" if request.param == "files" else None


def test_a_kept_scene_is_not_made_again(folder: Path | None) -> None:
    make = Maker()
    store = SceneStore(make, 4, folder)
    for number in (0, 1, 0, 3, 1, 0):
        found = store[number]
        assert found.stack.max() == found.stack.min() == number
        assert found.stack.dtype == np.float16
        assert found.told.dtype == np.float32
        assert found.reference == number % 2
        assert found.points is None
    assert make.made == [0, 1, 3]


def test_a_newer_scene_takes_the_place_of_an_older_one_and_never_the_other_way(folder: Path | None) -> None:
    make = Maker()
    store = SceneStore(make, 3, folder)
    assert [int(store[number].truth[0, 0, 0]) for number in (1, 4, 1, 4)] == [1, 4, 1, 4]
    assert make.made == [1, 4, 1]


def test_landmarks_are_kept_too(folder: Path | None) -> None:
    store = SceneStore(Maker(points=True), 2, folder)
    for _ in range(2):
        found = store[5].points
        assert found is not None
        assert found.shape == (68, 2)
        assert found.max() == 5


def test_processes_share_files(tmp_path: Path) -> None:
    first, second = Maker(), Maker()
    assert SceneStore(first, 3, tmp_path)[2].reference == SceneStore(second, 3, tmp_path)[2].reference
    assert (first.made, second.made) == ([2], [])
    assert [path.name for path in tmp_path.iterdir()] == ["000002.npz"]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot make the cache '.*file/scenes'"):
        SceneStore(Maker(), 3, tmp_path / "file" / "scenes")


def test_a_digest_stands_for_texts_numbers_and_shapes() -> None:
    one = np.arange(6, dtype=np.float32)
    made = [
        digest(("a", "b"), [one]),
        digest(("ab", ""), [one]),
        digest(("a", "b"), [one + 1]),
        digest(("a", "b"), [one.reshape(2, 3)]),
        digest(("a", "b"), [one[::-1]]),
    ]
    assert len(set(made)) == len(made)
    assert digest(("a", "b"), [one.copy()]) == made[0]
    assert all(len(text) == 16 for text in made)
