"""Which picture is compared with which truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mfrec.errors import InputError, NoFramesError
from mfrec.evaluation.result import Pair
from mfrec.provenance.record import RECORD
from mfrec.types import FloatArray


def paired(pictures: Sequence[Path], truth: Path, before: Path | None) -> list[Pair]:
    """Which picture belongs to which truth, ordered by truth.

    Raises:
        InputError: a file is missing, or a picture has no truth or no input of its name.
    """
    if not pictures:
        raise NoFramesError("no picture was given; name files, folders, or output folders of mfrec reconstruct")
    truths = {path.stem: path for path in picture_files(truth)} if truth.is_dir() else existing(truth, "truth")
    inputs = {path.stem: path for path in picture_files(before)} if before and before.is_dir() else None
    if before is not None and inputs is None:
        existing(before, "input")
    pairs: list[Pair] = []
    for place in pictures:
        for method, picture, arrays in entries(place):
            # An output folder holds one reconstruction, which goes by the name of the folder.
            output = (place / RECORD).is_file()
            key = place.resolve().name if output else picture.stem
            name = f"{key}/{picture.name}" if output else picture.name
            if isinstance(truths, Path):
                own = truths
            elif key in truths:
                own = truths[key]
            else:
                raise InputError(
                    f"the picture '{picture}' has no truth: '{truth}' holds nothing named '{key}' with a picture's "
                    f"suffix, but {shortened(truths)}"
                )
            if inputs is not None and key not in inputs:
                raise InputError(f"the picture '{picture}' has no input: '{before}' holds nothing named '{key}'")
            pairs.append(Pair(method, name, picture, own, before if inputs is None else inputs[key], arrays))
    order = list(dict.fromkeys(pair.truth for pair in pairs))
    return sorted(pairs, key=lambda pair: order.index(pair.truth))


def entries(place: Path) -> list[tuple[str, Path, Path | None]]:
    """The pictures that a path leads to: method, file, and the ``.npz`` that holds its uncertainty.

    Raises:
        InputError: there is nothing, or no picture in the folder.
    """
    if (place / RECORD).is_file():
        names = ("reconstruction", "evidence", "reference")
        arrays = {"reconstruction": place / "provenance.npz"}
        return [(name, existing(place / f"{name}.png", "picture"), arrays.get(name)) for name in names]
    if place.is_dir():
        return [(place.resolve().name, file, None) for file in picture_files(place)]
    return [(place.stem, existing(place, "picture"), None)]


def picture_files(folder: Path) -> list[Path]:
    """The pictures of a folder in natural order.

    Raises:
        InputError: there are none, or two differ in their suffix alone.
    """
    from mfrec.imageio.formats import PICTURE_SUFFIXES
    from mfrec.imageio.survey import natural_key

    files = [f for f in folder.iterdir() if f.suffix.lower() in PICTURE_SUFFIXES and not f.name.startswith(".")]
    if not files:
        raise NoFramesError(f"the folder '{folder}' holds no picture")
    files.sort(key=lambda file: natural_key(file.name))
    stems: dict[str, Path] = {}
    for file in files:
        if file.stem in stems:
            raise InputError(
                f"'{stems[file.stem].name}' and '{file.name}' in '{folder}' differ in their suffix alone: "
                "nobody can say which one belongs to a picture of that name; keep one"
            )
        stems[file.stem] = file
    return files


def existing(path: Path, what: str) -> Path:
    """The path, if there is a file.

    Raises:
        InputError: there is none.
    """
    if not path.is_file():
        raise NoFramesError(f"there is no {what} '{path}'; check the spelling, or give a full path")
    return path


def shortened(names: Mapping[str, Path]) -> str:
    """The first few names and how many there are."""
    first = ", ".join(f"'{path.name}'" for path in list(names.values())[:3])
    return f"{first} and {len(names) - 3} more" if len(names) > 3 else first


def read_one(path: Path) -> FloatArray:
    """One picture, ``[H, W, 3]`` float32 RGB in [0, 1].

    Raises:
        InputError: it cannot be read.
    """
    from mfrec.imageio import read

    return read([path]).frames[0].image
