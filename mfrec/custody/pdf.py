"""The report as a signed PDF: PAdES baseline B-B, and B-T with the answer of a time-stamping authority.

ETSI EN 319 142-1. The signature is an incremental update: a signed report begins with the bytes of the report, and
stays PDF/A-2b. The time stamp lies in the room that signing leaves for it, as the unsigned attribute
``signature-time-stamp`` (ETSI EN 319 122-1, 5.3), so that it can be put in without the key.
"""

from __future__ import annotations

import datetime
import io
import logging
from collections.abc import Sequence
from typing import cast

from asn1crypto import cms, tsp
from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.general import simple_cms_attribute
from pyhanko.sign.signers.constants import ESIC_EXTENSION_1
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from mfrec.custody.embedded import EmbeddedCheck
from mfrec.custody.keys import Identity, subject
from mfrec.custody.trust import Trusted, valid_at
from mfrec.documents import DocumentError

FIELD = "mfrec"

ROOM = 1 << 16
"""Hex digits that are kept free for signature and time stamp; an authority's answer has 3 to 12 kB."""

FAILURES = (PdfError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError)
"""What pyHanko raises for a spoilt file, as it comes."""


class _Signer(signers.PdfSigner):
    """Leaves the report PDF 1.7, and so PDF/A-2.

    pyHanko would call it PDF 2.0 because of the curve of the key (ISO/TS 32002), which the certificate says anyway.
    """

    def register_extensions(self, pdf_out: BasePdfFileWriter, *, md_algorithm: str) -> None:
        pdf_out.register_extension(ESIC_EXTENSION_1)


def sign_pdf(report: bytes, identity: Identity, reason: str = "") -> bytes:
    """A signed copy of a PDF, level B-B.

    Args:
        report: without a signature.
        identity: its document key signs.
        reason: for the reader; may be empty.

    Raises:
        DocumentError: it is no PDF that can be signed.
    """
    store = SimpleCertificateStore.from_certs([_certificate(identity.root)])
    signer = signers.SimpleSigner(_certificate(identity.document_certificate), _private(identity), store)
    metadata = signers.PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        subfilter=fields.SigSeedSubFilter.PADES,
        reason=reason or None,
        name=identity.signer,
    )
    out = io.BytesIO()
    try:
        writer = IncrementalPdfFileWriter(io.BytesIO(report))
        _Signer(metadata, signer).sign_pdf(writer, output=out, bytes_reserved=ROOM)
    except FAILURES as error:
        raise DocumentError(f"it is no PDF that can be signed: {error}") from None
    return out.getvalue()


def _certificate(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))


def _private(identity: Identity) -> asn1_keys.PrivateKeyInfo:
    plain = identity.document_key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return asn1_keys.PrivateKeyInfo.load(plain)


def _only_signature(signed: bytes) -> EmbeddedPdfSignature:
    try:
        found = PdfFileReader(io.BytesIO(signed)).embedded_signatures
    except FAILURES as error:
        raise DocumentError(f"it is no PDF that can be read: {error}") from None
    if len(found) != 1:
        raise DocumentError(f"it holds {len(found)} signatures, and one was expected")
    return found[0]


def signature_value(signed: bytes) -> bytes:
    """The signature in a signed PDF, which is what a time stamp is for.

    Raises:
        DocumentError: there is not one.
    """
    return _only_signature(signed).signer_info["signature"].contents


def add_time_stamp(signed: bytes, answer: bytes) -> bytes:
    """A signed PDF with an authority's answer: level B-T.

    Args:
        signed: by :func:`sign_pdf`.
        answer: a TimeStampResp about :func:`signature_value`.

    Raises:
        DocumentError: it is no such PDF, or has no room for the answer.
    """
    embedded = _only_signature(signed)
    token = tsp.TimeStampResp.load(answer)["time_stamp_token"]
    content = cms.ContentInfo.load(embedded.pkcs7_content)
    info = content["content"]["signer_infos"][0]
    info["unsigned_attrs"] = cms.CMSAttributes([simple_cms_attribute("signature_time_stamp_token", token)])
    _, begin, end, _ = (int(number) for number in cast("Sequence[int]", embedded.byte_range))
    # Between the two ranges: the hex digits, in angle brackets.
    room = end - begin - 2
    digits = content.dump().hex().encode("ascii")
    if len(digits) > room:
        raise DocumentError(f"the answer needs {len(digits)} digits, and there is room for {room}")
    return signed[: begin + 1] + digits.ljust(room, b"0") + signed[end - 1 :]


def check_pdf(signed: bytes, trusted: Trusted, now: datetime.datetime) -> EmbeddedCheck:
    """What the signature inside of a PDF says, by pyHanko's validator, without a network.

    Args:
        signed: the file.
        trusted: whose signatures and time stamps count.
        now: for the certificate, where there is no trusted time stamp.

    Raises:
        DocumentError: it holds no signature that can be read.
    """
    embedded = _only_signature(signed)
    people = ValidationContext(trust_roots=[_certificate(one) for one in trusted.people], allow_fetching=False)
    time = ValidationContext(trust_roots=[_certificate(one) for one in trusted.time], allow_fetching=False)
    # Its log repeats what the answer says.
    logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
    logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)
    try:
        status = validate_pdf_signature(embedded, people, ts_validation_context=time)
        certificate = x509.load_der_x509_certificate(status.signing_cert.dump())
    except (*FAILURES, x509.InvalidVersion) as error:
        raise DocumentError(f"its signature cannot be checked: {error}") from None
    whole = status.coverage is SignatureCoverageLevel.ENTIRE_FILE
    intact = bool(status.intact and status.valid and whole)
    stamp = status.timestamp_validity
    moment = now
    words = f"PDF signature by {subject(certificate)}"
    if stamp is not None:
        words += f", time stamp of {stamp.timestamp:%Y-%m-%d %H:%M:%S} UTC by "
        words += "a trusted authority" if stamp.trusted else "an authority that is not trusted here"
        intact = intact and bool(stamp.intact and stamp.valid)
        moment = stamp.timestamp if stamp.trusted else now
    return EmbeddedCheck(intact, trusted.knows(certificate), not valid_at(certificate, moment), words)
