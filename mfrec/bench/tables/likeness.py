"""What a recognition network can still tell of small faces: who it is, and whether one frame is a look-alike's.

``likeness`` rests the limits of :mod:`mfrec.triage`: at which size of the frames the right person is the nearest of all
by identity distance. ``alike`` is the hardest case of :mod:`mfrec.bench.tables.foreign_trials`: one frame in seven is
that of somebody who is alike, among the :data:`PAIRS` most alike pairs of people.

Landmarks are those of the true pictures, so that the question is what the pixels still show, not what a detector finds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mfrec.bench.run import truth_frames
from mfrec.bench.tables.foreign_trials import QUALITY
from mfrec.bench.tables.result import Row, TableResult, finished
from mfrec.bench.tables.sequences import chosen_sequences
from mfrec.bench.weights import DETECTOR
from mfrec.errors import NoFaceError
from mfrec.image.geometry import resize
from mfrec.imageio.sequences import TruthSequence
from mfrec.metrics.names import Truth
from mfrec.pipeline import Progress
from mfrec.types import Drawn, Landmarks

SIDES = (16, 24, 32, 48, 64)
"""Pixels of the frames along each side; the eyes lie about 0.23 of it apart."""

SIDE = 64
"""Of the frames of ``alike``."""

PAIRS = 20
"""Pairs of people who are most alike, of all that there are."""

FRAMES = 4
"""Frames of a sequence from which an embedding is averaged."""


@dataclass(frozen=True)
class Coded(Drawn):
    """How the frames of a sequence are made small: side in pixels, and the JPEG quality of each."""

    sequence: str
    side: int
    quality: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Seen:
    """Embeddings of one sequence.

    Attributes:
        sequence: which.
        eyes: distance of the eyes as a share of the frame's side.
        truth: ``[128]``, mean of the first and the last true picture.
        small: side to ``[N, 128]`` of the coded frames.
    """

    sequence: TruthSequence
    eyes: float
    truth: NDArray[np.float64]
    small: dict[int, NDArray[np.float64]]


def draw_coded(sequence: TruthSequence, side: int, count: int, seed: int) -> Coded:
    """The qualities of the frames, each at random."""
    digest = hashlib.sha256(f"{seed}/likeness/{side}/{sequence.name}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    return Coded(sequence.name, side, tuple(int(q) for q in rng.integers(QUALITY[0], QUALITY[1] + 1, count)))


def see(sequence: TruthSequence, sides: Sequence[int], seed: int) -> Seen:
    """Embed a sequence at several sizes.

    Raises:
        NoFaceError: no face in one of its true pictures.
    """
    from mfrec.face.identity_gate import steady_embeddings
    from mfrec.train.data.degrade import through_jpeg

    truths = truth_frames(sequence)
    marks = [Truth(image, sequence.name).face.landmarks for image in truths]
    whole = truths[0].shape[1]
    ends = steady_embeddings([(truths[i], marks[i]) for i in (0, -1)])
    small = {}
    for side in sides:
        coded = draw_coded(sequence, side, len(truths), seed)
        faces = []
        for image, points, quality in zip(truths, marks, coded.quality, strict=True):
            frame = through_jpeg(resize(image, side, side, interpolation="area"), quality).image
            faces.append((frame, Landmarks((points.points + 0.5) * (side / whole) - 0.5, points.source)))
        used = faces if side == SIDE else faces[1 : 1 + FRAMES]
        small[side] = np.array(steady_embeddings(used), np.float64)
    eyes = float(np.median([points.interocular for points in marks])) / whole
    return Seen(sequence, eyes, np.stack(ends).mean(axis=0, dtype=np.float64), small)


def seen_of(
    data: Path | None, people: str, limit: int | None, sides: Sequence[int], *, seed: int, progress: Progress
) -> tuple[list[Seen], str]:
    """At most two sequences of each person, embedded; and in words what they are."""
    with chosen_sequences(data, people, limit) as (sequences, said):
        taken: dict[str, int] = {}
        out = []
        for i, sequence in enumerate(sequences):
            progress("tables, likeness", i, len(sequences))
            if taken.get(sequence.person, 0) < 2:
                try:
                    out.append(see(sequence, sides, seed))
                except NoFaceError:
                    continue
                taken[sequence.person] = taken.get(sequence.person, 0) + 1
        progress("tables, likeness", len(sequences), len(sequences))
    return out, f"{said}, at most two sequences of each, seed {seed}"


def likeness_table(data: Path | None, people: str, seed: int, limit: int | None, progress: Progress) -> TableResult:
    """How often a small, coded face is nearest to another sequence of the right person, of all people."""
    seen, said = seen_of(data, people, limit, SIDES, seed=seed, progress=progress)
    by_person: dict[str, list[Seen]] = {}
    for one in seen:
        by_person.setdefault(one.sequence.person, []).append(one)
    rows = []
    for side in SIDES:
        for count in (1, FRAMES):
            ranks, eyes = [], []
            for person, (own, *others) in by_person.items():
                for probe, wanted in [(own, other) for other in others] + [(other, own) for other in others]:
                    gallery = [wanted.truth] + [s[0].truth for p, s in by_person.items() if p != person]
                    faces = probe.small[side][:FRAMES]
                    eyes.append(probe.eyes * side)
                    for face in faces if count == 1 else [faces.mean(axis=0)]:
                        distance = np.linalg.norm(np.array(gallery) - face, axis=1)
                        ranks.append(int((distance < distance[0]).sum()) + 1)
            if ranks:
                values = {
                    "eyes px": float(np.median(eyes)),
                    "nearest %": 100 * float(np.mean(np.array(ranks) == 1)),
                    "among three %": 100 * float(np.mean(np.array(ranks) <= 3)),
                }
                label = f"{side} px, {count} frame{'s' if count > 1 else ''}"
                rows.append(Row(label, values, len(ranks)))
    title = f"Is the right one of {len(by_person)} people the nearest by identity distance?"
    return finished("likeness", title, said, ("eyes px", "nearest %", "among three %"), rows, cards=(DETECTOR,))


def alike_table(data: Path | None, people: str, seed: int, limit: int | None, progress: Progress) -> TableResult:
    """One frame in seven of somebody who is alike: left out, or at least warned of; and what clean sequences get."""
    from mfrec.face.identity_gate import find_foreign, find_lookalikes

    seen, said = seen_of(data, people, limit, (SIDE,), seed=seed, progress=progress)
    by_person: dict[str, list[Seen]] = {}
    for one in seen:
        by_person.setdefault(one.sequence.person, []).append(one)
    middle = {person: np.mean([one.truth for one in sequences], axis=0) for person, sequences in by_person.items()}
    pairs = sorted(combinations(sorted(middle), 2), key=lambda p: float(np.linalg.norm(middle[p[0]] - middle[p[1]])))
    out, warned = [], []
    for a, b in pairs[:PAIRS]:
        for mine, theirs in ((a, b), (b, a)):
            for own in by_person[mine]:
                for other in by_person[theirs]:
                    for place in (0, 3, 6):
                        mixed = own.small[SIDE].copy()
                        mixed[place] = other.small[SIDE][place]
                        out.append(place in find_foreign(mixed))
                        warned.append(out[-1] or place in find_lookalikes(mixed))
    clean = [one.small[SIDE] for one in seen]
    values = {
        "left out %": 100 * float(np.mean(out)),
        "or warned %": 100 * float(np.mean(warned)),
        "false alarms %": 100 * float(np.mean([bool(find_foreign(vectors)) for vectors in clean])),
        "false warnings %": 100 * float(np.mean([bool(find_lookalikes(vectors)) for vectors in clean])),
    }
    row = Row(f"one foreign frame in seven, {SIDE} px ({len(clean)} sequences without)", values, len(out))
    title = f"A frame of somebody who is alike ({PAIRS} most alike of {len(pairs)} pairs): is it found?"
    return finished("alike", title, said, tuple(values), [row], cards=(DETECTOR,))
