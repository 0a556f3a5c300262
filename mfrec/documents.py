"""Documents from strangers: JSON and TOML, read with limits, then held against a schema.

A document is data and nothing else: it is read from a regular file of a stated size, may not nest deeper than a stated
depth, has no number that is not finite or that a float cannot hold, and names no key twice. Its schema is a
:class:`msgspec.Struct` that stands where its writer stands: :mod:`mfrec.provenance.schema` for the record of a run,
:mod:`mfrec.cards.load` for cards, :mod:`mfrec.evaluation.survey.schema` for surveys. A recipe is held against the
fields of its stages (:mod:`mfrec.recipe`).

What is wrong is a :class:`DocumentError`, which says what was found; whoever asked for the document makes the error of
it that fits (:class:`~mfrec.errors.UsageError` ...) and says what was expected and what to do.
"""

from __future__ import annotations

import json
import math
import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

DEPTH = 24
"""How deep a document may nest; those that mfrec writes stay below 10."""

VALUES = 5_000_000
"""How many values a document may have; the record of ten thousand frames has three million."""

KEY = 256
"""How many characters the name of a key may have."""

LARGEST = 2**63
"""No whole number in a document is larger: it would not fit what arrays and files hold."""


class DocumentError(ValueError):
    """What is wrong with a document, in words that fit into a sentence after "cannot be read"."""


def read_bytes(path: Path, limit: int) -> bytes:
    """The content of a regular file.

    Args:
        path: a pipe or a device is none, and is not waited for.
        limit: bytes that it may have.

    Raises:
        DocumentError: it is missing, unreadable, no regular file, larger, or somebody is writing it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise DocumentError("it is no regular file")
            if found.st_size > limit:
                raise DocumentError(f"it has {found.st_size} bytes, and {limit} are the limit")
            # No more is asked for than there is: room for that is taken at once.
            data = file.read(found.st_size + 1)
    except OSError as error:
        raise DocumentError(error.strerror or str(error)) from None
    except ValueError as error:
        if isinstance(error, DocumentError):
            raise
        raise DocumentError("its name cannot be one of a file") from None  # it has a zero byte
    if len(data) > found.st_size:
        raise DocumentError("it grows while it is read; try again when it is complete")
    return data


def read_text(path: Path, limit: int) -> str:
    """The content of a regular file of UTF-8 text; see :func:`read_bytes`.

    Raises:
        DocumentError: see :func:`read_bytes`, or it is no UTF-8 text.
    """
    try:
        return read_bytes(path, limit).decode("utf-8")
    except UnicodeDecodeError:
        raise DocumentError("it is not UTF-8 text") from None


def parse_json(text: str) -> Any:
    """The value of a JSON text, within the limits of this module.

    Raises:
        DocumentError: it is no JSON, or goes beyond a limit.
    """
    if text.count(",") + text.count("[") + text.count("{") > VALUES:
        raise DocumentError(f"it holds more than {VALUES} values")
    try:
        value = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_unique)
    except RecursionError:
        raise DocumentError(f"it nests deeper than {DEPTH}") from None
    except ValueError as error:
        raise error if isinstance(error, DocumentError) else DocumentError(f"it is not JSON: {_first(error)}") from None
    check_values(value)
    return value


def parse_toml(text: str, *, infinite: bool = False) -> dict[str, Any]:
    """The tables of a TOML text, within the limits of this module.

    Args:
        text: at most some hundred thousand characters.
        infinite: allow ``inf``, which TOML has, where it means that there is no limit. ``nan`` never means anything.

    Raises:
        DocumentError: it is no TOML, or goes beyond a limit.
    """
    try:
        values = tomllib.loads(text)
    except RecursionError:
        raise DocumentError(f"it nests deeper than {DEPTH}") from None
    except ValueError as error:
        raise DocumentError(f"it is not valid TOML: {_first(error)}") from None
    check_values(values, infinite=infinite)
    return values


def check_values(value: Any, *, infinite: bool = False) -> None:
    """Refuse nesting, keys and numbers beyond the limits.

    Raises:
        DocumentError: the first such thing.
    """
    level = [value]
    for _ in range(DEPTH + 1):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                for key in item:
                    if len(key) > KEY:
                        raise DocumentError(f"it names a key of {len(key)} characters, and {KEY} are the limit")
                below += item.values()
            elif isinstance(item, list):
                below += item
            elif isinstance(item, int) and not -LARGEST <= item < LARGEST:
                raise DocumentError("it holds a whole number of more than 64 bits")
            elif isinstance(item, float) and not (math.isfinite(item) or (infinite and not math.isnan(item))):
                raise DocumentError(f"it holds the number {item}, which means nothing there")
        if not below:
            return
        level = below
    raise DocumentError(f"it nests deeper than {DEPTH}")


def shaped(value: Any, kind: type[T]) -> T:
    """A value as its schema describes it.

    Args:
        value: JSON types.
        kind: a :class:`msgspec.Struct`, or another type that msgspec knows.

    Raises:
        DocumentError: it is not like that; says where and how.
    """
    try:
        return msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as error:
        raise DocumentError(_in_words(str(error))) from None
    except UnicodeEncodeError:
        raise DocumentError("it holds half a character where a name is expected") from None


def check_schema(value: Any, known: int) -> Mapping[str, Any]:
    """The document as a mapping, if its key ``schema`` is the version that is known.

    Raises:
        DocumentError: it has none, or another one.
    """
    if not isinstance(value, dict) or "schema" not in value:
        raise DocumentError("it states no schema")
    if type(value["schema"]) is not int or value["schema"] != known:
        raise DocumentError(f"it has schema {shortened(value['schema'])}; this version of mfrec reads schema {known}")
    return value


def shortened(value: Any) -> str:
    """A value of a document for a message, however large it is."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # deep, or a whole number with too many digits
        return f"a {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."


def _no_constant(name: str) -> Any:
    raise DocumentError(f"it holds {name}, which JSON does not have")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise DocumentError(f"it names the key {shortened(twice)} twice")
    return found


def _first(error: Exception) -> str:
    return shortened(str(error).partition("\n")[0])[1:-1]


def _in_words(text: str) -> str:
    """msgspec's ``Expected `int`, got `str` - at `$.a[0].b```, as "a[...].b: expected int, got str"."""
    said, _, place = text.partition(" - at ")
    said = said.replace("`", "")
    place = place.replace("`", "").removeprefix("$").removeprefix(".")
    return f"{place}: {said[:1].lower()}{said[1:]}" if place else f"{said[:1].lower()}{said[1:]}"
