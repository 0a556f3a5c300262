"""The picture of the fusion network, bounded by what the frames allow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from mfrec.camera.conditions import conditions
from mfrec.camera.noise import noise_of
from mfrec.fusion.belief import uncontradicted, undisputed, unlike
from mfrec.fusion.bounded import bound
from mfrec.fusion.glare import credited, unhidden
from mfrec.fusion.planes import LaidFrames, fuse_frames, usual_colours
from mfrec.fusion.source import MapSettings
from mfrec.fusion.track_sources import given_by_hand, sources_of
from mfrec.image.geometry import resize, resize_map
from mfrec.runtime.memory import give_back
from mfrec.types import FaceTrack, FloatArray

CHROMA_ERROR = 0.3
"""Error of the network's colour differences as a multiple of that of its luma: measured as 0.24 (Cb) and 0.33 (Cr) on
ten sequences of training people, 32 px JPEGs. A frame's blurred colours moved the picture as far as its luma did with 1
in its place: 0.009 to 0.069 dB lost there (mean 0.037), nothing on clips; the identity distance stays within 0.001."""


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
        doubt: factor on the predicted error, see :data:`mfrec.stages.fuse.DOUBT`.
        progress: called as ``progress(done, total)``.
        shown: see :func:`~mfrec.fusion.track_sources.sources_of`.

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
        shown: see :func:`~mfrec.fusion.track_sources.sources_of`.
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
