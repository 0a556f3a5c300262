"""Make one picture of all registered frames."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np

from mfrec.camera.conditions import conditions
from mfrec.camera.forward import PSF, degrade
from mfrec.camera.noise import noise_of, usual_kind
from mfrec.errors import UsageError
from mfrec.face.region_error import error_of
from mfrec.face.region_labels import regions_shown
from mfrec.fusion.belief import uncontradicted, undisputed, unlike
from mfrec.fusion.bounded import bound
from mfrec.fusion.by_hand import LEAST_SHOWN, given_maps, given_region, taken_by_hand
from mfrec.fusion.glare import credited, filled_reference, told_of_glare, unhidden
from mfrec.fusion.on_canvas import bicubic
from mfrec.fusion.planes import LaidFrames, fuse_frames, usual_colours
from mfrec.fusion.robust import Estimate, estimate
from mfrec.fusion.source import MapSettings, Source, as_source
from mfrec.image.colour import luma
from mfrec.image.filters import gaussian
from mfrec.image.geometry import inside, resize, resize_map, warp
from mfrec.pipeline import Run, in_range
from mfrec.registration.dense import identity_registration, register
from mfrec.runtime.memory import give_back
from mfrec.runtime.threads import side_by_side
from mfrec.stages.assess import labels_on_canvas
from mfrec.types import Canvas, FaceTrack, FloatArray, Fused, Observation, Quality

METHODS = ("mean", "median", "map", "learned")

DOMINATED = 0.75
"""Share of one frame in the picture from which on the reader is warned that the others hardly matter."""

FAR, UNKNOWN_GAP, LEAST = 60.0, 15.0, 0.05
"""Degrees between two heads from which on a region is worth least, what is assumed of a frame without landmarks, and
that least. Falling to the least at 40 degrees already gains up to 0.2 dB on some development sequences and loses 0.3 on
others, so the slope is gentle."""


EDGE = {"still": 3.0 / 255.0, "unknown": 3.0 / 255.0, "video": 6.0 / 255.0}
"""Step above which the prior spares an edge. Video has lost its small steps, so a larger one counts as the first."""


AGREEMENT = {"map": 14 / 255, "learned": 10 / 255}
"""Difference to the estimate at which a frame's weight is halved. An estimate that only its own frames made is not sure
enough to judge them by less: with 14 in place of 10 ``map`` gains 0.05 to 0.07 dB on JPEGs (24 sequences of development
people), ``learned`` loses 0.04 to 0.10."""

SHARED = {"map": 8 / 255, "learned": 30 / 255}
"""Error of registration that the frames have in common, for each frame pixel by which the flows miss each other, see
:func:`mfrec.fusion.data_term.registration_variance`. With errors that average out, the blur of many frames overrules
what the network knows: by this ``learned`` gains 0.36 dB with 31 small JPEGs, 0.11 with 15 and 0.01 with seven (12
long sequences, eight of development people and four held out; nowhere 0.02 lost), most where faces moved most. ``map``
has a prior that errs by more, and gains 0.14 dB with 31 (four sequences), by 25 in place of 8 less."""

DOUBT = {"still": 2.0, "unknown": 1.0, "video": 0.4}
"""Factor on a network's predicted error before the frames are allowed to move its picture. Frames coded one by one err
independently and may move it far: with 2.0 the picture is nearer to the person than with 1.2, where PSNR is best, by
0.016 of identity distance, and 0.05 dB worse (12 sequences of training people, 32 px JPEGs; 3.0: 0.032 and 0.24 dB).
The frames of a clip repeat each other's errors, and their quantisers say little about what was lost; with 0.2 in place
of 0.4 clips would gain 0.008 dB, and the frames would have a quarter of their say."""


CHROMA_ERROR = 0.3
"""Error of the network's colour differences as a multiple of that of its luma: measured as 0.24 (Cb) and 0.33 (Cr) on
ten sequences of training people, 32 px JPEGs. A frame's blurred colours moved the picture as far as its luma did with 1
in its place: 0.009 to 0.069 dB lost there (mean 0.037), nothing on clips; the identity distance stays within 0.001."""


def given_by_hand(track: FaceTrack) -> tuple[FloatArray, FloatArray] | None:
    """What single frames give by hand: shares ``[N, H, W]`` and light ``[N, H, W, 3]``; None where nobody asked.

    Raises:
        UsageError: the chain has found no regions, the reference has no such region, or a frame hardly shows it.
    """
    asked = [hand for hand in track.by_hand if hand.index is not None]
    if not asked:
        return None
    assert track.canvas is not None and track.reference is not None
    chief = track.observations[track.reference]
    assert chief.registration is not None
    if chief.regions is None:
        raise UsageError(f"{asked[0].told}: the recipe knows no regions; add the stage 'parse' before 'fuse'")
    labels = regions_shown(chief, chief.registration, track.canvas.shape)
    where = {observation.frame.index: position for position, observation in enumerate(track.observations)}
    seen, given = {}, []
    # Large regions first, so that a small one lies on top of them.
    for hand in sorted(asked, key=lambda hand: -int(np.isin(labels, hand.regions).sum())):
        position, region = where[hand.index if hand.index is not None else -1], np.isin(labels, hand.regions)
        frame = track.observations[position]
        assert frame.registration is not None
        if not region.any():
            raise UsageError(
                f"{hand.told}: the reference '{chief.frame.name}' shows no {hand.name}; give another region or "
                f"--reference, or draw it with --mask {hand.name}=FILE"
            )
        if frame.regions is not None and frame.landmarks is not None and not frame.regions.mask(*hand.regions).any():
            raise UsageError(f"{hand.told}: frame '{frame.frame.name}' shows no {hand.name}; take another frame")
        shows = frame.registration.trust * inside(frame.registration.look_up, *frame.frame.image.shape[:2])
        if (shows > 0.5)[region].mean() < LEAST_SHOWN:
            raise UsageError(
                f"{hand.told}: frame '{frame.frame.name}' shows {100 * (shows > 0.5)[region].mean():.0f} % of the "
                f"reference's {hand.name} well enough, at least {100 * LEAST_SHOWN:.0f} % expected; take another frame"
            )
        for at in (position, track.reference):
            registration = track.observations[at].registration
            assert registration is not None
            if at not in seen:
                warped = warp(track.observations[at].frame.image, registration.look_up)
                seen[at] = warped * registration.gain + registration.offset
        given.append(
            given_region(position, region, shows, seen[position], seen[track.reference], scale=track.canvas.scale)
        )
    return given_maps(given, len(track.observations), track.canvas.shape)


def sources_of(track: FaceTrack, shown: FloatArray | None = None) -> list[Source]:
    """The registered frames of a track, in the reference's light and on the canvas, with how usable they are where.

    Where a frame gives a region by hand, its light there is the reference's at the seam.

    Args:
        track: with a reference.
        shown: of its frames, from :func:`mfrec.fusion.glare.unhidden`, where that is known already.
    """
    quality, given = region_quality(track), given_by_hand(track)
    shown = unhidden(track) if shown is None else shown

    def source_of(position: int) -> Source:
        o = track.observations[position]
        assert o.registration is not None
        source = as_source(
            o.frame.image,
            o.registration,
            noise_of(o.frame),
            position == track.reference,
            usable=None if quality is None else quality[position],
            shown=shown[position],
            given=None if given is None else given[0][position],
        )
        return source if given is None else _lit(source, given[1][position])

    return list(side_by_side(source_of, range(len(track.observations))))


def _lit(source: Source, light: FloatArray) -> Source:
    """A source with ``light [H, W, 3]`` added to it."""
    landed = warp(light, source.registration.landing, interpolation="linear", fill=0.0)
    return replace(source, image=source.image + landed, warped=source.warped + light)


def region_quality(track: FaceTrack) -> FloatArray | None:
    """How usable each frame's regions are beside the best frame's, ``[N, H, W]`` in [0, 1]; None before ``assess``.

    The ratio of :func:`usefulness`; 1 where there is no region. Feathered over half a reference pixel.
    """
    assert track.canvas is not None and track.reference is not None
    if not track.sources:
        return None
    labels = labels_on_canvas(track.observations[track.reference], track.canvas)
    out = np.ones((len(track.observations), *track.canvas.shape), np.float32)
    for region in track.sources:
        mask = labels == region.value
        worth = [usefulness(o.quality[region]) if region in o.quality else None for o in track.observations]
        best = max((value for value in worth if value is not None), default=0.0)
        for position, value in enumerate(worth):
            if value is not None and best > 0:
                out[position][mask] = value / best
    return np.stack([gaussian(one, 0.5 * track.canvas.scale) for one in out])


def usefulness(quality: Quality) -> float:
    """What a region of a frame is worth to a picture of the reference's moment.

    One over the error to expect there: of what the frame shows, and twice what it differs from the other frames in the
    coarse. Less where the head is turned from the reference's pose, least from :data:`FAR` degrees on.
    """
    error = math.hypot(error_of(quality.score), 2 * quality.residual)
    turned = UNKNOWN_GAP if quality.pose_gap is None else quality.pose_gap
    return max(LEAST, 1 - turned / FAR) / error


def mean_of(sources: Sequence[Source]) -> tuple[FloatArray, FloatArray]:
    """Mean of the registered frames where they can be seen: ``image [H, W, 3]``, ``weight [N, H, W]``."""
    seen = np.stack([(source.registration.trust > 0).astype(np.float32) for source in sources])
    weight = seen / np.maximum(seen.sum(axis=0), 1)
    image = sum(w[..., None] * source.warped for w, source in zip(weight, sources, strict=True))
    return np.clip(np.asarray(image, np.float32), 0, 1), weight


def median_of(sources: Sequence[Source]) -> tuple[FloatArray, FloatArray]:
    """Median of the registered frames, each colour by itself; black where no frame sees the pixel.

    The weight of a frame is the share of the colours at which it is the median (half for each of the middle two);
    frames of one value share alike, so that their order does not matter.
    """
    seen = np.stack([source.registration.trust > 0 for source in sources])
    values = np.where(seen[..., None], np.stack([source.warped for source in sources]), np.nan)
    count = seen.sum(axis=0)
    ordered = np.sort(values, axis=0)  # NaN comes last
    image = np.zeros(values.shape[1:], np.float32)
    weight = np.zeros(seen.shape, np.float32)
    for middle in (np.maximum((count - 1) // 2, 0), np.minimum(count // 2, len(sources) - 1)):
        place = np.broadcast_to(middle[None, ..., None], (1, *values.shape[1:]))
        median = np.take_along_axis(ordered, place, axis=0)[0]
        image += median / 2
        same = values == median
        weight += (same / np.maximum(same.sum(axis=0), 1)).mean(axis=-1) / 2
    return np.clip(np.nan_to_num(image), 0, 1), weight


def spread_between(sources: Sequence[Source], image: FloatArray, weight: FloatArray, scale: int) -> FloatArray:
    """Expected error of each pixel of a fused picture, ``[H, W]``, root-mean-square in [0, 1] grey levels.

    The square root of four variances: what the frames disagree about (more where they repeat each other's errors,
    which does not show as disagreement); a misplacement of a quarter of a reference pixel, which costs the squared
    slope of the picture; what a frame gets wrong by itself, less the more frames share a pixel; and a floor for what
    all have lost alike. The factors were fitted to the errors of development people with one,
    three and seven frames at 32 and 64 px, and rounded so that one frame is never surer than several.
    """
    grey = luma(image)
    # Frame by frame: such stacks are the most memory of a run.
    frames = [luma(source.warped) for source in sources]
    mean = sum(share * frame for share, frame in zip(weight, frames, strict=True))
    apart = sum(share * (frame - mean) ** 2 for share, frame in zip(weight, frames, strict=True))
    disagreement = gaussian(np.asarray(apart), 0.5 * scale)
    own = float(np.mean([source.noise.independent for source in sources]))
    down, right = np.gradient(grey)
    slope = gaussian(np.asarray(down**2 + right**2), 0.5 * scale) * (scale / 4) ** 2
    alone = sum(share**2 for share in weight)
    return np.sqrt(1.5 * disagreement / own + 1.25 * slope + 0.0015 * alone + (7 / 255) ** 2).astype(np.float32)


def few_contribute(track: FaceTrack, weight: FloatArray) -> tuple[str, ...]:
    """A warning where one of several frames makes most of the picture."""
    share = weight.mean(axis=(1, 2))
    if len(share) < 2 or share.max() < DOMINATED * share.sum():
        return ()
    main = track.observations[int(share.argmax())].frame.name
    percent = 100 * share.max() / share.sum()
    return (
        f"{percent:.0f} % of the picture comes from one frame ('{main}'): the others do not agree with it or are much "
        "worse, so little was gained from them",
    )


def consistency_with(
    observations: Sequence[Observation], image: FloatArray, canvas: Canvas, psf_sigma: float
) -> FloatArray:
    """Root-mean-square difference between each frame and the degraded result, ``[N]``, wherever it lands on the canvas.

    NaN for a frame of which no pixel lands on the canvas.
    """
    out = []
    for o in observations:
        assert o.registration is not None
        expected = degrade(image, o.registration, canvas, psf_sigma)
        x0, y0 = o.registration.window
        rows, columns = expected.shape[:2]
        measured = o.frame.image[y0 : y0 + rows, x0 : x0 + columns] * o.registration.gain + o.registration.offset
        difference = ((expected - measured) ** 2).mean(axis=-1)
        valid = np.isfinite(difference)
        out.append(np.sqrt(difference[valid].mean()) if valid.any() else np.nan)
    return np.asarray(out, np.float32)


@dataclass(frozen=True)
class Fuse:
    """Fuse all frames: mean, median, robust super-resolution that knows camera and codec, or a network bounded by it.

    Attributes:
        method: ``"learned"`` (a network's picture, bounded by the frames), ``"map"`` (maximum a posteriori
            super-resolution), ``"mean"`` or ``"median"`` of the registered frames.
        card: of the network of method ``"learned"``.
        passes: how often the estimate of method ``"map"`` is made; each further one registers the frames onto the last.
        psf_sigma: standard deviation of the declared point-spread function in frame pixels, or ``"auto"``, see
            :data:`PSF`.
        doubt: factor on the error that the network predicts before the frames bound its picture, or ``"auto"``: see
            :data:`DOUBT`; method ``"learned"`` only.
        edge, agreement, shared: see :class:`mfrec.fusion.source.MapSettings`, or ``"auto"``: see :data:`EDGE`,
            :data:`AGREEMENT` and :data:`SHARED`.
        prior_sigma, chroma_prior, registration_sigma, likeness, detail_power, outer, inner: see
            :class:`mfrec.fusion.source.MapSettings`.
    """

    method: Literal["learned", "map", "mean", "median"] = "map"
    card: str = "fusion"
    passes: int = 2
    psf_sigma: float | Literal["auto"] = "auto"
    doubt: float | Literal["auto"] = "auto"
    prior_sigma: float = 21 / 255
    edge: float | Literal["auto"] = "auto"
    chroma_prior: float = 1.2
    registration_sigma: float = 4 / 255
    shared: float | Literal["auto"] = "auto"
    agreement: float | Literal["auto"] = "auto"
    likeness: float = 14 / 255
    detail_power: float = 2.0
    outer: int = 3
    inner: int = 10

    name: ClassVar[str] = "fuse"
    needs: ClassVar[frozenset[str]] = frozenset({"reference", "registration"})
    gives: ClassVar[frozenset[str]] = frozenset({"fused"})
    literature: ClassVar[tuple[str, ...]] = (
        "R. C. Hardie, K. J. Barnard, E. E. Armstrong, Joint MAP registration and high-resolution image estimation "
        "using a sequence of undersampled images, IEEE TIP 1997",
        "S. Farsiu, M. D. Robinson, M. Elad, P. Milanfar, Fast and robust multiframe super resolution, IEEE TIP 2004",
        "B. K. Gunturk, Y. Altunbasak, R. M. Mersereau, Super-resolution reconstruction of compressed video using "
        "transform-domain statistics, IEEE TIP 2004",
    )

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise UsageError(f"fuse.method '{self.method}' is unknown; expected one of {', '.join(METHODS)}")
        if self.method == "learned":  # this instance asks for more than its class
            object.__setattr__(self, "needs", self.needs | {"cleaned"})
        in_range("fuse.passes", self.passes, 1, 10)
        for name, low, high in (
            ("psf_sigma", 0.05, 5),
            ("doubt", 0.01, 100),
            ("edge", 1e-4, 1),
            ("prior_sigma", 1e-3, 10),
            ("chroma_prior", 0.01, 100),
            ("registration_sigma", 0, 1),
            ("shared", 0, 10),
            ("agreement", 1e-3, 10),
            ("likeness", 1e-3, 10),
            ("detail_power", 0, 10),
            ("outer", 1, 100),
            ("inner", 1, 1000),
        ):
            if getattr(self, name) != "auto":
                in_range(f"fuse.{name}", getattr(self, name), low, high)

    @property
    def learned(self) -> bool:
        """Whether a network makes pixels."""
        return self.method == "learned"

    def settings(self, track: FaceTrack) -> MapSettings:
        """The settings with ``"auto"`` resolved for the frames of a track."""
        kind = usual_kind(o.frame for o in track.observations)
        psf = PSF[kind] if self.psf_sigma == "auto" else float(self.psf_sigma)
        edge = EDGE[kind] if self.edge == "auto" else float(self.edge)
        method = "learned" if self.learned else "map"
        agreement = AGREEMENT[method] if self.agreement == "auto" else float(self.agreement)
        shared = SHARED[method] if self.shared == "auto" else float(self.shared)
        return MapSettings(
            psf_sigma=psf,
            prior_sigma=self.prior_sigma,
            edge=edge,
            chroma_prior=self.chroma_prior,
            registration_sigma=self.registration_sigma,
            shared=shared,
            agreement=agreement,
            likeness=self.likeness,
            detail_power=self.detail_power,
            outer=self.outer,
            inner=self.inner,
        )

    def __call__(self, track: FaceTrack, run: Run) -> FaceTrack:
        assert track.canvas is not None and track.reference is not None
        settings, canvas = self.settings(track), track.canvas
        doubt = DOUBT[usual_kind(o.frame for o in track.observations)] if self.doubt == "auto" else float(self.doubt)
        run.resolve(
            {
                "psf_sigma": settings.psf_sigma,
                "edge": settings.edge,
                "agreement": settings.agreement,
                "shared": settings.shared,
                "doubt": doubt,
            }
        )
        shown = unhidden(track)
        hidden = told_of_glare(track, shown)
        if hidden and self.method in ("learned", "map"):
            # The frames were registered onto the glare too, and bent to it.
            track = register_again(track, filled_reference(track, shown))
            shown = unhidden(track)
        if self.method == "learned":
            network, progress = run.network(self.card, "fusion"), partial(run.progress, self.name)
            image, weight, observed, uncertainty = learned(track, network, settings, doubt, progress, shown=shown)
        else:
            if self.method == "map":
                track, sources, made = self._map(track, shown, settings, run)
                image, weight, observed = made.image, made.weight, made.observed
            else:
                sources = sources_of(track, shown)
                image, weight = (mean_of if self.method == "mean" else median_of)(sources)
                observed = (weight.sum(axis=0) > 0).astype(np.float32)
                share = np.stack([source.given for source in sources])
                if share.any():
                    warped = np.stack([source.warped for source in sources])
                    taken = (share[..., None] * np.clip(warped, 0, 1)).sum(axis=0)
                    image = (1 - share.sum(axis=0))[..., None] * image + taken
                    weight = taken_by_hand(weight, share)
            uncertainty = spread_between(sources, image, weight, canvas.scale)
            del sources
        track = replace(track, warnings=(*track.warnings, *few_contribute(track, weight), *hidden))
        fused = Fused(
            image=image,
            weight=weight,
            observed=observed,
            uncertainty=uncertainty,
            consistency=consistency_with(track.observations, image, canvas, settings.psf_sigma),
            method=self.method,
        )
        return replace(track, fused=fused)

    def _map(
        self, track: FaceTrack, shown: FloatArray, settings: MapSettings, run: Run
    ) -> tuple[FaceTrack, list[Source], Estimate]:
        """The last estimate, with the track and its sources as they were registered for it."""
        canvas = track.canvas
        assert canvas is not None and track.reference is not None
        current = bicubic(track.observations[track.reference].frame.image, canvas)
        ticks = iter(range(1, self.passes + 3))
        sources, result = sources_of(track, shown), None
        for index in range(self.passes):
            if index > 0:
                # The pass before is let go of first: two of them side by side were the most memory of a run.
                del sources, result
                track = register_again(track, current)
                sources = sources_of(track)
            last = index == self.passes - 1
            result = estimate(
                sources,
                current,
                canvas,
                settings,
                lambda: run.progress(self.name, next(ticks), self.passes + 2),
                colours=last,
            )
            current = result.image
        assert result is not None
        return track, sources, result


def learned(
    track: FaceTrack,
    network: Any,
    settings: MapSettings,
    doubt: float = 1.0,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    *,
    shown: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """The picture of the fusion network, bounded by what the frames allow.

    The network's picture and its predicted variance are the prior of :func:`mfrec.fusion.bounded.bound`. So a pixel is
    partly what the network made of the frames and partly what the frames say themselves; ``observed`` is the share of
    the latter, and ``weight`` mixes the network's own weights and the frames' shares of the precision accordingly.

    Args:
        track: with cleaned frames.
        network: a :class:`mfrec.nets.fusion.Fusion`.
        settings: of the data term.
        doubt: factor on the predicted error, see :data:`DOUBT`.
        progress: called as ``progress(done, total)``.
        shown: see :func:`sources_of`.

    Returns:
        ``image [H, W, 3]``, ``weight [N, H, W]``, ``observed [H, W]``, ``uncertainty [H, W]``. The uncertainty is the
        error that the network predicts for its own picture; the frames make the picture a little better than that.
    """

    canvas = track.canvas
    assert canvas is not None and track.reference is not None
    steps = len(track.observations) + 4
    shown = unhidden(track) if shown is None else shown
    apart = unlike(sources_of(track, shown), canvas.scale)
    frames = laid(track, network.scale, uncontradicted(apart), shown)
    told = np.stack([conditions(noise_of(o.frame)) for o in track.observations])
    give_back()
    made = fuse_frames(network, frames, told, track.reference, lambda read: progress(read, steps))
    del frames
    give_back()
    sources = sources_of(track, shown)  # made again: beside the features they would be a tenth of a run's memory
    progress(steps - 3, steps)
    prior, weight, sigma = made.image, made.weight, made.sigma
    if canvas.scale != network.scale:
        interpolation = "area" if canvas.scale < network.scale else "cubic"
        prior = resize(prior, *canvas.shape, interpolation=interpolation)
        sigma = resize(sigma, *canvas.shape, interpolation="linear")
        weight = np.stack([resize(one, *canvas.shape, interpolation="linear") for one in weight])
    weight = credited(weight, shown)
    ticks = iter(range(steps - 2, steps + 1))
    bounded = bound(
        sources,
        prior,
        doubt * sigma,
        canvas,
        settings,
        chroma=CHROMA_ERROR,
        apart=apart,
        progress=lambda: progress(next(ticks), steps),
    )
    seen = weight.sum(axis=0) > 0
    mixed = (1.0 - bounded.observed) * weight
    for k, share in enumerate(bounded.share):  # frame by frame, without another stack
        mixed[k] += bounded.observed * share
    mixed /= np.maximum(mixed.sum(axis=0), 1e-12)
    mixed *= seen
    return bounded.image, mixed, bounded.observed, np.asarray(sigma, np.float32)


def laid(track: FaceTrack, scale: int, believed: FloatArray, shown: FloatArray) -> LaidFrames:
    """The cleaned frames of a track as the fusion network takes them.

    Args:
        track: with cleaned frames.
        scale: the enlargement that the network knows; the track's canvas may have another one.
        believed: ``[N, H, W]`` on the track's canvas, factor on the trust of each frame.
        shown: see :func:`sources_of`.
    """
    canvas, given = track.canvas, given_by_hand(track)
    assert canvas is not None and track.reference is not None
    rows, columns = canvas.height * scale, canvas.width * scale
    cleaned = [o.cleaned for o in track.observations if o.cleaned is not None]
    registrations = [o.registration for o in track.observations if o.registration is not None]
    share, light = (None, None) if given is None else given
    if canvas.scale != scale:  # maps between grids are smooth

        def resized(one: FloatArray) -> FloatArray:
            return resize(one, rows, columns, interpolation="linear")

        registrations = [
            replace(r, look_up=resize_map(r.look_up, rows, columns), trust=resized(r.trust)) for r in registrations
        ]
        believed = np.stack([resized(one) for one in believed])
        if shown.min() < 1:
            shown = np.stack([resized(one) for one in shown])
        if share is not None and light is not None:
            share, light = np.stack([resized(one) for one in share]), np.stack([resized(one) for one in light])
    frames = LaidFrames([o.frame.image for o in track.observations], cleaned, registrations, believed, shown)
    frames = replace(frames, usual=usual_colours(frames))
    seen = partial(frames.cleaned, top=0, bottom=rows)
    believed = believed.copy()
    for k, alike in enumerate(undisputed(seen, len(believed), track.reference, scale)):
        believed[k] *= alike
    return replace(frames, believed=believed, share=share, light=light)


def register_again(track: FaceTrack, target: FloatArray) -> FaceTrack:
    """Register every frame but the reference onto ``target`` instead of the reference; reposed frames stay as they are,
    because plain registration cannot follow a turned head."""
    canvas = track.canvas
    assert canvas is not None

    def again(position: int) -> Observation:
        o = track.observations[position]
        assert o.similarity is not None
        if o.reposed:
            return o
        phase = noise_of(o.frame).phase
        if position == track.reference:
            registration = identity_registration(canvas, o.frame.image, phase)
        else:
            to_frame = canvas.into_frame(o.similarity)
            registration = register(target, o.frame.image, to_frame, canvas, phase=phase, settings=track.flow)
        return replace(o, registration=registration)

    return replace(track, observations=tuple(side_by_side(again, range(len(track.observations)))))
