"""What a run leaves behind."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
from report_case import reconstruction

from mfrec.errors import UsageError
from mfrec.outputs import SHARE, annotated, save, write_arrays
from mfrec.provenance.digests import file_digests
from mfrec.provenance.record import read_record


def contents(folder: Path) -> dict[str, bytes]:
    """Every entry of a folder, hidden ones included."""
    return {p.name: p.read_bytes() if p.is_file() else b"" for p in folder.iterdir()}


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
        np.testing.assert_allclose(arrays["weight"], case.weight, atol=SHARE, rtol=0)
        np.testing.assert_array_equal(arrays["weight"].sum(axis=0), np.rint(case.weight.sum(axis=0)))
        for name in ("observed", "uncertainty", "consistency"):
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
