"""Cases from what was named: folders, clips, patterns and CSV files. What is wrong costs its own case and no other.

A folder is searched: each folder with pictures in it is a case, and each clip. A CSV file has a header with ``name``
and ``path``, and further columns named as the options of the command without their dashes (``start``,
``subject``, ``set`` ...); an empty cell means what the command line says.
"""

from __future__ import annotations

import csv
import glob
import io
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from mfrec.batch.case import Case, Command, Making
from mfrec.documents import DocumentError, read_text
from mfrec.errors import UsageError
from mfrec.imageio.container import VIDEO_SUFFIXES
from mfrec.imageio.formats import PICTURE_SUFFIXES
from mfrec.imageio.survey import natural_key
from mfrec.publication.folder import resolved

LIMIT = 1 << 30
"""Bytes that a CSV file may have; a million cases have about 100 million."""

NAME = 120
"""How many bytes the name of a case may have: it is that of a folder."""

OWN = re.compile(r"(ledger\.sqlite.*|summary\.html|cases\.csv|mfrec-files\.json|\d+)", re.IGNORECASE)
"""Names that a batch uses itself beside those of its cases."""


@dataclass(frozen=True)
class Problem:
    """What of a manifest cannot become a case.

    Attributes:
        place: where it stands.
        reason: what was found, and what to do.
    """

    place: str
    reason: str


@dataclass
class Manifest:
    """What was found.

    Attributes:
        cases: with distinct names, in the order of what was named.
        problems: what went wrong, in the same order.
    """

    cases: list[Case] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    _taken: dict[str, str] = field(default_factory=dict, repr=False)

    def add(self, name: str, command: Command, place: str) -> None:
        """One more case, or the problem with it."""
        wrong = bad_name(name)
        # Two names that a file system may take for one are one.
        folded = unicodedata.normalize("NFC", name.casefold())
        if not wrong and folded in self._taken:
            wrong = f"the output '{name}' is that of {self._taken[folded]} already; give it another name"
        if wrong:
            self.problems.append(Problem(place, wrong))
            return
        self._taken[folded] = place
        self.cases.append(Case(name, command))


def read_cases(sources: Sequence[str], command: Making, out: Path) -> Manifest:
    """The cases that sources name.

    Args:
        sources: folders, clips, CSV files, and patterns such as ``night/*.mp4`` of folders and clips.
        command: with the options of all cases, without frames.
        out: of the batch; not searched.

    Raises:
        UsageError: a source does not exist, a CSV file cannot be read as one, or there is no case in any of them.
    """
    found = Manifest()
    places: list[Path] = []
    for source in sources:
        path = Path(source)
        if path.suffix.lower() == ".csv" and path.is_file():
            _read_table(path, command, found)
        elif os.path.lexists(path):
            places.append(path)
        else:
            matches = sorted(glob.glob(source, recursive=True), key=natural_key)  # noqa: PTH207 (it may be absolute)
            if not matches:
                raise UsageError(
                    f"there is nothing at '{source}'; give a folder, a clip, a CSV file, or a pattern in quotes"
                )
            places += map(Path, matches)
    for path in places:
        # Of several folders each gives its name to what is in it.
        for name, place in _under(path, out, named=len(places) > 1):
            found.add(name, command.at(os.path.abspath(place)), f"'{place}'")  # noqa: PTH100 (a link has its own name)
    if not found.cases and not found.problems:
        raise UsageError(
            f"no case was found in {', '.join(map(repr, sources))}; a case is a folder with pictures, or a clip"
        )
    return found


def bad_name(name: str) -> str:
    """Why a case cannot be called so; empty if it can."""
    if not name:
        return "it has no name; give one in the column 'name'"
    if name.startswith(".") or not name.isprintable() or set(name) & set('/\\:*?"<>|') or name != name.strip():
        return f"the name {name!r} cannot be that of a folder everywhere; use letters, digits, '-', '_' and '.'"
    if len(name.encode("utf-8", "replace")) > NAME:
        return f"the name '{name[:40]}...' has more than {NAME} bytes; give a shorter one"
    if OWN.fullmatch(name):
        return f"the name '{name}' is one that the batch needs itself; give another one"
    return ""


def _under(path: Path, out: Path, *, named: bool) -> Iterator[tuple[str, Path]]:
    """Cases at and under a path: name and place of each. Results, hidden folders and links to folders are passed by.

    Args:
        path: a folder or a file.
        out: passed by as well.
        named: whether names begin with that of the folder.
    """
    if not path.is_dir():
        yield case_name((path.name,)), path
        return
    own = resolved(out)
    called = path.resolve().name
    for folder, folders, files in os.walk(path):
        here = Path(folder)
        folders[:] = sorted((name for name in folders if not name.startswith(".")), key=natural_key)
        if "run.json" in files or here.resolve() == own:
            folders.clear()
            continue
        shown = sorted((name for name in files if not name.startswith(".")), key=natural_key)
        parts = ((called,) if named else ()) + here.relative_to(path).parts
        if any(name.lower().endswith(PICTURE_SUFFIXES) for name in shown):
            yield case_name(parts or (called,)), here
        for name in shown:
            if name.lower().endswith(tuple(VIDEO_SUFFIXES)):
                yield case_name((*parts, name)), here / name


def case_name(parts: Sequence[str]) -> str:
    """A name for a case by its place: what no folder can be called everywhere is written as ``%`` and two digits."""
    joined = "__".join(parts)
    plain = "".join(
        letter if letter.isprintable() and letter not in '\\:*?"<>|%' else _escaped(letter) for letter in joined
    )
    return plain.strip() or "frames"


def _escaped(letter: str) -> str:
    return "".join(f"%{byte:02x}" for byte in letter.encode("utf-8", "surrogateescape"))


def _read_table(path: Path, command: Making, found: Manifest) -> None:
    """The cases of a CSV file. Paths in it are meant from its folder."""
    try:
        text = read_text(path, LIMIT).removeprefix("\ufeff")
        lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = [cell.strip() for cell in next(lines, [])]
        _check_header(header, path, command.COLUMNS)
        # A line that is no CSV ends the file for the reader, so the whole of it is refused.
        rows = [(lines.line_num, row) for row in lines if any(cell.strip() for cell in row)]
    except (DocumentError, csv.Error) as error:
        raise UsageError(
            f"'{path}' cannot be read as a table of cases: {error}; expected CSV with the columns name and path"
        ) from None
    for number, row in rows:
        place = f"'{path.name}', line {number}"
        if len(row) != len(header):
            reason = f"it has {len(row)} cells and the header {len(header)}; write every cell, empty ones too"
            found.problems.append(Problem(place, reason))
            continue
        cells = {name: cell.strip() for name, cell in zip(header, row, strict=True)}
        try:
            case = _row(cells, command, path.parent)
        except (msgspec.ValidationError, ValueError) as error:
            found.problems.append(Problem(place, f"its options cannot be read: {_said(str(error))}"))
            continue
        found.add(cells["name"], case, place)


def _said(error: str) -> str:
    return error.replace("`", "").replace(" - at $.", ", in ").replace("arguments.", "")


def _check_header(header: list[str], path: Path, options: Sequence[str]) -> None:
    if "name" not in header or "path" not in header:
        raise UsageError(f"'{path}' has the columns {header}; expected at least name and path in its first line")
    unknown = [name for name in header if name not in ("name", "path", *options)]
    twice = [name for name in header if header.count(name) > 1]
    if unknown or twice:
        raise UsageError(
            f"'{path}' has the column '{(unknown or twice)[0]}' {'twice' if twice else 'that is no option'}; expected "
            f"name, path and any of {', '.join(options)}"
        )


def _row(cells: dict[str, str], command: Making, folder: Path) -> Making:
    """One row as a command.

    Raises:
        ValueError: the path is empty, or see the command's ``with_cells``.
        msgspec.ValidationError: likewise.
    """
    if not cells["path"]:
        raise ValueError("the path is empty; name a folder with pictures or a clip")
    place = os.path.abspath(folder / cells["path"])  # noqa: PTH100 (a link has its own name)
    return command.at(place).with_cells(cells, folder)
