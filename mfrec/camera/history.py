"""What the pixels of a frame say of the codecs that it went through, where no file tells.

An exported frame carries its codec's traces: coefficients that were rounded to nothing, a grid where blocks meet, a
lattice on which the coefficients of a former JPEG lie, colour that was halved. From some hundred such numbers a small
perceptron says how large the error is that coding left in luma, how sure that is, and whether the frame was never
coded, was coded as JPEG codes, or as a codec of video codes (which WebP and AVIF do too). It learnt from frames that
real encoders had coded and exported (``scripts/make_codec_history.py``), so that the true error was known. The idea is
that of Fan and de Queiroz, "Identification of bitmap compression history" (IEEE TIP 2003), and of the blind estimate of
strength by Jiang, Zhang and Timofte, "Towards flexible blind JPEG artifacts removal" (ICCV 2021), with the
uncertainty predicted beside it (Kendall and Gal, NeurIPS 2017, eq. 8). It makes no pixel, so ``evidence`` may use it.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mfrec.image.colour import rgb_to_ycc
from mfrec.image.cosines import cosines
from mfrec.types import FloatArray, JpegTables

BLOCK = 8

LARGEST = 128
"""Pixels a side of the middle of a frame that is looked at; a codec is the same everywhere."""

SMALLEST = 24
"""Pixels a side below which nothing can be said: fewer than nine blocks."""

FREQUENCY = np.add.outer(np.arange(BLOCK), np.arange(BLOCK))
BANDS = (
    *(total == FREQUENCY for total in (1, 2, 3, 4)),
    (FREQUENCY == 5) | (FREQUENCY == 6),
    (FREQUENCY == 7) | (FREQUENCY == 8),
    FREQUENCY >= 9,
)
COSINES = cosines(BLOCK).astype(np.float32)


@dataclass(frozen=True)
class History:
    """An estimate from the pixels.

    Attributes:
        none, jpeg, video: probabilities that the frame was never coded (but for the JPEG that it is saved as), that it
            was coded by blocks of 8 px as JPEG codes, and that it was coded as video is. They sum to 1.
        error: expected root-mean-square error of luma that all coding left, in [0, 1] grey levels.
        octaves: standard deviation of that estimate, as a base-2 logarithm: 0.5 means from 0.7 to 1.4 times.
    """

    none: float
    jpeg: float
    video: float
    error: float
    octaves: float


@dataclass(frozen=True, eq=False)
class Perceptron:
    """Three affine layers with rectifiers between them, on normalised features.

    Attributes:
        mean, spread: ``[F]`` of the features.
        weights, biases: of each layer, ``[in, out]`` and ``[out]``; five numbers come out: the base-2 logarithm of the
            error in grey levels of 1/255, the logarithm of its variance, and three logits.
    """

    mean: FloatArray
    spread: FloatArray
    weights: tuple[FloatArray, ...]
    biases: tuple[FloatArray, ...]

    def __call__(self, features: FloatArray) -> FloatArray:
        """``[..., F]`` to ``[..., 5]``."""
        x = np.clip((features - self.mean) / self.spread, -5, 5)
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = x @ weight + bias
            if layer + 1 < len(self.weights):
                x = np.maximum(x, 0)
        return np.asarray(x, np.float32)


@functools.cache
def perceptron() -> Perceptron:
    """The one that is shipped."""
    with resources.files("mfrec.camera").joinpath("history.npz").open("rb") as file, np.load(file) as stored:
        arrays = {name: stored[name].astype(np.float32) for name in stored.files}
    layers = range(sum(name.startswith("weight") for name in arrays))
    return Perceptron(
        arrays["mean"],
        arrays["spread"],
        tuple(arrays[f"weight{i}"] for i in layers),
        tuple(arrays[f"bias{i}"] for i in layers),
    )


def history_of(image: FloatArray, saved: JpegTables | None = None) -> History | None:
    """Estimate what coding did to a frame.

    Args:
        image: ``[H, W, 3]`` float32 RGB in [0, 1].
        saved: of the JPEG file that the frame is read from; None for files without loss and for clips.

    Returns:
        None where a side has fewer than :data:`SMALLEST` pixels.
    """
    if min(image.shape[:2]) < SMALLEST:
        return None
    said = perceptron()(features_of(image, saved))
    odds = np.exp(said[2:] - said[2:].max())
    none, jpeg, video = (float(p) for p in odds / odds.sum())
    octaves = float(np.exp(0.5 * np.clip(said[1], -4, 2)))
    return History(none, jpeg, video, float(2.0 ** said[0]) / 255, octaves)


def features_of(image: FloatArray, saved: JpegTables | None = None) -> FloatArray:
    """What the perceptron reads of a frame, ``[F]`` float32; arguments as for :func:`history_of`."""
    ycc = rgb_to_ycc(middle(image)) * np.float32(255)
    luma = np.ascontiguousarray(ycc[..., 0])
    parts = [
        *_of_coefficients(sliding_dct(luma)),
        *_of_edges(luma),
        *_of_colour(ycc[..., 1]),
        *_of_colour(ycc[..., 2]),
        np.log2(min(luma.shape) / 64),
        *((0.0, 0.0) if saved is None else (1.0, np.log2(saved.luma[:3, :3].mean()))),
    ]
    return np.array(parts, np.float32)


def middle(image: FloatArray) -> FloatArray:
    """The middle of a picture, at most :data:`LARGEST` pixels a side, cut along blocks from its corner."""
    top, left = (max(0, (n - LARGEST) // 2) // BLOCK * BLOCK for n in image.shape[:2])
    return image[top : top + LARGEST, left : left + LARGEST]


def sliding_dct(plane: FloatArray) -> FloatArray:
    """Orthonormal DCT of the 8 x 8 pixels at every place: ``[H, W]`` to ``[H - 7, W - 7, 8, 8]``."""
    across = sliding_window_view(plane, BLOCK, axis=1) @ COSINES.T
    return np.asarray(np.einsum("yxuk,vk->yxvu", sliding_window_view(across, BLOCK, axis=0), COSINES, optimize=True))


def grid_shares(coefficients: FloatArray) -> FloatArray:
    """How many high frequencies are next to nothing, by where blocks are taken to begin: ``[8, 8]``, row and column.

    A codec rounds them to nothing in its own blocks; blocks between these see its edges. Places of which a picture has
    no block say -1.
    """
    vanishing = (np.abs(coefficients[:, :, FREQUENCY >= 4]) < 1.5).mean(axis=-1)
    shares = np.full((BLOCK, BLOCK), -1.0, np.float32)
    for row in range(min(BLOCK, len(vanishing))):
        for column in range(min(BLOCK, vanishing.shape[1])):
            shares[row, column] = vanishing[row::BLOCK, column::BLOCK].mean()
    return shares


def _of_coefficients(coefficients: FloatArray) -> list[float]:
    """Sizes of the coefficients band by band, on the likeliest grid and everywhere, and how likely that grid is."""
    shares = grid_shares(coefficients)
    row, column = np.unravel_index(shares.argmax(), shares.shape)
    out: list[float] = []
    for band in BANDS:
        for blocks in (coefficients[row::BLOCK, column::BLOCK], coefficients):
            size = np.abs(blocks[..., band])
            out += [_octaves(size.mean()), (size < 1).mean(), (size < 3).mean(), _octaves(np.median(size))]
    usual = np.median(shares)
    return [*out, shares.max() - usual, shares.max() - shares[0, 0], np.sort(shares.ravel())[-2] - usual]


def _of_edges(luma: FloatArray) -> list[float]:
    """Steps between neighbours: where they are largest and smallest on grids of 8 and 4 px, and how rough all is."""
    out: list[float] = []
    for axis in (0, 1):
        step, bend = (np.abs(np.diff(luma, order, axis=axis)) for order in (1, 2))
        line = step.mean(axis=1 - axis)
        for period in (BLOCK, BLOCK // 2):
            places = np.array([line[k::period].mean() for k in range(period)])
            out += [_octaves(extreme) - _octaves(np.median(places)) for extreme in (places.max(), places.min())]
        out += [_octaves(step.mean()), _octaves(bend.mean()), (bend < 0.75).mean(), (bend < 2).mean()]
        out += [_octaves(np.sqrt((bend**2).mean()))]
    twist = np.abs(np.diff(np.diff(luma, axis=0), axis=1))
    return [*out, _octaves(twist.mean()), (twist < 0.75).mean(), _octaves(np.sqrt((twist**2).mean()))]


def _of_colour(plane: FloatArray) -> list[float]:
    """How smooth a colour difference is, and whether pairs of columns share one number."""
    right, down = np.diff(plane, axis=1), np.diff(plane, axis=0)
    twist = np.abs(np.diff(right, axis=0))
    pairs = _octaves(np.abs(right[:, 0::2]).mean()) - _octaves(np.abs(right[:, 1::2]).mean())
    return [
        _octaves(np.abs(right).mean()),
        _octaves(np.abs(down).mean()),
        _octaves(twist.mean()),
        (twist < 0.5).mean(),
        pairs,
    ]


def _octaves(value: float | np.floating | NDArray) -> float:
    """Base-2 logarithm with a floor of a tenth of a grey level."""
    return float(np.log2(value + 0.1))
