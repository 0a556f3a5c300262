"""A result folder to sign, people who sign, and an authority that says the time, as a laboratory has them."""

from __future__ import annotations

import datetime
import functools
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from report_case import reconstruction

from mfrec.custody import keys
from mfrec.custody.trust import Trusted, read_trusted, trust
from mfrec.outputs import save
from mfrec.types import Reconstruction

PASSPHRASE = "seven grey frames"

QUICK = 1000
"""Rounds of the key derivation in the tests."""


@functools.cache
def result() -> Path:
    """An output with a report as PDF, made once; nobody writes to it."""
    out = Path(tempfile.mkdtemp(prefix="mfrec-test-")) / "out"
    save(run(), out, pdf=True)
    return out


def run() -> Reconstruction:
    """The same each time."""
    made = reconstruction(count=3, side=96)
    steps = made.record["steps"]
    evidence = {"recipe": {**made.record["recipe"], "name": "evidence", "stamp": "ENHANCED"}, "steps": steps[:2]}
    return replace(
        made, record={**made.record, "created": "2026-11-01T10:00:00+00:00", "models": [], "evidence": evidence}
    )


def copy_of_result(folder: Path) -> Path:
    return Path(shutil.copytree(result(), folder))


@dataclass(frozen=True)
class Person:
    """Somebody with keys, and the folder of those whom they trust."""

    key: Path
    identity: keys.Identity
    trusted_folder: Path

    @property
    def trusted(self) -> Trusted:
        return read_trusted(self.trusted_folder)


def person(home: Path, name: str = "anna", days: int = 1096, now: datetime.datetime | None = None) -> Person:
    rounds = keys.ROUNDS
    keys.ROUNDS = QUICK
    try:
        secret, public = keys.new_identity(
            name, PASSPHRASE, signer=f"{name.title()} Müller", folder=home / "keys", days=days, now=now
        )
    finally:
        keys.ROUNDS = rounds
    trust(public, home / "trusted")
    return Person(secret, keys.open_identity(secret, PASSPHRASE), home / "trusted")


class TimeAuthority:
    """OpenSSL's own, with a certificate of its own root."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        now = datetime.datetime.now(datetime.UTC)
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        root_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.root = folder / "authority.crt"
        names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("time root", "time")]
        for subject, public, authority, path in (
            (names[0], root_key.public_key(), True, self.root),
            (names[1], key.public_key(), False, folder / "time.crt"),
        ):
            builder = (
                x509.CertificateBuilder()
                .subject_name(subject)
                .issuer_name(names[0])
                .public_key(public)
                .serial_number(x509.random_serial_number())
                .not_valid_before(now - datetime.timedelta(days=1))
                .not_valid_after(now + datetime.timedelta(days=3650))
                .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
                .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
                .add_extension(
                    x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False
                )
            )
            if not authority:
                usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
                builder = builder.add_extension(usage, critical=True)
            certificate = builder.sign(root_key, hashes.SHA256())
            path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        (folder / "time.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        (folder / "tsa.cnf").write_text(
            "[tsa]\ndefault_tsa = here\n[here]\n"
            f"serial = {folder}/serial\nsigner_cert = {folder}/time.crt\ncerts = {self.root}\n"
            f"signer_key = {folder}/time.key\nsigner_digest = sha256\ndefault_policy = 1.2.3.4\n"
            "digests = sha256\naccuracy = secs:1\ness_cert_id_alg = sha256\n"
        )

    def answer(self, request: bytes, name: str = "answer.tsr") -> Path:
        asked, answered = self.folder / "asked.tsq", self.folder / name
        asked.write_bytes(request)
        command = ["openssl", "ts", "-reply", "-config", self.folder / "tsa.cnf", "-queryfile", asked, "-out", answered]
        subprocess.run(command, check=True, capture_output=True)
        return answered
