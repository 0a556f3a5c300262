"""The time, said by an authority (RFC 3161), for a laboratory without a network: requests and answers are files.

A request holds the SHA-256 of what shall be stamped and nothing else. It is carried to a machine with a network and
sent to an authority; its answer comes back as a file. ``openssl ts -verify -data signature-1.json -in
signature-1.tsr`` checks one without mfrec.
"""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import dataclass
from pathlib import Path

import rfc3161_client
from asn1crypto import cms, tsp
from cryptography import x509
from rfc3161_client.errors import VerificationError

from mfrec.documents import DocumentError, read_bytes
from mfrec.errors import UsageError

LIMIT = 1 << 20
"""Bytes that an answer may have."""


@dataclass(frozen=True)
class Stamp:
    """What an answer says of some data.

    Attributes:
        time: at which the data existed.
        trusted: whether an authority that counts here says so.
        detail: who says it, or why it does not count, in words.
    """

    time: datetime.datetime
    trusted: bool
    detail: str


def request(data: bytes) -> bytes:
    """A request for the time of ``data``: DER, without a nonce, so that it can be made again from the data."""
    builder = rfc3161_client.TimestampRequestBuilder(
        data=data, hash_algorithm=rfc3161_client.HashAlgorithm.SHA256, nonce=False, cert_req=True
    )
    return builder.build().as_bytes()


def read_answer(path: Path) -> bytes:
    """The bytes of an answer that grants what was asked for.

    Raises:
        UsageError: the file is none, or the authority refused.
    """
    try:
        data = read_bytes(path, LIMIT)
        answer = _parsed(data)
        status = answer.status
        if status == rfc3161_client.PKIStatus.GRANTED:
            _ = answer.tst_info.message_imprint.message  # a token that is none says so here
    except (DocumentError, ValueError) as error:
        why = error if isinstance(error, DocumentError) else "it is no DER of a TimeStampResp"
        raise UsageError(
            f"the time-stamp answer '{path}' cannot be read ({why}); expected the .tsr file of an authority (RFC 3161)"
        ) from None
    if status != rfc3161_client.PKIStatus.GRANTED:
        said = "; ".join(answer.status_string) or f"status {status}"
        raise UsageError(f"the authority did not grant the time stamp '{path}' ({said}); send the request again")
    return data


def _parsed(answer: bytes) -> rfc3161_client.TimeStampResponse:
    """An answer, also one whose certificates are not in the order that DER asks for.

    OpenSSL's authorities leave them as they come; no signature is of their order.

    Raises:
        ValueError: it is none.
    """
    try:
        return rfc3161_client.decode_timestamp_response(answer)
    except ValueError:
        try:
            values = tsp.TimeStampResp.load(answer)
            signed = values["time_stamp_token"]["content"]
            signed["certificates"] = cms.CertificateSet(sorted(signed["certificates"], key=lambda one: one.dump()))
            sorted_answer = values.dump()
        except (TypeError, LookupError, AttributeError) as error:  # of parts that are not what they should be
            raise ValueError(str(error)) from None
        return rfc3161_client.decode_timestamp_response(sorted_answer)


def is_for(answer: bytes, data: bytes) -> bool:
    """Whether an answer is about ``data``."""
    return _parsed(answer).tst_info.message_imprint.message == hashlib.sha256(data).digest()


def check_answer(answer: bytes, data: bytes, roots: tuple[x509.Certificate, ...]) -> Stamp:
    """What an answer says of ``data``.

    Args:
        answer: DER.
        data: that was to be stamped.
        roots: of the authorities that count.

    Raises:
        DocumentError: it is no answer, or one about something else.
    """
    try:
        stamp = _parsed(answer)
        time = stamp.tst_info.gen_time
        about_this = is_for(answer, data)
    except ValueError:
        raise DocumentError("it is no answer of a time-stamping authority") from None
    if not about_this:
        raise DocumentError("it is about something else")
    said = f"{time:%Y-%m-%d %H:%M:%S} UTC"
    if not roots:
        return Stamp(time, False, f"{said}, by an authority that is not trusted here")
    try:
        verifier = rfc3161_client.VerifierBuilder(roots=list(roots)).build()
        verifier.verify(stamp, hashlib.sha256(data).digest())
    except VerificationError as error:
        return Stamp(time, False, f"{said}, not by an authority that is trusted here ({error})")
    return Stamp(time, True, f"{said}, by a trusted authority")
