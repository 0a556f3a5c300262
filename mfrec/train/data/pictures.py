"""The true pictures that samples are made of, read from folders and split by person.

Folders of three kinds are read:

* **sequences**, ``SEQUENCES/seq_001/0.jpg``: consecutive good frames of one person in each folder;
* **stills**, ``STILLS/*.jpg``: good pictures of single faces;
* **labelled frames**, the layout of MLFDB: folders that hold seven small frames of one size and, once, what the middle
  one should have been, at two, four or eight times their size (for 32 px: 64, 128 or 256 px). The label is known by
  its size, whatever the files are called; the frames are taken in natural order of their names.

People are split by name where a table beside the folders says who is who (:func:`mfrec.imageio.sequences.table_of`), by
the name of the folder or file otherwise. Pictures lie in memory as 8-bit arrays.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mfrec.camera.protocols import SCALE
from mfrec.errors import InputError
from mfrec.image.geometry import resize
from mfrec.imageio import read
from mfrec.imageio.formats import PICTURE_SUFFIXES
from mfrec.imageio.sequences import TruthSequence, chosen_person, find_sequences, has_frames
from mfrec.imageio.survey import natural_key
from mfrec.types import FloatArray, Frame

Split = Literal["train", "valid"]

FRAMES = 7
"""Frames of a sample with several, and of a folder of labelled frames."""

LABEL_FACTORS = (2, 4, 8)
"""How much larger than its frames a label may be."""

VALIDATION = "0/4"
"""Which fold of the people in sequences is held out of training; see :func:`mfrec.imageio.sequences.chosen_person`."""

VALIDATION_STILLS = "0/20"
"""Likewise for stills, by the name of the file. Fewer, because the figures that count are those of the sequences."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """Bad frames as they are, and what the middle one should have been.

    Attributes:
        frames: seven, of one size.
        label: ``[H, W, 3]`` uint8 RGB, a whole number of times as large.
    """

    frames: tuple[Frame, ...]
    label: NDArray[np.uint8]

    @property
    def matched_size(self) -> tuple[int, int]:
        """Rows and columns of the frames that :meth:`matched` gives."""
        frame = self.frames[0].image
        return min(frame.shape[0], self.label.shape[0] // SCALE), min(frame.shape[1], self.label.shape[1] // SCALE)

    def matched(self) -> tuple[list[FloatArray], FloatArray]:
        """The frames, and the label at exactly :data:`mfrec.camera.protocols.SCALE` times their size.

        Whichever is too large for that is averaged down: a label of eight times the frames' size, or the frames where
        the label has only twice their size. Nothing is enlarged.

        Returns:
            ``[h, w, 3]`` each and ``[4 h, 4 w, 3]``, float32 in [0, 1].
        """
        truth = self.label.astype(np.float32) / np.float32(255)
        rows, columns = self.matched_size
        frames = [resize(frame.image, rows, columns, interpolation="area") for frame in self.frames]
        return frames, resize(truth, SCALE * rows, SCALE * columns, interpolation="area")


@dataclass(frozen=True, eq=False)
class Pictures:
    """The pictures of the people of one split.

    Attributes:
        stills: ``[H, W, 3]`` uint8 RGB each.
        sequences: lists of consecutive frames ``[H, W, 3]`` uint8 RGB.
        labelled: frames that are bad already.
    """

    stills: tuple[NDArray[np.uint8], ...] = ()
    sequences: tuple[tuple[NDArray[np.uint8], ...], ...] = ()
    labelled: tuple[Labelled, ...] = ()

    @functools.cached_property
    def every(self) -> tuple[NDArray[np.uint8], ...]:
        """All true pictures but the labels: the stills, then the frames of one sequence after the other."""
        return self.stills + tuple(frame for sequence in self.sequences for frame in sequence)

    def check_side(self, side: int) -> None:
        """Make sure that the labelled frames allow a truth of ``side`` pixels.

        Raises:
            InputError: one of them does not.
        """
        for labelled in self.labelled:
            largest = SCALE * min(labelled.matched_size)
            if largest < side:
                frame = labelled.frames[0]
                raise InputError(
                    f"the labelled frames beside '{frame.path or frame.name}' allow a truth of {largest} px, and "
                    f"{side} px are wanted; set side = {largest} in [recipe.data]"
                )


def read_pictures(folders: Sequence[Path], split: Split) -> Pictures:
    """Read the pictures of one split.

    Args:
        folders: of the kinds that the head of this file lists.
        split: ``"valid"`` takes the folds :data:`VALIDATION` and :data:`VALIDATION_STILLS`, ``"train"`` the others. The
            people of the split ``"final"`` are in neither.

    Raises:
        InputError: a folder is missing, a picture cannot be read, or nothing is left of it all.
    """
    stills: list[NDArray[np.uint8]] = []
    sequences: list[tuple[NDArray[np.uint8], ...]] = []
    labelled: list[Labelled] = []
    people: set[str] = set()
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"no folder '{folder}'; --data takes folders of stills or of sequences")
        if any(has_frames(child) for child in folder.iterdir() if child.is_dir()):
            for sequence in find_sequences(folder):
                people.add(sequence.person)
                if chosen_person(sequence.person, "final"):
                    continue
                if chosen_person(sequence.person, VALIDATION) == (split == "valid"):
                    label = label_of(sequence)
                    if label is None:
                        sequences.append(tuple(eight_bits(f.image) for f in read_all(sequence.folder)))
                    else:
                        labelled.append(read_labelled(label))
            continue
        for file in sorted(folder.iterdir()):
            if file.suffix.lower() in PICTURE_SUFFIXES:
                people.add(file.stem)
                if chosen_person(file.stem, VALIDATION_STILLS) == (split == "valid"):
                    stills.append(read_still(file))
    if not (stills or sequences or labelled):
        names = ", ".join(f"'{folder}'" for folder in folders) or "no folder"
        if people:
            raise InputError(
                f"none of the {len(people)} people or stills in {names} belongs to the split '{split}', which their "
                "names decide; give more of them"
            )
        raise InputError(f"no picture in {names}; expected folders of stills or of sequences")
    return Pictures(tuple(stills), tuple(sequences), tuple(labelled))


def takes_labelled(pictures: Pictures, rng: np.random.Generator) -> bool:
    """Whether the next sample is one of the labelled frames: as often as they are among stills, sequences and those.

    Nothing is drawn where there are none.
    """
    others = len(pictures.stills) + len(pictures.sequences)
    count = len(pictures.labelled)
    return count > 0 and int(rng.integers(count + others)) < count


def label_of(sequence: TruthSequence) -> Path | None:
    """The label of a folder of labelled frames; None where the folder is something else.

    Raises:
        InputError: a picture in it cannot be read.
    """
    from mfrec.imageio.formats import DECODER_ERRORS, open_picture

    sizes: dict[Path, tuple[int, int]] = {}
    for file in pictures_in(sequence.folder):
        try:
            with open_picture(file) as opened:
                sizes[file] = opened.size
        except DECODER_ERRORS as error:
            raise unreadable(file, error) from None
    small, large = min(sizes.values(), default=(0, 0)), max(sizes.values(), default=(0, 0))
    of_frames = [file for file, size in sizes.items() if size == small]
    labels = [file for file, size in sizes.items() if size == large]
    if len(sizes) != FRAMES + 1 or len(of_frames) != FRAMES or len(labels) != 1:
        return None
    fits = any(large == (factor * small[0], factor * small[1]) for factor in LABEL_FACTORS)
    return labels[0] if fits else None


def read_labelled(label: Path) -> Labelled:
    """A label and the frames beside it, in natural order.

    Raises:
        InputError: one of them cannot be read.
    """
    files = sorted((file for file in pictures_in(label.parent) if file != label), key=lambda f: natural_key(f.name))
    return Labelled(read_all(files), read_still(label))


def read_all(source: Path | list[Path]) -> tuple[Frame, ...]:
    """The frames of a folder or of files, all of them.

    Raises:
        InputError: one of them cannot be read.
    """
    found = read(source)
    for dropped in found.dropped:
        folder = source if isinstance(source, Path) else source[0].parent
        raise unreadable(folder / dropped.name, dropped.reason)
    return found.frames


def pictures_in(folder: Path) -> list[Path]:
    """The picture files directly in a folder."""
    return [file for file in folder.iterdir() if file.suffix.lower() in PICTURE_SUFFIXES]


def read_still(file: Path) -> NDArray[np.uint8]:
    """One picture as ``[H, W, 3]`` uint8 RGB, upright. Four times as fast as a whole :func:`mfrec.imageio.read`.

    Raises:
        InputError: it cannot be read.
    """
    from PIL import ImageOps

    from mfrec.imageio.formats import DECODER_ERRORS, open_picture

    try:
        with open_picture(file) as opened:
            return np.array(ImageOps.exif_transpose(opened).convert("RGB"))
    except DECODER_ERRORS as error:
        raise unreadable(file, error) from None


def unreadable(file: Path, reason: object) -> InputError:
    """The error that a picture which cannot be used is reported with."""
    return InputError(f"cannot use the picture '{file}' ({reason}); replace it, or take it out")


def eight_bits(image: FloatArray) -> NDArray[np.uint8]:
    """``[H, W, 3]`` in [0, 1] as uint8, to hold many pictures in memory."""
    return np.rint(image * 255).astype(np.uint8)
