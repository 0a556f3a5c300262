"""Cross over: bring the best-seen regions of other frames into the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from mfrec.errors import UsageError
from mfrec.face.region_labels import regions_shown
from mfrec.face.regions import regions_named
from mfrec.fusion.by_hand import LEAST_SHOWN
from mfrec.fusion.crossover import METHODS, cross_over, cross_over_learned, feather_width, grown, match_seam
from mfrec.fusion.planes import planes_of
from mfrec.fusion.spread import spread_of_sources
from mfrec.fusion.track_sources import consistency_with, sources_of
from mfrec.image.geometry import inside
from mfrec.pipeline import Run, in_range
from mfrec.stages.fuse import Fuse
from mfrec.types import ByHand, FaceTrack, FloatArray, Fused, Observation, Region, Registration


def better_sources(track: FaceTrack, feature: Sequence[Region], margin: float) -> list[int]:
    """Positions of the frames that show a feature better than the reference does, best first.

    Args:
        track: with ``reference`` and ``sources``.
        feature: regions that come from one frame together; their ranks are averaged.
        margin: how much higher than the reference's the mean score must be, where both were scored.
    """
    regions = [region for region in feature if track.sources.get(region)]
    if not regions or track.reference is None:
        return []
    count = len(track.observations)

    def rank(position: int) -> float:
        orders = [track.sources[region] for region in regions]
        return float(np.mean([order.index(position) if position in order else count for order in orders]))

    def score(position: int) -> float | None:
        quality = track.observations[position].quality
        if any(region not in quality for region in regions):
            return None
        return float(np.mean([quality[region].score for region in regions]))

    least = score(track.reference)
    better: list[int] = []
    names = [observation.frame.name for observation in track.observations]
    for position in sorted(range(count), key=lambda i: (rank(i), names[i], i)):
        scored = score(position)
        if rank(position) >= rank(track.reference):
            continue
        if least is None or scored is None or scored > least + margin:
            better.append(position)
    return better


def shown(observation: Observation, registration: Registration) -> FloatArray:
    """How far ``[H, W]`` in [0, 1] the frame shows each canvas pixel: its trust, and 0 outside of the frame."""
    return registration.trust * inside(registration.look_up, *observation.frame.image.shape[:2])


@dataclass(frozen=True)
class Cross:
    """Replace badly seen regions of the reference by the same regions of the frames that show them best.

    A feature comes from one frame as a whole (two eyes look in one direction), from the frame whose regions rank best
    in ``track.sources``, and only when it scores higher than the reference's. Its light and colour are matched in the
    ring around it, and it is blended over a feather that follows its size (:func:`feather_width`). After the stage
    ``clean`` the cleaned frames are crossed over.

    Attributes:
        method: ``"soft"``, ``"sharp"`` or ``"pyramid"``, see :func:`cross_over`; ``"unet"`` is a network, see
            :func:`cross_over_learned`.
        card: of the network of method ``"unet"``.
        regions: names of features (:data:`~mfrec.face.regions.FEATURES`) or of single regions (``"l_eye"``).
        softness: feather as a share of the radius of the largest circle in the region.
        margin: how much better than the reference's a source's score must be.
        psf_sigma: of the camera that ``consistency`` is measured with, as in :class:`~mfrec.stages.fuse.Fuse`.
    """

    method: Literal["soft", "sharp", "pyramid", "unet"] = "soft"
    card: str = "crossover_unet"
    regions: tuple[str, ...] = ("skin", "nose", "brows", "eyes", "mouth")
    softness: float = 0.5
    margin: float = 0.05
    psf_sigma: float | Literal["auto"] = "auto"

    name: ClassVar[str] = "cross"
    needs: ClassVar[frozenset[str]] = frozenset({"reference", "registration", "regions", "sources"})
    gives: ClassVar[frozenset[str]] = frozenset({"fused"})
    literature: ClassVar[tuple[str, ...]] = (
        "Burt, Adelson: A Multiresolution Spline with Application to Image Mosaics. ACM TOG 2(4), 1983",
        "Perez, Gangnet, Blake: Poisson Image Editing. SIGGRAPH 2003 (colour at the seam)",
    )

    def __post_init__(self) -> None:
        if self.method not in (*METHODS, "unet"):
            raise UsageError(f"unknown cross-over '{self.method}'; known are {', '.join((*METHODS, 'unet'))}")
        for name in self.regions:
            regions_named(name)
        in_range("cross.softness", self.softness, 0, 10)
        in_range("cross.margin", self.margin, 0, 1)
        if self.psf_sigma != "auto":
            in_range("cross.psf_sigma", self.psf_sigma, 0.05, 5)

    @property
    def learned(self) -> bool:
        """Whether a network makes pixels."""
        return self.method == "unet"

    def __call__(self, track: FaceTrack, run: Run) -> FaceTrack:
        if track.reference is None or track.canvas is None:
            raise UsageError("stage 'cross' found no reference frame and no canvas; run the stage 'align' before it")
        registered = [(o, o.registration) for o in track.observations if o.registration is not None]
        if len(registered) != len(track.observations):
            raise UsageError("stage 'cross' found frames without registration; run the stage 'align' before it")
        frames = self._on_canvas(track)
        seen = np.stack([shown(o, r) for o, r in registered])
        labels = [regions_shown(o, r, track.canvas.shape) for o, r in registered]

        own = labels[track.reference]
        by_hand = {hand.regions: self._by_hand(hand, track) for hand in track.by_hand if hand.index is not None}
        features = [f for f in map(regions_named, self.regions) if f not in by_hand]
        # What somebody decided lies on top of a feature that holds it.
        features = [*features, *by_hand]
        # Large features first, so that a small one lies on top of them.
        features.sort(key=lambda feature: (feature in by_hand, -int(np.isin(own, feature).sum())))
        image = frames[track.reference]
        weight = np.zeros(seen.shape, np.float32)
        weight[track.reference] = 1.0
        for done, feature in enumerate(features):
            run.progress(self.name, done, len(features))
            hand = by_hand.get(feature)
            for source in better_sources(track, feature, self.margin) if hand is None else [hand[0]]:
                drawn = hand is not None and hand[1]
                region = np.isin(own, feature) | (np.isin(labels[source], feature) & (not drawn))
                trusted = seen[source] > 0.5
                if not region.any() or (region & trusted).sum() < LEAST_SHOWN * region.sum():
                    continue
                feather = feather_width(region, self.softness)
                mask = (grown(region, feather) & trusted).astype(np.float32)
                matched = match_seam(frames[source], image, (mask > 0) & ~region)
                image, share = self._crossed(image, matched, mask, feather, run)
                weight *= 1.0 - share
                weight[source] += share
                break
        camera = Fuse(psf_sigma=self.psf_sigma).settings(track)
        fused = Fused(
            image=image,
            weight=weight,
            observed=np.ones(own.shape, np.float32),
            uncertainty=spread_of_sources(frames, seen, weight, track.canvas.scale),
            consistency=consistency_with(track.observations, image, track.canvas, camera.psf_sigma),
            method=f"cross-over, {self.method}",
        )
        return replace(track, fused=fused)

    def _on_canvas(self, track: FaceTrack) -> FloatArray:
        """The frames ``[N, H, W, 3]`` on the canvas in the reference's light, cleaned where all of them were."""
        cleaned = [
            planes_of(o.frame.image, o.cleaned, o.registration)[:3].transpose(1, 2, 0)
            for o in track.observations
            if o.cleaned is not None and o.registration is not None
        ]
        if len(cleaned) < len(track.observations):
            cleaned = [source.warped for source in sources_of(track)]
        return np.clip(np.stack(cleaned), 0.0, 1.0)

    def _by_hand(self, hand: ByHand, track: FaceTrack) -> tuple[int, bool]:
        """Position of the frame that gives a region by hand, and whether the region was drawn."""
        indices = [observation.frame.index for observation in track.observations]
        return indices.index(hand.index if hand.index is not None else -1), hand.mask is not None

    def _crossed(
        self, target: FloatArray, source: FloatArray, mask: NDArray[np.float32], feather: float, run: Run
    ) -> tuple[FloatArray, FloatArray]:
        """The crossed picture ``[H, W, 3]`` and the share of the source ``[H, W]``."""
        if self.method == "unet":
            return cross_over_learned(run.network(self.card, "crossover_unet"), target, source, mask, feather)
        nothing = np.zeros((*mask.shape, 1), np.float32)
        share = cross_over(nothing, nothing + 1.0, mask, self.method, feather)[..., 0]
        return cross_over(target, source, mask, self.method, feather), share
