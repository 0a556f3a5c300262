"""The frames of a track as the estimates take them, registered once more, and held against a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mfrec.camera.forward import degrade
from mfrec.camera.noise import noise_of
from mfrec.errors import UsageError
from mfrec.face.region_error import error_of
from mfrec.face.region_labels import labels_on_canvas, regions_shown
from mfrec.fusion.by_hand import LEAST_SHOWN, given_maps, given_region
from mfrec.fusion.glare import unhidden
from mfrec.fusion.source import Source, as_source
from mfrec.image.filters import gaussian
from mfrec.image.geometry import inside, warp
from mfrec.registration.dense import identity_registration, register
from mfrec.runtime.threads import side_by_side
from mfrec.types import Canvas, FaceTrack, FloatArray, Observation, Quality

FAR, UNKNOWN_GAP, LEAST = 60.0, 15.0, 0.05
"""Degrees between two heads from which on a region is worth least, what is assumed of a frame without landmarks, and
that least. Falling to the least at 40 degrees already gains up to 0.2 dB on some development sequences and loses 0.3 on
others, so the slope is gentle."""


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
