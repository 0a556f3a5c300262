"""What dead runs left is removed, and nothing else is."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

import pytest
from output_folder import contents, earlier

from mfrec.publication.partial import LOCK, SAYS, begin, remove_leftovers


def test_a_living_run_is_left_alone(tmp_path: Path) -> None:
    partial = begin(tmp_path / "out")
    (partial.result / "reconstruction.png").write_bytes(b"half")
    remove_leftovers(tmp_path)
    assert contents(partial.result) == {"reconstruction.png": b"half"}
    os.close(partial.lock)  # as the system does when a process dies
    remove_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_mfrec_did_not_make_is_left_alone(tmp_path: Path) -> None:
    token = "0123456789abcdef"
    place = tmp_path / f".mfrec-{token}.partial"
    said = SAYS.format(token, json.dumps("out"))
    other = SAYS.format("f" * 16, json.dumps("out"))
    outside = SAYS.format(token, json.dumps("../out"))
    for lock in (None, "", "mine\n", other, outside, said[:-1], "[" * 50_000):
        place.mkdir()
        (place / "result").mkdir()
        (place / "result" / "reconstruction.png").write_bytes(b"mine")
        if lock is not None:
            (place / LOCK).write_text(lock)
        remove_leftovers(tmp_path)
        assert (place / "result" / "reconstruction.png").read_bytes() == b"mine", lock
        for path in sorted(place.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        place.rmdir()
    # Even with a lock file of ours, what mfrec never writes stays: other names, folders, links.
    place.mkdir()
    (place / LOCK).write_text(said)
    (place / "result").mkdir()
    (place / "result" / "holiday.jpg").write_bytes(b"mine")
    (place / "result" / "evidence.png").mkdir()
    (place / "result" / "fused.png").symlink_to(tmp_path / "far")
    (tmp_path / "far").write_text("far")
    remove_leftovers(tmp_path)
    assert contents(place / "result").keys() == {"holiday.jpg", "evidence.png", "fused.png"}
    # And a name that is not one of a partial folder, or a link with such a name.
    (tmp_path / ".mfrec-holiday.partial").mkdir()
    (tmp_path / ".mfrec-00000000000000ff.partial").symlink_to(tmp_path / ".mfrec-holiday.partial")
    remove_leftovers(tmp_path)
    assert (tmp_path / ".mfrec-holiday.partial").is_dir()


@pytest.mark.parametrize("name", ("result", "earlier"))
def test_a_link_that_came_in_an_archive_leads_to_nobodys_result(tmp_path: Path, name: str) -> None:
    token = "0123456789abcdef"
    place = tmp_path / "work" / f".mfrec-{token}.partial"
    place.mkdir(parents=True)
    (place / LOCK).write_text(SAYS.format(token, json.dumps("out")))
    earlier(tmp_path / "finished")
    before = contents(tmp_path / "finished")
    (place / name).symlink_to(tmp_path / "finished")
    remove_leftovers(place.parent)
    assert contents(tmp_path / "finished") == before


def test_an_earlier_result_that_was_changed_gets_a_name(tmp_path: Path) -> None:
    """A run that died just after the exchange; somebody had added a note to the earlier result before it."""
    partial = begin(tmp_path / "out")
    partial.result.rmdir()
    earlier(partial.earlier)
    (partial.earlier / "notes.txt").write_text("mine")
    os.close(partial.lock)
    earlier(tmp_path / "out", b"new")
    remove_leftovers(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names[0] == "out"
    assert names[1].startswith("out.earlier-")
    assert contents(tmp_path / names[1]).keys() == {"reconstruction.png", "run.json", "notes.txt"}


def test_killed_before_it_could_say_anything(tmp_path: Path) -> None:
    place = tmp_path / ".mfrec-0123456789abcdef.partial"
    place.mkdir()
    remove_leftovers(tmp_path)
    assert not place.exists()
    place.mkdir()
    (place / LOCK).touch()
    remove_leftovers(tmp_path)
    assert not place.exists()


def test_a_run_that_just_begins_finds_another_place(tmp_path: Path) -> None:
    """Two runs beside each other: each cleans up while the other one begins."""
    partials = []
    for _ in range(5):
        remove_leftovers(tmp_path)
        partials.append(begin(tmp_path / "out"))
    for partial in partials:
        with (partial.place / LOCK).open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            else:
                raise AssertionError("the place of a living run is not locked")
        partial.discard()
    assert list(tmp_path.iterdir()) == []
