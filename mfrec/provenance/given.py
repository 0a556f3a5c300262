"""Files besides the frames that decide about a result: recorded with their hashes, and asked for again by a rerun."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mfrec.errors import InputError
from mfrec.provenance.digests import file_digests


def given_files(files: Iterable[tuple[str, Path]]) -> list[dict[str, str]]:
    """Option, absolute path and SHA-256 of each file.

    Args:
        files: option and path of each, as :meth:`mfrec.options.Options.given_files` lists them.

    Raises:
        InputError: one cannot be read.
    """
    out = []
    for option, path in files:
        try:
            sha256 = file_digests(path)["sha256"]
        except OSError as error:
            raise InputError(f"{option}: '{path}' cannot be read ({error.strerror}); give the path of a file") from None
        out.append({"option": option, "path": str(path.absolute()), "sha256": sha256})
    return out


def check_given(recorded: Sequence[Mapping[str, str]]) -> None:
    """Refuse to repeat a run with other files than it had.

    Raises:
        InputError: one is missing, or not the recorded one.
    """
    for entry in recorded:
        found = given_files([(entry["option"], Path(entry["path"]))])[0]["sha256"]
        if found != entry["sha256"]:
            raise InputError(
                f"{entry['option']}: '{entry['path']}' is not the recorded file: SHA-256 {found[:16]}..., recorded "
                f"{entry['sha256'][:16]}...; put that one back in its place"
            )
