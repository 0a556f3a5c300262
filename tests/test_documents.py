"""Documents are read within limits, and what is wrong with one is said."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest
from msgspec import Struct

from mfrec.documents import (
    DEPTH,
    DocumentError,
    check_schema,
    parse_json,
    parse_toml,
    read_bytes,
    read_text,
    shaped,
    shortened,
)


class Inner(Struct):
    """Of :class:`Outer`."""

    numbers: list[int]


class Outer(Struct):
    """A schema."""

    name: str
    inner: Inner | None = None


def test_files_that_are_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # would be waited for for ever
    (tmp_path / "large").write_bytes(b"x" * 101)
    (tmp_path / "latin").write_bytes("é".encode("latin-1"))
    (tmp_path / "loop").symlink_to("loop")
    for name, expected in (
        ("pipe", "no regular file"),
        (".", "no regular file|directory"),
        ("large", "101 bytes, and 100 are the limit"),
        ("latin", "not UTF-8"),
        ("loop", "symbolic links"),
        ("gone", "No such file"),
        ("a\0b", "cannot be one of a file"),
        ("x" * 300, "too long"),
    ):
        with pytest.raises(DocumentError, match=expected):
            read_text(tmp_path / name, 100)
    with pytest.raises(DocumentError, match="no regular file"):
        read_text(Path("/dev/zero"), 100)
    (tmp_path / "fits").write_text("x" * 100)
    assert read_text(tmp_path / "fits", 100) == "x" * 100


def test_no_more_memory_is_taken_than_a_file_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "small").write_bytes(b"x" * 101)
    assert len(read_bytes(tmp_path / "small", 1 << 60)) == 101
    found = (tmp_path / "small").stat()
    (tmp_path / "small").write_bytes(b"x" * 102)
    monkeypatch.setattr("mfrec.documents.os.fstat", lambda _: found)
    with pytest.raises(DocumentError, match="it grows while it is read"):
        read_bytes(tmp_path / "small", 1 << 60)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[" * 100_000, "nests deeper"),
        ("[" * (DEPTH + 2) + "]" * (DEPTH + 2), "nests deeper"),
        ('{"a": 1, "b": 2, "a": 3}', "the key 'a' twice"),
        ("NaN", "NaN"),
        ("[-Infinity]", "-Infinity"),
        ("1e999", "number inf"),
        (str(2**63), "more than 64 bits"),
        ("1" * 5000, "not JSON|more than 64 bits"),
        ('{"' + "x" * 300 + '": 1}', "key of 300 characters"),
        ("[" + "0," * 5_000_001 + "0]", "more than 5000000 values"),
        ("{", "not JSON"),
        ("", "not JSON"),
    ],
)
def test_json_beyond_the_limits(text: str, expected: str) -> None:
    with pytest.raises(DocumentError, match=expected):
        parse_json(text)


def test_what_json_may_hold() -> None:
    assert parse_json(f'[{2**63 - 1}, -1e308, "\\udcff", null]') == [2**63 - 1, -1e308, "\udcff", None]
    assert parse_json("[" * DEPTH + "]" * DEPTH)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = nan", "number nan"),
        ("a = inf", "number inf"),
        ("a = " + "9" * 400, "more than 64 bits"),
        ("a = " + "9" * 5000, "not valid TOML"),
        ("a = " + "[" * 5000, "nests deeper|not valid"),
        ("a." * 100 + "a = 1", "nests deeper"),
        ("a = 1\na = 2", "not valid TOML"),
    ],
)
def test_toml_beyond_the_limits(text: str, expected: str) -> None:
    with pytest.raises(DocumentError, match=expected):
        parse_toml(text)


def test_infinite_where_it_means_something() -> None:
    assert parse_toml("a = inf", infinite=True) == {"a": math.inf}
    with pytest.raises(DocumentError, match="nan"):
        parse_toml("a = nan", infinite=True)


def test_a_schema_says_where_it_is_not_kept() -> None:
    assert shaped({"name": "a", "inner": {"numbers": [1]}, "more": 1}, Outer) == Outer("a", Inner([1]))
    for value, expected in (
        ({"name": "a", "inner": {"numbers": [1, "x"]}}, r"inner.numbers\[1\]: expected int, got str"),
        ({"name": 1}, "name: expected str, got int"),
        ({}, "missing required field name"),
        ([], "expected object, got array"),
        ({"name": "a", "inner": {"numbers": [True]}}, "expected int, got bool"),
        ({"name": "a", "\ud800": 1}, "half a character"),
    ):
        with pytest.raises(DocumentError, match=expected):
            shaped(value, Outer)


def test_versions_are_said() -> None:
    assert check_schema({"schema": 1}, 1) == {"schema": 1}
    for value, expected in (
        ({"schema": 2}, "schema 2; this version of mfrec reads schema 1"),
        ({"schema": True}, "schema True"),
        ({"schema": "1"}, "schema '1'"),
        ({}, "states no schema"),
        (None, "states no schema"),
    ):
        with pytest.raises(DocumentError, match=expected):
            check_schema(value, 1)


def test_messages_stay_short() -> None:
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    for value in ("x" * 10_000, 10**5000, deep):
        assert len(shortened(value)) <= 80
    while deep:  # Python cannot free it in one go
        deep = deep[0]
