"""A picture of a network, held to the frames: the maximum of a posterior whose prior the network drew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mfrec.fusion.belief import believe
from mfrec.fusion.conjugate_gradients import conjugate_gradients
from mfrec.fusion.data_term import DataTerm, pixel_precisions, precision_scalar, precision_tables
from mfrec.fusion.source import MapSettings, Source
from mfrec.image.colour import rgb_to_ycc, ycc_to_rgb
from mfrec.runtime.threads import side_by_side
from mfrec.types import Canvas, FloatArray


@dataclass(frozen=True, eq=False)
class Bounded:
    """A prior picture after the frames have had their say.

    Attributes:
        image: ``[H, W, 3]`` RGB in [0, 1].
        share: ``[N, H, W]`` each frame's share of the precision that all frames bring, sums to 1 where there is any.
        observed: ``[H, W]`` share of the frames in the sum of their precision and the prior's, in luma, 0..1.
    """

    image: FloatArray
    share: FloatArray
    observed: FloatArray


def bound(
    sources: Sequence[Source],
    prior: FloatArray,
    sigma: FloatArray,
    canvas: Canvas,
    settings: MapSettings,
    *,
    chroma: float = 1.0,
    apart: FloatArray | None = None,
    progress: Callable[[], None] = lambda: None,
) -> Bounded:
    """The picture nearest to a prior one that the frames allow, each being as exact as its codec left it.

    The maximum of the posterior for a Gaussian prior of every pixel, ``x ~ N(m, s**2)``: conjugate gradients on
    ``(A^T P A + 1 / s**2) (x - m) = A^T P (y - A m)``, see :mod:`mfrec.fusion.data_term`. Where the prior is
    sure it stays, where it is not the frames decide. The prior's errors are taken as independent from pixel to pixel,
    which they are not: the frames correct broad errors less than they could.

    Args:
        sources: the frames; one of them is the reference.
        prior: ``[H, W, 3]`` RGB, what a network made of the frames.
        sigma: ``[H, W]`` its expected error, standard deviation in [0, 1] grey levels.
        canvas: the output grid.
        settings: of the data term.
        chroma: error of the prior's colour differences, as a multiple of ``sigma``.
        apart: as of :func:`believe`.
        progress: called after each channel.
    """
    belief = believe(sources, prior, canvas.scale, settings, apart)
    precision = [precision_scalar(source, settings, len(sources)) for source in sources]
    data = DataTerm(sources, belief, canvas, settings)
    stiff = np.pad((1.0 / np.maximum(sigma, 1e-3) ** 2).astype(np.float32), data.margin, mode="edge")
    mass = data.mass(precision)
    total = mass.sum(axis=0)
    mean = rgb_to_ycc(prior)

    def solved(channel: int) -> FloatArray:
        own = stiff / np.float32(chroma**2) if channel else stiff
        # Steps in units of what a pixel may move: a few of them then do, however much the prior's certainty varies.
        unit = np.asarray(1.0 / np.sqrt(own + np.pad(total, data.margin, mode="edge")), np.float32)
        tables = pixel_precisions(precision_tables(sources, channel, settings))
        start = np.pad(mean[..., channel], data.margin, mode="edge")
        change = np.zeros_like(start)

        def apply(v: NDArray) -> NDArray:
            moved = unit * v
            return unit * (data.normal(moved, tables) + own * moved)

        residual = unit * (data.right_side(channel, tables) - data.normal(start, tables))
        conjugate_gradients(apply, residual, change, settings.inner)
        return np.asarray((start + unit * change)[data.inner], np.float32)

    planes = []
    for plane in side_by_side(solved, range(3)):
        planes.append(plane)
        progress()
    share = np.divide(mass, np.maximum(total, 1e-12), out=mass)
    observed = total / (total + stiff[data.inner])
    image = np.clip(ycc_to_rgb(np.dstack(planes)), 0.0, 1.0)
    return Bounded(image, share, observed.astype(np.float32))
