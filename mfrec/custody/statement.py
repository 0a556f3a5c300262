"""The statement that is signed: which files a folder holds, each with its SHA-256.

What the signature is of are the bytes of the statement as canonical JSON (RFC 8785), so that everybody can make them
again from ``signature-N.json`` and check the Ed25519 signature (RFC 8032) without mfrec.
"""

from __future__ import annotations

import datetime
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rfc8785
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from mfrec.custody.keys import Identity
from mfrec.documents import DocumentError
from mfrec.errors import UsageError
from mfrec.provenance.record import sealed_json
from mfrec.publication.claims import sha256
from mfrec.publication.signatures import SCHEMA, SignatureFile, read_signature
from mfrec.version import __version__


@dataclass(frozen=True)
class FoundFile:
    """A file of a folder; ``sha256`` is empty, with the reason in ``problem``, for what is no file that can be read."""

    sha256: str
    size: int
    problem: str = ""


@dataclass(frozen=True)
class Signature:
    """A signature file whose signature holds; whether its key counts is another question.

    Attributes:
        file: as it was read.
        certificate: of the signer.
        chain: its issuers, as the signer gave them.
        time: that the signer states.
    """

    file: SignatureFile
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    time: datetime.datetime


def files_in(folder: Path) -> dict[str, FoundFile]:
    """Every file of a folder and the folders in it, by its name with slashes, in alphabetical order.

    Links are not followed: they are entries with a problem, and so are pipes and files that cannot be read.

    Raises:
        UsageError: the folder cannot be listed.
    """
    found: dict[str, FoundFile] = {}

    def fail(error: OSError) -> None:
        raise UsageError(f"'{error.filename}' cannot be looked into: {error.strerror}; allow it and try again")

    for place, folders, names in os.walk(folder, onerror=fail):
        links = [name for name in folders if Path(place, name).is_symlink()]
        for name in (*names, *links):
            path = Path(place, name)
            try:
                status = path.lstat()
                if stat.S_ISREG(status.st_mode):
                    entry = FoundFile(sha256(path), status.st_size)
                else:
                    entry = FoundFile("", 0, "it is a link, a pipe or another thing that is no file")
            except OSError as error:
                entry = FoundFile("", 0, f"it cannot be read: {error.strerror}")
            found[path.relative_to(folder).as_posix()] = entry
    return dict(sorted(found.items()))


def make_statement(
    files: dict[str, FoundFile], identity: Identity, reason: str, now: datetime.datetime
) -> dict[str, Any]:
    """The statement about files, as JSON types; see :class:`mfrec.publication.signatures.Statement`."""
    chain = (identity.record_certificate, identity.root)
    return {
        "mfrec": __version__,
        "time": now.isoformat(timespec="seconds"),
        "reason": reason,
        "certificates": [one.public_bytes(serialization.Encoding.PEM).decode("ascii") for one in chain],
        "files": {name: {"sha256": file.sha256, "size": file.size} for name, file in files.items()},
    }


def signed_text(statement: dict[str, Any], identity: Identity) -> str:
    """The text of a ``signature-N.json``.

    Raises:
        UsageError: a file name is no valid Unicode.
    """
    try:
        body = rfc8785.dumps(statement)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise UsageError(f"the statement cannot be signed: {error}; give the file another name") from None
    signature = identity.record_key.sign(body)
    return sealed_json({"schema": SCHEMA, "statement": statement, "signature": signature.hex()})


def open_signature(path: Path) -> Signature:
    """A signature file whose signature holds.

    Raises:
        DocumentError: it is none, was changed, or its signature does not hold.
    """
    file = read_signature(path)
    statement = file.document.statement
    try:
        chain = tuple(x509.load_pem_x509_certificate(text.encode("ascii")) for text in statement.certificates)
        time = datetime.datetime.fromisoformat(statement.time)
    except (ValueError, x509.InvalidVersion):
        raise DocumentError("its certificates or its time cannot be read") from None
    if not chain or time.tzinfo is None:
        raise DocumentError("it has no certificate, or a time of no zone")
    key = chain[0].public_key()
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise DocumentError("its certificate is not of an Ed25519 key")
    try:
        key.verify(bytes.fromhex(file.document.signature), rfc8785.dumps(file.values["statement"]))
    except (InvalidSignature, rfc8785.CanonicalizationError):
        raise DocumentError("its signature does not hold") from None
    return Signature(file, chain[0], chain[1:], time)


def digest_of(data: bytes) -> FoundFile:
    """The entry of a file that is about to be written."""
    return FoundFile(hashlib.sha256(data).hexdigest(), len(data))
