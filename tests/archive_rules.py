"""The rules of PDF/A-2b (ISO 19005-2:2011) that a report's file touches, each read from the file's objects."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

from fontTools.ttLib import TTFont
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

SHOWN = re.compile(rb"(/\S+) [\d.]+ Tf|\(((?:[^()\\]|\\.)*)\) Tj", re.DOTALL)
"""A change of the font, or a string that is drawn."""

FORBIDDEN = {
    "/AA", "/OpenAction", "/A", "/JS", "/JavaScript", "/Names", "/EmbeddedFiles", "/XFA", "/NeedAppearances",
    "/OCProperties", "/Encrypt", "/F", "/FFilter", "/FDecodeParms", "/Alternates", "/OPI", "/Interpolate", "/TR",
    "/TR2", "/HTP", "/SMask", "/Group", "/ca", "/CA", "/BM", "/PS", "/PresSteps", "/Perms", "/Ref",
}  # fmt: skip
"""Keys that 6.1 to 6.11 forbid, or allow under conditions that a report has no need to meet."""


def broken_rules(data: bytes) -> list[str]:
    """What is against the standard, each with its clause; a file that keeps to it gives none."""
    file: Any = PdfFileReader(io.BytesIO(data))
    objects = dict(_objects(file))
    return [
        *_file(data, file),
        *_streams(data),
        *_keys(objects),
        *_colours(file, objects),
        *_fonts(file),
        *_metadata(file),
    ]


def _objects(file: Any) -> Iterator[tuple[str, Any]]:
    """Every dictionary that can be reached, under the way to it."""
    seen: set[Any] = set()
    todo: list[tuple[str, Any]] = [("", file.trailer.raw_get("/Root"))]
    while todo:
        way, value = todo.pop()
        if isinstance(value, generic.IndirectObject):
            if value.reference in seen:
                continue
            seen.add(value.reference)
            value = value.get_object()
        if isinstance(value, generic.DictionaryObject):
            yield way, value
            todo += [(way + key, value.raw_get(key)) for key in value]
        elif isinstance(value, generic.ArrayObject):
            todo += [(f"{way}/{number}", value.raw_get(number)) for number in range(len(value))]


def _file(data: bytes, file: Any) -> Iterator[str]:
    if not re.match(rb"%PDF-1\.[0-7]\r?\n%[\x80-\xff]{4}", data):
        yield "6.1.2: header, and a comment of four bytes above 127"
    if "/Version" in file.root and not re.fullmatch(r"/1\.[0-7]", file.root["/Version"]):
        yield f"6.1.2: the catalogue says version {file.root['/Version']}"
    if len(file.trailer["/ID"]) != 2:
        yield "6.1.3: ID"
    if not re.search(rb"%%EOF\r?\n?\Z", data):
        yield "6.1.3: nothing after the end"


def _streams(data: bytes) -> Iterator[str]:
    streams = list(re.finditer(rb"/Length (\d+)[^>]*>>\s*?\n?stream\r?\n", data))
    for found in streams:
        if not re.match(rb"\r?\nendstream\s", data[found.end() + int(found[1]) :][:12]):
            yield f"6.1.7.1: the stream at byte {found.start()} is not as long as it says, or no line end follows"
    if len(streams) != len(re.findall(rb"endstream\s+endobj", data)):
        yield "6.1.7.1: a stream whose length is not beside it"
    if b"LZWDecode" in data:
        yield "6.1.7.2: LZW"


def _keys(objects: dict[str, Any]) -> Iterator[str]:
    for way, one in objects.items():
        if one.get("/Subtype") == "/Widget":
            if one["/F"] & 0b100111 != 4 or [*one["/Rect"]] != [0, 0, 0, 0]:
                yield f"6.3.2, 6.3.3: {way} is not printed, hidden, or has an area without an appearance"
            continue
        yield from (f"forbidden: {way}{key}" for key in FORBIDDEN.intersection(one))


def _colours(file: Any, objects: dict[str, Any]) -> Iterator[str]:
    (intent,) = file.root["/OutputIntents"]
    profile = intent["/DestOutputProfile"]
    header = profile.data[:128]
    if (intent["/S"], profile["/N"], header[12:20], header[36:40]) != ("/GTS_PDFA1", 3, b"mntrRGB ", b"acsp"):
        yield "6.2.3: the output intent is not of RGB"
    if int.from_bytes(header[:4], "big") != len(profile.data):
        yield "6.2.3: the profile is cut"
    for way, one in objects.items():
        if one.get("/Subtype") == "/Image" and one["/ColorSpace"] not in ("/DeviceRGB", "/DeviceGray"):
            yield f"6.2.4: {way} is in {one['/ColorSpace']}"
    for page in _pages(file):
        drawn = re.sub(rb"\((?:[^()\\]|\\.)*\)", b"()", page["/Contents"].data, flags=re.DOTALL)
        used = set(re.findall(rb"(?<=\s)[A-Za-z'\"*]+\d?\*?(?=\s)", drawn))
        yield from (
            f"6.2.2, 6.2.4: operator {name!r}"
            for name in used & {b"k", b"K", b"cs", b"CS", b"sc", b"scn", b"sh", b"ri", b"gs", b"BI"}
        )


def _pages(file: Any) -> list[Any]:
    return [kid.get_object() for kid in file.root["/Pages"]["/Kids"]]


def _fonts(file: Any) -> Iterator[str]:
    drawn: dict[str, set[int]] = {}
    for page in _pages(file):
        font = ""
        for switch, text in SHOWN.findall(page["/Contents"].data):
            font = switch.decode() or font
            drawn.setdefault(font, set()).update(_codes(text))
    named = file.root["/Pages"]["/Kids"][0]["/Resources"]["/Font"]
    for name in named:
        yield from (f"{problem} (font {name})" for problem in _font(named[name], drawn.get(name, set())))


def _codes(text: bytes) -> bytes:
    """The characters of a string in a content stream."""
    named = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
    return re.sub(
        rb"\\([0-7]{1,3}|.)",
        lambda m: bytes([int(m[1], 8)]) if m[1].isdigit() else named.get(m[1], m[1]),
        text,
        flags=re.DOTALL,
    )


def _font(font: Any, codes: set[int]) -> Iterator[str]:
    descriptor = font["/FontDescriptor"] if "/FontDescriptor" in font else {}  # noqa: SIM401 get() leaves a reference
    if "/FontFile2" not in descriptor:
        yield "6.2.11.4: it is not embedded"
        return
    embedded: Any = TTFont(io.BytesIO(descriptor["/FontFile2"].data))
    tables = embedded["cmap"].tables
    if not descriptor["/Flags"] & 4 or "/Encoding" in font or len(tables) != 1:
        yield "6.2.11.6: not symbolic, with one table of characters and no encoding"
    glyphs = tables[0].cmap
    if any(embedded.getGlyphID(glyphs.get(code, ".notdef")) == 0 for code in codes):
        yield "6.2.11.8: the glyph for what is missing is drawn"
        return
    unit = 1000 / embedded["head"].unitsPerEm
    widths = font["/Widths"]
    for code in codes:
        if abs(embedded["hmtx"][glyphs[code]][0] * unit - float(widths[code - font["/FirstChar"]])) > 1:
            yield f"6.2.11.5: the width of {code} is another one in the font"


def _metadata(file: Any) -> Iterator[str]:
    stream = file.root["/Metadata"]
    if "/Filter" in stream or (stream["/Type"], stream["/Subtype"]) != ("/Metadata", "/XML"):
        yield "6.6.2: the metadata are not plain XML"
    text = stream.data.decode("utf-8")
    level = [re.search(rf"pdfaid:{name}(?:=\"|>)(\w+)", text) for name in ("part", "conformance")]
    if [found and found[1] for found in level] != ["2", "B"] or "http://www.aiim.org/pdfa/ns/id/" not in text:
        yield "6.6.4: the metadata do not name PDF/A-2b"
