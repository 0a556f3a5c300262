"""Names that come in a request, and the files that they may lead to: nothing outside a case, nothing behind a link."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from pathlib import Path

from mfrec.desk.refusal import RefusalError
from mfrec.publication.partial import sync

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
"""Of a case's folder, and of files that the desk itself names."""

NUMBER = re.compile(r"[0-9]{2,6}")
"""Of an input, a job, a run or a note."""

UNSAFE = re.compile(r"[\x00-\x1f\x7f<>:\"/\\|?*]")
"""What some system does not allow in a file name."""


def number_of(text: str) -> str:
    """A number from a request, as it names a file.

    Raises:
        RefusalError: it is none.
    """
    if not NUMBER.fullmatch(text):
        raise RefusalError("refused.name", 404, name=text[:80])
    return text


def child(folder: Path, *names: str) -> Path:
    """The path of something in a folder, step by step; nothing on the way may be a link.

    Args:
        folder: trusted.
        names: each of one file or folder; the last need not exist.

    Raises:
        RefusalError: a name leads elsewhere, or is a link.
    """
    path = folder
    for name in names:
        if name in ("", ".", "..") or "/" in name or "\\" in name or "\0" in name:
            raise RefusalError("refused.name", 404, name=name[:80])
        path = path / name
        try:
            if stat.S_ISLNK(path.lstat().st_mode):
                raise RefusalError("refused.link", 403, name=path.name)
        except FileNotFoundError:
            continue
        except (OSError, ValueError):
            raise RefusalError("refused.name", 404, name=name[:80]) from None
    return path


def file_in(folder: Path, *names: str) -> Path:
    """The path of a regular file in a folder; see :func:`child`.

    Raises:
        RefusalError: see there, or there is none.
    """
    path = child(folder, *names)
    if not path.is_file():
        raise RefusalError("refused.missing", 404, name=names[-1])
    return path


def file_name(text: str) -> str:
    """The name that an uploaded file gets on disk: its own, without what some system does not allow.

    Args:
        text: as the browser says it; a path's last part counts.
    """
    last = unicodedata.normalize("NFC", text.replace("\\", "/").rsplit("/", 1)[-1])
    clean = UNSAFE.sub("_", last).strip(". ") or "file"
    stem, suffix = Path(clean).stem, Path(clean).suffix
    while len((stem + suffix).encode("utf-8", "replace")) > 120:
        stem, suffix = (stem[:-1], suffix) if stem else ("f", suffix[:16])
    clean = (stem + suffix).encode("utf-8", "replace").decode("utf-8")
    return f"_{clean}" if clean.startswith("-") else clean


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that the desk keeps for itself, so that its name stands for the old content or the new one.

    Raises:
        RefusalError: it cannot be written (full disk, no permission).
    """
    new = path.with_name(f".{path.name}.new")
    try:
        with new.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        sync(path.parent)
    except OSError as error:
        raise RefusalError("refused.write", 507, place=path.name, why=error.strerror or error) from None
