"""Make one picture of all registered frames."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Literal

import numpy as np

from mfrec.camera.forward import PSF
from mfrec.camera.noise import usual_kind
from mfrec.errors import UsageError
from mfrec.fusion.averages import mean_of, median_of
from mfrec.fusion.by_hand import taken_by_hand
from mfrec.fusion.glare import filled_reference, told_of_glare, unhidden
from mfrec.fusion.learned import learned
from mfrec.fusion.on_canvas import bicubic
from mfrec.fusion.robust import Estimate, estimate
from mfrec.fusion.source import MapSettings, Source
from mfrec.fusion.spread import spread_between
from mfrec.fusion.track_sources import consistency_with, register_again, sources_of
from mfrec.pipeline import Run, in_range
from mfrec.types import FaceTrack, FloatArray, Fused

METHODS = ("mean", "median", "map", "learned")

DOMINATED = 0.75
"""Share of one frame in the picture from which on the reader is warned that the others hardly matter."""

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
    prior_sigma: float = MapSettings.prior_sigma
    edge: float | Literal["auto"] = "auto"
    chroma_prior: float = MapSettings.chroma_prior
    registration_sigma: float = MapSettings.registration_sigma
    shared: float | Literal["auto"] = "auto"
    agreement: float | Literal["auto"] = "auto"
    likeness: float = MapSettings.likeness
    detail_power: float = MapSettings.detail_power
    outer: int = MapSettings.outer
    inner: int = MapSettings.inner

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
