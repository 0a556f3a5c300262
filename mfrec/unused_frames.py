"""Frames that went through the whole chain and gave the picture nothing, and whose face is far from the others'."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mfrec.face.people import DOUBTFUL
from mfrec.types import Dropped, FaceTrack

NOTHING = 0.01
"""Share in the picture below which a frame has given nothing."""


def without_unused(track: FaceTrack) -> FaceTrack:
    """The track without frames of which nothing is in the picture and whose face is far from all others'.

    Either alone says little: a blurred frame of the right person has no share, and a turned head is far. Both together
    are what another person's frame looks like once the fusion has refused it; it does not count as one that was used.
    """
    fused = track.fused
    if fused is None or len(track.observations) < 3:
        return track
    share = fused.weight.mean(axis=(1, 2), dtype=np.float64)
    share = share / max(float(share.sum()), 1e-12)
    vectors = {i: o.embedding.astype(np.float64) for i, o in enumerate(track.observations) if o.embedding is not None}
    asked = {hand.index for hand in track.by_hand}
    gone: dict[int, str] = {}
    for i, vector in vectors.items():
        others = [float(np.linalg.norm(vector - other)) for j, other in vectors.items() if j != i]
        far = float(np.median(others)) if others else 0.0
        if i == track.reference or track.observations[i].frame.index in asked:
            continue
        if share[i] < NOTHING and far > DOUBTFUL:
            gone[i] = (
                f"gave nothing to the picture ({100 * share[i]:.1f} % of it), and its face is far from those of the "
                f"other frames (identity distance {far:.2f})"
            )
    if not gone:
        return track
    left = [i for i in range(len(track.observations)) if i not in gone]
    place = {old: new for new, old in enumerate(left)}
    weight = fused.weight[left]
    total = weight.sum(axis=0)
    weight = np.where(total > 0, weight / np.maximum(total, 1e-12), 0.0).astype(np.float32)
    frames = [track.observations[i].frame for i in gone]
    dropped = [Dropped(f.name, gone[i], f.index, "fuse", f) for i, f in zip(gone, frames, strict=True)]
    return replace(
        track,
        observations=tuple(track.observations[i] for i in left),
        dropped=(*track.dropped, *dropped),
        reference=None if track.reference is None else place[track.reference],
        sources={
            region: tuple(place[i] for i in positions if i in place) for region, positions in track.sources.items()
        },
        fused=replace(fused, weight=weight, consistency=fused.consistency[left]),
    )
