"""The result folder is whole or not there, and nobody else's file is lost for it."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from output_folder import contents, earlier, foreign_run
from report_case import reconstruction

import mfrec.publication.folder as folder_module
from mfrec.errors import UsageError
from mfrec.outputs import save
from mfrec.publication.folder import staged
from mfrec.runtime.interruption import uninterrupted


def test_nothing_is_there_until_the_end(tmp_path: Path) -> None:
    out = tmp_path / "a" / "b" / "out"
    with staged(out) as folder:
        (folder / "x").write_text("new")
        assert not out.exists()
        assert folder.parent.parent == out.parent  # one file system, so that the last step is a rename
    assert contents(out) == {"x": b"new"}
    assert [p.name for p in out.parent.iterdir()] == ["out"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, OSError])
def test_an_error_leaves_the_earlier_output_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    out = earlier(tmp_path / "out")
    before = contents(out)
    with pytest.raises(error), staged(out, overwrite=True) as folder:
        (folder / "half").write_text("half")
        raise error
    assert contents(out) == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_an_error_takes_the_new_parents_away(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="stop"), staged(tmp_path / "a" / "b" / "out"):
        raise ValueError("stop")
    assert list(tmp_path.iterdir()) == []


def test_overwrite_replaces_the_whole_folder(tmp_path: Path) -> None:
    out = earlier(tmp_path / "out")
    with pytest.raises(UsageError, match="--overwrite"), staged(out):
        pass
    with staged(out, overwrite=True) as folder:
        (folder / "only").write_text("new")
    assert contents(out) == {"only": b"new"}
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_an_empty_folder_is_free(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with staged(tmp_path / "out") as folder:
        (folder / "x").write_text("new")
    assert contents(tmp_path / "out") == {"x": b"new"}


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    earlier(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with staged(tmp_path / "link", overwrite=True) as folder:
        (folder / "x").write_text("new")
    assert (tmp_path / "link").is_symlink()
    assert contents(tmp_path / "real") == {"x": b"new"}


def test_other_peoples_files_are_never_replaced(tmp_path: Path) -> None:
    out = earlier(tmp_path / "out")
    (out / "notes.txt").write_text("mine")
    before = contents(out)
    with pytest.raises(UsageError, match=r"'notes\.txt', which mfrec did not write"), staged(out, overwrite=True):
        pass
    assert contents(out) == before
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "a.jpg").write_bytes(b"photo")
    with pytest.raises(UsageError, match="no output of mfrec"), staged(photos, overwrite=True):
        pass
    assert contents(photos) == {"a.jpg": b"photo"}


def test_originals_are_out_of_bounds(tmp_path: Path) -> None:
    frames = tmp_path / "case" / "frames"
    frames.mkdir(parents=True)
    (frames / "0.png").write_bytes(b"0")
    for out in (frames, frames / "out", tmp_path / "case", tmp_path):
        with pytest.raises(UsageError, match="among the originals"), staged(out, overwrite=True, originals=[frames]):
            pass
    assert contents(frames) == {"0.png": b"0"}
    # Beside single files an output may lie: that is where people work.
    with staged(frames / "out", originals=[frames / "0.png"]) as folder:
        (folder / "x").write_text("new")
    assert (frames / "out" / "x").exists()


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    for out, expected in ((tmp_path / "file", "is a file"), (tmp_path / "file" / "out", "cannot write the output")):
        with pytest.raises(UsageError, match=expected), staged(out, overwrite=True):
            pass
    assert contents(tmp_path) == {"file": b"a file"}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    with pytest.raises(UsageError, match="Permission denied"), staged(locked / "out"):
        pass


def test_somebody_else_makes_the_folder_meanwhile(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(UsageError, match="is a file"), staged(out) as folder:
        (folder / "x").write_text("new")
        out.write_text("in the way")
    assert contents(tmp_path) == {"out": b"in the way"}


def test_interruptions_wait() -> None:
    done = False
    # A shell lets what it starts in the background ignore Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), uninterrupted():
            signal.raise_signal(signal.SIGINT)
            done = True
        assert done
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_what_mfrec_did_not_write_is_refused_by_name(tmp_path: Path) -> None:
    cases: dict[str, tuple[Callable[[Path], object], str]] = {
        "changed": (lambda out: (out / "reconstruction.png").write_bytes(b"retouched"), "reconstruction.png"),
        "folder": (lambda out: (out / "evidence.png").mkdir(), "evidence.png"),
        "link out": (lambda out: (out / "evidence.png").symlink_to(tmp_path / "far"), "evidence.png"),
        "dead link": (lambda out: (out / "evidence.png").symlink_to(tmp_path / "gone"), "evidence.png"),
        "pipe": (lambda out: os.mkfifo(out / "evidence.png"), "evidence.png"),
        "hidden": (lambda out: (out / ".hidden").write_text("mine"), ".hidden"),
        "known name": (lambda out: (out / "evidence.png").write_bytes(b"mine"), "evidence.png"),
        "annotated": (lambda out: (out / "run.json").write_text((out / "run.json").read_text() + " "), "run.json"),
    }
    (tmp_path / "far").write_text("far")
    for name, (change, expected) in cases.items():
        out = earlier(tmp_path / name)
        change(out)
        before = {path: path.lstat().st_mtime_ns for path in out.iterdir()}
        with pytest.raises(UsageError, match=rf"it holds .*'{expected}'"), staged(out, overwrite=True):
            pass
        assert {path: path.lstat().st_mtime_ns for path in out.iterdir()} == before, name
    assert (tmp_path / "far").read_text() == "far"


def test_a_forged_record_takes_nothing_along(tmp_path: Path) -> None:
    for names in (("holiday.jpg",), ("album",), ("../far.txt",), ("/etc/hostname",), (".", ".."), ("a/b.png",)):
        out = tmp_path / hashlib.sha256(str(names).encode()).hexdigest()[:8]
        (out / "album").mkdir(parents=True)
        (out / "album" / "a.jpg").write_bytes(b"photo")
        (out / "holiday.jpg").write_bytes(b"photo")
        (tmp_path / "far.txt").write_text("far")
        foreign_run(out, *names)
        with pytest.raises(UsageError, match="it holds"), staged(out, overwrite=True):
            pass
        assert (out / "holiday.jpg").read_bytes() == (out / "album" / "a.jpg").read_bytes() == b"photo"
    assert (tmp_path / "far.txt").read_text() == "far"


def test_a_record_of_an_earlier_version_proves_nothing(tmp_path: Path) -> None:
    out = earlier(tmp_path / "out")
    record = json.loads((out / "run.json").read_text())
    del record["seal"]
    (out / "run.json").write_text(json.dumps(record, indent=1))
    with pytest.raises(UsageError, match="this version did not write"), staged(out, overwrite=True):
        pass


def test_a_file_that_is_gone_stops_nobody(tmp_path: Path) -> None:
    out = earlier(tmp_path / "out")
    (out / "reconstruction.png").unlink()
    with staged(out, overwrite=True) as folder:
        (folder / "x").write_text("new")
    assert contents(out) == {"x": b"new"}


@pytest.mark.parametrize("exchanges", [True, False])
def test_what_is_put_in_during_the_run_is_kept(
    tmp_path: Path, exchanges: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not exchanges:
        monkeypatch.setattr(folder_module, "exchange", lambda _first, _second: False)
    out = earlier(tmp_path / "out")

    def put(*_: object, **__: object) -> None:
        (out / "notes.txt").write_text("mine")

    # After the last look at the folder, and before the exchange.
    monkeypatch.setattr(folder_module, "sync", put)
    with pytest.raises(UsageError, match=r"while this run worked .* 'notes\.txt'"), staged(out, overwrite=True) as new:
        (new / "x").write_text("new")
    assert contents(out).keys() == {"reconstruction.png", "run.json", "notes.txt"}
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_without_the_system_s_exchange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "exchange", lambda _first, _second: False)
    out = earlier(tmp_path / "out")
    with staged(out, overwrite=True) as folder:
        (folder / "x").write_text("new")
    assert contents(out) == {"x": b"new"}
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_the_mode_of_the_folder_stays(tmp_path: Path) -> None:
    out = earlier(tmp_path / "out")
    out.chmod(0o700)
    with staged(out, overwrite=True) as folder:
        (folder / "x").write_text("new")
    assert out.stat().st_mode & 0o777 == 0o700


def test_originals_are_recognised_whatever_they_are_called(tmp_path: Path) -> None:
    out = earlier(tmp_path / "out")
    before = contents(out)
    picture = out / "reconstruction.png"
    frames = tmp_path / "frames"
    frames.mkdir()
    (frames / "1.png").symlink_to(picture)
    linked = tmp_path / "linked"
    linked.mkdir()
    os.link(picture, linked / "1.png")
    (tmp_path / "alias").symlink_to(out)
    (tmp_path / "nested").mkdir()
    (tmp_path / "nested" / "inner").symlink_to(out)
    for original in (
        picture,  # inside of the output
        out,
        frames,  # a folder with a link into it
        frames / "1.png",
        linked,  # a folder with a hard link to its file
        linked / "1.png",
        tmp_path / "alias",  # the output under another name
        tmp_path / "alias" / "reconstruction.png",
        tmp_path / "nested",
    ):
        with pytest.raises(UsageError, match="among the originals"), staged(out, overwrite=True, originals=[original]):
            pass
        assert contents(out) == before, original
    # A folder that leads back to the originals.
    with pytest.raises(UsageError, match="among the originals"), staged(tmp_path / "alias" / "new", originals=[out]):
        pass
    assert contents(out) == before


@pytest.mark.skipif(os.geteuid() != 0 or not Path("/bin/mount").exists(), reason="only the superuser may mount")
@pytest.mark.parametrize("room", ["16k", "64k", "256k", "600k"])
def test_a_full_disk(tmp_path: Path, room: str) -> None:
    """It fills up at another file each time."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["/bin/mount", "-t", "tmpfs", "-o", f"size={room}", "none", place]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        out = earlier(place / "out")
        before = contents(out)
        with pytest.raises(UsageError, match="No space left on device"):
            save(reconstruction(count=3, side=96), out, overwrite=True)
        assert contents(out) == before
        assert [p.name for p in place.iterdir()] == ["out"]
    finally:
        subprocess.run(["/bin/umount", place], check=True)


@pytest.mark.skipif(os.geteuid() != 0 or not Path("/bin/mount").exists(), reason="only the superuser may mount")
def test_originals_under_another_mount(tmp_path: Path) -> None:
    frames, again = tmp_path / "frames", tmp_path / "again"
    (frames / "part").mkdir(parents=True)
    again.mkdir()
    if subprocess.run(["/bin/mount", "--bind", frames / "part", again], capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        with pytest.raises(UsageError, match="among the originals"), staged(again / "out", originals=[frames]):
            pass
        assert list(again.iterdir()) == []
    finally:
        subprocess.run(["/bin/umount", again], check=True)


def test_names_that_cannot_be(tmp_path: Path) -> None:
    for name in ("a\0b", ""):
        with pytest.raises(UsageError, match="cannot be a name"), staged(name):
            pass
    with pytest.raises(UsageError, match="cannot write the output"), staged(tmp_path / ("x" * 300)):
        pass
    assert list(tmp_path.iterdir()) == []


KILLED = """
import json, os, sys, traceback
import mfrec.publication.folder as folder
from mfrec.outputs import write_record
from output_folder import BARE
if sys.argv[1] == "steps":
    folder.exchange = lambda first, second: False

def replace(out, steps):
    def hook(event, arguments):
        nonlocal steps
        if event in ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "fcntl.flock") or event == "ctypes.dlopen":
            steps -= 1
            if steps < 0:
                os.kill(os.getpid(), 9)
    sys.addaudithook(hook)
    with folder.staged(out, overwrite=True) as new:
        (new / "reconstruction.png").write_bytes(b"new")
        write_record(BARE, new, [new / "reconstruction.png"])

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        try:
            replace(*json.loads(line))
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Replaces the output that a line names, in a fork that is killed before one of its steps, and answers with its exit
code. It imports once, which takes longer than all the rest."""


@pytest.fixture
def killed(request: pytest.FixtureRequest) -> Iterator[Callable[[Path, int], int]]:
    """Replace an output, and be killed before a step; the exit code. The test's ``way`` says how the names change."""
    command = [sys.executable, "-c", KILLED, request.getfixturevalue("way")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as forking:
        say, hear = forking.stdin, forking.stdout
        assert say is not None and hear is not None

        def replace(out: Path, step: int) -> int:
            say.write(json.dumps([str(out), step]) + "\n")
            say.flush()
            return int(hear.readline())

        yield replace
        say.close()


@pytest.mark.parametrize("way", ["exchange", "steps"])
def test_killed_at_every_step(tmp_path: Path, way: str, killed: Callable[[Path, int], int]) -> None:
    seen = set()
    for step in range(100):
        out = earlier(tmp_path / f"case {step}" / "out") if (tmp_path / f"case {step}").mkdir() is None else tmp_path
        code = killed(out, step)
        assert code in (0, -signal.SIGKILL)
        if way == "exchange":  # in two steps there is an instant without a name, which the next run ends
            found = contents(out)
            assert found.keys() == {"reconstruction.png", "run.json"}
            seen.add(found["reconstruction.png"])
        with pytest.raises(UsageError, match="--overwrite"), staged(out):
            pass
        assert contents(out)["reconstruction.png"] in (b"earlier", b"new")
        assert [p.name for p in out.parent.iterdir()] == ["out"]
        if code == 0:
            break
    else:
        raise AssertionError("the run never came to its end")
    assert step > 8
    assert way == "steps" or seen == {b"earlier", b"new"}
