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


def given_again(recorded: Sequence[Mapping[str, str]], places: Sequence[Path] = ()) -> dict[str, Path]:
    """Where the files are now that a recorded run was given: recorded path to path.

    Args:
        recorded: what :func:`given_files` recorded.
        places: where they were moved to, files or folders; they are recognised by their hashes. Without any they are
            where they were.

    Raises:
        InputError: one is missing, or not the recorded one.
    """
    if not places:
        for entry in recorded:
            found = given_files([(entry["option"], Path(entry["path"]))])[0]["sha256"]
            if found != entry["sha256"]:
                raise InputError(
                    f"{entry['option']}: '{entry['path']}' is not the recorded file: SHA-256 {found[:16]}..., recorded "
                    f"{entry['sha256'][:16]}...; put that one back in its place, or say with --given where it is"
                )
        return {entry["path"]: Path(entry["path"]) for entry in recorded}
    files = [file for place in places for file in (sorted(place.iterdir()) if place.is_dir() else [place])]
    there = {
        each["sha256"]: Path(each["path"]) for each in given_files([("--given", f) for f in files if not f.is_dir()])
    }
    for entry in recorded:
        if entry["sha256"] not in there:
            raise InputError(
                f"{entry['option']}: none of the {len(there)} files of --given is the recorded "
                f"'{Path(entry['path']).name}', SHA-256 {entry['sha256'][:16]}...; name the folder that holds it"
            )
    return {entry["path"]: there[entry["sha256"]] for entry in recorded}
