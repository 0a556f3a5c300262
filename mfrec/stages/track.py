"""Find the face in every frame and follow one person.

Three steps: :func:`mfrec.face.search.find_faces` looks into every frame, :func:`mfrec.face.people.group_people` says
which faces are one person, and :class:`Track` chooses the person to follow and gives a reason for each frame that
does not show them. Stills have no order, so nothing here depends on how they were listed; the frames of a
video are followed in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from mfrec.errors import NoFaceError, UsageError
from mfrec.face.detect import Detection, overlap
from mfrec.face.identity_gate import find_lookalikes, steady_embeddings
from mfrec.face.landmarks import detect_all_landmarks, resolve_source
from mfrec.face.people import DOUBTFUL, EXCESS, OUTLIER, Face, group_people
from mfrec.face.search import CERTAIN, THOROUGH, Sighting, find_faces, tight_crops, upright_turn
from mfrec.face.surroundings import cut_observations, in_whole, overview, thumbnail
from mfrec.face.turn import TURNS, turned, turned_box
from mfrec.face.wanted import who_is_in, who_is_like
from mfrec.metrics.identity import identity_distances
from mfrec.pipeline import Run
from mfrec.types import Dropped, FaceTrack, FloatArray, Frame, Observation, Subject, Wanted


@dataclass(frozen=True)
class Track:
    """Faces found by a cascade of three networks, grouped into people by identity embedding, one person followed.

    Attributes:
        subject: number of the person to follow, from 1 (most prominent: size times frames seen); 0 follows the most
            prominent one of those that ``reference`` shows, or of all. Whom the track says is wanted goes before it.
        landmarks: ``"dlib"``, ``"fan"``, or ``"auto"`` (FAN where its package and weights are present).
        turn: by how many degrees clockwise the frames are turned before anything else, 0, 90, 180 or 270; ``"auto"``
            turns them where faces then stand upright in most frames, and lie in most as they are.
        reference: index or name of the frame that the caller chose, who has looked at it: it is not taken for
            somebody else's because it stands apart from the others. ``"auto"`` spares none.
        keep: what goes on of frames that are much larger than the face: ``"face"``, its surroundings
            (:mod:`mfrec.face.surroundings`), or ``"frame"``, all of them.

    Raises:
        NoFaceError: nobody was found in any frame.
        UsageError: ``subject`` or ``landmarks`` names something that is not there.
        WeightsError: a model is missing or damaged.
    """

    subject: int = 0
    landmarks: str = "auto"
    turn: str | int = "auto"
    reference: str | int = "auto"
    keep: Literal["face", "frame"] = "face"

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
            sizes = sorted({"{}x{}".format(*f.size) for f in frames})
            raise NoFaceError(
                f"no face was found in any of the {len(frames)} frames ({', '.join(sizes[:3])} pixels), neither as "
                "they are, nor with their contrast stretched, nor turned by quarters; at least one has to show a face "
                "of about 14 pixels or more; check that these are the right frames, or crop them around the face"
            )
        run.progress("landmarks", 0, len(frames))
        seen: list[tuple[int, Detection]] = []
        pictures: list[FloatArray] = []
        for position, sighting in enumerate(found):
            picture = sighting.picture(frames[position].image)
            seen += [(position, detection) for detection in sighting.faces]
            pictures += [picture] * len(sighting.faces)
        landmarks = detect_all_landmarks([(p, d.box) for p, (_, d) in zip(pictures, seen, strict=True)], source)
        embeddings = steady_embeddings(list(zip(pictures, landmarks, strict=True)))
        faces = [
            Face(position, detection, points, embedding)
            for (position, detection), points, embedding in zip(seen, landmarks, embeddings, strict=True)
        ]
        wanted = track.wanted
        named = [
            i
            for i, frame in enumerate(frames)
            if self.reference in (frame.index, frame.name) or (wanted is not None and frame.index == wanted.index)
        ]
        people = group_people(frames, faces, spared=named)
        expected = _expected(track, people)
        if expected is None and not 0 <= self.subject <= len(people):
            raise UsageError(
                f"there is no subject {self.subject}: {len(people)} "
                f"{'person was' if len(people) == 1 else 'people were'} found; choose 1 to {len(people)}, or auto"
            )
        shown = (i for i, person in enumerate(people) if any(face.frame in named for face in person))
        doubt = ""
        if wanted is not None:
            chosen, doubt = _pointed_at(wanted, frames, people)
        else:
            chosen = expected if expected is not None else self.subject - 1 if self.subject else next(shown, 0)
        numbers = _numbers(track.subjects, frames, people)
        subjects = _subjects(track.subjects, frames, people, numbers, chosen)
        mine = {face.frame: face for face in people[chosen]}
        tight = tight_crops(frames, found)
        kept, dropped = [], list(track.dropped)
        for position, observation in enumerate(track.observations):
            frame = observation.frame
            others = [(numbers[i], f) for i, person in enumerate(people) for f in person if f.frame == position]
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
                reason = _somebody_else(numbers[chosen], people[chosen], others)
                dropped.append(Dropped(frame.name, reason, frame.index, self.name, thumbnail(frame)))
            elif tight:
                kept.append(replace(observation, box=None, score=0.0, landmarks=None, embedding=None))
            else:
                reason = f"no face found; subject {numbers[chosen]} was seen in {len(mine)} of {len(frames)} frames"
                dropped.append(Dropped(frame.name, reason, frame.index, self.name, thumbnail(frame)))
        warnings = [*track.warnings, *filter(None, [doubt])]
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
            observations=tuple(kept) if self.keep == "frame" else cut_observations(kept),
            dropped=tuple(dropped),
            subjects=subjects,
            overview=track.overview or overview(frames, subjects),
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
                observations=tuple(_turned(observation, degrees) for observation in track.observations),
                subjects=_turned_subjects(track, degrees),
                warnings=(*track.warnings, f"The frames were turned by {degrees} degrees clockwise."),
            )
        return track, found, second_look


def _turned(observation: Observation, degrees: int) -> Observation:
    """A bare observation with its frame turned clockwise, and its box with it."""
    frame, box = observation.frame, observation.box
    if box is not None:
        box = turned_box(box, degrees, *frame.image.shape[:2])
    return replace(observation, frame=turned(frame, degrees), box=box)


def _turned_subjects(track: FaceTrack, degrees: int) -> tuple[Subject, ...]:
    """Everybody who was seen before, with their boxes where they lie once the frames are turned."""
    sizes = {o.frame.index: o.frame.size[::-1] for o in track.observations}
    return tuple(
        replace(subject, boxes={i: turned_box(box, degrees, *sizes[i]) for i, box in subject.boxes.items()})
        for subject in track.subjects
    )


def _pointed_at(wanted: Wanted, frames: Sequence[Frame], people: Sequence[Sequence[Face]]) -> tuple[int, str]:
    """Which of the people the caller means, and a warning where that is not certain."""
    if wanted.box is None:
        number, doubt = who_is_like(wanted, {i + 1: [f.embedding for f in person] for i, person in enumerate(people)})
        return number - 1, doubt
    here = [
        (number, _place(face, frames))
        for number, person in enumerate(people, 1)
        for face in person
        if frames[face.frame].index == wanted.index
    ]
    return who_is_in(wanted, here) - 1, ""


def _expected(track: FaceTrack, people: Sequence[Sequence[Face]]) -> int | None:
    """Which of the people lies in the boxes that the observations came with; None where none came with any."""
    # In pixels of the same image as the faces.
    boxes = {position: o.box for position, o in enumerate(track.observations) if o.box is not None}
    counts = [sum(f.frame in boxes and _one_box(f.detection.box, boxes[f.frame]) for f in person) for person in people]
    return counts.index(max(counts)) if any(counts) else None


def _numbers(known: Sequence[Subject], frames: Sequence[Frame], people: Sequence[Sequence[Face]]) -> list[int]:
    """The number of each person: that of the known subject at the same places, or else a new one."""
    free, numbers = {subject.number: subject for subject in known}, []
    for person in people:
        counts = {
            number: sum(_one_box(_place(f, frames), subject.boxes.get(frames[f.frame].index)) for f in person)
            for number, subject in free.items()
        }
        number = max(counts, key=lambda n: counts[n], default=0)
        if not counts.get(number):
            number = max([0, *numbers, *(subject.number for subject in known)]) + 1
        free.pop(number, None)
        numbers.append(number)
    return numbers


def _subjects(
    known: Sequence[Subject],
    frames: Sequence[Frame],
    people: Sequence[Sequence[Face]],
    numbers: Sequence[int],
    chosen: int,
) -> tuple[Subject, ...]:
    """Everybody who was seen, those included whom only the footage shows and not its chosen frames."""
    out = {subject.number: replace(subject, chosen=False) for subject in known}
    for i, (person, number) in enumerate(zip(people, numbers, strict=True)):
        boxes = {frames[f.frame].index: _place(f, frames) for f in person}
        out[number] = Subject(number, boxes, i == chosen)
    return tuple(out[number] for number in sorted(out))


def _place(face: Face, frames: Sequence[Frame]) -> FloatArray:
    """The box of a face in the picture as it was read."""
    return in_whole(face.detection.box, frames[face.frame])


def _one_box(one: FloatArray, other: FloatArray | None) -> bool:
    return other is not None and float(overlap(one, other)) > 0.3


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
    distance = identity_distances(np.array([f.embedding for f in person]))
    return float(np.median(distance[np.triu_indices(len(person), 1)])) if len(person) > 1 else 0.0


def identity_warnings(frames: Sequence[Frame], person: Sequence[Face]) -> list[str]:
    """A sentence when the embeddings of one track disagree, naming the frames that stand apart."""
    if len(person) < 2:
        return []
    spread = _spread(person)
    apart = [(face, _median_distance(face, person)) for face in person]
    named = [(face, d) for face, d in apart if d > min(max(DOUBTFUL, spread + 0.5 * EXCESS), spread + OUTLIER)]
    if not named and spread <= DOUBTFUL:
        alike = find_lookalikes([face.embedding for face in person])
        if not alike:
            return []
        names = ", ".join(frames[person[i].frame].name for i in alike[:5])
        return [
            f"Identity: {names} {'stands' if len(alike) == 1 else 'stand'} apart from the other frames as somebody who "
            "is much alike would; another light or expression does that too (3 of 40 sequences of one person). Check "
            "on the originals, and leave out with --without what is somebody else."
        ]
    if named:
        which = ", ".join(f"{frames[face.frame].name} ({d:.2f})" for face, d in named[:5])
        what = f"{which} {'stands' if len(named) == 1 else 'stand'} apart from the rest of the track"
    else:
        what = "no two frames are much alike"
    return [
        f"Identity embeddings disagree: {what}, where the median distance is {spread:.2f} and one person mostly stays "
        f"below {DOUBTFUL}. Small or damaged faces do that too; check on the originals that this is one person."
    ]
