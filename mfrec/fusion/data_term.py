"""What the frames say of a picture: the weighed difference to what each of them would have shown.

::

    sum_k || P_k^(1/2) T sqrt(w_k) (S_k B x - y_k) ||^2

``S_k B`` is the declared camera (:mod:`mfrec.camera.forward`); ``T`` the 8 x 8 block DCT and ``P_k`` the precision of
each of its coefficients (:mod:`mfrec.camera.noise`), so that it knows what the codec has thrown away and does not
sharpen its blocks (Gunturk, Altunbasak and Mersereau, "Super-resolution reconstruction of compressed video using
transform-domain statistics", IEEE TIP 2004); ``w_k`` how far frame ``k`` is believed at each of its pixels
(:mod:`mfrec.fusion.belief`). The error of registration adds to the codec's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from mfrec.camera.forward import blur, psf_on_canvas, sampling_matrix
from mfrec.camera.noise import BLOCK
from mfrec.fusion.source import MapSettings, Source
from mfrec.image.colour import rgb_to_ycc
from mfrec.image.cosines import cosines
from mfrec.image.geometry import warp
from mfrec.types import Canvas, FloatArray


def registration_variance(source: Source, settings: MapSettings, count: int) -> float:
    """Variance of the error of registration of one of ``count`` frames, in squared grey levels, as it counts in a sum.

    A part of it is the frame's own and averages out. Another part all frames beside the reference have in common: the
    flow follows the reference's own noise and bends a face that has moved alike in all of them. ``N`` frames with the
    variances ``s**2`` and ``c**2`` know the picture to ``s**2 / N + c**2``, so each of them counts as if it had
    ``s**2 + N c**2`` to itself. How far the flows forward and backward miss each other tells ``c``.
    """
    if source.is_reference:
        return 0.0
    own = settings.registration_sigma**2
    if settings.shared == 0:  # a frame that shows nothing misses by infinity
        return own
    return own + (count - 1) * (settings.shared * source.registration.closure) ** 2


def precision_scalar(source: Source, settings: MapSettings, count: int) -> float:
    """Precision of one pixel of one of ``count`` sources, before its belief, in 1 / grey level squared."""
    variance = source.noise.sigma**2 + registration_variance(source, settings, count)
    return (1.0 if source.is_reference else source.noise.independent) / variance


def precision_tables(sources: Sequence[Source], channel: int, settings: MapSettings) -> list[FloatArray]:
    """Precision of every DCT coefficient of each source in one channel, ``[8, 8]`` each."""
    tables = []
    for source in sources:
        variance = source.noise.chroma if channel else source.noise.luma
        extra = registration_variance(source, settings, len(sources))
        share = 1.0 if source.is_reference else source.noise.independent
        tables.append((share / (variance + extra)).astype(np.float32))
    return tables


def pixel_precisions(tables: Sequence[FloatArray]) -> list[FloatArray]:
    """``T^T P T`` for the pixels of a block, ``[64, 64]``, of each table of precisions ``[8, 8]``; for white noise one
    number, because the DCT is orthonormal and drops out."""
    transform = np.kron(cosines(BLOCK), cosines(BLOCK))
    out = []
    for table in tables:
        white = table.min() == table.max()
        out.append(table[0, 0] if white else np.float32(transform.T @ (table.reshape(-1, 1) * transform)))
    return out


class _Group(NamedTuple):
    """The frames that share one blur.

    Attributes:
        sigma: of the blur in canvas pixels.
        members: positions of the frames.
        ends: where the rows of each frame but the last end.
        forward: ``sqrt(w) S`` of all of them, and ``adjoint`` its transpose.
    """

    sigma: float
    members: tuple[int, ...]
    ends: NDArray[np.int64]
    forward: sparse.csr_matrix
    adjoint: sparse.csr_matrix


class DataTerm:
    """The data term of all channels: applies ``A^T P A`` and forms ``A^T P y``.

    The pixels of a frame are kept in the order of its codec's blocks, and ``sqrt(w)`` is part of the sampling matrix.
    So a step of the solver is, for all frames together, two products with a sparse matrix, and one with a ``64 x 64``
    matrix for each table of precisions.

    Attributes:
        margin: canvas pixels added on each side, so that the blur sees no border.
        inner: the canvas itself in that.
        shape: of the canvas with its margin.
    """

    def __init__(self, sources: Sequence[Source], belief: FloatArray, canvas: Canvas, settings: MapSettings) -> None:
        rows, columns = canvas.shape
        self.sigma = [psf_on_canvas(settings.psf_sigma, source.registration) for source in sources]
        self.margin = margin = int(np.ceil(3 * max(self.sigma))) + 2
        self.inner = slice(margin, -margin), slice(margin, -margin)
        self.shape = rows + 2 * margin, columns + 2 * margin
        self.root, self.frames, forward = [], [], []
        for source, weight in zip(sources, belief, strict=True):
            landing = source.registration.landing
            place, size = block_order(source)
            at_pixel = warp(weight, landing, interpolation="linear", fill=0.0)
            root = np.sqrt(np.maximum(at_pixel, 0.0)).ravel()
            weighted = sparse.csr_matrix((root, (place, np.arange(place.size))), shape=(size, place.size))
            forward.append(weighted @ sampling_matrix(landing + np.float32(margin), *self.shape))
            self.root.append(np.zeros(size, np.float32))
            self.root[-1][place] = root
            self.frames.append(weighted @ rgb_to_ycc(source.image).reshape(-1, 3))
        # Frames of one size share one blur, and so one matrix.
        self.groups = []
        for sigma in sorted(set(self.sigma)):
            members = [k for k, own in enumerate(self.sigma) if own == sigma]
            matrix = sparse.csr_matrix(sparse.vstack([forward[k] for k in members]))
            ends = np.cumsum([len(self.root[k]) for k in members])
            self.groups.append(_Group(sigma, tuple(members), ends[:-1], matrix, matrix.T.tocsr()))

    def right_side(self, channel: int, precise: Sequence[FloatArray]) -> FloatArray:
        """``A^T P y`` of one channel; ``precise`` from :func:`pixel_precisions`."""
        out = np.zeros(self.shape, np.float32)
        for group in self.groups:
            pixels = np.concatenate([self.frames[k][:, channel] for k in group.members])
            self._said(group, pixels, precise, out)
        return out

    def normal(self, x: FloatArray, precise: Sequence[FloatArray]) -> FloatArray:
        """``A^T P A x``."""
        out = np.zeros(self.shape, np.float32)
        for group in self.groups:
            self._said(group, group.forward @ blur(x, group.sigma).ravel(), precise, out)
        return out

    def mass(self, precision: Sequence[float]) -> FloatArray:
        """``A^T (p w)``: how much precision each frame brings to each canvas pixel, ``[N, H, W]``."""
        rows, columns = (side - 2 * self.margin for side in self.shape)
        out = np.empty((len(precision), rows, columns), np.float32)
        for group in self.groups:
            first = 0
            for k in group.members:
                own = group.forward[first : first + len(self.root[k])]
                first += len(self.root[k])
                brought = own.T @ (self.root[k] * np.float32(precision[k]))
                out[k] = blur(brought.reshape(self.shape), group.sigma)[self.inner]
        return out

    def _said(self, group: _Group, pixels: FloatArray, precise: Sequence[FloatArray], out: FloatArray) -> None:
        """Add ``A^T P`` of the pixels of a group's frames to ``out``."""
        weighed = np.empty_like(pixels)
        parts = (np.split(array, group.ends) for array in (pixels, weighed))
        for k, part, into in zip(group.members, *parts, strict=True):
            _weigh(part, precise[k], into)
        out += blur((group.adjoint @ weighed).reshape(self.shape), group.sigma)


def block_order(source: Source) -> tuple[NDArray[np.int64], int]:
    """Where each pixel of a frame's window stands when they are sorted by blocks of the codec, and in their raster
    inside.

    Returns:
        ``[h * w]`` places, and how many there are with those of the blocks' pixels outside of the window.
    """
    height, width = source.registration.landing.shape[:2]
    x0, y0 = source.registration.window
    y = (y0 - source.noise.phase[1]) % BLOCK + np.arange(height)[:, None]
    x = (x0 - source.noise.phase[0]) % BLOCK + np.arange(width)
    across, down = -(-(x[-1] + 1) // BLOCK), -(-(y[-1, 0] + 1) // BLOCK)
    place = ((y // BLOCK) * across + x // BLOCK) * BLOCK**2 + (y % BLOCK) * BLOCK + x % BLOCK
    return place.ravel(), int(across * down) * BLOCK**2


def _weigh(pixels: FloatArray, precise: FloatArray, out: FloatArray) -> None:
    """``T^T P T`` times pixels in the order of blocks, into ``out``."""
    if precise.ndim == 0:
        np.multiply(pixels, precise, out=out)
    else:
        np.matmul(pixels.reshape(-1, BLOCK**2), precise, out=out.reshape(-1, BLOCK**2))
