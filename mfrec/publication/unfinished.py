"""Long work that outlives the run that began it: finished pieces beside the name that they are for.

``.mfrec-KEY.unfinished/`` lies beside the output. ``KEY`` is made of everything that decides about the result, so that
the same command finds its pieces again and any other one does not. In it are

* ``lock``, locked by the run that works there, with the text that says whose folder it is;
* ``piece-00000.mp4`` and so on, each with ``piece-00000.json``: facts about the piece, and the SHA-256 of its file;
* ``notes.json``: what was found out once and need not be found out again.

A piece counts once its JSON file is there, which is written last. When the output has been published the folder is
removed, and with it what other runs for the same name left; of these only files of those names are ever touched.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mfrec.documents import DocumentError, parse_json, read_text
from mfrec.errors import UsageError
from mfrec.provenance.plain_json import to_json
from mfrec.publication.claims import names_in, sha256
from mfrec.publication.partial import is_folder, sync

NAME = re.compile(r"\.mfrec-([0-9a-f]{16})\.unfinished")

LOCK, NOTES = "lock", "notes.json"

OWN = re.compile(r"lock|notes\.(json|part)|piece-\d{5,}\.(mp4|png|tiff|json|part)")
"""Names of the files in such a folder. Nothing else is removed."""

SAYS = "unfinished output of mfrec, for a command that goes on with it\n{}\n{}\n"
"""What the lock file holds: the key, then the name of the output as JSON."""

LIMIT = 1 << 28
"""Bytes of a JSON file of a folder."""


@dataclass(frozen=True)
class Piece:
    """A finished piece.

    Attributes:
        file: what was made.
        facts: about it, JSON types.
    """

    file: Path
    facts: Mapping[str, Any]


class Unfinished:
    """The pieces of one output; the lock is held until :meth:`leave` or :meth:`discard`.

    Args:
        target: the output, links resolved.
        request: everything that decides about the result, JSON types.

    Raises:
        UsageError: another run works on the same.
        OSError: the folder cannot be made, or a link has its name.
    """

    def __init__(self, target: Path, request: Mapping[str, Any]) -> None:
        self.target = target
        self.key = request_key(request)
        self.place = target.with_name(f".mfrec-{self.key[:16]}.unfinished")
        self.place.mkdir(mode=0o700, exist_ok=True)
        if not is_folder(self.place):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(self.place))
        self._lock = os.open(self.place / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise UsageError(
                f"another run makes '{target.name}' by the same command; wait for it, or end it and give the command "
                "again, which goes on where it was"
            ) from None
        except OSError:
            pass  # a file system without locks
        says = SAYS.format(self.key, json.dumps(target.name)).encode()
        if os.read(self._lock, len(says) + 1) != says:
            os.lseek(self._lock, 0, os.SEEK_SET)
            os.truncate(self._lock, 0)
            os.write(self._lock, says)
        self.pieces = self._found()

    def _found(self) -> list[Piece]:
        """The finished pieces up to the first one that is missing or not as it was written."""
        found: list[Piece] = []
        while True:
            values = self._read(f"piece-{len(found):05d}.json")
            file = self.place / str(values.get("file", ""))
            try:
                if not OWN.fullmatch(file.name) or sha256(file) != values.get("sha256"):
                    return found
            except OSError:
                return found
            found.append(Piece(file, values["facts"]))

    def part(self) -> Path:
        """Where the next piece is written until it is finished."""
        return self.place / f"piece-{len(self.pieces):05d}.part"

    def finish(self, suffix: str, facts: Mapping[str, Any]) -> None:
        """The next piece is written: it counts from now on.

        Args:
            suffix: of its file, ``".mp4"``.
            facts: about it, JSON types.

        Raises:
            OSError: it did not reach the disk.
        """
        part = self.part()
        sync(part)
        file = part.rename(part.with_suffix(suffix))
        facts = json.loads(to_json(facts))
        self._write(f"piece-{len(self.pieces):05d}", {"file": file.name, "sha256": sha256(file), "facts": facts})
        self.pieces.append(Piece(file, facts))

    def note(self, name: str, value: Any) -> None:
        """Keep something that was found out, JSON types."""
        self._write("notes", {**self._read(NOTES), name: value})

    def noted(self, name: str) -> Any:
        """What was kept under a name; None where nothing was."""
        return self._read(NOTES).get(name)

    def leave(self) -> bool:
        """Give up the lock and leave the pieces for the next run.

        Returns:
            Whether there are any; else nothing is left.
        """
        if not self.pieces:
            self.discard()
            return False
        with contextlib.suppress(OSError):
            self.part().unlink()
        os.close(self._lock)
        return True

    def discard(self) -> None:
        """Remove the pieces and give up the lock."""
        clear(self.place)
        os.close(self._lock)

    def _write(self, name: str, values: Mapping[str, Any]) -> None:
        part = self.place / f"{name}.part"
        part.write_text(to_json(values), encoding="ascii")
        sync(part)
        part.rename(part.with_suffix(".json"))
        sync(self.place)

    def _read(self, name: str) -> dict[str, Any]:
        try:
            values = parse_json(read_text(self.place / name, LIMIT))
        except DocumentError:
            return {}
        return dict(values) if isinstance(values, Mapping) else {}


def request_key(request: Mapping[str, Any]) -> str:
    """SHA-256 of everything that decides about a result, as hex digits."""
    return hashlib.sha256(to_json(request).encode("ascii")).hexdigest()


def clear(place: Path) -> None:
    """Remove what mfrec wrote from a folder of unfinished work, and the folder, if nothing else is in it."""
    with contextlib.suppress(OSError):
        for name in names_in(place):
            if name != LOCK and OWN.fullmatch(name) and stat.S_ISREG((place / name).lstat().st_mode):
                (place / name).unlink()
        # The lock last: without it nobody could say of the others whose they are.
        if names_in(place) == [LOCK]:
            (place / LOCK).unlink()
        place.rmdir()


def remove_others(target: Path) -> None:
    """Remove what dead runs of other commands left for the same output. What cannot be touched stays."""
    with contextlib.suppress(OSError):
        for name in names_in(target.parent):
            if NAME.fullmatch(name):
                with contextlib.suppress(OSError):
                    _remove_other(target.with_name(name), target)


def _remove_other(place: Path, target: Path) -> None:
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        return
    lock = os.open(place / LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError where its run lives
        lines = os.read(lock, 1 << 16).decode("ascii", "replace").split("\n")
        if len(lines) == 4 and lines == SAYS.format(lines[1], json.dumps(target.name)).split("\n"):
            clear(place)
    finally:
        os.close(lock)
