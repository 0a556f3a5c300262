"""``provenance.npz``: the numbers behind the pictures, in bytes that depend on them alone, and read with care.

A file of this kind is a zip archive of arrays in NumPy's own format, version 1.0. What is read is looked at before
memory is taken for it: which arrays there are, of which type and how large.
"""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from mfrec.documents import DocumentError

ENTRIES = 64
"""How many arrays a file may hold; mfrec writes six."""

LIMIT = 1 << 30
"""Bytes that one array may have, where nothing else is said."""

BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,  # encrypted
    SyntaxError,
    tokenize.TokenError,
    TypeError,
    KeyError,
)
"""What the standard library and NumPy raise on damaged archives and headers."""


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write an ``.npz`` whose bytes depend on the arrays alone (NumPy's own writer puts the time of day into it)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            with archive.open(entry, "w", force_zip64=True) as file:
                npy.write_array(file, np.ascontiguousarray(array), allow_pickle=False)


def array_names(path: Path) -> list[str]:
    """Which arrays a file holds, in its order.

    Raises:
        DocumentError: it is no such file, or missing.
    """
    with _opened(path) as archive:
        return [entry.filename.removesuffix(".npy") for entry in archive.infolist()]


def read_array(path: Path, name: str, *, limit: int = LIMIT) -> NDArray[Any]:
    """One array of a file.

    Args:
        path: an ``.npz`` as :func:`write_arrays` writes it.
        name: of the array.
        limit: bytes that it may have.

    Returns:
        As it was written: numbers or text, never objects; read-only.

    Raises:
        DocumentError: the file is missing, damaged, or has no such array; or that is larger, of another kind of values,
            or not as long as its header says.
    """
    with _opened(path) as archive:
        entries = [entry for entry in archive.infolist() if entry.filename == f"{name}.npy"]
        if len(entries) != 1:
            raise DocumentError(f"it holds {len(entries)} arrays '{name}', expected one")
        entry = entries[0]
        if entry.file_size > limit + npy.ARRAY_ALIGN + 10_000:
            raise DocumentError(f"its array '{name}' has {entry.file_size} bytes, and {limit} are the limit")
        try:
            with archive.open(entry) as file:
                if npy.read_magic(file) != (1, 0):
                    raise DocumentError(f"its array '{name}' is not in version 1.0 of NumPy's format")
                shape, columns_first, dtype = npy.read_array_header_1_0(file, max_header_size=10_000)
                if dtype.kind not in "fiuU" or columns_first or not all(0 <= side <= limit for side in shape):
                    raise DocumentError(f"its array '{name}' does not hold rows of numbers or text")
                size = math.prod(shape) * dtype.itemsize
                if size > limit:
                    raise DocumentError(f"its array '{name}' has {size} bytes, and {limit} are the limit")
                data = file.read(size + 1)
        except RecursionError:
            raise DocumentError(f"the header of its array '{name}' nests too deep") from None
        except BROKEN as error:
            raise error if isinstance(error, DocumentError) else DocumentError(f"it is damaged ({error})") from None
    if len(data) != size:
        raise DocumentError(f"its array '{name}' is not as long as its header says")
    return np.frombuffer(data, dtype).reshape(shape) if size else np.zeros(shape, dtype)


def _opened(path: Path) -> zipfile.ZipFile:
    """The archive, if it can be one of arrays.

    Raises:
        DocumentError: it cannot.
    """
    if not path.is_file():
        raise DocumentError("there is no such file")
    try:
        archive = zipfile.ZipFile(path)
    except BROKEN as error:
        raise DocumentError(f"it is no archive of arrays ({error})") from None
    if len(archive.infolist()) > ENTRIES:
        archive.close()
        raise DocumentError(f"it holds {len(archive.infolist())} entries, and {ENTRIES} are the limit")
    return archive
