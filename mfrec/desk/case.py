"""A case: a folder that holds what an examination is about, readable without the desk, and movable.

::

    CASES/2026-0142/
      case.json    who, what, and the inputs with their hashes
      inputs/01/   uploaded originals; what was opened in place stays where it is
      jobs/        what was asked of this case: state, output and log of each child process
      runs/0003/   what `mfrec reconstruct -o` wrote: side by side, never replaced
      notes/       copies of pictures with marks on them
      surveys/01/  what people were asked about results, and what they answered
"""

from __future__ import annotations

import datetime
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from mfrec.desk.places import NAME, child, number_of, write_whole
from mfrec.desk.refusal import RefusalError
from mfrec.documents import DocumentError, check_schema, parse_json, read_text, shaped
from mfrec.provenance.about import LIMIT, About
from mfrec.provenance.plain_json import to_json
from mfrec.provenance.schema import Count, Md5, Sha256
from mfrec.version import __version__

CASE = "case.json"

SCHEMA = 1


class InputFile(Struct):
    """A file of an input: ``path`` is relative to the case's folder, absolute where it was opened in place."""

    name: str
    path: str
    sha256: Sha256
    md5: Md5
    bytes: Annotated[int, Meta(ge=0)]


class Input(Struct):
    """A clip, or pictures that belong together.

    Attributes:
        number: names its folder.
        kind: what it was recognised as.
        name: what it is called.
        source: what ``mfrec reconstruct`` is given, relative to the case's folder or absolute.
        added: when.
        files: in the order of the sequence.
        in_place: whether the files are where the analyst keeps them.
    """

    number: str
    kind: Literal["video", "pictures"]
    name: str
    source: str
    added: str
    files: list[InputFile]
    in_place: bool = False


class CaseFile(Struct):
    """The whole of ``case.json``; ``revision`` counts its changes."""

    schema: int
    mfrec: str
    created: str
    revision: Count = 0
    about: About = msgspec.field(default_factory=About)
    inputs: list[Input] = []


class Case:
    """A case's folder. What is written to it is written under one lock, whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = threading.RLock()

    @property
    def key(self) -> str:
        """What the desk's addresses call it: the name of the folder."""
        return self.folder.name

    def read(self) -> CaseFile:
        """What ``case.json`` says.

        Raises:
            RefusalError: it is missing or damaged, or of another version.
        """
        path = child(self.folder, CASE)
        try:
            value = check_schema(parse_json(read_text(path, LIMIT)), SCHEMA)
            return shaped(dict(value), CaseFile)
        except DocumentError as error:
            raise RefusalError("refused.case", 409, name=self.key, why=error) from None

    @contextmanager
    def change(self, revision: int | None = None) -> Iterator[CaseFile]:
        """What ``case.json`` says, to be changed; it is written when the block ends well.

        Args:
            revision: that the change was made to; None where it does not matter.

        Raises:
            RefusalError: somebody has changed it since, or see :meth:`read`.
        """
        with self.lock:
            content = self.read()
            if revision is not None and revision != content.revision:
                raise RefusalError("refused.changed", 409)
            yield content
            content.revision += 1
            write_whole(self.folder / CASE, to_json(msgspec.to_builtins(content)).encode("ascii"))

    def input(self, number: str) -> Input:
        """One of its inputs.

        Raises:
            RefusalError: there is none of that number.
        """
        number_of(number)
        for given in self.read().inputs:
            if given.number == number:
                return given
        raise RefusalError("refused.input", 404, name=number)

    def part(self, name: str) -> Path:
        """One of its folders, which is made where it is lacking.

        Raises:
            RefusalError: it is a link, or cannot be made.
        """
        path = child(self.folder, name)
        try:
            path.mkdir(exist_ok=True)
        except OSError as error:
            raise RefusalError("refused.write", 507, place=name, why=error.strerror or error) from None
        return path


class Cases:
    """The folder of all cases.

    Args:
        folder: exists.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: dict[str, Case] = {}
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """Folders in it that hold a ``case.json``, in the order of their names."""
        return sorted(
            entry.name
            for entry in self.folder.iterdir()
            if NAME.fullmatch(entry.name) and not entry.is_symlink() and (entry / CASE).is_file()
        )

    def case(self, key: str) -> Case:
        """A case by the name of its folder.

        Raises:
            RefusalError: there is none, or its folder is a link.
        """
        if not NAME.fullmatch(key):
            raise RefusalError("refused.name", 404, name=key[:80])
        folder = child(self.folder, key)
        if not child(folder, CASE).is_file():
            raise RefusalError("refused.missing", 404, name=key)
        with self._lock:
            return self._open.setdefault(key, Case(folder))

    def add(self, about: About) -> Case:
        """Make a case; its folder is named after its number or title.

        Raises:
            RefusalError: it cannot be written.
        """
        stem = re.sub(r"[^A-Za-z0-9._-]+", "-", about.number or about.title).strip("-._")[:60] or "case"
        with self._lock:
            for count in range(1, 10_000):
                folder = self.folder / (stem if count == 1 else f"{stem}-{count}")
                try:
                    folder.mkdir()
                except FileExistsError:
                    continue
                except OSError as error:
                    raise RefusalError("refused.write", 507, place=folder.name, why=error.strerror or error) from None
                break
            else:
                raise RefusalError("refused.write", 507, place=stem, why="too many folders of that name")
            content = CaseFile(SCHEMA, __version__, now(), about=about)
            write_whole(folder / CASE, to_json(msgspec.to_builtins(content)).encode("ascii"))
            return self._open.setdefault(folder.name, Case(folder))


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def asked(value: Any, kind: type[Any]) -> Any:
    """A request's document as its schema describes it.

    Raises:
        RefusalError: it is not like that.
    """
    try:
        return shaped(value, kind)
    except DocumentError as error:
        raise RefusalError("refused.request", 400, why=error) from None
