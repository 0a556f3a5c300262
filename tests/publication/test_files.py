"""Single files are whole, and replaced only where mfrec wrote them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mfrec.errors import UsageError
from mfrec.publication.files import MANIFEST, check_files, replace_files, write_file


def test_a_file_is_replaced_or_left_alone(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for replace in (False, True):
        with pytest.raises(UsageError, match="cannot write"):
            write_file(tmp_path / "folder", b"x", replace=replace)
        with pytest.raises(UsageError, match="cannot write"):
            write_file(tmp_path / "none" / "file", b"x", replace=replace)
    write_file(tmp_path / "file", b"x")
    with pytest.raises(UsageError, match="is not replaced"):
        write_file(tmp_path / "file", b"y")
    assert (tmp_path / "file").read_bytes() == b"x"
    write_file(tmp_path / "file", b"y", replace=True)
    assert (tmp_path / "file").read_bytes() == b"y"
    assert {p.name for p in tmp_path.iterdir()} == {"folder", "file"}


def test_links_and_modes_stay(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"x")
    (tmp_path / "real").chmod(0o640)
    (tmp_path / "link").symlink_to("real")
    write_file(tmp_path / "link", b"y", replace=True)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"y"
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o640
    (tmp_path / "dead").symlink_to("nowhere")
    with pytest.raises(UsageError, match="is not replaced"):
        write_file(tmp_path / "dead", b"x")


def test_only_what_the_manifest_names_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    replace_files(folder, {"a": b"1", "b": b"1"})
    replace_files(folder, {"a": b"2"})
    assert {p.name: p.read_bytes() for p in folder.iterdir() if p.name != MANIFEST} == {"a": b"2", "b": b"1"}
    (folder / "c").write_bytes(b"mine")
    (folder / "b").write_bytes(b"changed")
    (folder / "d").symlink_to("a")
    (folder / "e").mkdir()
    before = {p.name for p in folder.iterdir()}
    for name in ("b", "c", "d", "e"):
        with pytest.raises(UsageError, match=f"'.*{name}' is not replaced"):
            replace_files(folder, {"a": b"3", name: b"3"})
    assert (folder / "a").read_bytes() == b"2"
    assert (folder / "b").read_bytes() == b"changed"
    assert {p.name for p in folder.iterdir()} == before


def test_a_manifest_of_somebody_else_is_kept(tmp_path: Path) -> None:
    for text in ("mine", '{"schema": 1, "files": {"a": 1}}', '{"schema": 2, "files": {}}', "[" * 100_000):
        (tmp_path / MANIFEST).write_text(text)
        with pytest.raises(UsageError, match=f"'.*{MANIFEST}' is not replaced"):
            replace_files(tmp_path, {"a": b"1"})
        assert (tmp_path / MANIFEST).read_text() == text
        assert [p.name for p in tmp_path.iterdir()] == [MANIFEST]


def test_killed_between_two_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file is old or new, and the next run may replace both."""
    from mfrec.publication import files

    replace_files(tmp_path, {"a": b"1", "b": b"1"})
    real, written = files.write_file, []

    def dies(path: Path, data: bytes, *, replace: bool) -> None:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(path.name)
        real(path, data, replace=replace)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(files, "write_file", dies)
        replace_files(tmp_path, {"a": b"2", "b": b"2"})
    assert ((tmp_path / "a").read_bytes(), (tmp_path / "b").read_bytes()) == (b"2", b"1")
    replace_files(tmp_path, {"a": b"3", "b": b"3"})
    assert ((tmp_path / "a").read_bytes(), (tmp_path / "b").read_bytes()) == (b"3", b"3")


def test_checked_before_the_work(tmp_path: Path) -> None:
    check_files(tmp_path / "nothing", ["a"])
    os.mkfifo(tmp_path / "a")
    with pytest.raises(UsageError, match="is not replaced"):
        check_files(tmp_path, ["a"])
