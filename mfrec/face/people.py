"""Which faces are one person: agglomeration of identity embeddings, and of what is followed from frame to frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mfrec.face.detect import Detection, overlap
from mfrec.face.identity_gate import find_foreign
from mfrec.face.surroundings import in_whole
from mfrec.metrics.identity import identity_distances
from mfrec.types import FloatArray, Frame, Landmarks

SAME_PERSON = 0.68
"""Mean identity distance up to which groups of faces may be one person.

With the two limits below, on 60 development people: of 236 frames at 32 px (faces of 18 px) none was taken for
somebody else, and 69 % of the frames of somebody else were (90 % with the warning); of 240 at 64 px none, and 94 %
(98 %). The two halves of the people agree within 2 %. Frames of a head that turns far may lie beyond (one in 861).
"""

EXCESS = 0.12
"""How much farther than its members lie from each other something may lie from a group and still belong."""

OUTLIER = 0.25
"""How far beyond a close group a single face is refused, even below :data:`SAME_PERSON`."""

DOUBTFUL = 0.6
"""Median distance from the rest of the track at which a frame is named in a warning (dlib's own limit)."""


NEIGHBOURS = 1.0
"""Seconds up to which frames of a video are neighbours: whoever is where somebody else was earlier than that
is not that person by being there. Frames that were chosen from long footage lie minutes apart."""


@dataclass(frozen=True, eq=False)
class Face:
    """A detection with what tells people apart.

    Attributes:
        frame: position of its frame in the sequence that was given to :func:`find_faces`.
        detection: box and score.
        landmarks: 68 points in frame pixels.
        embedding: ``[128]``.
    """

    frame: int
    detection: Detection
    landmarks: Landmarks
    embedding: FloatArray


def group_people(frames: Sequence[Frame], faces: Sequence[Face], spared: Sequence[int] = ()) -> list[list[Face]]:
    """Which faces are one person: agglomeration with average linkage of identity distances.

    Two faces of one frame are never one person. The faces of neighbouring video frames that overlap and are alike
    are joined beforehand, because a turning head is the same person though its embedding drifts. In the end a face that
    stands apart from its group is taken out of it (:func:`mfrec.face.identity_gate.find_foreign`).

    Args:
        frames: in the order of the positions in ``faces``.
        faces: of all frames.
        spared: positions of frames of which no face is taken out of its group.

    Returns:
        People, the most prominent first (sum of face sides over the frames); within one, faces by frame.
    """

    # A fixed order of the faces themselves makes the result independent of the order of the frames.
    def place(face: Face) -> tuple[float, str, list[float]]:
        frame = frames[face.frame]
        return frame.time or 0.0, frame.sha256, face.detection.box.tolist()

    faces = sorted(faces, key=place)
    vectors = np.array([f.embedding for f in faces], np.float64)
    distance = identity_distances(vectors)
    groups = _chains(frames, faces, distance)
    # Who is followed over neighbouring frames of a video has said by that who it is.
    certain = {m for chain in groups if len(chain) > 1 for m in chain}
    certain |= {m for m, face in enumerate(faces) if face.frame in spared}
    count = np.array([float(len(g)) for g in groups])
    starts = np.cumsum([0, *map(len, groups[:-1])])
    members = np.concatenate(groups).astype(int)
    total = np.add.reduceat(np.add.reduceat(distance[np.ix_(members, members)], starts, axis=0), starts, axis=1)
    seen = np.zeros((len(groups), len(frames)), np.float32)
    for g, chain in enumerate(groups):
        seen[g, [faces[m].frame for m in chain]] = 1
    clash = seen @ seen.T > 0
    alive = np.ones(len(groups), bool)

    def apart(rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Mean distance of some groups from all, ``[R, G]``; infinite where they cannot be one person."""
        mean = total[rows] / np.outer(count[rows], count)
        mean[clash[rows] | (mean > _limits(total.diagonal(), count, rows)) | ~alive] = np.inf
        return mean

    gap = apart(np.arange(len(groups)))  # everybody clashes with themselves
    while True:
        a, b = np.unravel_index(int(np.argmin(gap)), gap.shape)
        if not np.isfinite(gap[a, b]):
            break
        groups[a] = groups[a] + groups[b]
        total[a] += total[b]
        total[:, a] += total[:, b]
        count[a] += count[b]
        clash[a] |= clash[b]
        clash[:, a] = clash[a]
        alive[b] = False
        gap[b] = gap[:, b] = np.inf
        gap[a] = gap[:, a] = apart(np.array([a]))[0]
    parted = [part for g in np.flatnonzero(alive) for part in without_foreign(groups[g], vectors, certain)]
    people = [sorted((faces[m] for m in part), key=lambda f: f.frame) for part in parted]

    def prominence(person: list[Face]) -> tuple[float, float]:
        # Ties (two people equally large in all frames) go to the one on the left.
        return -round(math.fsum(f.detection.side for f in person), 3), min(float(f.detection.box[0]) for f in person)

    return sorted(people, key=prominence)


def without_foreign(group: list[int], vectors: NDArray, certain: set[int]) -> list[list[int]]:
    """A group without the faces that stand apart from it, each of which becomes a group of its own.

    Args:
        group: numbers of faces.
        vectors: ``[N, 128]`` of all faces.
        certain: faces that stay wherever they stand.
    """
    apart = [group[i] for i in find_foreign([vectors[m] for m in group])]
    apart = [m for m in apart if m not in certain]
    return [[m for m in group if m not in apart], *([m] for m in apart)]


def _limits(total_within: NDArray, count: NDArray, rows: NDArray[np.intp]) -> NDArray[np.float64]:
    """Mean distance ``[R, G]`` up to which some of the groups and any other may be one person.

    A group that is loose itself (poor pictures) accepts what is a little looser; a single face that stands far
    out of a close group is refused earlier.
    """
    pairs = count * (count - 1)
    within = np.where(pairs > 0, total_within / np.maximum(pairs, 1), np.nan)
    looser = np.fmax.outer(within[rows], within)
    limit = np.full(looser.shape, SAME_PERSON)
    single = np.minimum.outer(count[rows], count) == 1
    close = np.clip(looser + OUTLIER, DOUBTFUL, SAME_PERSON)
    limit = np.where(single & np.isfinite(looser), close, limit)
    return np.fmax(limit, looser + EXCESS)


def _chains(frames: Sequence[Frame], faces: Sequence[Face], distance: NDArray) -> list[list[int]]:
    """Faces joined over neighbouring frames of a video; of stills, every face by itself."""
    if any(frame.time is None for frame in frames):
        return [[i] for i in range(len(faces))]
    by_frame: dict[int, list[int]] = {}
    for i, face in enumerate(faces):
        by_frame.setdefault(face.frame, []).append(i)
    places = [in_whole(face.detection.box, frames[face.frame]) for face in faces]
    order = sorted(range(len(frames)), key=lambda i: (frames[i].time or 0.0, frames[i].index))
    chains: list[list[int]] = []
    open_chains: list[list[int]] = []
    for before, position in zip([order[0], *order], order, strict=False):
        if (frames[position].time or 0.0) - (frames[before].time or 0.0) > NEIGHBOURS:
            open_chains = []
        free = list(by_frame.get(position, []))
        onward = []
        for chain in open_chains:
            last = chain[-1]
            box = places[last]
            alike = [i for i in free if distance[last, i] < DOUBTFUL and overlap(box, places[i]) > 0.3]
            if alike:
                nearest = min(alike, key=lambda i, last=last: distance[last, i])
                free.remove(nearest)
                chain.append(nearest)
                onward.append(chain)
        fresh = [[i] for i in free]
        chains += fresh
        open_chains = onward + fresh
    return chains
