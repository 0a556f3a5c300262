"""The texts of the desk: all of them in ``words.json``, for the page and for what the server says."""

from __future__ import annotations

import functools
import json
from pathlib import Path

WORDS = Path(__file__).with_name("words.json")


@functools.cache
def words() -> dict[str, str]:
    """Key to text; ``{name}`` in a text is a value that is put in."""
    return json.loads(WORDS.read_text(encoding="utf-8"))


def word(key: str, **values: object) -> str:
    """The text of a key with its values.

    Raises:
        KeyError: there is none, or a value is lacking.
    """
    return words()[key].format(**values)
