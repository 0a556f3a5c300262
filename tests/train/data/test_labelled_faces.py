"""Faces with labels are read, split by name, and have left and right as the person does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from labelled_portraits import portrait, write_portraits
from PIL import Image

from mfrec.errors import InputError
from mfrec.face.regions import MIRRORED
from mfrec.train.data.labelled_faces import UNLABELLED, read_faces, read_labels, with_sides_exchanged
from mfrec.types import Region


def test_every_face_belongs_to_one_split(tmp_path: Path) -> None:
    folder = write_portraits(tmp_path / "faces", 12)
    train, valid = ({face.name for face in read_faces([folder], split)} for split in ("train", "valid"))
    assert train | valid == {f"face_{i}" for i in range(12)}
    assert not train & valid


def test_picture_and_labels_belong_together(tmp_path: Path) -> None:
    image, labels = portrait()
    faces = read_faces([write_portraits(tmp_path / "faces", 12)], "train")
    brightest = max(faces, key=lambda face: face.image.mean())
    assert np.abs(brightest.image.astype(int) - image).max() < 60
    assert all((face.labels == labels).all() for face in faces)


def test_a_mirrored_portrait_gets_its_sides_back(tmp_path: Path) -> None:
    _, labels = portrait()
    file = tmp_path / "mirrored.png"
    Image.fromarray(np.ascontiguousarray(labels[:, ::-1])).save(file)
    found = read_labels(file, labels.shape)
    expected = with_sides_exchanged(labels[:, ::-1])
    np.testing.assert_array_equal(found, expected)
    left, right = (np.nonzero(found == eye)[1].mean() for eye in (Region.L_EYE, Region.R_EYE))
    assert left > right


def test_exchanging_sides_twice_changes_nothing() -> None:
    every = np.arange(256, dtype=np.uint8)[None]
    np.testing.assert_array_equal(with_sides_exchanged(with_sides_exchanged(every)), every)
    assert {Region(int(i)) for i in every[every != with_sides_exchanged(every)]} == set(MIRRORED)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.full((64, 64), 19, np.uint8), r"ids \[19\]"),
        (np.zeros((32, 64), np.uint8), r"expected 8-bit ids on the grid of the picture, \[64, 64\]"),
        (np.zeros((64, 64, 3), np.uint8), "expected 8-bit ids"),
    ],
)
def test_other_labels_are_refused(tmp_path: Path, labels: np.ndarray, message: str) -> None:
    file = tmp_path / "labels.png"
    Image.fromarray(labels).save(file)
    with pytest.raises(InputError, match=message):
        read_labels(file, (64, 64))


def test_unlabelled_pixels_are_allowed(tmp_path: Path) -> None:
    file = tmp_path / "labels.png"
    Image.fromarray(np.full((8, 8), UNLABELLED, np.uint8)).save(file)
    assert (read_labels(file, (8, 8)) == UNLABELLED).all()


def test_folders_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folders 'images' and 'labels'"):
        read_faces([tmp_path], "train")
    folder = write_portraits(tmp_path / "faces", 3)
    (folder / "labels" / "face_1.png").unlink()
    with pytest.raises(InputError, match="face_1"):
        [read_faces([folder], split) for split in ("train", "valid")]
