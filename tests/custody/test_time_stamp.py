"""Time stamps as files: OpenSSL reads our requests, and we read its answers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from signed_folder import Person, TimeAuthority

from mfrec.custody.keys import read_certificates
from mfrec.custody.sign import sign_folder, time_stamp_requests
from mfrec.custody.time_stamp import check_answer, read_answer, request
from mfrec.documents import DocumentError
from mfrec.errors import UsageError


def test_openssl_verifies_the_stamp_of_a_signature(
    signed: Path, anna: Person, authority: TimeAuthority, tmp_path: Path
) -> None:
    answer = authority.answer(time_stamp_requests(signed)["signature-1.tsq"], "from authority.tsr")
    sign_folder(signed, anna.identity, answers=[answer])
    command = ["openssl", "ts", "-verify", "-data", signed / "signature-1.json", "-in", signed / "signature-1.tsr"]
    done = subprocess.run([*command, "-CAfile", authority.root], capture_output=True, text=True, check=False)
    assert "Verification: OK" in done.stdout


def test_a_request_is_the_same_bytes_each_time_and_holds_the_hash_alone(tmp_path: Path) -> None:
    assert request(b"data") == request(b"data") != request(b"date")
    (tmp_path / "a.tsq").write_bytes(request(b"data"))
    command = ["openssl", "ts", "-query", "-in", tmp_path / "a.tsq", "-text"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Hash Algorithm: sha256" in text
    assert "Nonce: unspecified" in text
    assert "Certificate required: yes" in text


def test_who_says_the_time(authority: TimeAuthority, anna: Person) -> None:
    answer = read_answer(authority.answer(request(b"data")))
    roots = tuple(read_certificates(authority.root))
    assert check_answer(answer, b"data", roots).trusted
    for others in ((), anna.trusted.people):
        stamp = check_answer(answer, b"data", others)
        assert not stamp.trusted
        assert "trusted here" in stamp.detail
    with pytest.raises(DocumentError, match="about something else"):
        check_answer(answer, b"date", roots)


def test_answers_that_are_none(signed: Path, anna: Person, authority: TimeAuthority, tmp_path: Path) -> None:
    (tmp_path / "a.tsr").write_bytes(b"nothing")
    for path in (tmp_path / "a.tsr", tmp_path / "nowhere.tsr"):
        with pytest.raises(UsageError, match=r"cannot be read .* expected the \.tsr file"):
            sign_folder(signed, anna.identity, answers=[path])
    # OpenSSL's authority here knows SHA-256 alone, and so it rejects.
    query = tmp_path / "other.tsq"
    subprocess.run(
        ["openssl", "ts", "-query", "-data", signed / "run.json", "-sha512", "-out", query],
        check=True,
        capture_output=True,
    )
    with pytest.raises(UsageError, match="did not grant the time stamp"):
        sign_folder(signed, anna.identity, answers=[authority.answer(query.read_bytes())])
    with pytest.raises(UsageError, match="about nothing that was signed"):
        sign_folder(signed, anna.identity, answers=[authority.answer(request(b"something else"))])
    assert not (signed / "signature-2.json").exists()
