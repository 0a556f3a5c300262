"""What may be replaced: what mfrec wrote and nobody changed since.

A result folder proves it by its record: it names every file with its SHA-256 and ends with its own. What signing added
proves it in the same way, by the seals of its signature files. Whatever else lies in the folder is somebody's: a file
that neither names, a changed one, a folder, a link, and every file whose name mfrec never gives, whatever a record says
of it.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from pathlib import Path

from mfrec.errors import UsageError
from mfrec.provenance.record import RECORD, read_record, seal_holds
from mfrec.publication.signatures import ADDED, added_by_signing

WRITTEN = re.compile(
    r"(reconstruction|evidence|reference|provenance|uncertainty|consistency|fused|evaluation|levels)\.png"
    r"|(reconstruction|fused|levels|spread|answer-\d{1,3})-NOT-EVIDENCE\.png"
    r"|upscaled(-\d{4,})?(-NOT-EVIDENCE)?\.(png|tiff|mp4|mov|mkv)"
    r"|(frame|registered|labels)-\d{4,}\.png|mask-[a-z_]+\.png|aligned\.tiff"
    rf"|provenance\.npz|report\.(html|pdf)|evaluation\.(txt|json|csv)|index\.html|key\.json|{ADDED.pattern}|"
    + re.escape(RECORD)
)
"""The names of the files that mfrec puts into a result folder. Nothing else is ever removed from one."""


def check_target(target: Path, shown: Path, *, overwrite: bool) -> None:
    """Refuse a result folder that would cost somebody something.

    Args:
        target: the folder, links resolved.
        shown: as it was written, for the message.
        overwrite: whether an earlier output may be replaced.

    Raises:
        UsageError: it is a file, or holds anything but an unchanged output of mfrec, or ``overwrite`` is not given.
    """
    if not os.path.lexists(target):
        return
    if not target.is_dir():
        raise UsageError(f"the output '{shown}' exists and is a file; choose a folder with -o")
    try:
        present = names_in(target)
    except OSError as error:
        raise UsageError(
            f"the output '{shown}' cannot be looked into: {error.strerror}; choose another with -o"
        ) from None
    if not present:
        return
    if RECORD not in present:
        raise UsageError(
            f"'{shown}' holds {len(present)} entries that are no output of mfrec, first '{present[0]}'; it is never "
            "replaced, choose another folder with -o"
        )
    if not overwrite:
        raise UsageError(f"the output '{shown}' exists; add --overwrite to replace it, or choose another with -o")
    why = foreign(target)
    if why:
        raise UsageError(f"'{shown}' is not replaced: it holds {why}; move that away or choose another folder with -o")


def foreign(folder: Path) -> str:
    """What in a folder is not an unchanged output of mfrec.

    Args:
        folder: holds a record.

    Returns:
        The first such thing in words, after "it holds"; empty where there is none.
    """
    try:
        record = read_record(folder)
    except UsageError as error:
        return f"no record of mfrec ({error})"
    if not seal_holds(folder / RECORD, record):
        return f"a '{RECORD}' that was changed since mfrec wrote it, or that this version did not write"
    try:
        names = names_in(folder)
        claimed = {name: digests["sha256"] for name, digests in (record.get("outputs") or {}).items()}
        claimed = {**added_by_signing(folder, names), **claimed}
        for name in names:
            if not stat.S_ISREG((folder / name).lstat().st_mode):
                return f"'{name}', which mfrec did not write: it is a folder, a link or no regular file"
            if name == RECORD:
                continue
            if name not in claimed or not WRITTEN.fullmatch(name):
                return f"'{name}', which mfrec did not write"
            if sha256(folder / name) != claimed[name]:
                return f"'{name}', which was changed since mfrec wrote it"
    except OSError as error:
        return f"'{error.filename}', which cannot be read ({error.strerror})"
    return ""


def names_in(folder: Path) -> list[str]:
    """What lies directly in a folder, in alphabetical order.

    Raises:
        OSError: it cannot be listed.
    """
    return sorted(entry.name for entry in folder.iterdir())


def sha256(path: Path) -> str:
    """Of a file, as hex digits.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
