"""The password of a desk that others can reach: kept as a salted scrypt hash (RFC 7914), compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

from mfrec.documents import DocumentError, read_text
from mfrec.errors import UsageError

N, R, P = 1 << 15, 8, 1
"""Cost of scrypt: 32 MiB and about a tenth of a second a try."""

SHORTEST = 12
"""Characters of a password."""

LINE = re.compile(rf"scrypt\${N}\${R}\${P}\$[0-9a-f]{{32}}\$[0-9a-f]{{64}}")
"""What a password file holds: cost, salt and hash."""


def hashed(password: str) -> str:
    """A line for the password file.

    Raises:
        UsageError: it is too short.
    """
    if len(password) < SHORTEST:
        raise UsageError(
            f"the password has {len(password)} characters; expected at least {SHORTEST}, a sentence is good"
        )
    salt = secrets.token_bytes(16)
    return f"scrypt${N}${R}${P}${salt.hex()}${_scrypt(password, salt).hex()}\n"


def write_password(path: Path, password: str) -> None:
    """Make a password file that its owner alone can read.

    Raises:
        UsageError: it exists already or cannot be written, or the password is too short.
    """
    line = hashed(password)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(line)
    except OSError as error:
        raise UsageError(f"cannot write the password file '{path}' ({error.strerror}); choose a new name") from None


def read_password(path: Path) -> str:
    """The line of a password file.

    Raises:
        UsageError: it is none, or others can read it.
    """
    try:
        line = read_text(path, 1000).strip()
    except DocumentError as error:
        raise UsageError(f"cannot read the password file '{path}' ({error}); make one with --new-password") from None
    if path.stat().st_mode & 0o077:
        raise UsageError(f"others can read the password file '{path}'; run: chmod 600 '{path}'")
    if not LINE.fullmatch(line):
        raise UsageError(f"'{path}' is no password file; make one with: mfrec desk --new-password FILE")
    return line


def matches(password: str, line: str) -> bool:
    """Whether a password is the one of :func:`hashed`."""
    *_, salt, digest = line.strip().split("$")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)).hex(), digest)


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, n=N, r=R, p=P, maxmem=1 << 26, dklen=32)
