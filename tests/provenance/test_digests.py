"""A file that changes while a run reads it is found by its hash, and nothing is published of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mfrec.errors import InputError
from mfrec.options import Options
from mfrec.outputs import reconstruct_into
from mfrec.provenance.digests import check_unchanged, file_digests
from mfrec.upscale.asked import Asked
from mfrec.upscale.job import upscale_into


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no regular file"):
        file_digests(tmp_path / "pipe")


def test_what_was_changed_or_is_gone_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"first")
    entry = {"path": str(path), "sha256": file_digests(path)["sha256"]}
    check_unchanged([entry, entry, {"path": None, "sha256": "of an array"}])
    path.write_bytes(b"later")
    with pytest.raises(InputError, match=r"was changed while it was read: SHA-256 a7937b64"):
        check_unchanged([entry])
    path.unlink()
    with pytest.raises(InputError, match="cannot be read any more"):
        check_unchanged([entry])


def reconstructed(out: Path, clip: Path, progress: Callable[[str, int, int], None]) -> None:
    settings = ("fuse.method=mean", "parse.method=polygons")
    options = Options(recipe="evidence", settings=settings, scale=1, every=3)
    reconstruct_into(out, [clip], options, command="mfrec", progress=progress)


def upscaled(out: Path, clip: Path, progress: Callable[[str, int, int], None]) -> None:
    upscale_into(out, clip, Asked(scale=1), progress=progress)


@pytest.mark.parametrize("run", [reconstructed, upscaled])
def test_a_recorder_that_still_writes(run: Callable[..., None], clip: Path, tmp_path: Path) -> None:
    copy = tmp_path / "clip.mp4"
    copy.write_bytes(clip.read_bytes())

    def grow(_stage: str, _done: int, _total: int) -> None:
        with copy.open("ab") as file:
            file.write(b"more")

    with pytest.raises(InputError, match="was changed while it was read"):
        run(tmp_path / "out", copy, grow)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]
