"""Robust multi-frame super-resolution: the picture that explains every frame best, given how each was made.

Maximum a posteriori estimation of the canvas ``x`` from frames ``y_k``::

    minimise  sum_k || P_k^(1/2) T sqrt(w_k) (S_k B x - y_k) ||^2  +  sum_d phi(D_d x)

``S_k B`` is the declared camera (:mod:`mfrec.camera.forward`); ``T`` the 8 x 8 block DCT and ``P_k`` the precision of
each of its coefficients (:mod:`mfrec.camera.noise`), so that the data term knows what the codec has thrown away and
does not sharpen its blocks; ``w_k`` how far frame ``k`` is believed at each of its pixels; ``D_d`` differences to four
neighbours and ``phi`` a Huber-like penalty that spares edges. Iteratively reweighted least squares, conjugate
gradients inside (Hardie, Barnard and Armstrong, "Joint MAP registration and high-resolution image estimation", IEEE
TIP 1997; Farsiu et al., "Fast and robust multiframe super resolution", IEEE TIP 2004; Gunturk et al. 2004 for the
DCT-domain data term). The frames are registered once more onto the first estimate, which is cleaner than the
reference, and the estimate is then made again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.fft import dct

from mfrec.camera.forward import blur, psf_on_canvas, sampling_matrix
from mfrec.camera.noise import BLOCK, NoiseModel
from mfrec.fusion.by_hand import taken_by_hand
from mfrec.fusion.overshoot import within_seen
from mfrec.image.colour import luma, rgb_to_ycc, ycc_to_rgb
from mfrec.image.filters import gaussian
from mfrec.image.geometry import warp
from mfrec.registration.dense import without_aliases
from mfrec.types import Canvas, FloatArray, Registration


@dataclass(frozen=True)
class MapSettings:
    """Parameters of the estimate; grey levels are in [0, 1], lengths in frame pixels.

    Attributes:
        psf_sigma: standard deviation of the point-spread function, pixel aperture included.
        prior_sigma: expected difference between neighbouring canvas pixels away from edges.
        edge: difference above which a step counts as an edge and is spared.
        chroma_prior: expected difference between neighbouring canvas pixels of colour, as a multiple of that of luma.
        registration_sigma: error that a perfect frame has after registration, because registration is not perfect.
        shared: standard deviation of the error of registration that all frames beside the reference have in common, for
            each frame pixel by which the flows forward and backward miss each other; see :func:`registration_variance`.
        agreement: difference to the current estimate at which a frame's weight is halved.
        likeness: difference to the reference, both without their detail, at which a frame's weight is halved: another
            expression, an occlusion. Coarser than ``agreement``: a blurred reference does not reject sharp frames.
        detail_power: how strongly a frame that shows less detail than the others at a place loses weight there.
        outer, inner: reweightings, and conjugate-gradient steps in each.
    """

    psf_sigma: float = 0.35
    prior_sigma: float = 21 / 255
    edge: float = 3 / 255
    chroma_prior: float = 1.2
    registration_sigma: float = 4 / 255
    shared: float = 0.0
    agreement: float = 10 / 255
    likeness: float = 14 / 255
    detail_power: float = 2.0
    outer: int = 3
    inner: int = 10


@dataclass(frozen=True, eq=False)
class Source:
    """One frame as the estimate sees it.

    Attributes:
        image: ``[h, w, 3]`` RGB, the frame's window, already in the light of the reference.
        warped: ``[H, W, 3]`` the same on the canvas, bicubic.
        registration: onto the canvas.
        noise: of its pixels, in that light.
        is_reference: the reference is registered exactly.
        usable: ``[H, W]`` how far it may be used by what is known beforehand (region quality), 0..1.
        shown: ``[H, W]`` 0 where glare hides the picture, else 1, see :mod:`mfrec.fusion.glare`.
        given: ``[H, W]`` how far the pixel is to be taken from this frame alone, 0..1, see :mod:`mfrec.fusion.by_hand`.
    """

    image: FloatArray
    warped: FloatArray
    registration: Registration
    noise: NoiseModel
    is_reference: bool
    usable: FloatArray
    shown: FloatArray
    given: FloatArray


@dataclass(frozen=True, eq=False)
class Estimate:
    """A fused picture with what it rests on; see :class:`mfrec.types.Fused` for the maps."""

    image: FloatArray
    weight: FloatArray
    observed: FloatArray


def as_source(
    image: FloatArray,
    registration: Registration,
    noise: NoiseModel,
    is_reference: bool,
    *,
    usable: FloatArray | None = None,
    shown: FloatArray | None = None,
    given: FloatArray | None = None,
) -> Source:
    """Bring a frame into the reference's light and onto the canvas; what brightens it amplifies its noise."""
    lit = image * registration.gain + registration.offset
    x0, y0 = registration.window
    rows, columns = registration.landing.shape[:2]
    warped = warp(without_aliases(lit, 1.0 / registration.spacing), registration.look_up)
    amplified = noise.scaled(float(luma(registration.gain)))
    # Of one number each, which takes no memory: there is one for every frame, in both pictures.
    everywhere, nowhere = (np.broadcast_to(np.float32(value), warped.shape[:2]) for value in (1, 0))
    return Source(
        image=lit[y0 : y0 + rows, x0 : x0 + columns],
        warped=warped,
        registration=registration,
        noise=amplified,
        is_reference=is_reference,
        usable=everywhere if usable is None else usable,
        shown=everywhere if shown is None else shown,
        given=nowhere if given is None else given,
    )


def detail_energy(plane: FloatArray, scale: int) -> FloatArray:
    """Local energy of the finest detail that a frame can hold, ``[H, W]``, in squared grey levels.

    A difference of Gaussians of 0.5 and 1.2 frame pixels, squared and averaged over 1.2 frame pixels. Comparable
    between frames only on one grid.
    """
    band = gaussian(plane, 0.5 * scale) - gaussian(plane, 1.2 * scale)
    return gaussian(band * band, 1.2 * scale)


SOMETHING_ELSE = 0.2
"""Likeness to the reference below which a frame shows something else: a blurred patch is alike, noise is not."""


CONTRADICTS = (24 / 255, 48 / 255)
"""Coarse difference to the reference up to which a frame may show the same at another moment, and from which on it
shows something else: the wall behind a head that walks by."""


def unlike(sources: Sequence[Source], scale: int) -> FloatArray:
    """Local mean squared difference of each frame to the reference, ``[N, H, W]``, colours included, detail not.

    Both are blurred by 1.5 frame pixels before. 0 where glare hides the reference: nobody can be compared with it.
    """
    chief = next(source for source in sources if source.is_reference)
    reference = gaussian(rgb_to_ycc(chief.warped), 1.5 * scale)
    out = np.empty((len(sources), *reference.shape[:2]), np.float32)
    for k, source in enumerate(sources):
        apart = gaussian(rgb_to_ycc(source.warped), 1.5 * scale) - reference
        out[k] = gaussian(chief.shown * (apart**2).sum(axis=-1), float(scale))
    return out


def uncontradicted(apart: FloatArray) -> FloatArray:
    """How far each frame shows what the reference shows in the coarse, ``[N, H, W]`` in [0, 1], by :data:`CONTRADICTS`,
    from what :func:`unlike` found.

    Frames that agree with each other and not with the reference outvote it otherwise, and a picture of the reference's
    moment would show what is behind it at another one.
    """
    low, high = CONTRADICTS
    return np.clip((high - np.sqrt(apart)) / (high - low), 0.0, 1.0).astype(np.float32)


class Judged(NamedTuple):
    """What is found out of each source by itself before it is believed, a plane ``[H, W]`` each; see :func:`believe`.

    Attributes:
        alike: likeness to the reference, 0..1.
        agree: agreement with the estimate, 0..1.
        energy: of its detail, see :func:`detail_energy`.
    """

    alike: Sequence[FloatArray]
    agree: Sequence[FloatArray]
    energy: Sequence[FloatArray]

    def of(self, positions: Sequence[int]) -> Judged:
        """What is found out of some of the sources, the reference among them; the planes are not copied."""
        return Judged(*([planes[k] for k in positions] for planes in self))


def judge(
    sources: Sequence[Source],
    estimate: FloatArray,
    scale: int,
    settings: MapSettings,
    apart: FloatArray | None = None,
) -> Judged:
    """Compare sources with the estimate and the reference; arguments as for :func:`believe`."""
    centre = rgb_to_ycc(estimate)[..., 0]
    chief = next(k for k, source in enumerate(sources) if source.is_reference)
    comparable = sources[chief].shown
    alike = unlike(sources, scale) if apart is None else apart
    for off in alike:  # in place and frame by frame: such stacks are the most memory of a run
        off[:] = 1.0 / (1.0 + off / settings.likeness**2)
    agree, energy = np.empty_like(alike), np.empty_like(alike)
    for k, source in enumerate(sources):
        grey = np.ascontiguousarray(rgb_to_ycc(source.warped)[..., 0])
        if k == chief:  # it need not agree with what began with it
            agree[k] = 1.0
        else:
            off = gaussian(comparable * (grey - centre) ** 2, float(scale))
            agree[k] = 1.0 / (1.0 + off / settings.agreement**2)
        energy[k] = detail_energy(grey, scale)
    return Judged(list(alike), list(agree), list(energy))


def believe(
    sources: Sequence[Source],
    estimate: FloatArray,
    scale: int,
    settings: MapSettings,
    apart: FloatArray | None = None,
) -> FloatArray:
    """How far each frame is believed at each canvas pixel, ``[N, H, W]`` in [0, 1].

    The product of what was known beforehand (:attr:`Source.usable`, :attr:`Source.shown`, the registration's trust) and
    three judgements: agreement with the estimate and likeness to the reference (Geman-McClure weights of the local mean
    squared difference, the second with colour and after a blur of 1.5 frame pixels); and detail, so that a blurred
    patch of one frame yields to the sharp frames. Less detail than the median of the frames that are like the reference
    costs weight, more earns none, because noise is detail too. Where glare hides the reference nobody is compared with
    it, nor with an estimate that began with it. What is taken from one frame by hand is not judged.

    Args:
        sources: the frames; one of them is the reference.
        estimate: ``[H, W, 3]`` what the frames are compared with.
        scale: canvas pixels of a reference pixel.
        settings: of the judgements.
        apart: what :func:`unlike` found, where that is known already; its numbers are overwritten.
    """
    return believed(sources, judge(sources, estimate, scale, settings, apart), settings)


def believed(sources: Sequence[Source], judged: Judged, settings: MapSettings) -> FloatArray:
    """The second half of :func:`believe`: the sources beside each other, by what was found out of each of them."""
    alike, agree, energy = judged
    chief = next(k for k, source in enumerate(sources) if source.is_reference)
    floor = (1 / 255) ** 2
    # What shows something else says nothing about how much detail there is to see here.
    told = np.empty((len(sources), *energy[chief].shape), np.float32)
    for k, own in enumerate(energy):
        told[k] = np.where(alike[k] < SOMETHING_ELSE, energy[chief], own)
    middle = np.median(told, axis=0, overwrite_input=True)
    out = told  # its numbers are spent
    for k, source in enumerate(sources):
        detail = np.minimum(1.0, (energy[k] + floor) / (middle + floor)) ** settings.detail_power
        known = source.usable * source.shown * source.registration.trust
        out[k] = detail * known * agree[k] * alike[k]
    given = [source.given for source in sources]
    return taken_by_hand(out, np.stack(given)) if any(share.any() for share in given) else out


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


def weighted_mean(sources: Sequence[Source], belief: FloatArray, precision: Sequence[float]) -> FloatArray:
    """Mean of the warped frames, weighted by belief and precision, ``[H, W, 3]``."""
    weight = belief * np.asarray(precision, np.float32)[:, None, None]
    total = np.maximum(weight.sum(axis=0), 1e-12)
    mean = sum(w[..., None] * source.warped for w, source in zip(weight, sources, strict=True)) / total[..., None]
    return np.asarray(mean, np.float32)


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


class _Data:
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
        """``A^T P y`` of one channel; ``precise`` from :func:`_precisions`."""
        planes = enumerate(zip(self.frames, precise, strict=True))
        return self._gather({k: _weighed(frame[:, channel], p) for k, (frame, p) in planes})

    def normal(self, x: FloatArray, precise: Sequence[FloatArray]) -> FloatArray:
        """``A^T P A x``."""
        parts: dict[int, FloatArray] = {}
        for group in self.groups:
            seen = group.forward @ blur(x, group.sigma).ravel()
            for k, part in zip(group.members, np.split(seen, group.ends), strict=True):
                parts[k] = _weighed(part, precise[k])
        return self._gather(parts)

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

    def _gather(self, parts: Mapping[int, FloatArray]) -> FloatArray:
        out = np.zeros(self.shape, np.float32)
        for group in self.groups:
            total = group.adjoint @ np.concatenate([parts[k] for k in group.members])
            out += blur(total.reshape(self.shape), group.sigma)
        return out


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


def _precisions(tables: Sequence[FloatArray]) -> list[FloatArray]:
    """``T^T P T`` for the pixels of a block, ``[64, 64]``, of each table of precisions ``[8, 8]``; for white noise one
    number, because the DCT is orthonormal and drops out."""
    cosines = np.asarray(dct(np.eye(BLOCK), axis=0, norm="ortho"))
    transform = np.kron(cosines, cosines)
    out = []
    for table in tables:
        white = table.min() == table.max()
        out.append(table[0, 0] if white else np.float32(transform.T @ (table.reshape(-1, 1) * transform)))
    return out


def _weighed(pixels: FloatArray, precise: FloatArray) -> FloatArray:
    """``T^T P T`` times pixels in the order of blocks."""
    if precise.ndim == 0:
        return pixels * precise
    return (pixels.reshape(-1, BLOCK**2) @ precise).ravel()


@dataclass(frozen=True, eq=False)
class Bounded:
    """A prior picture after the frames have had their say.

    Attributes:
        image: ``[H, W, 3]`` RGB in [0, 1].
        share: ``[N, H, W]`` each frame's share of the precision that all frames bring, sums to 1 where there is any.
        observed: ``[H, W]`` share of the frames in the sum of their precision and the prior's, 0..1.
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
    apart: FloatArray | None = None,
    progress: Callable[[], None] = lambda: None,
) -> Bounded:
    """The picture nearest to a prior one that the frames allow, each being as exact as its codec left it.

    The maximum of the posterior for a Gaussian prior of every pixel, ``x ~ N(m, s**2)``: conjugate gradients on
    ``(A^T P A + 1 / s**2) (x - m) = A^T P (y - A m)``, see the head of this file for the data term. Where the prior is
    sure it stays, where it is not the frames decide. The prior's errors are taken as independent from pixel to pixel,
    which they are not: the frames correct broad errors less than they could.

    Args:
        sources: the frames; one of them is the reference.
        prior: ``[H, W, 3]`` RGB, what a network made of the frames.
        sigma: ``[H, W]`` its expected error, standard deviation in [0, 1] grey levels.
        canvas: the output grid.
        settings: of the data term.
        apart: as of :func:`believe`.
        progress: called after each channel.
    """
    belief = believe(sources, prior, canvas.scale, settings, apart)
    precision = [precision_scalar(source, settings, len(sources)) for source in sources]
    data = _Data(sources, belief, canvas, settings)
    stiff = np.pad((1.0 / np.maximum(sigma, 1e-3) ** 2).astype(np.float32), data.margin, mode="edge")
    mass = data.mass(precision)
    total = mass.sum(axis=0)
    mean = rgb_to_ycc(prior)
    # Steps in units of what a pixel may move: a few of them then do, however much the prior's certainty varies.
    unit = np.asarray(1.0 / np.sqrt(stiff + np.pad(total, data.margin, mode="edge")), np.float32)
    planes = []
    for channel in range(3):
        tables = _precisions(_tables(sources, channel, settings))
        start = np.pad(mean[..., channel], data.margin, mode="edge")
        change = np.zeros_like(start)

        # Luma and colour differences err less than R, G and B, of which they are means; the prior's share is the same.
        def apply(v: NDArray, tables: list[FloatArray] = tables) -> NDArray:
            moved = unit * v
            return unit * (data.normal(moved, tables) + stiff * moved)

        residual = unit * (data.right_side(channel, tables) - data.normal(start, tables))
        _conjugate_gradients(apply, residual, change, settings.inner)
        planes.append((start + unit * change)[data.inner])
        progress()
    share = np.divide(mass, np.maximum(total, 1e-12), out=mass)
    observed = total / (total + stiff[data.inner])
    image = np.clip(ycc_to_rgb(np.dstack(planes)), 0.0, 1.0)
    return Bounded(image, share, observed.astype(np.float32))


def _tables(sources: Sequence[Source], channel: int, settings: MapSettings) -> list[FloatArray]:
    """Precision of every DCT coefficient of each source in one channel, ``[8, 8]`` each."""
    tables = []
    for source in sources:
        variance = source.noise.chroma if channel else source.noise.luma
        extra = registration_variance(source, settings, len(sources))
        share = 1.0 if source.is_reference else source.noise.independent
        tables.append((share / (variance + extra)).astype(np.float32))
    return tables


_NEIGHBOURS = ((0, 1, 1.0), (1, 0, 1.0), (1, 1, 0.7), (1, -1, 0.7))
"""Row step, column step and weight (about 1 / length) of the differences in the prior."""


def _difference(x: FloatArray, down: int, right: int) -> FloatArray:
    if right >= 0:
        return x[down:, right:] - x[: x.shape[0] - down, : x.shape[1] - right]
    return x[down:, :right] - x[: x.shape[0] - down, -right:]


def _difference_adjoint(g: FloatArray, down: int, right: int, out: FloatArray) -> None:
    if right >= 0:
        out[down:, right:] += g
        out[: out.shape[0] - down, : out.shape[1] - right] -= g
    else:
        out[down:, :right] += g
        out[: out.shape[0] - down, -right:] -= g


def _solve(
    data: _Data,
    channel: int,
    tables: list[FloatArray],
    start: FloatArray,
    *,
    stiffness: float,
    settings: MapSettings,
) -> FloatArray:
    """Iteratively reweighted least squares with conjugate gradients for one channel, margin included."""
    x = start.copy()
    right_side = data.right_side(channel, tables)
    for _ in range(settings.outer):
        weights = [
            np.float32(stiffness * share) / np.sqrt(1 + (_difference(x, down, right) / np.float32(settings.edge)) ** 2)
            for down, right, share in _NEIGHBOURS
        ]

        def apply(v: FloatArray, weights: list[NDArray] = weights) -> FloatArray:
            out = data.normal(v, tables)
            for weight, (down, right, _) in zip(weights, _NEIGHBOURS, strict=True):
                _difference_adjoint(weight * _difference(v, down, right), down, right, out)
            return out

        _conjugate_gradients(apply, right_side - apply(x), x, settings.inner)
    return x


def estimate_luma(sources: Sequence[Source], belief: FloatArray, canvas: Canvas, settings: MapSettings) -> FloatArray:
    """Luma of :func:`estimate` with a given ``belief [N, H, W]``, ``[H, W]``: a third of its work, for those who only
    want to compare."""
    precision = [precision_scalar(source, settings, len(sources)) for source in sources]
    start = rgb_to_ycc(weighted_mean(sources, belief, precision))[..., 0]
    data = _Data(sources, belief, canvas, settings)
    tables = _precisions(_tables(sources, 0, settings))
    padded = np.pad(start, data.margin, mode="edge")
    found = _solve(data, 0, tables, padded, stiffness=1.0 / settings.prior_sigma**2, settings=settings)
    return found[data.inner]


def _conjugate_gradients(apply: Callable[[NDArray], NDArray], residual: NDArray, x: FloatArray, steps: int) -> None:
    """Improve the solution ``x`` of ``apply(x) = b`` in place, given ``b - apply(x)`` (Hestenes and Stiefel 1952)."""
    direction = residual.copy()
    energy = float(np.vdot(residual, residual))
    for _ in range(steps):
        if energy < 1e-12:
            break
        applied = apply(direction)
        step = np.float32(energy / float(np.vdot(direction, applied)))
        x += step * direction
        residual -= step * applied
        after = float(np.vdot(residual, residual))
        direction = residual + np.float32(after / energy) * direction
        energy = after


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
    data = _Data(sources, belief, canvas, settings)
    planes = []
    for channel in range(3):
        if channel and not colours:
            planes.append(start[..., channel])
            continue
        tables = _precisions(_tables(sources, channel, settings))
        stiffness = 1.0 / (settings.prior_sigma * (settings.chroma_prior if channel else 1.0)) ** 2
        padded = np.pad(start[..., channel], data.margin, mode="edge")
        planes.append(_solve(data, channel, tables, padded, stiffness=stiffness, settings=settings)[data.inner])
        progress()
    mass = data.mass(precision)
    total = mass.sum(axis=0)
    weight = np.divide(mass, np.maximum(total, 1e-12), out=mass)
    weight *= total > 1e-6 * max(float(total.max()), 1e-12)
    observed = total / (total + 1.0 / settings.prior_sigma**2)
    warped, chief = [source.warped for source in sources], [source.is_reference for source in sources].index(True)
    image = np.clip(within_seen(ycc_to_rgb(np.dstack(planes)), warped, belief, canvas.scale, chief), 0.0, 1.0)
    return Estimate(image, weight, np.where(weight.sum(axis=0) > 0, observed, 0).astype(np.float32))
