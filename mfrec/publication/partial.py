"""Where unfinished work lies: a locked folder beside the name that it will get, and what becomes of a dead run's.

``.mfrec-TOKEN.partial/`` holds ``lock``, which the process that works there keeps locked as long as it lives, and

* ``result/``: the new result;
* ``earlier/``: the one that it took the name of, until that is removed;
* ``journal``: there while two names are exchanged in two steps, see :func:`mfrec.publication.folder.publish`;
* ``new``: a single file on its way.

The next run that writes beside it removes a folder whose lock nobody holds: only one that mfrec made, which its name,
its owner and the text of its lock say, and from its folders only regular files of names that mfrec gives. An earlier
result that somebody changed gets a name beside the new one.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from mfrec.provenance.record import RECORD
from mfrec.publication.claims import WRITTEN, foreign, names_in
from mfrec.publication.exchange import rename_to_free

NAME = re.compile(r"\.mfrec-([0-9a-f]{16})\.partial")

LOCK, RESULT, NEW, EARLIER, JOURNAL = "lock", "result", "new", "earlier", "journal"

SAYS = "unfinished output of mfrec {}; its run locks this file, and another removes what a dead one left\n{}\n"
"""What the lock file holds: text that nobody else would write, with the token of the folder, then the name of the
output as JSON."""


@dataclass(frozen=True)
class Partial:
    """A place for unfinished work; :func:`begin` makes it.

    Attributes:
        target: what the work is for, links resolved.
        place: the folder.
        lock: descriptor of its locked file.
    """

    target: Path
    place: Path
    lock: int

    @property
    def result(self) -> Path:
        """The folder for the new result."""
        return self.place / RESULT

    @property
    def earlier(self) -> Path:
        """The folder for the result that had the name before."""
        return self.place / EARLIER

    def discard(self) -> None:
        """Remove the place with what was not published, and give up the lock; once, at the end."""
        shutil.rmtree(self.result, ignore_errors=True)
        clear(self.place, self.target)
        os.close(self.lock)


def begin(target: Path) -> Partial:
    """Make a place for unfinished work beside ``target``, for its owner only, with an empty ``result/`` in it.

    Raises:
        OSError: it cannot be made.
    """
    while True:
        token = secrets.token_hex(8)
        place = target.with_name(f".mfrec-{token}.partial")
        place.mkdir(mode=0o700)
        try:
            lock = os.open(place / LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            continue  # another run took the folder, which still was empty, for a dead one's
        except OSError:
            place.rmdir()
            raise
        try:
            # A file system without locks: then no other run can ever lock it either, and removes nothing here.
            with contextlib.suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_EX)
            if not os.path.lexists(place / LOCK):
                os.close(lock)
                continue  # as above
            os.write(lock, SAYS.format(token, json.dumps(target.name)).encode())
            (place / RESULT).mkdir(mode=0o777)  # whatever the umask leaves: this folder is the one that is published
        except OSError:
            os.close(lock)
            clear(place, target)
            raise
        return Partial(target, place, lock)


def remove_leftovers(parent: Path) -> None:
    """Complete or undo what dead runs left in ``parent``, and remove their folders. What cannot be touched stays."""
    try:
        names = [name for name in names_in(parent) if NAME.fullmatch(name)]
    except OSError:
        return
    for name in names:
        with contextlib.suppress(OSError):
            _remove_leftover(parent / name)


def _remove_leftover(place: Path) -> None:
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        return
    if not names_in(place):
        place.rmdir()  # killed before there was a lock; an empty folder is nobody's loss
        return
    lock = os.open(place / LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError where its run lives
        says = os.read(lock, 1 << 16).decode("ascii", "replace")
        if not says and names_in(place) == [LOCK]:
            clear(place, place)  # killed before it could say anything
        target = target_of(place, says)
        if target is not None:
            complete(place, target)
            clear(place, target)
    finally:
        os.close(lock)


def target_of(place: Path, says: str) -> Path | None:
    """What the work in a partial folder was for, by the text of its lock; None where mfrec did not write that."""
    token, lines = place.name[len(".mfrec-") : -len(".partial")], says.split("\n")
    try:
        name = json.loads(lines[-2])
    except (IndexError, ValueError, RecursionError):
        return None
    if not isinstance(name, str) or name != Path(name).name or says != SAYS.format(token, json.dumps(name)):
        return None
    return place.with_name(name)


def complete(place: Path, target: Path) -> None:
    """End an exchange that was done in two steps and interrupted between them: its name stands for nothing.

    Raises:
        OSError: it cannot be ended.
    """
    if not os.path.lexists(target) and (place / JOURNAL).is_file() and is_folder(place / EARLIER, place / RESULT):
        # The journal is written when the new result is complete.
        (place / RESULT).rename(target)
        sync(place.parent)


def clear(place: Path, target: Path) -> None:
    """Remove what mfrec wrote from a partial folder, and the folder, if nothing else is in it."""
    with contextlib.suppress(OSError):
        put_away(place / EARLIER, target)
    remove_written(place / RESULT)
    for name in (NEW, JOURNAL):
        with contextlib.suppress(OSError):
            (place / name).unlink()
    with contextlib.suppress(OSError):
        if names_in(place) == [LOCK]:
            (place / LOCK).unlink()
        place.rmdir()


def put_away(earlier: Path, target: Path) -> Path | None:
    """Remove an earlier result that nobody changed, or give what is left of it a name beside ``target``.

    Returns:
        That name; None where nothing is left.

    Raises:
        OSError: it cannot be done.
    """
    if not os.path.lexists(earlier):
        return None
    if is_folder(earlier) and not (names_in(earlier) and foreign(earlier)) and remove_written(earlier):
        return None
    aside = target.with_name(f"{target.name}.earlier-{secrets.token_hex(4)}")
    rename_to_free(earlier, aside)
    return aside


def remove_written(folder: Path) -> bool:
    """Remove regular files of names that mfrec gives from a folder, and the folder, if that was all.

    Returns:
        Whether the folder is gone.
    """
    if not is_folder(folder):
        return False
    with contextlib.suppress(OSError):
        names = [name for name in names_in(folder) if WRITTEN.fullmatch(name)]
        # The record last: without it nobody could say of the others that mfrec wrote them.
        for name in sorted(names, key=lambda name: name == RECORD):
            if stat.S_ISREG((folder / name).lstat().st_mode):
                (folder / name).unlink()
        folder.rmdir()
        return True
    return False


def is_folder(*paths: Path) -> bool:
    """Whether each is a folder itself. A link may have come out of an archive, and lead to somebody's results."""
    try:
        return all(stat.S_ISDIR(path.lstat().st_mode) for path in paths)
    except OSError:
        return False


def sync(path: Path) -> None:
    """Wait until a file or the entries of a folder are on the disk.

    Raises:
        OSError: the disk says no.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError:
        # Some file systems cannot do this for a folder. A file that did not reach the disk is another matter.
        if path.is_file():
            raise
    finally:
        os.close(descriptor)
