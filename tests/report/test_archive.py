"""The report as PDF/A-2b."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import Any

import pytest
from report_case import reconstruction

pytest.importorskip("reportlab")
pytest.importorskip("pyhanko")

from archive_rules import broken_rules
from pyhanko.pdf_utils.reader import PdfFileReader

from mfrec.report import write_report


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    made = reconstruction(3, names=("späť 中.jpg",), subjects=2)
    record = {**made.record, "created": "2026-11-01T10:00:00+02:00"}
    return write_report(replace(made, record=record), tmp_path_factory.mktemp("report"), pdf=True)[1].read_bytes()


def test_it_keeps_to_every_rule(report: bytes) -> None:
    assert broken_rules(report) == []


def test_the_file_says_when_it_was_made(report: bytes) -> None:
    file: Any = PdfFileReader(io.BytesIO(report))
    assert file.trailer["/Info"]["/CreationDate"] == "D:20261101080000+00'00'"
    assert "<xmp:CreateDate>2026-11-01T08:00:00+00:00<" in file.root["/Metadata"].data.decode("utf-8")


@pytest.mark.parametrize(
    ("whole", "spoilt", "clause"),
    [
        (b"\nendstream", b" endstream", "6.1.7.1"),
        (b"%PDF-1.7", b"%PDF-2.0", "6.1.2"),
        (b"/FontFile2", b"/FontFile9", "6.2.11.4"),
        (b"conformance>B<", b"conformance>A<", "6.6.4"),
        (b"/Trans", b"/Group", "forbidden"),
        (b"/GTS_PDFA1", b"/GTS_PDFX0", "6.2.3"),
        (b"/ColorSpace /DeviceRGB", b"/ColorSpace /DeviceLab", "6.2.4"),
    ],
)
def test_each_rule_can_be_broken(report: bytes, whole: bytes, spoilt: bytes, clause: str) -> None:
    assert whole in report
    assert any(clause in rule for rule in broken_rules(report.replace(whole, spoilt)))


def test_places_of_the_objects_are_right_after_line_ends_were_put_in(report: bytes) -> None:
    table = report[int(report.split(b"startxref\n")[-1].split()[0]) :]
    assert table.startswith(b"xref\n")
    places = [int(place) for place in re.findall(rb"(\d{10}) 00000 n ", table)]
    assert [report[place:].split(b" ", 1)[0] for place in places] == [b"%d" % (n + 1) for n in range(len(places))]
