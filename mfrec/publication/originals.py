"""Outputs and originals are kept apart: by what names stand for, not by how they are spelt.

A link, a hard link, a second mount of the same folder and another case on a file system that folds case are other
spellings of one file or folder; the number of its device and its own number on it tell.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from mfrec.errors import UsageError

Identity = tuple[int, int]
"""Device and number on it, of a file or folder."""


def check_apart(target: Path, shown: Path, originals: Iterable[str | os.PathLike[str]]) -> None:
    """Refuse an output that lies among the originals, holds one, or is one.

    Args:
        target: the output, links resolved; it need not exist.
        shown: as it was written, for the message.
        originals: files, and folders with all that is in them.

    Raises:
        UsageError: it is not apart from them.
    """
    own = identity(target)
    around = set(identities_above(target))
    inside = {found for path in entries(target) if (found := identity(path)) is not None} if own else set()
    for original in originals:
        place = Path(os.path.realpath(original))
        folders, files = contents(place)
        for folder in folders:
            if identity(folder) in around:
                raise UsageError(
                    f"the output '{shown}' lies among the originals in '{original}', and nothing is ever written "
                    "there; choose a folder outside of it with -o"
                )
        if own is None:
            continue
        for file in (place, *folders, *files):
            if identity(file) in inside or own in identities_above(file):
                raise UsageError(
                    f"the output '{shown}' lies among the originals: it holds '{file}', under this or "
                    "another name; nothing is ever written there, choose another folder with -o"
                )


def contents(place: Path) -> tuple[list[Path], list[Path]]:
    """The folders, ``place`` among them if it is one, and the files under it; links to folders are not followed."""
    folders: list[Path] = []
    files: list[Path] = []
    for folder, names, others in os.walk(place):
        folders.append(Path(folder))
        files += (Path(folder, name) for name in others)
        files += (path for name in names if (path := Path(folder, name)).is_symlink())
    return folders, files


def entries(target: Path) -> Iterator[Path]:
    """What lies directly in a folder, nothing for a file; the output itself where it is one file."""
    if target.is_dir():
        yield from target.iterdir()
    else:
        yield target


def identities_above(path: Path) -> Iterator[Identity]:
    """Of what a name stands for and of every folder around it, as far as they exist."""
    real = Path(os.path.realpath(path))
    for place in (real, *real.parents):
        found = identity(place)
        if found is not None:
            yield found


def identity(path: Path) -> Identity | None:
    """Of what a name stands for; None where that is nothing."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
