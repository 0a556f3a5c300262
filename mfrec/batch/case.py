"""A case of a batch: a name, and a command with typed options.

A command knows its line on the command line, how to run, and whether an output is its own. :class:`Reconstruct` is the
only one yet; another becomes one more member of :data:`Command`.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import fields
from pathlib import Path

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


Command = Reconstruct
"""What a case can be. More of them would be a union, told apart by their tags."""


class Case(Struct, frozen=True):
    """A command and the name under which its output and its row in the summary are found."""

    name: str
    command: Command


def to_text(command: Command) -> str:
    """As JSON, ASCII: a path that is no valid Unicode survives."""
    return json.dumps(msgspec.to_builtins(command), sort_keys=True)


def from_text(text: str) -> Command:
    """The inverse of :func:`to_text`.

    Raises:
        msgspec.ValidationError: it is none.
    """
    return msgspec.convert(json.loads(text), Command)
