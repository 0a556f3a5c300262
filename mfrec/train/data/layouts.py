"""Pictures of published data sets, as they lie on disk, with whoever is seen in each and the set's own split.

==============  =======================================================================================================
``folder``      every picture in a folder and below it; nobody is known
``celeba``      ``img_align_celeba/000001.jpg``, ``list_eval_partition.txt`` beside it where there is one
``imfdb``       ``ACTOR/MOVIE/images/*.jpg``; people are the actors
``chokepoint``  ``P1E_S1_C1/00000000.jpg`` with ``groundtruth/P1E_S1_C1.xml``, which names who is seen; frames without
                anybody are left out. Or cut faces, ``P1E_S1_C1/0001/00000000.pgm``
``yale``        ``yaleB01/*.pgm``, or ``subject01.happy`` without an ending
``att``         ``s1/1.pgm``
``u2eyes``      ``USER/HEAD POSE/*.png``: three levels; people are the users
``div2k``       ``DIV2K_train_HR/0001.png``, ``DIV2K_valid_HR/0801.png``
``bsds500``     ``images/train/*.jpg``, ``val`` and ``test``
==============  =======================================================================================================

Where a set has no split of its own it is split by person, and by file where nobody is known. Nothing is read here but
names and tables; :mod:`mfrec.train.data.picture_files` opens the pictures.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from mfrec.errors import InputError, UsageError
from mfrec.imageio.formats import PICTURE_SUFFIXES
from mfrec.imageio.sequences import chosen_person
from mfrec.imageio.survey import natural_key
from mfrec.recipe import nearest
from mfrec.train.data.pictures import VALIDATION, VALIDATION_STILLS, Split

LIMIT = 1 << 26
"""Bytes that a table of a data set may have."""


@dataclass(frozen=True)
class Found:
    """One picture of a data set.

    Attributes:
        path: of the file.
        person: who or what is seen, as far as the set says; empty where nobody is known.
        split: of the set itself; None where it has none. ``"test"`` is neither trained on nor validated with.
    """

    path: Path
    person: str = ""
    split: Split | str | None = None


def read_layout(folder: Path, layout: str, split: Split, held: Iterable[str] = ()) -> list[Path]:
    """The pictures of one split of a data set, in natural order.

    Args:
        folder: of the set.
        layout: one of :data:`LAYOUTS`.
        split: ``"train"`` or ``"valid"``.
        held: the people of ``"valid"``, in place of the set's split and of the folds of
            :func:`mfrec.imageio.sequences.chosen_person`.

    Raises:
        UsageError: no such layout, or somebody held out who is not there.
        InputError: no such folder, nothing in it that has that layout, or nobody in the split.
    """
    if layout not in LAYOUTS:
        raise UsageError(f"there is no layout '{layout}'{nearest(layout, LAYOUTS)}")
    if not folder.is_dir():
        raise InputError(f"no folder '{folder}'; --data takes the folder of a data set")
    found = LAYOUTS[layout](folder)
    if not found:
        raise InputError(f"'{folder}' holds no picture in the layout '{layout}'; expected {EXPECTED[layout]}")
    people = {each.person for each in found}
    missing = sorted(set(held) - people)
    if missing:
        raise UsageError(
            f"'held' names {', '.join(missing)}, who are not in '{folder}'; there are {', '.join(sorted(people)[:8])}"
        )
    chosen = [each.path for each in found if belongs(each, split, frozenset(held))]
    if not chosen:
        raise InputError(
            f"none of the {len(found)} pictures of {len(people)} people in '{folder}' belongs to the split '{split}'; "
            "name people to hold out in 'held' of [recipe.data], or give more of them"
        )
    return sorted(chosen, key=lambda path: natural_key(str(path.relative_to(folder))))


def belongs(found: Found, split: Split, held: frozenset[str]) -> bool:
    """Whether a picture is of a split. People of the split ``"final"`` are in none."""
    if found.person and chosen_person(found.person, "final"):
        return False
    if held:
        return (found.person in held) == (split == "valid")
    if found.split is not None:
        return found.split == split
    out = chosen_person(found.person, VALIDATION) if found.person else chosen_person(found.path.stem, VALIDATION_STILLS)
    return out == (split == "valid")


def pictures_below(folder: Path, pattern: str = "**/*") -> list[Path]:
    """Files whose names end as pictures do."""
    return [path for path in folder.glob(pattern) if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file()]


def plain(folder: Path) -> list[Found]:
    """A folder of any pictures."""
    return [Found(path) for path in pictures_below(folder)]


def celeba(folder: Path) -> list[Found]:
    """CelebA: Liu, Luo, Wang and Tang, "Deep learning face attributes in the wild", ICCV 2015.

    Raises:
        InputError: the table of the split cannot be read.
    """
    inner = folder / "img_align_celeba"
    pictures = pictures_below(inner if inner.is_dir() else folder, "*")
    tables = [place / "list_eval_partition.txt" for place in (folder, folder / "Eval", inner, folder.parent)]
    table = next((place for place in tables if place.is_file()), None)
    if table is None:
        return [Found(path) for path in pictures]
    splits = {"0": "train", "1": "valid", "2": "test"}
    told: dict[str, str] = {}
    for number, line in enumerate(text_of(table).splitlines(), 1):
        words = line.split()
        if not words:
            continue
        if len(words) != 2 or words[1] not in splits:
            raise InputError(f"'{table.name}', line {number}, is '{line[:60]}'; expected '000001.jpg 0' with 0, 1 or 2")
        told[words[0]] = splits[words[1]]
    unknown = [path.name for path in pictures if path.name not in told]
    if unknown:
        raise InputError(f"'{table.name}' does not say of which split '{unknown[0]}' is ({len(unknown)} such files)")
    return [Found(path, split=told[path.name]) for path in pictures]


def imfdb(folder: Path) -> list[Found]:
    """IMFDB: Setty et al., "Indian movie face database", NCVPRIPG 2013."""
    return [Found(path, path.relative_to(folder).parts[0]) for path in pictures_below(folder, "*/*/images/*")]


def chokepoint(folder: Path) -> list[Found]:
    """ChokePoint: Wong, Chen, Mau, Sanderson and Lovell, "Patch-based probabilistic image quality assessment", 2011.

    Raises:
        InputError: a table of who is seen cannot be read.
    """
    found = []
    for sequence in sorted(path for path in folder.glob("P*_S*") if path.is_dir()):
        found += [Found(path, path.parent.name) for path in pictures_below(sequence, "*/*")]
        table = folder / "groundtruth" / f"{sequence.name}.xml"
        pictures = pictures_below(sequence, "*")
        if pictures and not table.is_file():
            raise InputError(f"'{sequence}' has no '{table.name}' in '{table.parent.name}', which says who is seen")
        if pictures:
            seen = people_of(table)
            found += [Found(path, seen[path.stem]) for path in pictures if path.stem in seen]
    return found


def people_of(table: Path) -> dict[str, str]:
    """Number of a frame to the person in it, from ChokePoint's XML; frames of nobody or of several are left out.

    Raises:
        InputError: it is no such file, or declares entities, which nothing here needs.
    """
    text = text_of(table)
    if "<!" in text.replace("<!--", ""):
        raise InputError(f"'{table.name}' declares types or entities; expected ChokePoint's plain list of frames")
    try:
        frames = ElementTree.fromstring(text).iter("frame")
        people = {frame.attrib["number"]: [p.attrib["id"] for p in frame.iter("person")] for frame in frames}
    except (ElementTree.ParseError, KeyError) as error:
        raise InputError(
            f"'{table.name}' cannot be read ({error}); expected <frame number=...> with <person id=...> in it"
        ) from None
    return {number: seen[0] for number, seen in people.items() if len(seen) == 1}


def yale(folder: Path) -> list[Found]:
    """Yale faces (Belhumeur, Hespanha and Kriegman, PAMI 1997) and the extended set (Georghiades et al., PAMI 2001)."""
    extended = [Found(path, path.parent.name) for path in pictures_below(folder, "yaleB*/*.pgm")]
    subjects = [path for path in folder.rglob("subject*.*") if path.is_file() and re.match(r"subject\d+\.", path.name)]
    return extended + [Found(path, path.name.partition(".")[0]) for path in subjects]


def att(folder: Path) -> list[Found]:
    """The AT&T (ORL) faces: Samaria and Harter, WACV 1994."""
    return [Found(path, path.parent.name) for path in pictures_below(folder, "s*/*.pgm")]


def u2eyes(folder: Path) -> list[Found]:
    """U2Eyes: Porta et al., "U2Eyes: a binocular dataset for eye tracking and gaze estimation", ICCV workshops 2019."""
    return [Found(path, path.relative_to(folder).parts[0]) for path in pictures_below(folder, "*/*/*")]


def div2k(folder: Path) -> list[Found]:
    """DIV2K: Agustsson and Timofte, CVPR workshops 2017."""
    splits: tuple[Split, ...] = ("train", "valid")
    return [Found(path, split=s) for s in splits for path in pictures_below(folder, f"**/DIV2K_{s}_HR/*")]


def bsds500(folder: Path) -> list[Found]:
    """BSDS500: Arbelaez, Maire, Fowlkes and Malik, PAMI 33(5), 2011; its pictures alone."""
    names = {"train": "train", "val": "valid", "test": "test"}
    return [Found(p, split=s) for name, s in names.items() for p in pictures_below(folder, f"**/images/{name}/*")]


LAYOUTS: dict[str, Callable[[Path], list[Found]]] = {
    "folder": plain,
    "celeba": celeba,
    "imfdb": imfdb,
    "chokepoint": chokepoint,
    "yale": yale,
    "att": att,
    "u2eyes": u2eyes,
    "div2k": div2k,
    "bsds500": bsds500,
}
"""The name in a recipe to the reader."""

EXPECTED = {
    "folder": "pictures",
    "celeba": "img_align_celeba/000001.jpg",
    "imfdb": "ACTOR/MOVIE/images/*.jpg",
    "chokepoint": "P1E_S1_C1/00000000.jpg and groundtruth/P1E_S1_C1.xml",
    "yale": "yaleB01/*.pgm or subject01.happy",
    "att": "s1/1.pgm",
    "u2eyes": "USER/HEAD POSE/*.png",
    "div2k": "DIV2K_train_HR/0001.png",
    "bsds500": "images/train/*.jpg",
}
"""What a folder should hold, for messages."""


def text_of(table: Path) -> str:
    """A table as text.

    Raises:
        InputError: it cannot be read.
    """
    from mfrec.documents import DocumentError, read_text

    try:
        return read_text(table, LIMIT)
    except DocumentError as error:
        raise InputError(f"'{table.name}' cannot be read ({error})") from None
