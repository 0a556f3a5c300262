"""Digests of files, and of mfrec's own source."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def file_digests(path: Path) -> dict[str, str]:
    """SHA-256 and MD5 of a file; the second for systems that know nothing newer."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            sha256.update(block)
            md5.update(block)
    return {"sha256": sha256.hexdigest(), "md5": md5.hexdigest()}


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
