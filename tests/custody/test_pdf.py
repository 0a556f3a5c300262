"""The signed report, as pyHanko's own validator sees it."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from archive_rules import broken_rules
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from signed_folder import Person, TimeAuthority, result

from mfrec.custody.pdf import add_time_stamp, check_pdf, sign_pdf, signature_value
from mfrec.custody.time_stamp import request
from mfrec.documents import DocumentError


@pytest.fixture(scope="module")
def report() -> bytes:
    return (result() / "report.pdf").read_bytes()


@pytest.fixture(scope="module")
def signed_report(report: bytes, anna: Person) -> bytes:
    return sign_pdf(report, anna.identity, "case 17")


def context(path: Path) -> ValidationContext:
    from asn1crypto import pem, x509

    roots = [x509.Certificate.load(der) for _, _, der in pem.unarmor(path.read_bytes(), multiple=True)]  # pyright: ignore
    return ValidationContext(trust_roots=roots, allow_fetching=False)


def test_pyhanko_finds_it_valid(report: bytes, signed_report: bytes, anna: Person) -> None:
    assert signed_report.startswith(report)
    (signature,) = PdfFileReader(io.BytesIO(signed_report)).embedded_signatures
    assert signature.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"  # PAdES
    assert signature.sig_object["/Reason"] == "case 17"
    status = validate_pdf_signature(signature, context(anna.key.with_suffix(".crt")))
    assert status.bottom_line
    assert status.trusted
    assert status.timestamp_validity is None


def test_with_the_answer_of_an_authority(signed_report: bytes, anna: Person, authority: TimeAuthority) -> None:
    answer = authority.answer(request(signature_value(signed_report))).read_bytes()
    stamped = add_time_stamp(signed_report, answer)
    assert len(stamped) == len(signed_report)
    (signature,) = PdfFileReader(io.BytesIO(stamped)).embedded_signatures
    status = validate_pdf_signature(
        signature, context(anna.key.with_suffix(".crt")), ts_validation_context=context(authority.root)
    )
    assert status.bottom_line
    assert status.timestamp_validity is not None
    assert status.timestamp_validity.trusted
    check = check_pdf(stamped, anna.trusted, datetime.now(UTC))
    assert check.intact
    assert "not trusted here" in check.detail


def test_what_is_added_behind_a_signature_is_no_longer_what_was_signed(signed_report: bytes, anna: Person) -> None:
    assert check_pdf(signed_report, anna.trusted, datetime.now(UTC)).intact
    assert not check_pdf(signed_report + b"\n% more\n", anna.trusted, datetime.now(UTC)).intact


def test_what_is_no_pdf_or_has_no_signature(report: bytes, anna: Person) -> None:
    with pytest.raises(DocumentError, match="no PDF that can be signed"):
        sign_pdf(b"nothing", anna.identity)
    for data in (report, b"nothing", b""):
        with pytest.raises(DocumentError, match=r"holds 0 signatures|no PDF that can be read"):
            check_pdf(data, anna.trusted, datetime.now(UTC))


def test_a_signed_report_is_still_for_the_archive(
    report: bytes, signed_report: bytes, anna: Person, authority: TimeAuthority
) -> None:
    assert broken_rules(report) == []
    assert broken_rules(signed_report) == []
    answer = authority.answer(request(signature_value(signed_report))).read_bytes()
    assert broken_rules(add_time_stamp(signed_report, answer)) == []
