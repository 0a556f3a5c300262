"""Pictures that stay on disk until they are needed, looked at once before a training begins.

A broken file, or one that is too small, should stop a training in its first minute and not in its tenth hour, so every
file is decoded once. What fits is kept in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mfrec.errors import InputError, UsageError
from mfrec.train.data.layouts import read_layout
from mfrec.train.data.pictures import Split, read_pictures, read_still

LEAST = 8
"""Pictures that a training needs at least."""

KEPT = 2 << 30
"""Bytes of decoded pictures that are kept in memory; others are read again each time."""


class PictureFiles(Sequence[NDArray[np.uint8]]):
    """Pictures ``[H, W, 3]`` uint8 RGB by number.

    Args:
        files: of the pictures.
        kept: bytes that may be kept in memory.

    Raises:
        InputError: a file cannot be read.
    """

    def __init__(self, files: Sequence[Path], kept: int = KEPT) -> None:
        self.files = tuple(files)
        self.kept: dict[int, NDArray[np.uint8]] = {}
        self.sizes: list[tuple[int, int]] = []
        for number, file in enumerate(self.files):
            picture = read_still(file)
            self.sizes.append((picture.shape[0], picture.shape[1]))
            if picture.nbytes <= kept:
                kept -= picture.nbytes
                self.kept[number] = picture

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:  # pyright: ignore[reportIncompatibleMethodOverride]
        if not 0 <= index < len(self.files):
            raise IndexError(f"picture {index} of {len(self.files)}")
        return self.kept[index] if index in self.kept else read_still(self.files[index])


class Chosen(Sequence[NDArray[np.uint8]]):
    """Some of a set of pictures."""

    def __init__(self, pictures: Sequence[NDArray[np.uint8]], numbers: Sequence[int]) -> None:
        self.pictures, self.numbers = pictures, tuple(numbers)

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.pictures[self.numbers[index]]


def read_sets(
    folders: Sequence[Path],
    split: Split,
    size: tuple[int, int],
    *,
    layouts: tuple[str, ...] = (),
    held: tuple[str, ...] = (),
) -> tuple[list[Sequence[NDArray[np.uint8]]], list[str]]:
    """The pictures of one split of several data sets, those that are large enough, and what is to be said of them.

    Args:
        folders: of the sets.
        split: ``"train"`` or ``"valid"``.
        size: rows and columns that a picture needs at least.
        layouts: of :data:`mfrec.train.data.layouts.LAYOUTS`, one for each folder or one for all; empty reads folders of
            sequences and of stills, see :mod:`mfrec.train.data.pictures`.
        held: people of ``"valid"``, see :func:`mfrec.train.data.layouts.read_layout`.

    Returns:
        One set a folder, and sentences for whoever trains.

    Raises:
        UsageError: layouts do not fit the folders, or one is unknown.
        InputError: a folder is missing, a picture cannot be read, or too few are left.
    """
    if len(layouts) > 1 and len(layouts) != len(folders):
        raise UsageError(f"'layouts' has {len(layouts)} names for {len(folders)} folders; give one each or one for all")
    if held and not layouts:
        raise UsageError("'held' names people of a layout; say which one in 'layouts'")
    sets: list[Sequence[NDArray[np.uint8]]] = []
    notes: list[str] = []
    for folder, layout in zip(folders, layouts * (len(folders) // max(len(layouts), 1)), strict=False):
        files = PictureFiles(read_layout(folder, layout, split, held))
        names = [str(file.relative_to(folder)) for file in files.files]
        sets.append(Chosen(files, usable(files.sizes, names, size, split, notes)))
    if not layouts:
        for folder in folders:
            every = read_pictures([folder], split).every
            names = [f"picture {number + 1} of '{folder.name}'" for number in range(len(every))]
            sizes = [(picture.shape[0], picture.shape[1]) for picture in every]
            sets.append(Chosen(every, usable(sizes, names, size, split, notes)))
    return sets, notes


def usable(
    sizes: Sequence[tuple[int, int]], names: Sequence[str], size: tuple[int, int], split: Split, notes: list[str]
) -> list[int]:
    """Which pictures can be used, or why none of it can.

    Args:
        sizes: rows and columns of each picture.
        names: of each, for messages.
        size: rows and columns that a picture needs at least.
        split: a validation needs one picture.
        notes: gets what is no error and changes what is learnt: that pictures are left out, or all have one size.

    Returns:
        Numbers of the pictures that are large enough.

    Raises:
        InputError: fewer are left than :data:`LEAST`.
    """
    wanted = f"{size[1]} x {size[0]} px"
    large = [number for number, (rows, columns) in enumerate(sizes) if rows >= size[0] and columns >= size[1]]
    kept = set(large)
    small = [name for number, name in enumerate(names) if number not in kept]
    left_out = f"{len(small)} of {len(sizes)} pictures are smaller than {wanted}, such as '{small[0]}'" if small else ""
    least = LEAST if split == "train" else 1
    if len(large) < least:
        found = left_out or f"the split '{split}' has {len(sizes)} pictures"
        raise InputError(f"{found}; expected at least {least} of {wanted}. Give more or larger ones")
    if split == "valid":
        return large
    if small:
        notes.append(f"{left_out}; they are left out")
    if len({sizes[number] for number in large}) == 1:
        rows, columns = sizes[large[0]]
        exactly = ", just what is cut out of them: every cut is the whole picture" if (rows, columns) == size else ""
        notes.append(f"all {len(large)} pictures have one size, {columns} x {rows} px{exactly}")
    return large
