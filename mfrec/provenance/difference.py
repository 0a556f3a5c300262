"""By how much the output of a repeated run differs from the recorded one."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mfrec.documents import DocumentError
from mfrec.provenance.arrays import LIMIT, array_names, read_array
from mfrec.provenance.digests import file_digests

ELSEWHERE: Mapping[str, float] = {
    "picture": 2.0,
    "weight": 0.05,
    "observed": 0.02,
    "uncertainty": 0.002,
    "consistency": 0.0001,
}
"""By how much the same versions may differ on a processor that computes with other instructions, anywhere in a file:
pictures in grey levels of 255, the arrays of ``provenance.npz`` in their own units. What is not named is the same.

Measured with AVX2 against none of it in PyTorch, oneDNN, MKL, OpenBLAS, OpenCV and NumPy at once: films of 48 and 64
pixels, both recipes. The largest differences were 0.35 grey levels, and 0.0043, 0.0016, 0.00018 and 0.0000025. AVX-512
against AVX2 changes less: the files differed by one grey level, which is rounding, in at most 4 of 100,000 samples.
"""


SAME = f"{ELSEWHERE['picture']:g} grey levels of 255, and the maps within what that bound is for them"
"""What :data:`ELSEWHERE` says, in words."""


@dataclass(frozen=True)
class Difference:
    """How an output of the repeated run compares with the recorded one.

    Attributes:
        name: of the file.
        identical: byte for byte, by the recorded SHA-256.
        detail: by how much it differs, in words; empty where it does not.
        within: whether it differs by no more than :data:`ELSEWHERE`; true of identical ones.
    """

    name: str
    identical: bool
    detail: str = ""
    within: bool = False


def compare(name: str, recorded: Mapping[str, str], old: Path, new: Path) -> Difference:
    """One output against its recorded digest, and against the old file for the size of a difference."""
    if not new.exists():
        return Difference(name, False, "the repeated run did not write it")
    if file_digests(new)["sha256"] == recorded.get("sha256"):
        return Difference(name, True, within=True)
    if not old.exists():
        return Difference(name, False, "differs; the recorded file is gone, so by how much cannot be said")
    if file_digests(old)["sha256"] != recorded.get("sha256"):
        return Difference(name, False, "differs; the recorded file was changed since, so by how much cannot be said")
    if name.endswith(".png"):
        return Difference(name, False, *_picture_difference(old, new))
    if name.endswith(".npz"):
        return Difference(name, False, *_arrays_difference(old, new))
    return Difference(name, False, f"differs ({old.stat().st_size} bytes recorded, {new.stat().st_size} here)")


def _picture_difference(old: Path, new: Path) -> tuple[str, bool]:
    """By how much two pictures differ, in words, and whether that is within :data:`ELSEWHERE`."""
    from mfrec.imageio.formats import DECODER_ERRORS, open_picture
    from mfrec.imageio.reading import RefusedError

    try:
        with open_picture(old) as first, open_picture(new) as second:
            if first.size != second.size or first.mode != second.mode:
                return f"{first.size} {first.mode} recorded, {second.size} {second.mode} here", False
            then, now = np.asarray(first), np.asarray(second)
            return array_difference(then, now, "grey levels"), within(then, now, "picture")
    except (RefusedError, *DECODER_ERRORS) as error:
        return f"differs; by how much cannot be said, because the recorded file cannot be read: {error}", False


def _arrays_difference(old: Path, new: Path) -> tuple[str, bool]:
    """By how much the arrays of two files differ, in words, and whether that is within :data:`ELSEWHERE`."""
    near = True
    try:
        names = set(array_names(old)), set(array_names(new))
        parts = []
        for name in sorted(names[0] | names[1]):
            if name not in names[0] & names[1]:
                parts.append(f"{name}: only in one of the two")
                near = False
                continue
            now = read_array(new, name, limit=sys.maxsize)  # written a moment ago, by this process
            then = read_array(old, name, limit=2 * now.nbytes + LIMIT)
            if not np.array_equal(then, now):
                parts.append(f"{name}: {array_difference(then, now)}")
                near = near and within(then, now, name)
    except DocumentError as error:
        return f"differs; by how much cannot be said, because the recorded file cannot be read: {error}", False
    return "; ".join(parts) or "same numbers, other compression", near


def within(old: NDArray, new: NDArray, what: str) -> bool:
    """Whether two arrays differ by no more than :data:`ELSEWHERE` allows for ``what``."""
    if old.shape != new.shape or what not in ELSEWHERE or old.dtype.kind not in "fiu" or new.dtype.kind not in "fiu":
        return False
    # Not a number is within nothing.
    return bool((np.abs(old.astype(np.float64) - new.astype(np.float64)) <= ELSEWHERE[what]).all())


def array_difference(old: NDArray, new: NDArray, unit: str = "") -> str:
    """By how much two arrays differ, in words."""
    if old.shape != new.shape:
        return f"shape {list(old.shape)} recorded, {list(new.shape)} here"
    if not (np.issubdtype(old.dtype, np.number) and np.issubdtype(new.dtype, np.number)):
        return f"{int(np.count_nonzero(old != new))} of {old.size} entries differ"
    gap = np.abs(old.astype(np.float64) - new.astype(np.float64))
    if not gap.any():
        return "same values, other encoding"
    share = float(np.count_nonzero(gap)) / gap.size
    unit = f" {unit}" if unit else ""
    return f"largest difference {gap.max():.4g}{unit}, mean {gap.mean():.4g}, {share * 100:.3g} % of the values"
