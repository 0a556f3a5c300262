"""Documents that somebody spoilt: drawn from a seed, so that each can be made again."""

from __future__ import annotations

import copy
import csv
import io
import json
import pickletools
import random
import struct
import zlib
from collections.abc import Sequence
from typing import Any

DEEP = "\0deep\0"
"""Stands in a value for nesting that no Python value can have; :func:`spoilt_json` writes it into the text."""

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63) - 1, 10**30, 10**400, 0.5, -0.0, 1e308, 5e-324,
    float("nan"), float("inf"), "", "a", "x" * 100_000, "\0", "a\0b", "\ud800", "\udcff", "\u202e", "\x1b[2J",
    "../out", "/etc/passwd", "run.json", "..", "con", "1979-05-27", [], {}, [[]], {"": {}}, [None] * 1000,
    {"schema": 1}, list(range(100)), DEEP,
)  # fmt: skip
"""What takes the place of a value."""

LITERALS = (
    "nan", "-nan", "inf", "-inf", "1e999", "1" * 5000, "1" * 400, "-1", "0",
    "0x" + "f" * 40, "true", "''", '""', "[]", "{}",
    '"\\u0000"', '"../x"', "1979-05-27", "07:32:00", "[1, [2, [3]]]", "[" * 5000, "[" * 50 + "]" * 50,
    "{a = " * 60 + "1" + "}" * 60, '"""', "'''x", '"' + "x" * 100_000 + '"', "@", "\ufeff", "1__0", "{a.b.c.d = 1}",
)  # fmt: skip
"""What takes the place of a value in TOML."""

CELLS = (
    "", " ", "a", "..", "../x", "/", "a/b", "con", "nan", "inf", "-1", "0", "1e999", "1" * 400, "true", "x" * 40_000,
    "a\0b", "\u202e", "\udc80", '"', "'", "'a", "a=b", "fuse.edge=nan", "--", "-o", "=cmd|x", "a,b", "a\nb",
    "summary.html", "1,2", "auto", "name", "path", "scale",
)  # fmt: skip
"""What takes the place of a cell of a table."""


def spoilt_json(value: Any, draw: random.Random) -> bytes:
    """A JSON document in which one to three things are not as they were."""
    value = copy.deepcopy(value)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        value = _spoil_value(value, draw)
    text = json.dumps(value)
    deep = draw.choice((30, 2000, 100_000))
    text = text.replace(json.dumps(DEEP), draw.choice(("[" * deep + "]" * deep, '{"a":' * deep + "1" + "}" * deep)))
    data = text.encode()
    return spoilt_bytes(data, draw) if draw.random() < 0.3 else data


def _spoil_value(value: Any, draw: random.Random) -> Any:
    """The value with one thing somewhere in it replaced, removed or added."""
    places: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        item = waiting.pop()
        keys = item if isinstance(item, dict) else range(len(item)) if isinstance(item, list) else ()
        for key in keys:
            places.append((item, key))
            waiting.append(item[key])
    if not places or draw.random() < 0.02:
        return draw.choice(VALUES)
    # One level is as likely as another, however many values it has.
    holder, key = draw.choice(places)
    way = draw.random()
    if way < 0.7:
        holder[key] = copy.deepcopy(draw.choice(VALUES))
    elif way < 0.85:
        del holder[key]
    elif isinstance(holder, dict):
        holder[draw.choice(("", "schema", "\0", "x" * 300, "name", "\ud800"))] = copy.deepcopy(draw.choice(VALUES))
    else:
        holder.extend(copy.deepcopy(draw.choice(VALUES)) for _ in range(draw.choice((1, 50))))
    return value


def spoilt_toml(text: str, draw: random.Random) -> bytes:
    """A TOML document in which one to three lines are not as they were."""
    lines = text.splitlines()
    for _ in range(draw.choice((1, 1, 2, 3))):
        at = draw.randrange(len(lines))
        way = draw.random()
        if way < 0.6 and "=" in lines[at]:
            lines[at] = lines[at].split("=")[0] + "= " + draw.choice(LITERALS)
        elif way < 0.7:
            lines.insert(at, lines[draw.randrange(len(lines))])
        elif way < 0.8 and len(lines) > 1:
            del lines[at]
        elif way < 0.9:
            lines.insert(
                at, draw.choice(("a." * 200 + "a = 1", "[" + "a." * 200 + "a]", "[[stages]]", "x = 1", "= 1", "[]"))
            )
        else:
            lines.insert(at, f"{draw.choice(('name', 'stamp', 'file', 'sha256', 'x'))} = {draw.choice(LITERALS)}")
    data = "\n".join(lines).encode("utf-8", "surrogatepass")
    return spoilt_bytes(data, draw) if draw.random() < 0.2 else data


def spoilt_bytes(data: bytes, draw: random.Random) -> bytes:
    """Any file with bytes changed, removed, repeated or put in."""
    spoilt = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 5, 20))):
        at = draw.randrange(len(spoilt) + 1)
        way = draw.randrange(7)
        if way == 0 and at < len(spoilt):
            spoilt[at] ^= 1 << draw.randrange(8)
        elif way == 1:
            spoilt[at : at + draw.choice((1, 4, 100))] = b""
        elif way == 2:
            spoilt[at:at] = draw.randbytes(draw.choice((1, 4, 100)))
        elif way == 3:
            spoilt[at:at] = spoilt[at : at + draw.choice((2, 50, 1000))]
        elif way == 4:
            del spoilt[at:]
        elif way == 5:
            spoilt[at : at + 4] = draw.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\0\x80"))
        else:
            spoilt[:0] = draw.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"\0", b"\n"))
    return bytes(spoilt)


def spoilt_table(rows: Sequence[Sequence[str]], draw: random.Random) -> bytes:
    """A CSV file in which one to three cells are not as they were."""
    spoilt = [list(row) for row in rows]
    for _ in range(draw.choice((1, 1, 2, 3))):
        row = draw.choice(spoilt)
        way = draw.random()
        if way < 0.7 and row:
            row[draw.randrange(len(row))] = draw.choice(CELLS)
        elif way < 0.8:
            row.append(draw.choice(CELLS))
        elif way < 0.9 and row:
            del row[draw.randrange(len(row))]
        else:
            spoilt.append(list(draw.choice(spoilt)))
    text = io.StringIO(newline="")
    csv.writer(text).writerows(spoilt)
    data = text.getvalue().encode("utf-8", "surrogatepass")
    return spoilt_bytes(data, draw) if draw.random() < 0.2 else data


def spoilt_file(data: bytes, draw: random.Random) -> bytes:
    """A picture, a clip or another binary file: as often its head is spoilt as the rest, because that decides more."""
    if draw.random() < 0.5:
        head = draw.choice((64, 512, 4096))
        return spoilt_bytes(data[:head], draw) + data[head:]
    return spoilt_bytes(data, draw)


def spoilt_png(data: bytes, draw: random.Random) -> bytes:
    """A PNG with spoilt chunks whose checksums hold, without which no decoder looks into them."""
    chunks, at = [], 8
    while at + 12 <= len(data):
        (size,) = struct.unpack_from(">I", data, at)
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    for _ in range(draw.choice((1, 1, 2, 5))):
        number = draw.randrange(len(chunks))
        kind, body = chunks[number]
        way = draw.random()
        if way < 0.6:
            chunks[number] = kind, spoilt_bytes(body, draw)
        elif way < 0.7 and len(chunks) > 1:
            del chunks[number]
        elif way < 0.8:
            chunks.insert(draw.randrange(len(chunks) + 1), (kind, body))
        else:
            kind = draw.choice(
                (b"tRNS", b"PLTE", b"gAMA", b"cHRM", b"iCCP", b"eXIf", b"acTL", b"fcTL", b"sBIT", b"IDAT")
            )
            chunks.insert(number, (kind, draw.randbytes(draw.choice((0, 4, 26, 300)))))
    out = bytearray(data[:8])
    for kind, body in chunks:
        out += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return bytes(out)


PIECES = (
    *(bytes([code]) for code in b"().0123NRQ]}abdelost\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x93\x94\x97\x98"),
    *(b"cbuiltins\nexec\n", b"cbuiltins\nset\n", b"ccollections\nOrderedDict\n", b"ibuiltins\neval\n"),
    *(b"ctorch.storage\n_load_from_bytes\n", b"ctorch._utils\n_rebuild_tensor_v2\n", b"cdnnlib.util\nEasyDict\n"),
    *(b"h\0", b"h\x05", b"q\0", b"K\0", b"K\xff", b"J\xff\xff\xff\xff", b"G\x7f\xf8\0\0\0\0\0\0"),
    *(b"r\xff\xff\xff\x7f", b"j\xff\xff\xff\xff", b"\x8a\x08" + b"\xff" * 7 + b"\x7f", b"B\xff\xff\xff\xff"),
    *(code + b"\xff" * 5 + b"\0" * 3 for code in (b"\x8d", b"\x8e", b"\x95", b"\x96")),
    *(b"\x8c\x01O", b"\x8c\x05state", b"I" + b"9" * 5000 + b"\n", b"]" * 3000 + b"a" * 2999, b"N" + b"\x85" * 3000),
)
"""What takes the place of an instruction of a pickle."""


def spoilt_pickle(data: bytes, draw: random.Random) -> bytes:
    """A pickle in which one to twenty instructions are not as they were, sometimes those of a tensor in it."""
    starts = [at for _, _, at in pickletools.genops(data)]
    pieces = [data[a:b] for a, b in zip(starts, [*starts[1:], len(data)], strict=True)]
    for _ in range(draw.choice((1, 1, 2, 5, 20))):
        at, way = draw.randrange(len(pieces)), draw.random()
        if way < 0.2:
            held = [number for number, piece in enumerate(pieces) if piece[:1] == b"B" and len(piece) > 5]
            at = draw.choice(held) if held else at
            inner = spoilt_file(pieces[at][5:], draw) if held else b""
            pieces[at] = b"B" + struct.pack("<I", len(inner)) + inner
        elif way < 0.5:
            pieces[at] = draw.choice(PIECES)
        elif way < 0.65:
            pieces.insert(at, draw.choice(PIECES))
        elif way < 0.8:
            other = draw.randrange(len(pieces))
            pieces[at], pieces[other] = pieces[other], pieces[at]
        elif len(pieces) > 1:
            del pieces[at]
    return b"".join(pieces)
