"""Label faces by the parser itself, for training it on more people than have labels by hand.

    python scripts/make_taught_faces.py faces/stills -o taught --without "also in masks"
    mfrec train parser --data masks --data masks --data taught --start parser -o trained/

The teacher sees good pictures, at three sizes and mirrored, and gives the mean of its opinions; the student sees what a
bad camera makes of them (self-training with a noised student: Xie, Luong, Hovy, Le, "Self-training with Noisy Student
improves ImageNet classification", CVPR 2020, algorithm 1). Where the teacher is unsure, and outside of the picture, a
pixel stays unlabelled. Nobody whose labels by hand are held out may be among the pictures: name how the manifest tells
them with ``--without``.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from mfrec.cards.load import load_network
from mfrec.errors import InputError
from mfrec.face.detect import detect_faces
from mfrec.face.landmarks import detect_landmarks, read_aligned
from mfrec.face.parsing import upright_crop
from mfrec.face.regions import MIRRORED
from mfrec.imageio import png_bytes, read
from mfrec.imageio.sequences import chosen_person
from mfrec.train.data.labelled_faces import UNLABELLED, VALIDATION_LABELS
from mfrec.types import FloatArray, Region, Similarity

SIDE = 256
"""Pixels of a labelled face."""

SIDES = (144, 160, 192)
"""Pixels at which the teacher looks at it."""

SURE = 0.6
"""Probability from which on its opinion counts."""

MOST_UNSURE = 0.25
"""Share of unsure pixels above which a face is left out: it is turned, covered, or none."""


def opinion(network: Any, face: FloatArray) -> NDArray[np.float32]:
    """Probability of every region, ``[classes, SIDE, SIDE]``, of a face ``[SIDE, SIDE, 3]``."""
    exchanged = np.arange(len(Region))
    exchanged[[int(region) for region in MIRRORED]] = [int(region) for region in MIRRORED.values()]
    total = torch.zeros(len(Region), SIDE, SIDE)
    for side in SIDES:
        picture = np.moveaxis(cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA), 2, 0)
        both = torch.from_numpy(np.stack([picture, picture[..., ::-1]]))
        with torch.inference_mode():
            found = network(both.contiguous(memory_format=torch.channels_last)).scores.softmax(1)
        straight, mirrored = torch.nn.functional.interpolate(found, size=(SIDE, SIDE), mode="bilinear")
        total += straight + mirrored.flip(-1)[exchanged]
    return (total / (2 * len(SIDES))).numpy()


def inside(to_picture: Similarity, height: int, width: int) -> NDArray[np.bool_]:
    """Which pixels of a face lie in the picture that it was read from."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    x, y = to_picture.apply(np.column_stack([columns.ravel(), rows.ravel()])).T.reshape(2, SIDE, SIDE)
    return (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)


def taught(network: Any, picture: FloatArray) -> tuple[FloatArray, NDArray[np.uint8]] | None:
    """The upright face of a picture and its labels; None where there is none, or where the teacher is too unsure."""
    faces = detect_faces(picture)
    if not faces:
        return None
    landmarks = detect_landmarks(picture, max(faces, key=lambda face: face.side).box, "dlib")
    to_picture = upright_crop(landmarks, SIDE)
    face = read_aligned(picture, to_picture, SIDE)
    found = opinion(network, face)
    labels = found.argmax(0).astype(np.uint8)
    labels[found.max(0) < SURE] = UNLABELLED
    if (labels == UNLABELLED).mean() > MOST_UNSURE:
        return None
    labels[~inside(to_picture, *picture.shape[:2])] = UNLABELLED
    return face, labels


def pictures(folder: Path, without: str) -> Iterator[Path]:
    """The pictures of a folder that its ``manifest.csv`` names, but for rows that hold a text."""
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if not without or without not in " ".join(row.values()):
                yield folder / row["file"]


def training_name(stem: str) -> str:
    """A name that is not held out of training: those held out are the ones with labels by hand."""
    while chosen_person(stem, VALIDATION_LABELS):
        stem += "x"
    return stem


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="pictures with a manifest.csv")
    parser.add_argument("-o", "--out", type=Path, required=True, help="new folder with images/ and labels/")
    parser.add_argument("--without", default="", help="leave out pictures whose row in the manifest holds this")
    options = parser.parse_args()
    for name in ("images", "labels"):
        (options.out / name).mkdir(parents=True)
    torch.set_num_threads(1)
    network, count = load_network("parser"), 0
    for file in pictures(options.folder, options.without):
        try:
            made = taught(network, read(file).frames[0].image)
        except InputError as error:
            print(error)
            continue
        if made is None:
            continue
        face, labels = made
        name = training_name(file.stem)
        (options.out / "images" / f"{name}.png").write_bytes(png_bytes(face))
        Image.fromarray(labels).save(options.out / "labels" / f"{name}.png")
        count += 1
    print(f"{count} faces in {options.out}")


if __name__ == "__main__":
    main()
