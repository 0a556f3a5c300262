"""``mfrec upscale`` as a case of a batch."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import ClassVar

import msgspec
from msgspec import Struct

from mfrec.errors import MfrecError, UsageError
from mfrec.provenance.digests import file_digests
from mfrec.provenance.plain_json import to_json
from mfrec.provenance.record import read_record
from mfrec.provenance.surroundings import versions
from mfrec.upscale.asked import Asked

LINE = {"settings": "set"}
"""Fields of :class:`~mfrec.upscale.asked.Asked` whose option has another name on the command line."""


class Upscale(Struct, frozen=True, tag="upscale", tag_field="command"):
    """``mfrec upscale``.

    Attributes:
        asked: how; the paths in it are absolute, see :func:`anywhere`.
        source: absolute path of the picture, folder or video.
    """

    asked: Asked
    source: str = ""

    COLUMNS: ClassVar[tuple[str, ...]] = tuple(LINE.get(option.name, option.name) for option in fields(Asked))
    """Of a table of cases, besides ``name`` and ``path``."""

    SHOWN: ClassVar[str] = "/"
    """What of the output the summary leads to: the folder."""

    def at(self, place: str) -> Upscale:
        """The same of what lies at an absolute path."""
        return msgspec.structs.replace(self, source=place)

    def with_cells(self, cells: Mapping[str, str], folder: Path) -> Upscale:
        """The same with the options of a row; an empty cell changes nothing.

        Args:
            cells: column to text.
            folder: from which paths are meant.

        Raises:
            ValueError: settings end inside of a quotation, or options contradict each other.
            msgspec.ValidationError: a cell is not of its option's type.
        """
        names = {option: name for name, option in LINE.items()}
        asked: dict[str, object] = asdict(self.asked)
        for column in self.COLUMNS:
            if cell := cells.get(column, ""):
                asked[names.get(column, column)] = shlex.split(cell) if column == "set" else cell
        try:
            return Upscale(anywhere(msgspec.convert(asked, Asked, strict=False), folder), self.source)
        except UsageError as error:
            raise ValueError(str(error)) from None

    def words(self, out: Path) -> list[str]:
        """The command line that does the same, for one case alone."""
        words = ["mfrec", "upscale", self.source, "-o", str(out)]
        usual = Asked()
        for option in fields(Asked):
            value, name = getattr(self.asked, option.name), f"--{LINE.get(option.name, option.name)}"
            if value == getattr(usual, option.name):
                continue
            if isinstance(value, bool):
                words.append(name)
            else:
                for item in value if isinstance(value, tuple) else [value]:
                    words += [name, str(item)]
        return words

    def run(self, out: Path) -> None:
        """Do it; ``out`` is there, whole, when this returns.

        Raises:
            MfrecError: see :func:`mfrec.upscale.job.upscale_into`.
        """
        from mfrec.upscale.job import upscale_into

        upscale_into(out, self.source, self.asked, command=shlex.join(self.words(out)))

    def is_done(self, out: Path) -> bool:
        """Whether ``out`` is what :meth:`run` would write: by the same mfrec, from the same files, whole, unchanged."""
        from mfrec.publication.claims import foreign

        try:
            record = read_record(out)
            asked = msgspec.json.decode(to_json(self.asked.record()))
            if record["arguments"]["frames"] != [self.source] or record["upscaled"]["asked"] != asked:
                return False
            if record["versions"] != versions() or foreign(out):
                return False
            return all(file_digests(Path(entry["path"]))["sha256"] == entry["sha256"] for entry in record["inputs"])
        except (MfrecError, OSError, KeyError, TypeError):
            return False


def anywhere(asked: Asked, folder: Path) -> Asked:
    """The same wherever it is carried out: files of a recipe, a card or weights get their absolute paths.

    Args:
        asked: how to enlarge.
        folder: from which its paths are meant.
    """

    def path(name: str) -> str:
        there = folder / name
        return os.path.abspath(there) if there.is_file() else name  # noqa: PTH100 (a link has its own name)

    return Asked(**{**asdict(asked), "method": path(asked.method), "recipe": path(asked.recipe)})
