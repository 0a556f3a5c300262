"""Whose signatures count on this machine: a folder of certificates.

``*.crt`` are of people, as ``mfrec keys new`` writes them or of a laboratory's own authority; ``time/*.crt`` are the
roots of time-stamping authorities. A signature counts if its certificate is one of them or was issued by one of them.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization

from mfrec.custody.keys import LIMIT, read_certificates, trusted_folder
from mfrec.documents import DocumentError, read_bytes
from mfrec.errors import UsageError
from mfrec.publication.files import write_file
from mfrec.publication.folder import writing

TIME = "time"
"""The folder of authorities for time, in that of people."""


@dataclass(frozen=True)
class Trusted:
    """Certificates that count.

    Attributes:
        people: for signatures.
        time: for time stamps.
    """

    people: tuple[x509.Certificate, ...] = ()
    time: tuple[x509.Certificate, ...] = ()

    def knows(self, certificate: x509.Certificate) -> bool:
        """Whether a certificate is one of :attr:`people` or was issued by one."""
        return any(certificate == one or issued(certificate, one) for one in self.people)

    @property
    def people_pem(self) -> str:
        """:attr:`people` as PEM."""
        return "".join(one.public_bytes(serialization.Encoding.PEM).decode("ascii") for one in self.people)


def issued(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether an authority's key has signed a certificate, and may do so."""
    try:
        if not authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
        certificate.verify_directly_issued_by(authority)
    except (x509.ExtensionNotFound, InvalidSignature, ValueError, TypeError):
        return False
    return True


def valid_at(certificate: x509.Certificate, moment: datetime.datetime) -> bool:
    """Whether a moment lies within a certificate's time."""
    return certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc


def read_trusted(folder: Path | None = None) -> Trusted:
    """The certificates of a folder.

    Args:
        folder: :func:`~mfrec.custody.keys.trusted_folder` where nobody says; nothing counts where that is missing.

    Raises:
        UsageError: a folder that was named is missing, or a file in it holds no certificates.
    """
    if folder is not None and not folder.is_dir():
        raise UsageError(f"'{folder}' is no folder of trusted certificates; fill one with mfrec keys trust FILE")
    place = trusted_folder() if folder is None else folder
    return Trusted(_certificates_in(place), _certificates_in(place / TIME))


def _certificates_in(folder: Path) -> tuple[x509.Certificate, ...]:
    return tuple(one for path in sorted(folder.glob("*.crt")) for one in read_certificates(path))


def trust(file: Path, folder: Path | None = None, *, time: bool = False) -> Path:
    """Copy certificates to those that count.

    Args:
        file: PEM.
        folder: of :func:`read_trusted`; made where it is missing.
        time: it is an authority for time.

    Returns:
        The copy.

    Raises:
        UsageError: the file holds no certificates, or another of its name is there.
    """
    read_certificates(file)
    place = trusted_folder() if folder is None else folder
    place = place / TIME if time else place
    copy = place / f"{file.stem}.crt"
    try:
        data = read_bytes(file, LIMIT)
        if copy.is_file() and read_bytes(copy, LIMIT) == data:
            return copy
    except DocumentError as error:
        raise UsageError(f"'{file}' cannot be copied to '{copy}': {error}; move one of them away") from None
    with writing(place):
        place.mkdir(parents=True, exist_ok=True)
    write_file(copy, data)
    return copy
