"""The frames of a track as measurements of a portrait: what the declared camera would have made of it, in every frame.

The observation model is that of :mod:`mfrec.fusion.data_term`, ``y_k = S_k B x``, with the square of a portrait
(:mod:`mfrec.face.portrait_square`) in the place of the canvas. What is left of a frame is compared with what its codec,
its sensor and its registration let expect, coefficient by coefficient of the 8 x 8 DCT, so that a portrait need not
explain what a quantiser has thrown away. PULSE (:mod:`mfrec.generative.pulse`) asks this of one bicubic picture; here
all frames have to hold at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

from mfrec.camera.forward import psf_on_canvas, sampling_matrix
from mfrec.camera.noise import BLOCK
from mfrec.errors import InputError
from mfrec.fusion.data_term import block_order, registration_variance
from mfrec.fusion.source import MapSettings, Source
from mfrec.image.colour import TO_YCC, rgb_to_ycc
from mfrec.image.cosines import cosines
from mfrec.image.geometry import warp
from mfrec.types import FloatArray, Similarity

INNER = 0.75
"""Radius of the oval in which a portrait counts in full, as a share of that where it ends."""


def oval(height: int, width: int, to_square: Similarity, side: int) -> FloatArray:
    """How far each pixel of a picture is the portrait's, ``[height, width]`` in [0, 1]: an oval with a soft edge.

    Args:
        height, width: of the picture.
        to_square: its pixels to those of the square.
        side: pixels of the square.
    """
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    places = (to_square.apply(np.dstack([x, y])) + 0.5) / side * 2 - 1
    radius = np.hypot(places[..., 0], places[..., 1])
    return _soft(np.clip((1 - radius) / (1 - INNER), 0, 1)).astype(np.float32)


def _soft(share: NDArray) -> NDArray:
    """A ramp without corners."""
    return share * share * (3 - 2 * share)


@dataclass(frozen=True, eq=False)
class Part:
    """One frame's rows of the measurements.

    Attributes:
        rows: where they are.
        luma, chroma: ``[64, 64]``: what brings the pixels of a block to coefficients in units of their expected error.
    """

    rows: slice
    luma: FloatArray
    chroma: FloatArray


@dataclass(frozen=True, eq=False)
class Measurements:
    """What the frames say of a portrait.

    Attributes:
        side: pixels of the portrait's square.
        forward: ``[M, side * side]``: ``sqrt(w) S B`` of all frames, their pixels in the order of their codec's blocks.
        adjoint: its transpose.
        wanted: ``[M, 3]`` Y, Cb and Cr of the frames, times ``sqrt(w)``.
        parts: a frame each.
        count: how many values that is, each counted by its weight.
    """

    side: int
    forward: sparse.csr_matrix
    adjoint: sparse.csr_matrix
    wanted: FloatArray
    parts: tuple[Part, ...]
    count: float

    def misfit(self, portraits: Tensor) -> Tensor:
        """Mean square of what is left of the frames, in units of what is to be expected; 1 is their own noise.

        Args:
            portraits: ``[K, 3, side, side]`` RGB, about [0, 1].

        Returns:
            ``[K]``, with gradients.
        """
        ycc = torch.einsum("dc,kcyx->kdyx", portraits.new_tensor(TO_YCC), portraits)
        count = len(portraits)
        seen = _Seen.apply(ycc.flatten(2).permute(2, 1, 0).flatten(1), self)
        left = seen.unflatten(1, (3, count)) - torch.from_numpy(self.wanted).to(seen)[:, :, None]
        total = portraits.new_zeros(count)
        for part in self.parts:
            blocks = left[part.rows].unflatten(0, (-1, BLOCK**2))
            for channels, whitening in ((blocks[:, :, :1], part.luma), (blocks[:, :, 1:], part.chroma)):
                white = torch.einsum("fp,bpck->bfck", torch.from_numpy(whitening).to(seen), channels)
                total = total + white.square().sum(dim=(0, 1, 2))
        return total / self.count


class _Seen(torch.autograd.Function):
    """``A x`` with SciPy's sparse matrices, whose adjoint is the gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, measurements: Measurements) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx.measurements = measurements
        return torch.from_numpy(measurements.forward @ x.detach().cpu().numpy()).to(x.device)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        spread = ctx.measurements.adjoint @ np.ascontiguousarray(grad.cpu().numpy())
        return torch.from_numpy(spread).to(grad.device), None


def measure(
    sources: Sequence[Source], belief: FloatArray, to_canvas: Similarity, side: int, settings: MapSettings
) -> Measurements:
    """The measurements of a portrait.

    Args:
        sources: the frames, from :func:`mfrec.fusion.track_sources.sources_of`.
        belief: ``[N, H, W]`` how far each is believed at each canvas pixel, see :func:`mfrec.fusion.belief.believe`.
        to_canvas: pixels of the square to pixels of the canvas.
        side: pixels of the square.
        settings: of the declared camera.

    Raises:
        InputError: no frame shows the face.
    """
    forward, wanted, parts, count, start = [], [], [], 0.0, 0
    to_square = to_canvas.inverse()
    for source, weight in zip(sources, belief, strict=True):
        there = source.registration.landing
        landing = to_square.apply(there).astype(np.float32)
        blur = _blur(side, max(0.2, psf_on_canvas(settings.psf_sigma, source.registration) / to_canvas.scale))
        inner = _soft(np.clip((1 - np.hypot(*((landing + 0.5) / side * 2 - 1).transpose(2, 0, 1))) / (1 - INNER), 0, 1))
        root = np.sqrt(np.maximum(warp(weight, there, interpolation="linear", fill=0.0) * inner, 0.0)).ravel()
        place, size = block_order(source)
        weighted = sparse.csr_matrix((root, (place, np.arange(place.size))), shape=(size, place.size))
        forward.append(weighted @ sampling_matrix(landing, side, side) @ blur)
        wanted.append(weighted @ rgb_to_ycc(source.image).reshape(-1, 3))
        extra = registration_variance(source, settings, len(sources))
        whitenings = [_whitening(table + extra) for table in (source.noise.luma, source.noise.chroma)]
        parts.append(Part(slice(start, start + size), *whitenings))
        start += size
        count += 3 * float((root**2).sum())
    if not count > 0:
        raise InputError("no frame shows the face well enough to say anything of it; give other frames")
    matrix = sparse.csr_matrix(sparse.vstack(forward), dtype=np.float32)
    return Measurements(side, matrix, matrix.T.tocsr(), np.concatenate(wanted).astype(np.float32), tuple(parts), count)


def _blur(side: int, sigma: float) -> sparse.csr_matrix:
    """Gaussian blur of a square ``[side * side, side * side]``; beyond the border its pixels are repeated."""
    radius = max(1, int(np.ceil(3 * sigma)))
    offsets = np.arange(-radius, radius + 1)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
    kernel /= kernel.sum()
    rows = np.repeat(np.arange(side), offsets.size)
    columns = np.clip(rows + np.tile(offsets, side), 0, side - 1)
    line = sparse.csr_matrix((np.tile(kernel, side), (rows, columns)), shape=(side, side))
    return sparse.csr_matrix(sparse.kron(line, line), dtype=np.float32)


def _whitening(variance: FloatArray) -> FloatArray:
    """The DCT of a block's pixels, each coefficient over its expected error, ``[64, 64]``; ``variance`` ``[8, 8]``."""
    return (np.kron(cosines(BLOCK), cosines(BLOCK)) / np.sqrt(variance.reshape(-1, 1))).astype(np.float32)
