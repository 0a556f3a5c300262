"""The output folder is whole or not there."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from report_case import reconstruction

from mfrec.errors import UsageError
from mfrec.outputs import annotated, save, staged, uninterrupted, write_arrays, write_record
from mfrec.provenance.digests import file_digests
from mfrec.provenance.record import read_record


def earlier(folder: Path) -> Path:
    """An output as a run leaves it: two files and the record that names one of them."""
    folder.mkdir()
    (folder / "picture.png").write_bytes(b"earlier")
    write_record({"schema": 1, "recipe": {}}, folder, [folder / "picture.png"])
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Every entry of a folder, hidden ones included."""
    return {p.name: p.read_bytes() if p.is_file() else b"" for p in folder.iterdir()}


def test_nothing_is_there_until_the_end(tmp_path: Path) -> None:
    out = tmp_path / "a" / "b" / "out"
    with staged(out) as folder:
        (folder / "x").write_text("new")
        assert not out.exists()
        assert folder.parent == out.parent  # one file system, so that the last step is a rename
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


def test_interruptions_wait(tmp_path: Path) -> None:
    done = False
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        signal.raise_signal(signal.SIGINT)
        done = True
    assert done
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_arrays_are_the_same_bytes_at_any_time(tmp_path: Path) -> None:
    arrays = {
        "weight": np.random.default_rng(0).random((3, 8, 9), np.float32),
        "names": np.array(["a b", "\u76e3\u8996", "<b>"]),
        "frames": np.arange(3),
    }
    write_arrays(tmp_path / "a.npz", arrays)
    time.sleep(2.1)  # a zip file counts time in steps of two seconds
    write_arrays(tmp_path / "b.npz", arrays)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with np.load(tmp_path / "a.npz", allow_pickle=False) as read:
        assert set(read.files) == set(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(read[name], array)


def test_save_writes_everything_and_its_digests(tmp_path: Path) -> None:
    from PIL import Image

    case = reconstruction(count=3)
    files = save(case, tmp_path / "out")
    assert [p.name for p in files] == [
        "reconstruction.png",
        "evidence.png",
        "reference.png",
        "provenance.png",
        "uncertainty.png",
        "consistency.png",
        "provenance.npz",
        "report.html",
        "run.json",
    ]
    record = read_record(tmp_path / "out")
    assert set(record["outputs"]) == {p.name for p in files} - {"run.json"}
    for name, digests in record["outputs"].items():
        assert file_digests(tmp_path / "out" / name) == digests
    with Image.open(tmp_path / "out" / "reconstruction.png") as picture:
        assert picture.info["Comment"] == case.stamp
        np.testing.assert_array_equal(np.asarray(picture), np.rint(case.image * 255))
    with np.load(tmp_path / "out" / "provenance.npz") as arrays:
        for name in ("weight", "observed", "uncertainty", "consistency"):
            np.testing.assert_array_equal(arrays[name], getattr(case, name))
        assert arrays["names"].tolist() == [o.frame.name for o in case.track.observations]
    with pytest.raises(UsageError, match="--overwrite"):
        save(case, tmp_path / "out")
    assert save(case, tmp_path / "out", overwrite=True) == files


def test_saving_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    case = reconstruction(count=3)
    for name in ("a", "b"):
        save(case, tmp_path / name)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_the_record_survives_names_that_are_no_text(tmp_path: Path) -> None:
    case = reconstruction(count=1, names=("\udcff<b>\u76e3.png",))
    save(case, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "run.json").read_text())["inputs"][0]["name"] == "\udcff<b>\u76e3.png"


def test_annotated_frames_are_large_enough_to_see() -> None:
    observation = reconstruction(count=1).track.observations[0]
    picture = annotated(observation)
    assert picture.dtype == np.uint8
    assert picture.shape == (384, 384, 3)
    plain = np.rint(observation.frame.image * 255).astype(np.uint8).repeat(12, axis=0).repeat(12, axis=1)
    changed = (picture != plain).any(axis=2)
    assert 0.01 < changed.mean() < 0.3  # lines are drawn, the face remains
