"""What makes a PDF one for the archive: PDF/A-2b, ISO 19005-2:2011.

The pages have to keep to it as well: every font is embedded, colours are RGB or grey, and nothing is transparent. Here
is what the file needs beside them: the output intent that says which RGB (6.2.3), and metadata that name the level
(6.6.4). Level 2 is the first that a PAdES signature may be put into (6.4.3); b keeps what a page looks like, without
tags for its structure.
"""

from __future__ import annotations

import re
import struct
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from typing import IO, Any
from xml.sax.saxutils import escape

from PIL import ImageCms
from reportlab.pdfbase import pdfdoc
from reportlab.pdfgen.canvas import Canvas

ENTRY = re.compile(rb"(\d{10}) 00000 n ")
STREAM_END = b"endstream\nendobj\n"

CONDITION = "sRGB IEC61966-2.1"

PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance><dc:format>application/pdf</dc:format>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{subject}</rdf:li></rdf:Alt></dc:description>
<pdf:Producer>{producer}</pdf:Producer><xmp:CreatorTool>{creator}</xmp:CreatorTool>
<xmp:CreateDate>{made}</xmp:CreateDate><xmp:ModifyDate>{made}</xmp:ModifyDate>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""


class ArchiveCanvas(Canvas):
    """ReportLab's canvas, whose file is PDF/A-2b where its pages are."""

    _doc: Any
    _code: list[str]
    _filename: IO[bytes]

    def __init__(self, *given: Any, made: datetime | None, **options: Any) -> None:
        """Begin a file.

        Args:
            given: and ``options``: of ReportLab's canvas.
            made: when, for the file's metadata; None leaves ReportLab's own date.
        """
        super().__init__(*given, pdfVersion=(1, 7), **options)
        document = self._doc
        if made is not None:
            document._timeStamp.YMDhms = made.astimezone(UTC).timetuple()[:6]
        catalog = document.Catalog
        # ReportLab writes the entries of the catalogue that it knows, and knows no output intent.
        catalog.__NoDefault__ = [*pdfdoc.PDFCatalog.__NoDefault__, "OutputIntents"]
        catalog.Metadata = pdfdoc.XMP(creator=_packet)
        profile = pdfdoc.PDFStream(pdfdoc.PDFDictionary({"N": 3}), srgb_profile())
        intent = {
            "Type": pdfdoc.PDFName("OutputIntent"),
            "S": pdfdoc.PDFName("GTS_PDFA1"),
            "OutputConditionIdentifier": pdfdoc.PDFString(CONDITION),
            "Info": pdfdoc.PDFString(CONDITION),
            "DestOutputProfile": document.Reference(profile),
        }
        catalog.OutputIntents = pdfdoc.PDFArray([pdfdoc.PDFDictionary(intent)])

    def save(self) -> None:
        """Write the file into the buffer that the canvas was given."""
        if self._code:
            self.showPage()
        self._filename.write(_with_line_ends(self._doc.GetPDFData(self)))


def _packet(document: Any) -> bytes:
    """The metadata of a document as XMP, equal to what its information dictionary says."""
    info = document.info
    said = {name: escape(str(getattr(info, name))) for name in ("title", "author", "subject", "producer", "creator")}
    made = datetime(*document._timeStamp.YMDhms, tzinfo=UTC).isoformat()
    return PACKET.format(**said, made=made).encode("utf-8")


def _with_line_ends(file: bytes) -> bytes:
    """A file of ReportLab's with a line end before each ``endstream``, outside of the stream's length (6.1.7.1).

    Args:
        file: its objects one after the other in the order of its only table of them, which follows them.
    """
    start = int(file.rpartition(b"startxref\n")[2].split()[0])
    table = file[start:]
    begins = [int(offset) for offset in ENTRY.findall(table)]
    out, places = [file[: begins[0]]], []
    where = begins[0]
    for begin, end in pairwise([*begins, start]):
        written = file[begin:end]
        if written.endswith(STREAM_END):
            written = written.removesuffix(STREAM_END) + b"\n" + STREAM_END
        places.append(where)
        out.append(written)
        where += len(written)
    moved = iter(places)
    table = ENTRY.sub(lambda _: b"%010d 00000 n " % next(moved), table)
    return b"".join(out) + table.replace(b"startxref\n%d\n" % start, b"startxref\n%d\n" % where)


@cache
def srgb_profile() -> bytes:
    """An ICC profile of sRGB, with the same bytes in every run: its date is 2000-01-01 (ICC.1:2010, 7.2.8)."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile[:24] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + profile[36:]
