"""How originals come into a case: received from the browser piece by piece, or opened where they are."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

from starlette.concurrency import run_in_threadpool

from mfrec.desk.case import Case, CaseFile, Input, InputFile, now
from mfrec.desk.places import child, file_name, number_of
from mfrec.desk.refusal import RefusalError
from mfrec.desk.signing import enter
from mfrec.errors import MfrecError
from mfrec.imageio.container import opened, picture_stream
from mfrec.imageio.survey import Survey, survey
from mfrec.provenance.digests import file_digests

UPLOAD_LIMIT = 8 << 30
"""Bytes that an uploaded file may have where nothing else is said."""

MOST_FILES = 10_000
"""Pictures of one input."""

PIECE = 1 << 20
"""Bytes that are gathered before they are written."""


async def receive(
    case: Case, pieces: AsyncIterator[bytes], name: str, *, into: str | None, limit: int = UPLOAD_LIMIT
) -> Input:
    """Write an uploaded file into the case's folder as it comes, and take it up as an input.

    It is written under a hidden name and gets its own when it is whole and was recognised; what is refused is removed.

    Args:
        case: that it belongs to.
        pieces: of the file, in their order.
        name: as the browser says it.
        into: number of an input that this picture is one more of; None for an input of its own.
        limit: bytes that it may have.

    Raises:
        RefusalError: too large, empty, of no known kind, or it cannot be written.
    """
    clean = file_name(name)
    inputs = case.part("inputs")
    part = child(inputs, f".{secrets.token_hex(8)}.part")
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    try:
        try:
            with part.open("xb", buffering=PIECE) as file:
                async for piece in pieces:
                    size += len(piece)
                    if size > limit:
                        raise RefusalError("refused.large", 413, name=clean, limit=in_words(limit))
                    sha256.update(piece)
                    md5.update(piece)
                    await run_in_threadpool(file.write, piece)
                file.flush()
                await run_in_threadpool(os.fsync, file.fileno())
        except OSError as error:
            raise RefusalError("refused.write", 507, place=clean, why=error.strerror or error) from None
        if not size:
            raise RefusalError("refused.empty", 400, name=clean)
        digests = sha256.hexdigest(), md5.hexdigest()
        return await run_in_threadpool(_take_up, case, part, clean, name=name, into=into, digests=digests, size=size)
    finally:
        part.unlink(missing_ok=True)


def _take_up(
    case: Case, part: Path, clean: str, *, name: str, into: str | None, digests: tuple[str, str], size: int
) -> Input:
    """Give a received file its place in an input."""
    kind = _kind_of(part, clean)
    with case.change() as content:
        given = None
        if into is not None:
            number_of(into)
            given = next((i for i in content.inputs if i.number == into and not i.in_place), None)
            if given is None:
                raise RefusalError("refused.input", 404, name=into)
            if given.kind != "pictures" or kind != "pictures" or len(given.files) >= MOST_FILES:
                raise RefusalError("refused.mixture", 400, name=clean)
        if given is None:
            number = _free_number(case, content)
            folder = child(case.folder, "inputs", number)
            folder.mkdir()
            source = f"inputs/{number}/{clean}" if kind == "video" else f"inputs/{number}"
            given = Input(number, kind, name[:200], source, now(), [])
            content.inputs.append(given)
        folder = child(case.folder, "inputs", given.number)
        stem, suffix = Path(clean).stem, Path(clean).suffix
        place, count = child(folder, clean), 1
        while place.exists():
            count += 1
            place = child(folder, f"{stem}-{count}{suffix}")
        part.rename(place)
        # Nothing of this program writes to an original again.
        place.chmod(0o444)
        given.files.append(InputFile(name[:200], f"inputs/{given.number}/{place.name}", *digests, size))
        enter(case, "original added", {"input": given.number, "name": name[:200], "sha256": digests[0]})
    return given


def open_in_place(case: Case, path: Path) -> Input:
    """Take up a video, or a folder of pictures, where it is; it is only read.

    Raises:
        RefusalError: the path is not absolute, or nothing that can be used is there.
    """
    if not path.is_absolute():
        raise RefusalError("refused.relative", 400, name=str(path)[:200])
    try:
        found = recognised(path)
    except (MfrecError, OSError, ValueError) as error:
        raise RefusalError("refused.type", 400, name=path.name, why=error) from None
    used = [found.video] if found.video is not None else found.pictures[:MOST_FILES]
    files = []
    for file in used:
        digests = file_digests(file)
        files.append(InputFile(file.name, str(file), digests["sha256"], digests["md5"], file.stat().st_size))
    kind: Literal["video", "pictures"] = "video" if found.video is not None else "pictures"
    source = str(found.video if found.video is not None else path)
    with case.change() as content:
        given = Input(_free_number(case, content), kind, path.name, source, now(), files, True)
        content.inputs.append(given)
        hashes = {file.name: file.sha256 for file in files[:100]}
        enter(case, "original opened in place", {"input": given.number, "source": source, "sha256": hashes})
    return given


def recognised(path: Path) -> Survey:
    """What a path leads to; a video is one that can be opened.

    Raises:
        NoFramesError: neither a video nor a picture.
    """
    found = survey([path])
    if found.video is not None:
        with opened(found.video) as container:
            picture_stream(container, found.video)
    return found


def source_path(case: Case, given: Input) -> Path:
    """Where an input's frames are.

    Raises:
        RefusalError: something of it is a link, or is not there any more.
    """
    if given.in_place:
        path = Path(given.source)
        if not path.is_absolute():
            raise RefusalError("refused.case", 409, name=case.key, why=f"input {given.number} has no absolute path")
    else:
        names = given.source.split("/")
        if names[:2] != ["inputs", given.number] or len(names) > 3:
            raise RefusalError(
                "refused.case", 409, name=case.key, why=f"the source of input {given.number} lies elsewhere"
            )
        path = child(case.folder, *names)
        for file in path.iterdir() if path.is_dir() else ():
            child(path, file.name)
    if not path.exists():
        raise RefusalError("refused.moved", 410, name=given.source)
    return path


def changed_files(case: Case, given: Input) -> list[str]:
    """Names of files whose content is not what it was when they were added, or that are gone."""
    out = []
    for file in given.files:
        path = Path(file.path) if given.in_place else case.folder / file.path
        try:
            same = path.stat().st_size == file.bytes and file_digests(path)["sha256"] == file.sha256
        except OSError:
            same = False
        if not same:
            out.append(file.name)
    return out


def _kind_of(part: Path, name: str) -> Literal["video", "pictures"]:
    """Whether a received file is a video or a picture.

    Raises:
        RefusalError: it is neither.
    """
    # Under its own name: for some kinds the suffix decides between a picture and a row of pictures.
    seen = part.with_name(f"{part.stem}-{name}"[-200:])
    part.rename(seen)
    try:
        return "pictures" if recognised(seen).video is None else "video"
    except (MfrecError, OSError, ValueError) as error:
        raise RefusalError("refused.type", 415, name=name, why=str(error).replace(str(seen), name)) from None
    finally:
        seen.rename(part)


def _free_number(case: Case, content: CaseFile) -> str:
    taken = [int(given.number) for given in content.inputs]
    folder = case.part("inputs")
    taken += [int(entry.name) for entry in folder.iterdir() if entry.name.isdecimal()]
    return f"{max(taken, default=0) + 1:02d}"


def in_words(size: int) -> str:
    """A number of bytes as people say it."""
    value, units = float(size), ("bytes", "KiB", "MiB", "GiB", "TiB")
    for unit in units[:-1]:
        if value < 1024:
            return f"{value:.4g} {unit}"
        value /= 1024
    return f"{value:.4g} {units[-1]}"
