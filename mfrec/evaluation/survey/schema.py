"""The schemas of a survey's files: the key that stays with whoever asks, and the answers that the page saves."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

SCHEMA = 1

KEY_LIMIT, SHEET_LIMIT = 1 << 24, 1 << 22
"""Bytes that a key, and the answers of one participant, may have."""

Token = Annotated[str, Meta(min_length=1, max_length=64)]
"""By which the page knows a case or a picture."""

Name = Annotated[str, Meta(max_length=255)]
"""Of a case, a method, a survey or a participant."""


class Key(Struct):
    """What ``key.json`` holds: token to case, token of a picture to its method, and whether people saw the person, so
    that they were asked for the best match.
    """

    schema: int
    survey: Name
    cases: dict[Token, Name]
    pictures: dict[Token, Name]
    methods: list[Name] = []
    match: bool = True


class Sheet(Struct):
    """What the page saves; the answers are looked at one by one, each an :class:`Answer`."""

    schema: int
    survey: Name
    participant: Name
    answers: list[Any]


class Answer(Struct):
    """One answer: which pictures were shown, which one is best in quality and in likeness (null where nobody
    was asked), and a score for each.
    """

    case: Token
    shown: list[Token]
    quality: Token | None
    match: Token | None
    opinion: dict[Token, Annotated[int, Meta(ge=1, le=5)]]
