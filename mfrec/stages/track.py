"""Find the face in every frame and follow one person.

Three steps: :func:`mfrec.face.search.find_faces` looks into every frame, :func:`group_people` says which
faces are one person, and :class:`Track` chooses the person to follow and gives a reason for each frame that
does not show them. Stills have no order, so nothing here depends on how they were listed; the frames of a
video are followed in time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mfrec.errors import NoFaceError, UsageError
from mfrec.face.detect import Detection, overlap
from mfrec.face.identity_gate import find_foreign, steady_embeddings
from mfrec.face.landmarks import detect_landmarks, resolve_source
from mfrec.face.search import CERTAIN, THOROUGH, Sighting, find_faces, tight_crops, upright_turn
from mfrec.face.turn import TURNS, turned
from mfrec.pipeline import Run
from mfrec.types import Dropped, FaceTrack, FloatArray, Frame, Landmarks, Subject

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


@dataclass(frozen=True)
class Track:
    """Faces found by a cascade of three networks, grouped into people by identity embedding, one person followed.

    Attributes:
        subject: number of the person to follow, from 1 (most prominent: size times frames seen); 0 follows the most
            prominent one of those that ``reference`` shows, or of all.
        landmarks: ``"dlib"``, ``"fan"``, or ``"auto"`` (FAN where its package and weights are present).
        turn: by how many degrees clockwise the frames are turned before anything else, 0, 90, 180 or 270; ``"auto"``
            turns them where faces then stand upright in most frames, and lie in most as they are.
        reference: index or name of the frame that the caller chose, who has looked at it: it is not taken for
            somebody else's because it stands apart from the others. ``"auto"`` spares none.

    Raises:
        NoFaceError: nobody was found in any frame.
        UsageError: ``subject`` or ``landmarks`` names something that is not there.
        WeightsError: a model is missing or damaged.
    """

    subject: int = 0
    landmarks: str = "auto"
    turn: str | int = "auto"
    reference: str | int = "auto"

    learned = False

    name: ClassVar[str] = "track"
    needs: ClassVar[frozenset[str]] = frozenset({"frames"})
    gives: ClassVar[frozenset[str]] = frozenset({"boxes", "landmarks"})
    literature: ClassVar[tuple[str, ...]] = (
        "Zhang, Zhang, Li, Qiao: Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks, "
        "IEEE Signal Processing Letters 23(10), 2016",
        "Kazemi, Sullivan: One Millisecond Face Alignment with an Ensemble of Regression Trees, CVPR 2014",
        "He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition, CVPR 2016 (dlib's 128-d embedding)",
    )

    def __call__(self, track: FaceTrack, run: Run) -> FaceTrack:
        source = resolve_source(self.landmarks)
        track, found, second_look = self._search(track, run)
        frames = [observation.frame for observation in track.observations]
        if not any(sighting.faces for sighting in found):
            sizes = sorted({f"{f.image.shape[1]}x{f.image.shape[0]}" for f in frames})
            raise NoFaceError(
                f"no face was found in any of the {len(frames)} frames ({', '.join(sizes[:3])} pixels), neither as "
                "they are, nor with their contrast stretched, nor turned by quarters; at least one has to show a face "
                "of about 14 pixels or more; check that these are the right frames, or crop them around the face"
            )
        seen: list[tuple[int, Detection, Landmarks]] = []
        pictures: list[FloatArray] = []
        for position, sighting in enumerate(found):
            run.progress("track", position, len(frames))
            picture = sighting.picture(frames[position].image)
            for detection in sighting.faces:
                seen.append((position, detection, detect_landmarks(picture, detection.box, source)))
                pictures.append(picture)
        embeddings = steady_embeddings([(p, points) for p, (_, _, points) in zip(pictures, seen, strict=True)])
        faces = [
            Face(position, detection, points, embedding)
            for (position, detection, points), embedding in zip(seen, embeddings, strict=True)
        ]
        named = [i for i, frame in enumerate(frames) if self.reference in (frame.index, frame.name)]
        people = group_people(frames, faces, spared=named)
        if not 0 <= self.subject <= len(people):
            raise UsageError(
                f"there is no subject {self.subject}: {len(people)} "
                f"{'person was' if len(people) == 1 else 'people were'} found; choose 1 to {len(people)}, or auto"
            )
        shown = (i for i, person in enumerate(people) if any(face.frame in named for face in person))
        chosen = self.subject - 1 if self.subject else next(shown, 0)
        subjects = tuple(
            Subject(i + 1, {frames[f.frame].index: f.detection.box for f in person}, i == chosen)
            for i, person in enumerate(people)
        )
        mine = {face.frame: face for face in people[chosen]}
        tight = tight_crops(frames, found)
        kept, dropped = [], list(track.dropped)
        for position, observation in enumerate(track.observations):
            frame = observation.frame
            others = [(i + 1, f) for i, person in enumerate(people) for f in person if f.frame == position]
            if position in mine:
                face = mine[position]
                kept.append(
                    replace(
                        observation,
                        box=face.detection.box,
                        score=face.detection.score,
                        landmarks=face.landmarks,
                        embedding=face.embedding,
                    )
                )
            elif others:
                reason = _somebody_else(chosen + 1, people[chosen], others)
                dropped.append(Dropped(frame.name, reason, frame.index, self.name, frame))
            elif tight:
                kept.append(replace(observation, box=None, score=0.0, landmarks=None, embedding=None))
            else:
                reason = f"no face found; subject {chosen + 1} was seen in {len(mine)} of {len(frames)} frames"
                dropped.append(Dropped(frame.name, reason, frame.index, self.name, frame))
        warnings = list(track.warnings)
        if second_look:
            seen_in = sum(bool(sighting.faces) for sighting in found)
            warnings.append(
                f"No frame shows a face clearly; {seen_in} of {len(frames)} were accepted with "
                f"lowered thresholds ({THOROUGH[2]} instead of {CERTAIN[2]}). Check that they show a face at all."
            )
        dim = sum(sighting.stretched for sighting in found)
        if dim:
            warnings.append(
                f"In {dim} of {len(frames)} frames faces were only found once their contrast was stretched; the pixels "
                "that are used are those of the file."
            )
        warnings += identity_warnings(frames, people[chosen])
        if len(people) > 1 and len(mine) < 0.5 * len(frames):
            warnings.append(
                f"The frames show {len(people)} different people, and the one that was followed in only {len(mine)} "
                f"of {len(frames)} frames. Check the numbered faces, and choose with --subject if that is wrong."
            )
        return replace(
            track,
            observations=tuple(kept),
            dropped=tuple(dropped),
            subjects=subjects,
            warnings=tuple(warnings),
        )

    def _search(self, track: FaceTrack, run: Run) -> tuple[FaceTrack, list[Sighting], bool]:
        """The track with its frames upright, what was seen in each, and whether with lowered thresholds everywhere."""
        if str(self.turn) not in ("auto", *map(str, TURNS)):
            raise UsageError(f"track.turn is '{self.turn}'; expected auto, {', '.join(map(str, TURNS))}")
        frames = [observation.frame for observation in track.observations]
        degrees = 0 if self.turn == "auto" else int(self.turn)
        found, second_look = find_faces([turned(frame, degrees) for frame in frames], run.progress)
        few = second_look or 2 * sum(bool(sighting.faces) for sighting in found) < len(frames)
        if self.turn == "auto" and few:
            degrees = upright_turn(frames)
            if degrees:
                found, second_look = find_faces([turned(frame, degrees) for frame in frames], run.progress)
        run.resolve({"turn": degrees})
        if degrees:
            track = replace(
                track,
                observations=tuple(replace(o, frame=turned(o.frame, degrees)) for o in track.observations),
                warnings=(*track.warnings, f"The frames were turned by {degrees} degrees clockwise."),
            )
        return track, found, second_look


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
    squares = (vectors**2).sum(axis=1)
    distance = np.sqrt(np.maximum(squares[:, None] + squares[None] - 2 * vectors @ vectors.T, 0.0))
    groups = _chains(frames, faces, distance)
    # Who is followed over neighbouring frames of a video has said by that who it is.
    certain = {m for chain in groups if len(chain) > 1 for m in chain}
    certain |= {m for m, face in enumerate(faces) if face.frame in spared}
    total = np.array([[distance[np.ix_(a, b)].sum() for b in groups] for a in groups])
    count = np.array([float(len(g)) for g in groups])
    seen = np.zeros((len(groups), len(frames)), bool)
    for g, members in enumerate(groups):
        seen[g, [faces[m].frame for m in members]] = True
    alive = np.ones(len(groups), bool)
    while alive.sum() > 1:
        mean = total / np.outer(count, count)
        limit = _limits(np.diag(total), count)
        clash = (seen.astype(np.float32) @ seen.T.astype(np.float32)) > 0
        mean[clash | (mean > limit) | ~np.outer(alive, alive)] = np.inf
        np.fill_diagonal(mean, np.inf)
        a, b = np.unravel_index(int(np.argmin(mean)), mean.shape)
        if not np.isfinite(mean[a, b]):
            break
        groups[a] = groups[a] + groups[b]
        total[a] += total[b]
        total[:, a] += total[:, b]
        count[a] += count[b]
        seen[a] |= seen[b]
        alive[b] = False
    members = [m for g in np.flatnonzero(alive) for m in without_foreign(groups[g], vectors, certain)]
    people = [sorted((faces[m] for m in group), key=lambda f: f.frame) for group in members]

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


def _limits(total_within: NDArray, count: NDArray) -> NDArray[np.float64]:
    """Mean distance ``[G, G]`` up to which two groups may be one person.

    A group that is loose itself (poor pictures) accepts what is a little looser; a single face that stands far
    out of a close group is refused earlier.
    """
    pairs = count * (count - 1)
    within = np.where(pairs > 0, total_within / np.maximum(pairs, 1), np.nan)
    looser = np.fmax.outer(within, within)
    limit = np.full(looser.shape, SAME_PERSON)
    single = np.minimum.outer(count, count) == 1
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
    order = sorted(range(len(frames)), key=lambda i: (frames[i].time or 0.0, frames[i].index))
    chains: list[list[int]] = []
    open_chains: list[list[int]] = []
    for position in order:
        free = list(by_frame.get(position, []))
        onward = []
        for chain in open_chains:
            last = chain[-1]
            box = faces[last].detection.box
            alike = [i for i in free if distance[last, i] < DOUBTFUL and overlap(box, faces[i].detection.box) > 0.3]
            if alike:
                nearest = min(alike, key=lambda i, last=last: distance[last, i])
                free.remove(nearest)
                chain.append(nearest)
                onward.append(chain)
        fresh = [[i] for i in free]
        chains += fresh
        open_chains = onward + fresh
    return chains


def _somebody_else(number: int, person: Sequence[Face], others: Sequence[tuple[int, Face]]) -> str:
    other, face = max(others, key=lambda pair: pair[1].detection.side)
    return (
        f"shows somebody else (subject {other}): identity distance {_median_distance(face, person):.2f} from subject "
        f"{number}, whose own frames lie {_spread(person):.2f} apart"
    )


def _median_distance(face: Face, person: Sequence[Face]) -> float:
    return float(np.median([np.linalg.norm(face.embedding - other.embedding) for other in person if other is not face]))


def _spread(person: Sequence[Face]) -> float:
    """Median distance between the faces of one person; 0 for a single one."""
    vectors = np.array([f.embedding for f in person], np.float64)
    upper = np.triu_indices(len(vectors), 1)
    if not len(upper[0]):
        return 0.0
    return float(np.median(np.linalg.norm(vectors[upper[0]] - vectors[upper[1]], axis=1)))


def identity_warnings(frames: Sequence[Frame], person: Sequence[Face]) -> list[str]:
    """A sentence when the embeddings of one track disagree, naming the frames that stand apart."""
    if len(person) < 2:
        return []
    spread = _spread(person)
    apart = [(face, _median_distance(face, person)) for face in person]
    named = [(face, d) for face, d in apart if d > min(max(DOUBTFUL, spread + 0.5 * EXCESS), spread + OUTLIER)]
    if not named and spread <= DOUBTFUL:
        return []
    if named:
        which = ", ".join(f"{frames[face.frame].name} ({d:.2f})" for face, d in named[:5])
        what = f"{which} {'stands' if len(named) == 1 else 'stand'} apart from the rest of the track"
    else:
        what = "no two frames are much alike"
    return [
        f"Identity embeddings disagree: {what}, where the median distance is {spread:.2f} and one person mostly stays "
        f"below {DOUBTFUL}. Small or damaged faces do that too; check on the originals that this is one person."
    ]
