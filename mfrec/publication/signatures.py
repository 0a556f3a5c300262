"""What signing adds to a result folder: the names of those files, and what their seals prove without a key.

``signature-N.json`` holds a statement that names every file of the folder with its SHA-256, the Ed25519 signature of
that statement, and last its own SHA-256, as ``run.json`` does (:func:`mfrec.provenance.record.sealed_json`). The seal
tells a file that was changed from one that was not, which is what :mod:`mfrec.publication.claims` asks; whether the
signature holds, and whose it is, is told by :mod:`mfrec.custody`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from mfrec.documents import DocumentError, check_schema, parse_json, read_bytes, shaped
from mfrec.provenance.record import sealed_json
from mfrec.provenance.schema import Count, Sha256

SCHEMA = 1

LIMIT = 1 << 24
"""Bytes that a signature file may have; one of a hundred thousand files has as many."""

SIGNATURE = re.compile(r"signature-([1-9]\d{0,3})\.json")

ADDED = re.compile(
    r"signature-[1-9]\d{0,3}\.(json|tsr)|(reconstruction|evidence)\.signed\.png|report\.(signed|stamped)\.pdf"
)
"""The names of the files that signing puts into a result folder."""


class SignedFile(Struct, forbid_unknown_fields=True):
    """A file as it was when it was signed; ``size`` in bytes."""

    sha256: Sha256
    size: Annotated[int, Meta(ge=0)]


class Statement(Struct, forbid_unknown_fields=True):
    """What is signed: who says when that a folder held these files; ``certificates`` are PEM, the signer's first."""

    mfrec: str
    time: str
    reason: str
    certificates: list[str]
    files: dict[str, SignedFile]


class SignatureDocument(Struct, forbid_unknown_fields=True):
    """The whole of ``signature-N.json``; ``signature`` is 64 bytes as hex."""

    schema: Count
    statement: Statement
    signature: Annotated[str, Meta(pattern=r"\A[0-9a-f]{128}\Z")]
    seal: Sha256


@dataclass(frozen=True)
class SignatureFile:
    """A ``signature-N.json`` whose seal holds.

    Attributes:
        name: of the file.
        sha256: of its bytes.
        values: as JSON types, the statement as it was signed.
        document: the same by its schema.
    """

    name: str
    sha256: str
    values: dict[str, Any]
    document: SignatureDocument


def read_signature(path: Path) -> SignatureFile:
    """A signature file, read with limits and held against its schema and its seal.

    Raises:
        DocumentError: it is none, or was changed since it was written.
    """
    data = read_bytes(path, LIMIT)
    try:
        values = dict(check_schema(parse_json(data.decode("ascii")), SCHEMA))
    except UnicodeDecodeError:
        raise DocumentError("it is not ASCII text") from None
    document = shaped(values, SignatureDocument)
    if data != sealed_json(values).encode("ascii"):
        raise DocumentError("its seal does not hold: it was changed since it was written")
    return SignatureFile(path.name, hashlib.sha256(data).hexdigest(), values, document)


def signature_names(names: list[str]) -> list[str]:
    """Those of ``signature-N.json`` among names, in the order of their numbers."""
    found = [(int(match[1]), name) for name in names if (match := SIGNATURE.fullmatch(name))]
    return [name for _, name in sorted(found)]


def added_by_signing(folder: Path, names: list[str]) -> dict[str, str]:
    """The files that signing added to a folder, each with the SHA-256 that it then had.

    Args:
        folder: a result folder.
        names: of what lies in it.

    Returns:
        Name to SHA-256, of signature files whose seal holds and of the files that these name, as far as
        :data:`ADDED` knows the name.
    """
    found: dict[str, str] = {}
    for name in signature_names(names):
        try:
            signature = read_signature(folder / name)
        except DocumentError:
            continue
        found[name] = signature.sha256
        for file, signed in signature.document.statement.files.items():
            if ADDED.fullmatch(file):
                found.setdefault(file, signed.sha256)
    return found
