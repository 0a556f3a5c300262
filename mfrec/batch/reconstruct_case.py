"""``mfrec reconstruct`` as a case of a batch."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import ClassVar

import msgspec
from msgspec import Struct

from mfrec.errors import MfrecError
from mfrec.options import Options
from mfrec.provenance.digests import file_digests
from mfrec.provenance.record import read_record
from mfrec.provenance.schema import Arguments
from mfrec.provenance.surroundings import versions

LINE = {"settings": "set", "most": "frames"}
"""Fields of :class:`~mfrec.options.Options` whose option has another name on the command line."""


class Reconstruct(Struct, frozen=True, tag="reconstruct", tag_field="command"):
    """``mfrec reconstruct``.

    Attributes:
        arguments: as ``run.json`` lists them; paths are absolute.
        pdf: write the report as PDF too.
        strict: a result that is less like its frames than these are like each other is an error.
    """

    arguments: Arguments
    pdf: bool = False
    strict: bool = False

    COLUMNS: ClassVar[tuple[str, ...]] = (
        *(LINE.get(option.name, option.name) for option in fields(Options)),
        *("device", "seed", "pdf", "strict"),
    )
    """Of a table of cases, besides ``name`` and ``path``."""

    SHOWN: ClassVar[str] = "/report.html"
    """What of the output the summary leads to."""

    def at(self, place: str) -> Reconstruct:
        """The same of the frames at an absolute path."""
        return msgspec.structs.replace(self, arguments=msgspec.structs.replace(self.arguments, frames=[place]))

    def with_cells(self, cells: Mapping[str, str], folder: Path) -> Reconstruct:
        """The same with the options of a row; an empty cell changes nothing.

        Args:
            cells: column to text.
            folder: from which paths are meant.

        Raises:
            ValueError: settings end inside of a quotation.
            msgspec.ValidationError: a cell is not of its option's type.
        """
        names = {option: name for name, option in LINE.items()}
        values: dict[str, object] = msgspec.to_builtins(self)
        arguments = dict(msgspec.to_builtins(self.arguments))
        for column in self.COLUMNS:
            cell = cells.get(column, "")
            if not cell:
                continue
            if column in ("pdf", "strict"):
                values[column] = cell
            elif column == "set":
                arguments["settings"] = shlex.split(cell)
            elif column == "like" or (column == "recipe" and cell.endswith(".toml")):
                arguments[column] = os.path.abspath(folder / cell)  # noqa: PTH100 (a link has its own name)
            else:
                arguments[names.get(column, column)] = cell
        return msgspec.convert({**values, "arguments": arguments}, Reconstruct, strict=False)

    def words(self, out: Path) -> list[str]:
        """The command line that does the same, for one case alone."""
        words = ["mfrec", "reconstruct", *self.arguments.frames, "-o", str(out)]
        usual = Arguments(recipe="restore")
        for name in (*(field.name for field in fields(Options)), "device", "seed"):
            value, option = getattr(self.arguments, name), f"--{LINE.get(name, name)}"
            if value == getattr(usual, name):
                continue
            if isinstance(value, bool):
                words.append(option)
            else:
                for item in value if isinstance(value, list) else [value]:
                    words += [option, str(item)]
        return words + ["--pdf"] * self.pdf + ["--strict"] * self.strict

    def run(self, out: Path) -> None:
        """Do it; ``out`` is there, whole, when this returns.

        Raises:
            MfrecError: see :func:`mfrec.outputs.reconstruct_into`.
        """
        from mfrec.outputs import reconstruct_into

        asked = {field.name: getattr(self.arguments, field.name) for field in fields(Options)}
        reconstruct_into(
            out,
            self.arguments.frames,
            Options(**{**asked, "settings": tuple(self.arguments.settings)}),
            command=shlex.join(self.words(out)),
            device=self.arguments.device,
            seed=self.arguments.seed,
            strict=self.strict,
            pdf=self.pdf,
        )

    def is_done(self, out: Path) -> bool:
        """Whether ``out`` is what :meth:`run` would write: by the same mfrec, from the same files, whole, unchanged."""
        from mfrec.publication.claims import foreign

        try:
            record = read_record(out)
            said = msgspec.convert(record["arguments"], Arguments)
            if said != self.arguments or record["versions"] != versions() or foreign(out):
                return False
            read = {(entry["path"], entry["sha256"]) for entry in (*record["inputs"], *record.get("given", ()))}
            return all(path and file_digests(Path(path))["sha256"] == digest for path, digest in read)
        except (MfrecError, OSError, msgspec.ValidationError):
            return False
