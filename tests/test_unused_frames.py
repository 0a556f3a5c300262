"""A frame of which nothing is in the picture and whose face is far from the others is not one that was used."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from report_case import reconstruction

from mfrec.types import FaceTrack, Fused
from mfrec.unused_frames import without_unused


@pytest.fixture(scope="module")
def track() -> FaceTrack:
    """A fused track whose second frame has no share and a far face."""
    made = reconstruction()
    track = made.track
    weight = np.array(made.weight)
    weight[0] += weight[1]
    weight[1] = 0
    near = np.zeros(128, np.float32)
    far = near.copy()
    far[0] = 0.9
    observations = tuple(replace(o, embedding=far if i == 1 else near) for i, o in enumerate(track.observations))
    fused = Fused(made.image, weight, made.observed, made.uncertainty, made.consistency, "map")
    return replace(track, observations=observations, reference=2, fused=fused)


def test_it_is_left_out_with_the_numbers(track: FaceTrack) -> None:
    out = without_unused(track)
    assert out.fused is not None and track.fused is not None
    assert len(out.observations) == len(track.observations) - 1 == len(out.fused.weight)
    dropped = out.dropped[-1]
    assert dropped.index == track.observations[1].frame.index
    assert "gave nothing to the picture (0.0 % of it)" in dropped.reason and "0.90" in dropped.reason
    assert out.reference == 1
    assert out.observations[1].frame is track.observations[2].frame
    assert np.allclose(out.fused.weight.sum(axis=0)[track.fused.weight.sum(axis=0) > 0], 1, atol=1e-5)


def test_either_alone_leaves_it_in(track: FaceTrack) -> None:
    near = tuple(replace(o, embedding=np.zeros(128, np.float32)) for o in track.observations)
    assert without_unused(replace(track, observations=near)).observations == near
    assert track.fused is not None
    even = np.full_like(track.fused.weight, 1 / len(track.observations))
    kept = replace(track, fused=replace(track.fused, weight=even))
    assert without_unused(kept) is kept
    chief = replace(track, reference=1)
    assert without_unused(chief) is chief
