"""``report.pdf``: the same content on A4, with the pictures side by side where the page has a slider.

ReportLab lays it out, imported only when a PDF is asked for. It draws with its own fonts, which are part of the file,
so that it looks the same everywhere. Those fonts know Latin letters; a character beyond them is written as an escape,
and the web page shows it as it is. The file is PDF/A-2b: :mod:`mfrec.report.archive`.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from datetime import datetime
from functools import cache, partial
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from reportlab import rl_config
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, Image, KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from mfrec.imageio import to_uint8
from mfrec.provenance.left_out import count_others
from mfrec.report import pictures
from mfrec.report.archive import ArchiveCanvas
from mfrec.report.content import IDENTITY, ONE_BY_ONE, Content, FrameRow, LeftOut, StepRow

MARGIN = 16 * mm
PADDING = 6
"""Points that ReportLab keeps free inside the margins of a page."""
WIDTH = A4[0] - 2 * (MARGIN + PADDING)
INK, SOFT, RULE, ALARM = (HexColor(c) for c in ("#16191d", "#59616a", "#d9dce0", "#9a4a00"))
STAMP_COLOURS = {"ENHANCED": "#1d4268", "RESTORED": "#7a4b00", "NOT EVIDENCE": "#a40e1b"}
FONT, BOLD = "Vera", "VeraBd"
HASH = 5.5
"""Points; 32 hex digits fit into the column of hashes."""
DOTS_PER_POINT = 2.0
"""A picture is put into the file at this density or above (150 dots an inch), by repeating its pixels: readers smooth
what they enlarge, and a smoothed pixel is not what was measured."""


def render(content: Content) -> bytes:
    """The document; the same content always gives the same bytes."""
    buffer = io.BytesIO()
    document = SimpleDocTemplate(
        buffer, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=20 * mm, bottomMargin=18 * mm,
        title=f"{content.stamp}: {content.title}", author="mfrec", subject=IDENTITY, creator="mfrec", invariant=1,
        initialFontName=FONT,
    )  # fmt: skip
    story = [
        *_opening(content),
        *_result(content),
        *_answers(content),
        *_maps(content),
        *_agreement(content),
        *_frames(content),
        *_regions(content),
        *_people(content),
        *_steps(content),
        *_record(content),
    ]

    def decorate(canvas: Any, page: Any) -> None:
        canvas.saveState()
        canvas.setFont(BOLD, 8)
        canvas.setFillColor(HexColor(STAMP_COLOURS.get(content.stamp, "#16191d")))
        left, right = MARGIN + PADDING, A4[0] - MARGIN - PADDING
        canvas.drawString(left, A4[1] - 12 * mm, content.stamp)
        canvas.setFont(FONT, 7)
        canvas.setFillColor(SOFT)
        canvas.drawRightString(right, A4[1] - 12 * mm, content.title)
        canvas.drawString(left, 10 * mm, IDENTITY.partition(". ")[0] + ".")
        canvas.drawRightString(right, 10 * mm, f"page {page.page}")
        canvas.restoreState()

    _alphabet()
    canvas = partial(ArchiveCanvas, made=_moment(content.made))
    # Streams as they are: as text of base 85 they are a quarter longer, and take most of the time of a document.
    rl_config.useA85 = 0
    document.build(story, onFirstPage=decorate, onLaterPages=decorate, canvasmaker=canvas)
    return buffer.getvalue()


def _moment(made: str) -> datetime | None:
    """When, as the record says it; None where it does not."""
    try:
        return datetime.fromisoformat(made)
    except ValueError:
        return None


@cache
def _alphabet() -> frozenset[int]:
    """Code points that the body font can draw; registers the fonts on the way."""
    faces = [TTFont(FONT, "Vera.ttf"), TTFont(BOLD, "VeraBd.ttf")]
    for face in faces:
        pdfmetrics.registerFont(face)
    pdfmetrics.registerFontFamily(FONT, normal=FONT, bold=BOLD, italic=FONT, boldItalic=BOLD)
    return frozenset(faces[0].face.charToGlyph)


def _text(text: str) -> str:
    """Text for a paragraph: markup is escaped, a character that the font lacks becomes an escape."""
    known = _alphabet()
    return escape("".join(c if ord(c) in known else c.encode("unicode_escape").decode("ascii") for c in text))


@cache
def _style(
    size: float, *, bold: bool = False, soft: bool = False, before: float = 0, after: float = 0
) -> ParagraphStyle:
    return ParagraphStyle(
        "text", fontName=BOLD if bold else FONT, fontSize=size, leading=size * 1.38,
        textColor=SOFT if soft else INK, splitLongWords=1, spaceBefore=before, spaceAfter=after,
    )  # fmt: skip


def _line(
    text: str,
    size: float = 8.5,
    *,
    bold: bool = False,
    soft: bool = False,
    before: float = 0,
    after: float = 0,
) -> Paragraph:
    return Paragraph(_text(text), _style(size, bold=bold, soft=soft, before=before, after=after))


def _heading(text: str, note: str) -> list[Flowable]:
    lines = [
        _line(text, 12.5, bold=True, before=7 * mm, after=1.2 * mm),
        _line(note, 8, soft=True, after=2.5 * mm),
    ]
    for line in lines:
        line.keepWithNext = True
    return [*lines]


def _image(picture: NDArray, room: float) -> Image:
    """A picture as wide or as high as ``room``, whichever is reached first, with hard pixels."""
    pixels = to_uint8(picture)
    height, width = pixels.shape[:2]
    factor = math.ceil(room * DOTS_PER_POINT / max(height, width))
    buffer = io.BytesIO()
    Pillow.fromarray(np.ascontiguousarray(pictures.enlarged(pixels, factor))).save(buffer, "PNG", compress_level=1)
    unit = room / max(height, width)
    return Image(buffer, width * unit, height * unit)


def _grid(
    cells: Sequence[Sequence[Any]], widths: Sequence[float], *extra: tuple[Any, ...], header: bool = False
) -> Table:
    """A table without a frame: text at the top left, hairlines only where ``header`` makes it one of rows."""
    style: list[tuple[Any, ...]] = [
        # A cell without words has a font as well.
        ("FONTNAME", (0, 0), (-1, -1), FONT),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 6),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]
    if header:
        style += [("LINEBELOW", (0, 0), (-1, 0), 0.8, INK), ("LINEBELOW", (0, 1), (-1, -1), 0.3, RULE)]
    table = Table([list(row) for row in cells], list(widths), repeatRows=1 if header else 0, hAlign="LEFT")
    table.setStyle(TableStyle([*style, *extra]))
    return table


def _legend(stops: Sequence[tuple[int, int, int]], low: str, high: str, width: float) -> Table:
    bar = pictures.ramp(np.tile(np.linspace(0, 1, 256), (4, 1)), stops)
    buffer = io.BytesIO()
    Pillow.fromarray(bar).save(buffer, "PNG")
    ends = _grid([[_line(low, 7, soft=True), Paragraph(_text(high), _right(7))]], [width / 2, width / 2])
    return _grid([[Image(buffer, width, 2.2 * mm)], [ends]], [width], ("RIGHTPADDING", (0, 0), (-1, -1), 0))


@cache
def _right(size: float) -> ParagraphStyle:
    return ParagraphStyle("right", parent=_style(size, soft=True), alignment=2)


def _opening(content: Content) -> list[Flowable]:
    colour = HexColor(STAMP_COLOURS.get(content.stamp, "#16191d"))
    centred = ParagraphStyle("stamp", fontName=BOLD, fontSize=13, leading=16, textColor=colour, alignment=1)
    stamp = Paragraph(_text(content.stamp), centred)
    head = _grid(
        [[[_line(f"mfrec report, {content.made}", 7.5, soft=True), _line(content.title, 16, bold=True)], stamp]],
        [WIDTH - 52 * mm, 52 * mm],
        ("BOX", (1, 0), (1, 0), 1.4, colour),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("TOPPADDING", (1, 0), (1, 0), 5),
        ("BOTTOMPADDING", (1, 0), (1, 0), 7),
    )
    out: list[Flowable] = [
        head,
        Spacer(1, 4 * mm),
        _line(IDENTITY, 10, bold=True, after=1.5 * mm),
        _line(f"{content.stamp}. {content.meaning}", 8.5, after=2 * mm),
    ]
    if content.warnings:
        lines = [[_line(f"Warning: {warning}", 8.5)] for warning in content.warnings]
        out.append(
            _grid(
                lines,
                [WIDTH],
                ("LINEBEFORE", (0, 0), (0, -1), 3, ALARM),
                ("BACKGROUND", (0, 0), (-1, -1), HexColor("#fff8ed")),
                ("LEFTPADDING", (0, 0), (-1, -1), 8),
            )
        )
    return out


def _result(content: Content) -> list[Flowable]:
    reference = f"Reference {content.reference_name}, enlarged \u00d7{content.scale} by bicubic interpolation"
    shown = [
        (content.reference, reference),
        (content.image, f"{content.stamp} result"),
    ]
    if content.evidence is not None:
        shown.append((content.evidence, "ENHANCED evidence picture"))
    column = WIDTH / len(shown)
    return [
        *_heading("Result beside the reference", "Every pixel is drawn as a hard square; nothing is smoothed."),
        _grid([[[_image(p, column - 4 * mm), _line(text, 7.5, before=3)] for p, text in shown]], [column] * len(shown)),
        Spacer(1, 3 * mm),
        _grid(
            [
                [
                    _line(label, 8.5, soft=True),
                    [_line(value, 8.5, bold=True), *([_line(note, 7, soft=True)] if note else [])],
                ]
                for label, value, note in content.facts
            ],
            [38 * mm, WIDTH - 38 * mm],
        ),
    ]


def _answers(content: Content) -> list[Flowable]:
    """What a generator drew, three in a row, beside the evidence picture."""
    found = content.answers
    if found is None:
        return []
    plain = content.reference if content.evidence is None else content.evidence
    column = WIDTH / 3
    cells = [
        (plain, "ENHANCED evidence picture"),
        *((picture, f"{content.stamp}: {caption}") for picture, caption in found.shown),
        (found.spread, f"spread between the answers, black 0, pale {found.spread_limit:g} grey levels"),
    ]
    cells += [(None, "")] * (-len(cells) % 3)
    drawn = [[] if p is None else [_image(p, column - 4 * mm), _line(text, 7, before=3)] for p, text in cells]
    return [
        *_heading("Several answers to the same frames", f"{content.stamp}. {found.meaning}"),
        _grid([drawn[start : start + 3] for start in range(0, len(drawn), 3)], [column] * 3),
        _grid(
            [
                [_line(label, 8.5, soft=True), [_line(value, 8.5, bold=True), _line(note, 7, soft=True)]]
                for label, value, note in found.facts
            ],
            [38 * mm, WIDTH - 38 * mm],
        ),
    ]


def _maps(content: Content) -> list[Flowable]:
    column = WIDTH / (3 if content.sources_after is None else 4)
    room = column - 4 * mm
    note = "colour: main source; brightness: square root of its share; black: seen by no frame"
    limit = f"{content.uncertainty_limit:g} grey levels"
    panels = [
        [_line("Main source", bold=True, after=2), _image(content.sources, room), _line(note, 7, soft=True, before=3)],
        [
            _line("Uncertainty", bold=True, after=2),
            _image(content.uncertainty, room),
            Spacer(1, 2),
            _legend(pictures.UNCERTAIN, "\u00b1 0", limit, room),
        ],
        [
            _line("Measured", bold=True, after=2),
            _image(content.observed, room),
            Spacer(1, 2),
            _legend(pictures.OBSERVED, "0 %: assumed", "100 %", room),
        ],
    ]
    if content.sources_after is not None:
        after = [_line(f"After {content.leader}", bold=True, after=2), _image(content.sources_after, room)]
        passed = "leading frame passed over; brightness: share of the rest, stretched"
        panels.insert(1, [*after, _line(passed, 7, soft=True, before=3)])
    ranked = sorted(content.used, key=lambda row: -(row.share or 0.0))
    swatches = [("BACKGROUND", (0, i), (0, i), HexColor(row.colour)) for i, row in enumerate(ranked)]
    lines = [["", _line(f"{row.index}  {row.name}", 8), _line(_percent(row.share), 8)] for row in ranked]
    return [
        *_heading(
            "Where each pixel comes from",
            "The web page names the frames under the pointer; here are the maps and the mean share of every frame.",
        ),
        _grid([panels], [column] * len(panels)),
        Spacer(1, 2 * mm),
        _grid(
            lines,
            [4 * mm, 90 * mm, 20 * mm],
            *swatches,
            ("LEFTPADDING", (1, 0), (1, -1), 6),
            ("LINEBELOW", (0, 0), (0, -1), 1.5, HexColor("#ffffff")),
        ),
    ]


def _agreement(content: Content) -> list[Flowable]:
    column = WIDTH / 2
    blocks = [_block(row, column - 6 * mm, content.difference_limit) for row in content.used]
    if len(blocks) % 2:
        blocks.append([])
    pairs = list(zip(blocks[::2], blocks[1::2], strict=True))
    return [
        *_heading(
            "Does the result agree with every frame?",
            "Frame; result carried into the frame and averaged over the area of its pixels; result minus frame (blue "
            "is darker, red lighter). The number is the recorded consistency, root mean square in grey levels of 255.",
        ),
        _legend(pictures.DIFFERENCE, f"-{content.difference_limit:g}", f"+{content.difference_limit:g}", 60 * mm),
        _grid(pairs, [column, column], ("BOTTOMPADDING", (0, 0), (-1, -1), 6)),
    ]


def _block(row: FrameRow, room: float, limit: float) -> list[Flowable]:
    title = _line(f"{row.index}  {row.name}: {_number(row.consistency)} grey levels", 7.5, after=2)
    if row.comparison is None:
        return [title, _line("This frame does not reach onto the picture.", 7.5, soft=True)]
    trio = (row.comparison.given, row.comparison.again, row.comparison.difference_map(limit))
    side = room / 3
    return [title, _grid([[_image(picture, side - 2 * mm) for picture in trio]], [side] * 3)]


def _frames(content: Content) -> list[Flowable]:
    widths = [23 * mm, 74 * mm, 30 * mm, 16 * mm, 12 * mm, WIDTH - 155 * mm]
    head = (
        "Original",
        "Frame, SHA-256 and MD5 of its file",
        "State",
        "Residual grey levels",
        "Share",
        "Consistency grey levels",
    )
    cells: list[list[Any]] = [[_line(text, 6.5, bold=True) for text in head]]
    before = ""
    for row in content.rows:
        if row.original is None:
            continue
        name = [_line(_numbered(row), 7, bold=True)]
        noise = f"noise: {row.noise}" if row.noise else ""
        details = (row.time, row.size, *row.notes, noise, row.codec, row.attached)
        name.append(_line(" \u00b7 ".join(filter(None, details)), 6.5, soft=True))
        if row.sha256 and row.sha256 == before:
            name.append(_line("the same file as above", 6.5, soft=True))
        else:
            name += [_line(digits, HASH) for digits in (row.sha256[:32], row.sha256[32:], row.md5) if digits]
        before = row.sha256
        state = [_line(row.state, 7, bold=True), *([_line(row.why, 6.5, soft=True)] if row.why else [])]
        numbers = (_number(row.residual), _percent(row.share), _number(row.consistency))
        cells.append([_image(row.original, 20 * mm), name, state, *(_line(text, 7) for text in numbers)])
    groups = content.left_out
    left_out = [[_line(_numbered(group.first) + group.rest, 6.5), _line(group.why, 6.5, soft=True)] for group in groups]
    return [
        *_heading(
            "Originals: every frame, used or not",
            "Frames are counted from 0. Hashes are those of the files as they were received. What the web page carries "
            "of them is without loss.",
        ),
        _grid(cells, widths, header=True),
        *([_line(_unseen(groups), 8, bold=True, before=4 * mm, after=1)] if groups else []),
        *([_grid(left_out, [50 * mm, WIDTH - 50 * mm], ("BOTTOMPADDING", (0, 0), (-1, -1), 0))] if groups else []),
        *([_line(_beside(content), 8, before=2 * mm)] if content.others else []),
    ]


def _numbered(row: FrameRow) -> str:
    return f"{'' if row.index is None else row.index}  {row.name}".strip()


def _unseen(groups: Sequence[LeftOut]) -> str:
    return f"Left out, without a picture here: {sum(group.count for group in groups)}. {ONE_BY_ONE}"


def _beside(content: Content) -> str:
    return f"{count_others(len(content.others))}: {', '.join(content.others)}"


def _regions(content: Content) -> list[Flowable]:
    if not content.regions:
        return []
    header = ("Region", "Best source, expected error", "All frames: score", "Refused, and why")
    cells: list[list[Any]] = [[_line(text, 7.5, bold=True) for text in header]]
    for name, sources, refused in content.regions:
        best = "no frame shows it well enough"
        if sources:
            best = f"{sources[0].row.name}, \u00b1{sources[0].error:.1f}"
        scores = ",  ".join(f"{source.row.index}: {source.score:.2f}" for source in sources)
        why = ";  ".join(f"{source.row.index}: {source.refused}" for source in refused) or "none"
        cells.append([_line(name, 7.5), _line(best, 7.5, bold=True), _line(scores, 7.5), _line(why, 7.5)])
    note = (
        "Frames, counted from 0, in order of their score (0 to 1), best first. A score stands for the error to expect "
        "of the region, in grey levels (12.75 at one half). Left and right are the person's own."
    )
    widths = [26 * mm, 40 * mm, 52 * mm, WIDTH - 118 * mm]
    return [*_heading("Sources of every region", note), _grid(cells, widths, header=True)]


def _people(content: Content) -> list[Flowable]:
    if content.subjects is None:
        return []
    return [*_heading("People in the sequence", content.subjects_note), _image(content.subjects, 110 * mm)]


def _steps(content: Content) -> list[Flowable]:
    out: list[Flowable] = _heading("Method: every step, in order", "With its parameters as they were used.")
    out += _chain(content.steps)
    if content.evidence_steps:
        out.append(_line("The evidence picture, where its steps differ", 10, bold=True, before=4 * mm))
        out += _chain(content.evidence_steps)
    return out


def _chain(steps: Sequence[StepRow]) -> list[Flowable]:
    out: list[Flowable] = []
    for number, step in enumerate(steps, 1):
        lines: list[Flowable] = [
            _line(f"{number}  {step.stage}, {step.seconds}", 9, bold=True, before=2 * mm),
            _line(step.method, 8.5),
        ]
        if step.parameters:
            lines.append(_line(",  ".join(f"{key} = {value}" for key, value in step.parameters), 7.5))
        lines += [_line(reference, 7.5, soft=True) for reference in step.literature]
        out.append(KeepTogether(lines))
    return out


def _record(content: Content) -> list[Flowable]:
    out: list[Flowable] = _heading("Record", "run.json beside this report holds it all; mfrec rerun repeats the run.")
    for title, pairs in content.surroundings:
        out.append(_line(title, 9, bold=True, before=2 * mm, after=1))
        out.append(_grid([[_line(k, 8, soft=True), _line(v, 8)] for k, v in pairs], [38 * mm, WIDTH - 38 * mm]))
    if content.outputs:
        out.append(_line("Hashes of the outputs", 9, bold=True, before=2 * mm, after=1))
        cells = [[_line(text, 7.5, bold=True) for text in ("File", "SHA-256", "MD5")]]
        for name, sha256, md5 in content.outputs:
            cells.append([_line(name, 7.5), _line(sha256, HASH), _line(md5, HASH)])
        out.append(_grid(cells, [38 * mm, 92 * mm, WIDTH - 130 * mm], header=True))
    return out


def _number(value: float | None) -> str:
    return "\u2013" if value is None else f"{value:.1f}"


def _percent(value: float | None) -> str:
    return "\u2013" if value is None else f"{value * 100:.1f} %"
