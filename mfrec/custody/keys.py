"""The keys of a person who signs: made, kept encrypted, opened again.

An identity is two key pairs with a certificate each: Ed25519 for the statement about a folder, and ECDSA on P-256 for
PDF and pictures, because viewers of both check that one and many do not know Ed25519. Both certificates are issued by a
root of the identity's own, whose private key is thrown away when it is made: it can issue nothing else, and when the
certificates expire a new identity is made.

``NAME.key`` holds both private keys as encrypted PEM (PKCS #8, PBES2 with PBKDF2-HMAC-SHA-256 and AES-256-CBC, RFC
8018), for its owner only; ``NAME.crt`` holds the three certificates, for everybody who shall trust the signatures.
"""

from __future__ import annotations

import datetime
import functools
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from asn1crypto import algos, keys, pem
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from mfrec.documents import DocumentError, read_bytes
from mfrec.errors import UsageError
from mfrec.publication.files import check_free
from mfrec.publication.folder import writing

ROUNDS = 600_000
"""Of PBKDF2, as OWASP's Password Storage Cheat Sheet asks for HMAC-SHA-256; 0.2 s on one core."""

SHORTEST = 10
"""Characters that a new passphrase has at least."""

LIMIT = 1 << 16
"""Bytes that a key or certificate file may have."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")

DOCUMENT_SIGNING = ObjectIdentifier("1.3.6.1.5.5.7.3.36")
"""``id-kp-documentSigning`` (RFC 9336)."""


@dataclass(frozen=True)
class Identity:
    """Opened keys with their certificates; :func:`open_identity` makes it.

    Attributes:
        record_key: signs the statement about a folder.
        document_key: signs PDF and pictures.
        record_certificate: of the first.
        document_certificate: of the second.
        root: which issued both.
    """

    record_key: ed25519.Ed25519PrivateKey
    document_key: ec.EllipticCurvePrivateKey
    record_certificate: x509.Certificate
    document_certificate: x509.Certificate
    root: x509.Certificate

    @property
    def signer(self) -> str:
        """Whose keys these are, as the certificate names them."""
        return subject(self.record_certificate)

    @property
    def fingerprint(self) -> str:
        """See :func:`fingerprint`."""
        return fingerprint(self.record_certificate)


def keys_folder() -> Path:
    """Where keys lie if nobody says: ``$XDG_CONFIG_HOME/mfrec/keys``, else ``~/.config/mfrec/keys``."""
    return _configuration() / "keys"


def trusted_folder() -> Path:
    """Where the certificates lie that count, if nobody says; beside the keys."""
    return _configuration() / "trusted"


def _configuration() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "mfrec"


def subject(certificate: x509.Certificate) -> str:
    """The common name that a certificate is for; the whole subject where it has none."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of a certificate's public key (DER of its SubjectPublicKeyInfo), as hex digits in groups of four."""
    public = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    digest = hashes.Hash(hashes.SHA256())
    digest.update(public)
    text = digest.finalize().hex()
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def new_identity(
    name: str,
    passphrase: str,
    *,
    signer: str = "",
    folder: Path | None = None,
    days: int = 1096,
    now: datetime.datetime | None = None,
) -> tuple[Path, Path]:
    """Make the keys of a person.

    Args:
        name: of the two files; letters, digits, dot, hyphen and underscore.
        passphrase: that opens the keys again; without it they are lost.
        signer: the name in the certificates; ``name`` where it is empty.
        folder: made where it is missing; :func:`keys_folder` where nobody says.
        days: that the certificates are valid.
        now: for the certificates; the clock's time where nobody says.

    Returns:
        The paths of ``NAME.key`` and ``NAME.crt``.

    Raises:
        UsageError: there are such files, the name or passphrase will not do, or they cannot be written.
    """
    folder = keys_folder() if folder is None else folder
    if not NAME.fullmatch(name):
        raise UsageError(f"a key cannot be called '{name}'; use letters, digits, dots, hyphens and underscores")
    if len(passphrase) < SHORTEST:
        raise UsageError(
            f"the passphrase has {len(passphrase)} characters and needs {SHORTEST} at least; take several words"
        )
    secret, public = folder / f"{name}.key", folder / f"{name}.crt"
    check_free(secret)
    check_free(public)
    now = now or datetime.datetime.now(datetime.UTC)
    until = now + datetime.timedelta(days=days)
    signer = signer or name
    root_key = ec.generate_private_key(ec.SECP256R1())
    record_key = ed25519.Ed25519PrivateKey.generate()
    document_key = ec.generate_private_key(ec.SECP256R1())
    root_name = f"{signer} (root)"
    issue = functools.partial(_certificate, issuer=root_key, issuer_name=root_name, since=now, until=until)
    certificates = [
        issue(record_key.public_key(), signer),
        issue(document_key.public_key(), signer),
        issue(root_key.public_key(), root_name, authority=True),
    ]
    text = b"".join(_encrypted(key, passphrase) for key in (record_key, document_key))
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
        public.write_bytes(b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates))
    return secret, public


def _certificate(
    key: ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey,
    name: str,
    issuer: ec.EllipticCurvePrivateKey,
    *,
    issuer_name: str,
    since: datetime.datetime,
    until: datetime.datetime,
    authority: bool = False,
) -> x509.Certificate:
    """As C2PA's certificate profile and RFC 5280 want it: what is signed with it are documents, or certificates."""
    usage = dict.fromkeys(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    usage |= {"key_cert_sign": True} if authority else {"digital_signature": True, "content_commitment": True}
    builder = (
        x509.CertificateBuilder()
        .subject_name(_x509_name(name))
        .issuer_name(_x509_name(issuer_name))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # Another computer's clock may be a little behind.
        .not_valid_before(since - datetime.timedelta(minutes=5))
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=0 if authority else None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False)
    )
    if not authority:
        purposes = [ExtendedKeyUsageOID.EMAIL_PROTECTION, DOCUMENT_SIGNING]
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    return builder.sign(issuer, hashes.SHA256())


def _x509_name(name: str) -> x509.Name:
    organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "mfrec, made by the signer")
    try:
        return x509.Name([organisation, x509.NameAttribute(NameOID.COMMON_NAME, name)])
    except ValueError:
        raise UsageError(f"a certificate cannot be for '{name}'; give a name of 1 to 57 characters") from None


def _encrypted(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey, passphrase: str) -> bytes:
    """Encrypted PEM. Written here because cryptography's own has 2,048 rounds, which no argument changes."""
    salt, start = os.urandom(16), os.urandom(16)
    plain = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    derived = PBKDF2HMAC(hashes.SHA256(), 32, salt, ROUNDS).derive(passphrase.encode())
    padder = padding.PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES256(derived), modes.CBC(start)).encryptor()
    hidden = encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
    derivation = {
        "algorithm": "pbkdf2",
        "parameters": {
            "salt": algos.Pbkdf2Salt(name="specified", value=salt),
            "iteration_count": ROUNDS,
            "prf": {"algorithm": "sha256"},
        },
    }
    parameters = {
        "key_derivation_func": derivation,
        "encryption_scheme": {"algorithm": "aes256_cbc", "parameters": start},
    }
    info = keys.EncryptedPrivateKeyInfo(
        {"encryption_algorithm": {"algorithm": "pbes2", "parameters": parameters}, "encrypted_data": hidden}
    )
    return pem.armor("ENCRYPTED PRIVATE KEY", info.dump())


def find_key(name: str | None, folder: Path | None = None) -> Path:
    """The key file that is meant.

    Args:
        name: of a key in the folder, or the path of a ``.key`` file; None where the folder has only one.
        folder: :func:`keys_folder` where nobody says.

    Raises:
        UsageError: there is none, or several.
    """
    folder = keys_folder() if folder is None else folder
    present = sorted(folder.glob("*.key")) if folder.is_dir() else []
    if name is None:
        if len(present) == 1:
            return present[0]
        if present:
            raise UsageError(f"'{folder}' holds {len(present)} keys; name one with --key: {_names(present)}")
        raise UsageError(f"no key was found in '{folder}'; make one: mfrec keys new NAME")
    for path in (folder / f"{name}.key", Path(name)):
        if path.is_file():
            return path
    raise UsageError(
        f"no key '{name}' was found in '{folder}', which holds {_names(present) or 'none'}; a lost key cannot be made "
        "again: take it from your backup, or make a new one with mfrec keys new NAME and have it trusted"
    )


def _names(paths: list[Path]) -> str:
    return ", ".join(path.stem for path in paths)


def open_identity(path: Path, passphrase: str) -> Identity:
    """The keys of a file, with the certificates of the ``.crt`` file beside it.

    Args:
        path: of a ``.key`` file.
        passphrase: that it was made with.

    Raises:
        UsageError: a file is missing, damaged, or readable by others; the passphrase is wrong; or the certificates are
            of other keys.
    """
    certificates = read_certificates(path.with_suffix(".crt"))
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        data = read_bytes(path, LIMIT)
    except (OSError, DocumentError) as error:
        raise UsageError(
            f"the key '{path}' cannot be read ({getattr(error, 'strerror', None) or error}); take it from your backup, "
            "or make a new one: mfrec keys new NAME"
        ) from None
    if mode & 0o077:
        raise UsageError(f"others may read the key '{path}' (its mode is {mode:04o}); run: chmod 600 '{path}'")
    blocks = re.findall(rb"-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----\n?", data, re.DOTALL)
    try:
        opened = [serialization.load_pem_private_key(block, passphrase.encode()) for block in blocks]
    except (ValueError, TypeError, UnsupportedAlgorithm):
        if blocks and all(map(_is_encrypted, blocks)):
            # One wrong passphrase in 256 leaves what looks decrypted and is no key, as damage inside does.
            raise UsageError(
                f"the passphrase does not open the key '{path}'; try it again, there is no other way in. If it is the "
                "right one the file is damaged: take it from your backup"
            ) from None
        raise _damaged(path) from None
    if (
        len(opened) != 2
        or not isinstance(opened[0], ed25519.Ed25519PrivateKey)
        or not isinstance(opened[1], ec.EllipticCurvePrivateKey)
    ):
        raise _damaged(path)
    if len(certificates) != 3 or [one.public_key() for one in certificates[:2]] != [key.public_key() for key in opened]:
        raise UsageError(
            f"'{path.with_suffix('.crt')}' does not hold the certificates of '{path}'; both files are made together by "
            "mfrec keys new, take the pair from your backup"
        )
    return Identity(opened[0], opened[1], *certificates)


def _is_encrypted(block: bytes) -> bool:
    """Whether a PEM block is a private key as far as can be seen without its passphrase."""
    try:
        serialization.load_pem_private_key(block, None)
    except TypeError:  # it needs one
        return True
    except (ValueError, UnsupportedAlgorithm):
        pass
    return False


def _damaged(path: Path) -> UsageError:
    return UsageError(
        f"'{path}' does not hold the two encrypted keys that mfrec keys new writes; take it from your backup"
    )


def read_certificates(path: Path) -> list[x509.Certificate]:
    """Of a PEM file.

    Raises:
        UsageError: it cannot be read, or holds none.
    """
    try:
        return x509.load_pem_x509_certificates(read_bytes(path, LIMIT))
    except (DocumentError, ValueError, x509.InvalidVersion) as error:
        why = error if isinstance(error, DocumentError) else "it holds no certificates as PEM"
        raise UsageError(
            f"the certificates '{path}' cannot be read ({why}); expected the .crt file that mfrec keys new writes"
        ) from None


def check_valid(certificate: x509.Certificate, now: datetime.datetime) -> None:
    """Refuse to sign outside of a certificate's time.

    Raises:
        UsageError: it has expired, or the clock is before its beginning.
    """
    if now > certificate.not_valid_after_utc:
        raise UsageError(
            f"the certificate of '{subject(certificate)}' expired on {certificate.not_valid_after_utc:%Y-%m-%d}; "
            "make new keys with mfrec keys new NAME and have them trusted"
        )
    if now < certificate.not_valid_before_utc:
        raise UsageError(
            f"this computer's clock says {now:%Y-%m-%d %H:%M} UTC, and the certificate of '{subject(certificate)}' "
            f"begins on {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC; set the clock and sign again"
        )
