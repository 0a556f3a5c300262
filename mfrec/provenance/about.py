"""What a run was made for: title, numbers and analyst of a case, as its record and its report say them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct, field, to_builtins

from mfrec.documents import DocumentError, parse_json, read_text, shaped
from mfrec.errors import UsageError

LIMIT = 1 << 24
"""Bytes of a file that describes a case; the desk's lists its originals too."""

Line = Annotated[str, Meta(max_length=200)]
Text = Annotated[str, Meta(max_length=20_000)]


class About(Struct):
    """What the analyst says of a case."""

    title: Line = ""
    number: Line = ""
    exhibit: Line = ""
    analyst: Line = ""
    notes: Text = ""


class Described(Struct):
    """A file that describes a case; other keys are not looked at."""

    about: About = field(default_factory=About)


def read_about(path: Path) -> dict[str, str]:
    """The description of a case, without what is empty.

    Args:
        path: of a JSON file with the key ``about``, such as the ``case.json`` of the desk.

    Raises:
        UsageError: there is none that can be read.
    """
    try:
        value = parse_json(read_text(path, LIMIT))
        if not isinstance(value, dict) or "about" not in value:
            raise DocumentError("it has no key 'about'")
        about = shaped(value, Described).about
    except DocumentError as error:
        raise UsageError(
            f"--case: '{path}' does not describe a case ({error}); expected JSON such as "
            '{"about": {"title": "", "number": "", "exhibit": "", "analyst": "", "notes": ""}}'
        ) from None
    return {key: text for key, text in to_builtins(about).items() if text}
