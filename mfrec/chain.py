"""Stages one after the other on a track, the same bits whatever the order in which the files were listed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from mfrec.asked_reference import check_reference
from mfrec.asked_regions import check_sources
from mfrec.pipeline import FACTS, Pipeline, Run, Stage
from mfrec.recipe import Recipe
from mfrec.runtime.memory import give_back
from mfrec.runtime.threads import one_thread
from mfrec.types import FaceTrack, Frame


def run_chain(stages: Sequence[Stage], track: FaceTrack, run: Run) -> FaceTrack:
    """Run stages whose needs were checked before, so that nothing but frames and parameters decides on any bit.

    Each works with one thread, see :func:`mfrec.runtime.threads.one_thread`. A sum over frames is rounded differently
    in another order, so pictures without a time are worked on in the order of their hashes.
    """
    with one_thread():
        stills = all(observation.frame.time is None for observation in track.observations)
        track = arranged(track, lambda frame: (frame.sha256 if stills else "", frame.index))
        for stage in stages:
            # Known only now: what the tracking found out decides which frames are left to choose from.
            check_reference(getattr(stage, "reference", "auto"), track)
            check_sources(track)
            give_back()
            track = Pipeline((stage,), given=FACTS)(track, run)
        return arranged(track, lambda frame: (frame.index,))


def arranged(track: FaceTrack, key: Callable[[Frame], Any]) -> FaceTrack:
    """The same track with its frames in the order of ``key``, and everything that counts frames along with them."""
    order = sorted(range(len(track.observations)), key=lambda position: key(track.observations[position].frame))
    if order == list(range(len(order))):
        return track
    place = {old: new for new, old in enumerate(order)}
    fused = track.fused
    if fused is not None:
        fused = replace(fused, weight=fused.weight[order], consistency=fused.consistency[order])
    return replace(
        track,
        observations=tuple(track.observations[old] for old in order),
        reference=None if track.reference is None else place[track.reference],
        sources={region: tuple(place[old] for old in positions) for region, positions in track.sources.items()},
        fused=fused,
    )


def common_stages(one: Recipe, other: Recipe) -> int:
    """How many stages two chains have in common from the start, parameters included."""
    count = 0
    for a, b in zip(one.stages, other.stages, strict=False):
        if a != b:
            break
        count += 1
    return count
