"""A case of a batch: a name, and a command with typed options.

A command knows how to run, and whether an output is its own; one that frames or clips are named for knows its line on
the command line and its columns in a table as well. Another one becomes one more member of :data:`Command`.
"""

from __future__ import annotations

import json

import msgspec
from msgspec import Struct

from mfrec.batch.bench_case import Bench
from mfrec.batch.evaluate_case import Evaluate
from mfrec.batch.reconstruct_case import Reconstruct
from mfrec.batch.upscale_case import Upscale

Making = Reconstruct | Upscale
"""What makes pictures of frames or clips, which a manifest names."""

Command = Making | Evaluate | Bench
"""What a case can be; they are told apart by their tags."""


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
