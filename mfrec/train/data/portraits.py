"""Upright faces cut out of pictures, as generators of faces see them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mfrec.face.landmarks import read_aligned
from mfrec.face.portrait_square import portrait_square
from mfrec.imageio import to_uint8
from mfrec.train.data.pictures import Pictures
from mfrec.train.data.points import face_points
from mfrec.types import FloatArray


def upright(pictures: Pictures, side: int) -> tuple[NDArray[np.uint8], FloatArray]:
    """The largest face of every picture that has one, in a square of its own.

    Returns:
        The faces ``[N, side, side, 3]`` and their landmarks ``[N, 68, 2]``, in pixels of the squares.
    """
    return upright_faces(pictures.every, side)


def upright_sequences(pictures: Pictures, side: int) -> list[tuple[NDArray[np.uint8], FloatArray]]:
    """:func:`upright_faces` of each sequence."""
    return [upright_faces(sequence, side) for sequence in pictures.sequences]


def upright_faces(pictures: Sequence[NDArray[np.uint8]], side: int) -> tuple[NDArray[np.uint8], FloatArray]:
    """The largest face of each picture ``[H, W, 3]`` that has one; the values are those of :func:`upright`."""
    found, places = [np.zeros((0, side, side, 3), np.uint8)], [np.zeros((0, 68, 2), np.float32)]
    for picture in pictures:
        points = face_points(picture)
        if np.isfinite(points).all():
            square = portrait_square(points, side)
            found.append(to_uint8(read_aligned(picture.astype(np.float32) / np.float32(255), square, side))[None])
            places.append(square.inverse().apply(points).astype(np.float32)[None])
    return np.concatenate(found), np.concatenate(places)
