"""What paths lead to: pictures, one video, or neither."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mfrec.errors import NoFramesError
from mfrec.imageio.container import VIDEO_SUFFIXES, is_video
from mfrec.imageio.formats import (
    DECODER_ERRORS,
    HEAD,
    PICTURE_SUFFIXES,
    foreign,
    is_avif,
    is_heif,
    is_tiff,
    open_picture,
)
from mfrec.imageio.jpeg import another_follows, unusual
from mfrec.imageio.reading import RefusedError, listed, shown
from mfrec.types import Dropped

FIRST = 1 << 26
"""Bytes of a row of JPEG files in which the first one ends."""


def natural_key(name: str) -> tuple[list[str | int], str]:
    """Sort key that orders numbers inside names by value: ``2.png`` before ``10.png``, whatever the case."""
    parts = re.split(r"(\d+)", name.casefold())
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], name


@dataclass(frozen=True)
class Survey:
    """What paths lead to: one video, or at least one picture, and what is neither."""

    video: Path | None
    pictures: list[Path]
    dropped: list[Dropped]


def survey(paths: Sequence[Path]) -> Survey:
    """Sort out what paths lead to.

    Raises:
        NoFramesError: neither a video nor a picture, or a path that does not exist.
    """
    for path in paths:
        # is_symlink as well: a link that leads nowhere is there, and is dropped with that reason.
        if not path.exists() and not path.is_symlink():
            raise NoFramesError(f"there is no file or folder '{shown(path)}'; check the spelling, or give a full path")
    folder = paths[0] if len(paths) == 1 and paths[0].is_dir() else None
    if folder is not None:
        try:
            entries = sorted(folder.iterdir(), key=lambda entry: natural_key(entry.name))
        except OSError as error:
            raise NoFramesError(f"the folder '{shown(folder)}' cannot be listed: {error.strerror}") from error
        paths = [entry for entry in entries if not entry.name.startswith(".")]
        if not paths:
            raise NoFramesError(
                f"the folder '{shown(folder)}' is empty; pictures (JPEG, PNG, TIFF ...) or a video go there"
            )
    elif len(paths) == 1 and _kind(paths[0]) in ("video", "unknown"):
        return Survey(paths[0], [], [])

    pictures: list[Path] = []
    videos: list[Path] = []
    dropped: list[Dropped] = []
    for path in paths:
        kind = _kind(path)
        if kind == "picture":
            pictures.append(path)
        elif kind == "video":
            videos.append(path)
        else:
            dropped.append(Dropped(shown(path, whole=False), "not a picture" if kind == "unknown" else kind))
    if folder is not None and len(videos) == 1 and not pictures:
        return Survey(videos[0], [], dropped)
    if not pictures:
        where = f"the folder '{shown(folder)}'" if folder is not None else "what was given"
        if videos:
            names = ", ".join(f"'{shown(video, whole=False)}'" for video in videos[:10])
            raise NoFramesError(f"{where} holds {len(videos)} videos ({names}) and no picture; give one video")
        raise NoFramesError(f"{where} holds no picture and no video{listed(dropped)}")
    dropped += [Dropped(shown(video, whole=False), "a video among pictures; give it by itself") for video in videos]
    return Survey(None, pictures, dropped)


def _kind(path: Path) -> str:
    """``"picture"``, ``"video"``, ``"unknown"``, or a sentence that says why it can be neither."""
    suffix = path.suffix.lower()
    if path.is_dir():
        return "a folder, not a picture" if suffix in PICTURE_SUFFIXES else "a folder; sub-folders are not read"
    if not path.exists():
        return "a link to a file that does not exist"
    if not path.is_file():
        return "not an ordinary file"
    kind = _kind_by_content(path)
    if kind is not None:
        return kind
    try:
        with path.open("rb") as file:
            what = foreign(file.read(HEAD))
    except OSError:  # whoever reads it says why it cannot be
        what = None
    # A stream of video that begins in the middle may begin with the same bytes.
    if what is not None and not is_video(path):
        return what
    # What nobody recognises is tried as what it is called, so that the reason says what is wrong with it.
    if suffix in VIDEO_SUFFIXES:
        return "video"
    return "picture" if suffix in (*PICTURE_SUFFIXES, ".gif") else "unknown"


def _kind_by_content(path: Path) -> str | None:
    """``"picture"``, ``"video"``, or None where the content is of no known kind or only its suffix hints at one."""
    head = b""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
            if is_heif(head) or (is_tiff(head) and foreign(head) is None):
                return "picture"
            file.seek(0)
            with open_picture(file) as image:
                if image.format == "GIF" and getattr(image, "is_animated", False):
                    return "video"
                in_a_row = image.format == "JPEG" and path.suffix.lower() in VIDEO_SUFFIXES
            file.seek(0)
            return "video" if in_a_row and another_follows(file.read(FIRST)) else "picture"
    except RefusedError:
        return "picture"
    except DECODER_ERRORS:
        # FFmpeg shows something of kinds that it cannot decode either, and passes over what turns and cuts an AVIF.
        if is_avif(head):
            return "picture"
        if head.startswith(b"\xff\xd8"):
            with path.open("rb") as file:
                if unusual(file.read(FIRST)) is not None:
                    return "picture"
    if path.suffix.lower() in PICTURE_SUFFIXES and is_video(path):
        return "video"
    return None
