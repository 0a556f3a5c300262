"""Faces with a label for every pixel, read from a folder and split by the name of the file.

The layout is ``FOLDER/images/NAME.jpg`` (any format) and ``FOLDER/labels/NAME.png``: one channel of 8 bits, the ids of
:class:`mfrec.types.Region`, of the same size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mfrec.errors import InputError
from mfrec.face.regions import MIRRORED
from mfrec.imageio.sequences import chosen_person
from mfrec.train.data.pictures import Split, pictures_in, read_still, unreadable
from mfrec.types import Region

VALIDATION_LABELS = "0/8"
"""Which fold of the files is held out of training; see :func:`mfrec.imageio.sequences.chosen_person`."""

UNLABELLED = 255
"""In a label map: nobody knows. No loss and no figure counts such a pixel."""


@dataclass(frozen=True, eq=False)
class LabelledFace:
    """A picture and its labels.

    Attributes:
        name: of the file, without its suffix.
        image: ``[H, W, 3]`` uint8 RGB.
        labels: ``[H, W]`` uint8, ids of :class:`mfrec.types.Region` or :data:`UNLABELLED`.
    """

    name: str
    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]


def read_faces(folders: Sequence[Path], split: Split) -> tuple[LabelledFace, ...]:
    """Read the faces of one split, in the order of their names.

    Args:
        folders: with the layout that the head of this file shows.
        split: ``"valid"`` takes the fold :data:`VALIDATION_LABELS`, ``"train"`` the others.

    Raises:
        InputError: a folder has another layout, a picture has no labels or labels of another size or with unknown ids,
            or nothing is left of it all.
    """
    out = []
    for folder in folders:
        images, labels = folder / "images", folder / "labels"
        if not images.is_dir() or not labels.is_dir():
            raise InputError(f"'{folder}' has no folders 'images' and 'labels'; faces with labels are laid out so")
        for file in sorted(pictures_in(images)):
            if chosen_person(file.stem, VALIDATION_LABELS) == (split == "valid"):
                image = read_still(file)
                out.append(LabelledFace(file.stem, image, read_labels(labels / f"{file.stem}.png", image.shape[:2])))
    if not out:
        names = ", ".join(f"'{folder}'" for folder in folders) or "no folder"
        raise InputError(
            f"no face with labels for the split '{split}' in {names}; the names of the files decide who belongs to it, "
            "so give more of them"
        )
    return tuple(out)


def read_labels(file: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    """One label map, with left and right as the person has them.

    Some published portraits are mirrored and their labels with them, so that the left eye lies on the left of the
    picture. No parser could know that of a picture; there the names of the sides are exchanged.

    Args:
        file: the picture of ids.
        size: ``(H, W)`` that it must have.

    Raises:
        InputError: it is missing, cannot be read, or holds something else.
    """
    from mfrec.imageio.formats import DECODER_ERRORS, open_picture

    try:
        with open_picture(file) as opened:
            labels = np.array(opened)
    except DECODER_ERRORS as error:
        raise unreadable(file, error) from None
    if labels.dtype != np.uint8 or labels.shape != size:
        raise InputError(
            f"the labels '{file}' are {labels.dtype} {list(labels.shape)}; expected 8-bit ids on the grid of the "
            f"picture, {list(size)}"
        )
    unknown = sorted(set(np.unique(labels).tolist()) - {*map(int, Region), UNLABELLED})
    if unknown:
        raise InputError(f"the labels '{file}' hold the ids {unknown}; expected 0 to {max(Region)}, or {UNLABELLED}")
    left, right = (np.nonzero(labels == eye)[1] for eye in (Region.L_EYE, Region.R_EYE))
    mirrored = left.size > 0 and right.size > 0 and left.mean() < right.mean()
    return with_sides_exchanged(labels) if mirrored else labels


def with_sides_exchanged(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Labels ``[H, W]`` where the left eye is called the right one, and so on; every pixel stays where it is."""
    names = np.arange(256, dtype=np.uint8)
    names[[int(region) for region in MIRRORED]] = [int(region) for region in MIRRORED.values()]
    return names[labels]
