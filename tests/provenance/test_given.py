"""Masks and photographs that a run was given: recognised by their hashes wherever they are now."""

from __future__ import annotations

from pathlib import Path

import pytest

from mfrec.errors import InputError
from mfrec.provenance.given import given_again, given_files


def test_moved_files_are_found_by_their_hashes(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    (old / "eyes.png").write_bytes(b"eyes")
    (old / "mouth.png").write_bytes(b"mouth")
    recorded = given_files([("--mask eyes", old / "eyes.png"), ("--mask mouth", old / "mouth.png")])
    assert given_again(recorded) == {str(old / name): old / name for name in ("eyes.png", "mouth.png")}
    old.rename(new)
    (new / "eyes.png").rename(new / "renamed.png")
    (new / "folder").mkdir()
    with pytest.raises(InputError, match=r"--mask eyes: '.*eyes.png' cannot be read"):
        given_again(recorded)
    found = given_again(recorded, [new])
    assert found == {str(old / "eyes.png"): new / "renamed.png", str(old / "mouth.png"): new / "mouth.png"}
    (new / "mouth.png").write_bytes(b"another")
    with pytest.raises(InputError, match=r"--mask mouth: none of the 2 files of --given is the recorded 'mouth.png'"):
        given_again(recorded, [new])
    assert given_again(recorded[:1], [new / "renamed.png"]) == {str(old / "eyes.png"): new / "renamed.png"}


def test_a_changed_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"a")
    recorded = given_files([("--like", tmp_path / "a.png")])
    (tmp_path / "a.png").write_bytes(b"b")
    with pytest.raises(InputError, match=r"is not the recorded file: SHA-256 .* or say with --given where it is"):
        given_again(recorded)
