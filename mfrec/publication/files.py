"""Single files: written whole under another name, then renamed.

A folder that a command fills with single files, and that others use too, has a manifest that names those that mfrec
wrote with their SHA-256: only these are replaced, and only while nobody changed them.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from mfrec.documents import DocumentError, check_schema, parse_json, read_text, shaped
from mfrec.errors import UsageError
from mfrec.provenance.plain_json import to_json
from mfrec.publication.claims import sha256
from mfrec.publication.exchange import rename_to_free
from mfrec.publication.folder import resolved, writing
from mfrec.publication.partial import NEW, begin, remove_leftovers, sync
from mfrec.runtime.interruption import uninterrupted
from mfrec.version import __version__

MANIFEST = "mfrec-files.json"

SCHEMA = 1

LIMIT = 1 << 20
"""Bytes that a manifest may have."""


class Manifest(Struct):
    """Names of files, each with the SHA-256 that it may have."""

    schema: int
    files: dict[str, list[str]]


def write_file(path: Path, data: bytes, *, replace: bool = False) -> None:
    """Write one file so that its name stands for all of it or for what it stood for before.

    Args:
        path: in a folder that exists; a link to a file stays one.
        data: what it will hold.
        replace: whether a file that is there may be replaced.

    Raises:
        UsageError: it exists and may not be replaced, or cannot be written.
    """
    target = resolved(path)
    if not (replace and target.is_file()):
        check_free(path)
    remove_leftovers(target.parent)
    with writing(path), uninterrupted():
        partial = begin(target)
        try:
            new = partial.place / NEW
            new.write_bytes(data)
            sync(new)
            if replace and target.is_file():
                new.chmod(stat.S_IMODE(target.stat().st_mode))
                new.replace(target)
            else:
                rename_to_free(new, target)
            sync(target.parent)
        finally:
            partial.discard()


def check_free(path: Path) -> None:
    """Refuse a name that stands for something.

    Raises:
        UsageError: it does.
    """
    if os.path.lexists(path):
        raise UsageError(f"cannot write '{path}': it exists and is not replaced; choose another name or move it away")


def check_files(folder: Path, names: Iterable[str]) -> None:
    """Refuse to write files into a folder that would cost somebody something.

    Raises:
        UsageError: one of the names stands for something that mfrec did not write, or that was changed since.
    """
    known = read_manifest(folder)
    for name in (*names, MANIFEST):
        path = folder / name
        if not os.path.lexists(path) or (name == MANIFEST and known):
            continue
        if path.is_symlink() or not path.is_file() or sha256(path) not in known.get(name, ()):
            raise UsageError(
                f"'{path}' is not replaced: mfrec did not write it, or it was changed since; move it away or choose "
                "another folder with -o"
            )


def replace_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder and put them into its manifest. Each is whole at every instant.

    Args:
        folder: made where it is missing.
        files: name to content.

    Raises:
        UsageError: see :func:`check_files`, or a file cannot be written. What was not reached is as it was.
    """
    check_files(folder, files)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    known = read_manifest(folder)
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    # Both the old and the new ones, should this run end before all are written.
    _write_manifest(folder, {**known, **{name: [*known.get(name, ()), found] for name, found in digests.items()}})
    for name, data in files.items():
        write_file(folder / name, data, replace=True)
    _write_manifest(folder, {**known, **{name: [found] for name, found in digests.items()}})


def read_manifest(folder: Path) -> dict[str, list[str]]:
    """Names of the files that mfrec wrote into a folder, each with the SHA-256 that it may have.

    Returns:
        Nothing where there is no manifest, or one that mfrec did not write.
    """
    try:
        values = check_schema(parse_json(read_text(folder / MANIFEST, LIMIT)), SCHEMA)
        return shaped(values, Manifest).files
    except DocumentError:
        return {}


def _write_manifest(folder: Path, files: Mapping[str, list[str]]) -> None:
    text = to_json({"schema": SCHEMA, "mfrec": __version__, "files": files})
    write_file(folder / MANIFEST, text.encode("ascii"), replace=True)
