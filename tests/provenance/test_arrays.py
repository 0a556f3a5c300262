"""Arrays come back as they were written, and nothing else is taken for them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mfrec.documents import DocumentError
from mfrec.provenance.arrays import array_names, read_array, write_arrays


def test_what_was_written_is_read(tmp_path: Path) -> None:
    arrays = {
        "weight": np.random.default_rng(0).random((3, 8, 9), np.float32),
        "names": np.array(["a b", "\u76e3\u8996"]),
        "frames": np.arange(3),
        "none": np.zeros((0, 4), np.float32),
    }
    write_arrays(tmp_path / "a.npz", arrays)
    assert array_names(tmp_path / "a.npz") == list(arrays)
    for name, array in arrays.items():
        found = read_array(tmp_path / "a.npz", name)
        assert found.dtype == array.dtype
        assert found.shape == array.shape
        np.testing.assert_array_equal(found, array)


def packed(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return path


def header(text: str, version: tuple[int, int] = (1, 0)) -> bytes:
    data = text.encode()
    return b"\x93NUMPY" + bytes(version) + len(data).to_bytes(2, "little") + data


def test_what_is_no_array(tmp_path: Path) -> None:
    objects = io.BytesIO()
    np.save(objects, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    real = io.BytesIO()
    np.save(real, np.ones((4, 4), np.float32))
    huge = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }\n"
    for data, expected in (
        (objects.getvalue(), "does not hold rows of numbers"),
        (header(huge % (2**20, 2**20)), "bytes, and"),  # four tebibytes by its header
        (header(huge % (4, 4)), "not as long as its header says"),
        (header(huge % (-4, 4)), "does not hold rows"),
        (header(huge % (2**70, 0)), "does not hold rows"),
        (real.getvalue() + b"more", "not as long"),
        (real.getvalue()[:-1], "not as long"),
        (header("{'descr': " + "(" * 3000 + "}"), "damaged|nests"),
        (header("__import__('os')"), "damaged"),
        (header(huge % (1, 1), (3, 0)), "version 1.0"),
        (b"", "damaged|version"),
        (b"GIF89a", "damaged|version"),
    ):
        with pytest.raises(DocumentError, match=expected):
            read_array(packed(tmp_path / "a.npz", a=data), "a")


def test_archives_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with pytest.raises(DocumentError, match="no such file"):
        read_array(path, "a")
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(DocumentError, match="no archive"):
        read_array(path, "a")
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", b"1")
        archive.writestr("a.npy", b"2")
    with pytest.raises(DocumentError, match="2 arrays 'a'"):
        read_array(path, "a")
    packed(path, **{f"a{i}": b"" for i in range(70)})
    with pytest.raises(DocumentError, match="70 entries"):
        array_names(path)
    # A bomb: a gigabyte of zeros in a megabyte.
    write_arrays(path, {"a": np.zeros(1 << 22, np.uint8)})
    with pytest.raises(DocumentError, match="bytes, and 1000 are the limit"):
        read_array(path, "a", limit=1000)
    # Encrypted, as far as its flags say.
    data = bytearray(packed(path, a=b"x" * 10).read_bytes())
    data[6] |= 1
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(DocumentError, match="damaged"):
        read_array(path, "a")
