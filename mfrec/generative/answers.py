"""Portraits of a generator as pictures on the canvas, and how far several of them lie apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mfrec.face.identity_gate import steady_embeddings
from mfrec.image.filters import gaussian
from mfrec.image.geometry import similarity_map, warp
from mfrec.metrics.identity import identity_distance
from mfrec.types import FloatArray, Landmarks, Similarity


def pasted(picture: FloatArray, portrait: FloatArray, to_canvas: Similarity, share: FloatArray) -> FloatArray:
    """A portrait in a picture.

    Args:
        picture: ``[H, W, 3]`` RGB in [0, 1].
        portrait: ``[side, side, 3]`` likewise.
        to_canvas: its pixels to those of the picture.
        share: ``[H, W]`` of the portrait in each pixel.

    Returns:
        ``[H, W, 3]`` in [0, 1].
    """
    step = 1 / to_canvas.scale
    smooth = portrait if step <= 1 else gaussian(portrait, 0.5 * float(np.sqrt(step**2 - 1)))
    drawn = warp(smooth, similarity_map(to_canvas.inverse(), *picture.shape[:2]))
    return np.clip(picture + share[..., None] * (drawn - picture), 0, 1).astype(np.float32)


def uncertainty_of_drawn(drawn: FloatArray, plain: FloatArray, said: FloatArray, scale: int) -> FloatArray:
    """How uncertain a picture is in which something was drawn, ``[H, W]``, standard deviation in [0, 1] grey levels.

    The plain picture is the best guess at the truth that there is, so a drawn one is wrong by as much as that is said
    to be, and by how far it lies from it, as if the two were independent. On jpeg32 of three people held out the error
    in the face was 0.76 to 0.92 of that, as of the plain picture (0.78 to 0.91).

    Args:
        drawn: ``[H, W, 3]``.
        plain: the same before anything was drawn.
        said: ``[H, W]``, uncertainty of ``plain``.
        scale: canvas pixels of a frame pixel, over half of which the distance is averaged.
    """
    apart = gaussian(((drawn - plain) ** 2).mean(axis=-1), 0.5 * scale)
    return np.sqrt(said**2 + apart).astype(np.float32)


def spread_of(pictures: Sequence[FloatArray]) -> FloatArray:
    """Standard deviation between pictures ``[H, W, 3]``, root-mean-square over the colours, ``[H, W]``; 0 of one."""
    return np.sqrt(np.stack(pictures).var(axis=0).mean(axis=-1)).astype(np.float32)


def distances_between(
    pictures: Sequence[FloatArray], plain: FloatArray, landmarks: Landmarks
) -> tuple[FloatArray, FloatArray]:
    """How far apart the people in pictures are to the recognition network that judges results.

    Args:
        pictures: ``[H, W, 3]`` each.
        plain: the picture that they are compared with besides.
        landmarks: of all of them.

    Returns:
        ``[K, K]`` and ``[K]``, see :class:`mfrec.types.Imagined`.

    Raises:
        WeightsError: the network is not installed.
    """
    *of_all, of_plain = steady_embeddings([(picture, landmarks) for picture in (*pictures, plain)])
    between = np.array([[identity_distance(a, b) for b in of_all] for a in of_all], np.float32)
    return between, np.array([identity_distance(a, of_plain) for a in of_all], np.float32)
