"""Robust multi-frame super-resolution: the picture that explains every frame best, given how each was made.

Maximum a posteriori estimation of the canvas ``x`` from frames ``y_k``::

    minimise  sum_k || P_k^(1/2) T sqrt(w_k) (S_k B x - y_k) ||^2  +  sum_d phi(D_d x)

The first sum is the data term (:mod:`mfrec.fusion.data_term`); ``D_d`` are differences to four neighbours and ``phi``
a Huber-like penalty that spares edges. Iteratively reweighted least squares, conjugate gradients inside (Hardie,
Barnard and Armstrong, "Joint MAP registration and high-resolution image estimation", IEEE TIP 1997; Farsiu et al.,
"Fast and robust multiframe super resolution", IEEE TIP 2004). The frames are registered once more onto the first
estimate, which is cleaner than the reference, and the estimate is then made again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mfrec.fusion.belief import believe
from mfrec.fusion.conjugate_gradients import conjugate_gradients
from mfrec.fusion.data_term import DataTerm, pixel_precisions, precision_scalar, precision_tables
from mfrec.fusion.overshoot import within_seen
from mfrec.fusion.source import MapSettings, Source
from mfrec.image.colour import luma, rgb_to_ycc, ycc_to_rgb
from mfrec.runtime.threads import side_by_side
from mfrec.types import Canvas, FloatArray

COLOUR_ROUNDS = 1
"""Reweightings of the colour differences: two more moved them by a quarter of a grey level."""


@dataclass(frozen=True, eq=False)
class Estimate:
    """A fused picture with what it rests on; see :class:`mfrec.types.Fused` for the maps."""

    image: FloatArray
    weight: FloatArray
    observed: FloatArray


def estimate(
    sources: Sequence[Source],
    current: FloatArray,
    canvas: Canvas,
    settings: MapSettings,
    progress: Callable[[], None] = lambda: None,
    *,
    colours: bool = True,
) -> Estimate:
    """One maximum a posteriori estimate from registered frames.

    Args:
        sources: the frames; one of them is the reference.
        current: ``[H, W, 3]`` what the frames are compared with: the enlarged reference, or an earlier estimate.
        canvas: the output grid.
        settings: of the estimate.
        progress: called after each channel that is solved.
        colours: false leaves colour differences at the weighted mean of the frames, a third of the work: for a picture
            that frames are registered onto, which looks at the luma.

    Returns:
        The picture in [0, 1], nowhere beyond what the frames show nearby (:mod:`mfrec.fusion.overshoot`), each frame's
        share of the data precision at every pixel, and the share that data has in the balance of data and prior.
    """
    belief = believe(sources, current, canvas.scale, settings)
    precision = [precision_scalar(source, settings, len(sources)) for source in sources]
    start = rgb_to_ycc(weighted_mean(sources, belief, precision))
    data = DataTerm(sources, belief, canvas, settings)

    def solved(channel: int) -> FloatArray:
        tables = pixel_precisions(precision_tables(sources, channel, settings))
        stiffness = 1.0 / (settings.prior_sigma * (settings.chroma_prior if channel else 1.0)) ** 2
        padded = np.pad(start[..., channel], data.margin, mode="edge")
        rounds = min(settings.outer, COLOUR_ROUNDS) if channel else settings.outer
        quick = replace(settings, outer=rounds)
        return _solve(data, channel, tables, padded, stiffness=stiffness, settings=quick)[data.inner]

    planes = []
    for plane in side_by_side(solved, range(3 if colours else 1)):
        planes.append(plane)
        progress()
    planes += [start[..., channel] for channel in range(len(planes), 3)]
    mass = data.mass(precision)
    total = mass.sum(axis=0)
    weight = np.divide(mass, np.maximum(total, 1e-12), out=mass)
    weight *= total > 1e-6 * max(float(total.max()), 1e-12)
    observed = total / (total + 1.0 / settings.prior_sigma**2)
    warped, chief = [source.warped for source in sources], [source.is_reference for source in sources].index(True)
    image = np.clip(within_seen(ycc_to_rgb(np.dstack(planes)), warped, belief, canvas.scale, chief), 0.0, 1.0)
    return Estimate(image, weight, np.where(weight.sum(axis=0) > 0, observed, 0).astype(np.float32))


def estimate_luma(sources: Sequence[Source], belief: FloatArray, canvas: Canvas, settings: MapSettings) -> FloatArray:
    """Luma of :func:`estimate` with a given ``belief [N, H, W]``, ``[H, W]``: a third of its work, for those who only
    want to compare."""
    precision = [precision_scalar(source, settings, len(sources)) for source in sources]
    start = luma(weighted_mean(sources, belief, precision))
    data = DataTerm(sources, belief, canvas, settings)
    tables = pixel_precisions(precision_tables(sources, 0, settings))
    padded = np.pad(start, data.margin, mode="edge")
    found = _solve(data, 0, tables, padded, stiffness=1.0 / settings.prior_sigma**2, settings=settings)
    return found[data.inner]


def weighted_mean(sources: Sequence[Source], belief: FloatArray, precision: Sequence[float]) -> FloatArray:
    """Mean of the warped frames, weighted by belief and precision, ``[H, W, 3]``."""
    weight = belief * np.asarray(precision, np.float32)[:, None, None]
    total = np.maximum(weight.sum(axis=0), 1e-12)
    mean = sum(w[..., None] * source.warped for w, source in zip(weight, sources, strict=True)) / total[..., None]
    return np.asarray(mean, np.float32)


def _solve(
    data: DataTerm,
    channel: int,
    tables: list[FloatArray],
    start: FloatArray,
    *,
    stiffness: float,
    settings: MapSettings,
) -> FloatArray:
    """Iteratively reweighted least squares with conjugate gradients for one channel, margin included."""
    x, room = start.copy(), np.empty_like(start)
    right_side = data.right_side(channel, tables)
    for _ in range(settings.outer):
        weights = [
            np.float32(stiffness * share)
            / np.sqrt(1 + (_difference(x, down, right, room) / np.float32(settings.edge)) ** 2)
            for down, right, share in _NEIGHBOURS
        ]

        def apply(v: FloatArray, weights: list[NDArray] = weights) -> FloatArray:
            out = data.normal(v, tables)
            for weight, (down, right, _) in zip(weights, _NEIGHBOURS, strict=True):
                pulled = _difference(v, down, right, room)
                pulled *= weight
                _difference_adjoint(pulled, down, right, out)
            return out

        conjugate_gradients(apply, right_side - apply(x), x, settings.inner)
    return x


_NEIGHBOURS = ((0, 1, 1.0), (1, 0, 1.0), (1, 1, 0.7), (1, -1, 0.7))
"""Row step, column step and weight (about 1 / length) of the differences in the prior."""


def _ends(x: FloatArray, down: int, right: int) -> tuple[FloatArray, FloatArray]:
    """The pixels of a plane that have such a neighbour, as the neighbour and as they are; views."""
    rows = x.shape[0] - down
    if right >= 0:
        return x[down:, right:], x[:rows, : x.shape[1] - right]
    return x[down:, :right], x[:rows, -right:]


def _difference(x: FloatArray, down: int, right: int, room: FloatArray) -> FloatArray:
    """Each pixel of ``x`` taken from such a neighbour, a view of ``room``, which has the shape of ``x``."""
    there, here = _ends(x, down, right)
    return np.subtract(there, here, out=room[: here.shape[0], : here.shape[1]])


def _difference_adjoint(g: FloatArray, down: int, right: int, out: FloatArray) -> None:
    """The transpose of :func:`_difference`, added to ``out``."""
    there, here = _ends(out, down, right)
    there += g
    here -= g
