"""Landmarks by regression trees: dlib's own, to the pixel, from a file that is read in part."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.data import astronaut

from mfrec.errors import WeightsError
from mfrec.face.landmarks import FACE_SIDE, cut_face, dlib_model
from mfrec.face.regression_trees import RegressionTrees, real_numbers, whole_numbers
from mfrec.imageio import to_uint8

FILE = "shape_predictor_68_face_landmarks.dat"


@pytest.fixture(scope="module")
def trees() -> RegressionTrees:
    return RegressionTrees(dlib_model(FILE))


@pytest.fixture(scope="module")
def faces() -> NDArray[np.uint8]:
    """Twelve cuts of a portrait around boxes that miss the face by up to a fifth, every third one noisy."""
    portrait, rng, cuts = (astronaut() / 255.0).astype(np.float32), np.random.default_rng(0), []
    for k in range(12):
        middle, half = np.array([225, 120]) + rng.uniform(-25, 25, 2), 55 * rng.uniform(0.8, 1.3)
        cut, _ = cut_face(portrait, np.array([*middle - half, *middle + half], np.float32))
        cuts.append(to_uint8(np.clip(cut + (k % 3 == 0) * rng.normal(0, 0.08, cut.shape), 0, 1).astype(np.float32)))
    return np.stack(cuts)


def square(faces: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    low = (faces.shape[1] - FACE_SIDE) // 2
    return low, low, low + FACE_SIDE - 1, low + FACE_SIDE - 1


def test_landmarks_are_those_of_dlib(trees: RegressionTrees, faces: NDArray[np.uint8]) -> None:
    import dlib

    predictor, there = dlib.shape_predictor(str(dlib_model(FILE))), square(faces)
    theirs = [[(p.x, p.y) for p in predictor(face, dlib.rectangle(*there)).parts()] for face in faces]
    np.testing.assert_array_equal(trees(faces, there), theirs)


def test_a_face_is_the_same_alone_and_among_others(trees: RegressionTrees, faces: NDArray[np.uint8]) -> None:
    fresh = RegressionTrees(dlib_model(FILE))
    np.testing.assert_array_equal(fresh(faces[3:4], square(faces))[0], trees(faces, square(faces))[3])
    # One of sixteen leaves of each tree was read, and no other.
    assert fresh._known.sum() == len(fresh._known) / 16


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells")
def test_the_file_does_not_stay_in_memory(faces: NDArray[np.uint8]) -> None:
    """The system maps what surrounds every leaf, and leaves of a few faces lie all over it."""
    trees = RegressionTrees(dlib_model(FILE))
    trees(faces, square(faces))
    assert resident(FILE) < 5_000_000


def resident(name: str) -> int:
    """Bytes of a file of that name, mapped once or more, that lie in memory at most."""
    lines = Path("/proc/self/smaps").read_text().splitlines()
    ends = [k for k, line in enumerate(lines) if line.endswith(name)]
    return max(1024 * int(next(x for x in lines[k:] if x.startswith("Rss:")).split()[1]) for k in ends)


def test_a_file_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    with dlib_model(FILE).open("rb") as whole:
        (tmp_path / "cut.dat").write_bytes(whole.read(1 << 20))
    (tmp_path / "empty.dat").write_bytes(b"")
    (tmp_path / "other.dat").write_bytes(b"\x01\x01" + bytes(100))
    for name in ("cut.dat", "empty.dat", "other.dat"):
        with pytest.raises(WeightsError, match=f"{name} is not the model of 68 landmarks"):
            RegressionTrees(tmp_path / name)


def test_numbers_as_dlib_writes_them() -> None:
    # 500; -136; 15808589 * 2 ** -29; 3 * 2 ** 0, whose exponent has no byte.
    data = np.frombuffer(bytes.fromhex("02f401 8188 034d38f1811d 010300") + bytes(4), np.uint8)
    found, following = whole_numbers(data, np.array([0, 3]))
    assert (found.tolist(), following.tolist()) == ([500, -136], [3, 5])
    reals = real_numbers(data, np.array([5, 11]), np.array([9, 13]))
    np.testing.assert_array_equal(reals, np.array([15808589 * 2.0**-29, 3], np.float32))
    with pytest.raises(ValueError, match="a larger number"):
        whole_numbers(np.frombuffer(b"\x04" + bytes(8), np.uint8), np.array([0]))
