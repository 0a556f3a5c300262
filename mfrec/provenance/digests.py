"""Digests of files, and of mfrec's own source."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mfrec.errors import InputError


def file_digests(path: Path) -> dict[str, str]:
    """SHA-256 and MD5 of a file; the second for systems that know nothing newer.

    Raises:
        OSError: it cannot be read, or is a pipe or a device, which is not waited for.
    """
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        while block := file.read(1 << 20):
            sha256.update(block)
            md5.update(block)
    return {"sha256": sha256.hexdigest(), "md5": md5.hexdigest()}


def check_unchanged(entries: Iterable[Mapping[str, Any]]) -> None:
    """Refuse to vouch for files that are no longer what was read: their hash is taken once more.

    Pictures and hash come from the same bytes. A video is too large for that: its hash is taken first, then it is
    decoded, so a recorder that still writes to it, or anybody else, could come in between.

    Args:
        entries: what a record says of its inputs and of the files that were given, with ``path`` and ``sha256``.

    Raises:
        InputError: one was changed, or cannot be read any more.
    """
    for path, sha256 in dict.fromkeys((entry["path"], entry["sha256"]) for entry in entries if entry["path"]):
        try:
            with Path(path).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise InputError(
                f"'{path}' cannot be read any more ({error.strerror}), so nobody could say that the result was made of "
                "it; copy the originals to a disk of this computer and try again"
            ) from None
        if found != sha256:
            raise InputError(
                f"'{path}' was changed while it was read: SHA-256 {sha256[:16]}... at first, {found[:16]}... now; wait "
                "until nothing writes to it, or make a copy and take that"
            )


def source_digest() -> str:
    """SHA-256 over the names and contents of mfrec's modules, recipes and cards, in alphabetical order."""
    from mfrec.cards.load import cards_folder

    package = Path(__file__).resolve().parents[1]
    files = [(str(p.relative_to(package)), p) for pattern in ("*.py", "*.toml") for p in package.rglob(pattern)]
    files += [(f"models/{p.name}", p) for p in cards_folder().glob("*.toml")]
    digest = hashlib.sha256()
    for name, path in sorted(files):
        digest.update(name.replace(os.sep, "/").encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
