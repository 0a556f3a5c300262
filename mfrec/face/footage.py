"""Who is seen in footage of any length, when, and in which frames best: one pass in bounded memory.

Of every frame some numbers are kept, and of every person a few small pictures of the face. :func:`survey` follows faces
from frame to frame and looks into whole frames :data:`WHOLE` times a second. :mod:`mfrec.face.chosen_frames` says which
frames a reconstruction of one of the people is to be made of.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from mfrec.face.detect import Detection, overlap
from mfrec.face.identity_gate import steady_embeddings
from mfrec.face.landmarks import detect_landmarks
from mfrec.face.people import Face, group_people
from mfrec.face.search import SMALL_FRAME, TWICE, Sighting, look, look_near
from mfrec.face.turn import turned
from mfrec.image.colour import luma
from mfrec.image.filters import gaussian
from mfrec.image.geometry import resize
from mfrec.runtime.threads import side_by_side
from mfrec.types import FloatArray, Frame, FrameId

WHOLE = 2.0
"""Looks into whole frames a second; between them faces are followed, and a newcomer is noticed half a second late."""

PORTRAITS = 3
"""Pictures that are kept of each piece of a track, to tell people apart by."""

SURROUNDINGS = 1.0
"""What such a picture shows beyond the box on each side, in units of its side."""

MOST_TRACKS, MOST_STILLS = 48, 400
"""Pieces of tracks, and faces of pictures without a time, that are told apart; further ones, smaller or shorter, count
as people of their own."""

PORTRAIT_SIDE = 96.0
"""Pixels that a face has at most in a picture that is kept; the network that tells people apart sees about as many."""

SAME_PLACE = 0.3
"""Share of their union from which on two boxes of one frame hold one face."""

CHIP = 48
"""Side in pixels of the face chip on which sharpness is compared between frames, however large the face is in them."""

COPY = 0.4 / 255
"""Mean difference of the face up to which a frame repeats the one before: less than the noise of any camera."""


@dataclass(frozen=True, eq=False)
class Glimpse:
    """One face of one frame, in numbers.

    Attributes:
        index, name, time: of the frame.
        detection: in pixels of the frame.
        sharp: root-mean-square of the fine detail of the face on a chip of :data:`CHIP` pixels, in [0, 1] grey levels:
            small for a blurred face, for a distant one, and for one in the dark, where noise has the larger share.
        pose: where the nose is: 0 under the left eye to 1 under the right one, and 0 on the line of the eyes to 1 on
            that of the mouth.
        light: mean luma over the box.
        copy: whether the face is the same picture as in the frame before.
        damaged: whether reading found the frame damaged.
        kind, unit: of :class:`~mfrec.types.CodecView`; empty where nothing is known.
        quantiser, copied: mean quantiser over the box, and share of its blocks that repeat the frame before; None
            where that is unknown.
    """

    index: int
    name: str
    time: float | None
    detection: Detection
    sharp: float
    pose: tuple[float, float]
    light: float
    copy: bool
    damaged: bool
    kind: str = ""
    unit: str = ""
    quantiser: float | None = None
    copied: float | None = None

    @property
    def eyes(self) -> float:
        """Pixels between the eyes, as the detector sees them."""
        return float(np.linalg.norm(self.detection.points[1] - self.detection.points[0]))

    @property
    def frontal(self) -> float:
        """1 where the nose lies midway between the eyes, 0 where it lies under one of them."""
        return float(np.clip(1 - 2 * abs(self.pose[0] - 0.5), 0.0, 1.0))

    @property
    def quality(self) -> float:
        """Larger is better: how many pixels show how much of the front of the face."""
        return self.detection.side * self.sharp * (0.2 + 0.8 * self.frontal) * self.detection.score


@dataclass(frozen=True, eq=False)
class Portrait:
    """A small picture of a face; ``face`` is the detection in its own pixels, ``stretched`` as in a Sighting."""

    glimpse: Glimpse
    image: FloatArray
    face: Detection
    stretched: bool


@dataclass(frozen=True, eq=False)
class Person:
    """Somebody who is seen.

    Attributes:
        number: from 1, the most prominent first.
        glimpses: in the order of the frames.
        portrait: the best small picture.
        embeddings: ``[128]`` each, of the small pictures that were kept.
    """

    number: int
    glimpses: tuple[Glimpse, ...]
    portrait: FloatArray
    embeddings: tuple[FloatArray, ...] = ()


@dataclass(frozen=True, eq=False)
class Footage:
    """What a survey found.

    Attributes:
        frames: every frame.
        people: the most prominent (size times frames) first.
    """

    frames: tuple[FrameId, ...]
    people: tuple[Person, ...]


@dataclass(eq=False)
class _Piece:
    """A face that is followed without a break. ``last`` is its part of the frame before."""

    glimpses: list[Glimpse] = field(default_factory=list)
    portraits: list[Portrait] = field(default_factory=list)
    last: FloatArray | None = None


def survey(frames: Iterable[Frame], *, degrees: int = 0) -> Footage:
    """Find everybody in a sequence.

    Args:
        frames: one after the other; none is kept. Those of a video carry their times and are followed.
        degrees: by how much each is turned clockwise first.
    """
    seen: list[FrameId] = []
    pieces: list[_Piece] = []
    going: list[_Piece] = []
    stretched = False
    due = 0.0

    def alone(read: Frame) -> tuple[Frame, Sighting | None]:
        """A frame, and what is seen in it where that depends on no other frame."""
        frame = turned(read, degrees)
        return frame, look(frame.image) if frame.time is None else None

    for frame, at_once in side_by_side(alone, frames):
        seen.append(FrameId(frame.index, frame.name, frame.time))
        image, time = frame.image, frame.time
        small = min(image.shape[:2]) <= SMALL_FRAME
        if time is None or small or time >= due:
            sighting = look(image) if at_once is None else at_once
            stretched, going = sighting.stretched, _joined(going if time is not None else [], sighting.faces, pieces)
            due = (time or 0.0) + 1 / WHOLE
            found = sighting.faces
        else:
            near = _followed(image, going, stretched)
            if len(near) < len(going):
                due = min(due, time + 0.5 / WHOLE)
            going = [piece for piece, _ in near]
            found = tuple(face for _, face in near)
        for piece, face in zip(going, found, strict=True):
            _add(piece, frame, face, stretched)
    return Footage(tuple(seen), _people(pieces))


def _followed(image: FloatArray, going: list[_Piece], stretched: bool) -> list[tuple[_Piece, Detection]]:
    """The pieces that go on in the next frame, each with its face there; the others are lost.

    Where two end on one face, as when people cross, it is that of whoever was nearer: a piece that went over to
    somebody else would hold two people, and one face would have two numbers.
    """
    near: list[tuple[float, int, Detection]] = []
    for number, piece in enumerate(going):
        before = piece.glimpses[-1].detection
        again = look_near(image, Sighting((before,), stretched))
        if again is not None:
            near.append((-float(overlap(again.faces[0].box, before.box)), number, again.faces[0]))
    kept: list[tuple[int, Detection]] = []
    for _, number, face in sorted(near, key=lambda one: one[:2]):
        if all(overlap(face.box, other.box) < TWICE for _, other in kept):
            kept.append((number, face))
    return [(going[number], face) for number, face in sorted(kept, key=lambda one: one[0])]


def _joined(going: list[_Piece], faces: tuple[Detection, ...], pieces: list[_Piece]) -> list[_Piece]:
    """The piece that each face goes on with: that of the frame before at its place, or a new one."""
    free = list(going)
    out = []
    for face in faces:
        rivals = [(float(overlap(face.box, piece.glimpses[-1].detection.box)), piece) for piece in free]
        share, piece = max(rivals, key=lambda rival: rival[0], default=(0.0, None))
        if piece is None or share < 0.3:
            piece = _Piece()
            pieces.append(piece)
        else:
            free.remove(piece)
        out.append(piece)
    return out


def _add(piece: _Piece, frame: Frame, face: Detection, stretched: bool) -> None:
    """Note one more frame of a piece, and keep a picture where it is among the best."""
    grey = luma(_part(frame.image, face, 0.0)[0])
    view = frame.codec
    quantiser, copied = (None, None) if view is None else view.over(face.box.tolist())
    copy = piece.last is not None and _same(piece.last, piece.glimpses[-1].detection, frame.image)
    glimpse = Glimpse(
        index=frame.index,
        name=frame.name,
        time=frame.time,
        detection=face,
        sharp=sharpness(grey),
        pose=_pose(face.points),
        light=float(grey.mean()),
        copy=copy,
        damaged=frame.damaged,
        kind="" if view is None else view.kind,
        unit="" if view is None else view.unit,
        quantiser=quantiser,
        copied=copied,
    )
    piece.glimpses.append(glimpse)
    piece.last = grey
    if len(piece.portraits) < PORTRAITS or glimpse.quality > piece.portraits[-1].glimpse.quality:
        piece.portraits.append(_portrait(glimpse, frame.image, face, stretched))
        piece.portraits = sorted(piece.portraits, key=lambda p: -p.glimpse.quality)[:PORTRAITS]


def _portrait(glimpse: Glimpse, picture: FloatArray, face: Detection, stretched: bool) -> Portrait:
    """The face with its surroundings, made smaller where it has more than :data:`PORTRAIT_SIDE` pixels."""
    image, first = _part(picture, face, SURROUNDINGS)
    there = Detection(face.box - np.tile(first, 2), face.score, face.points - first)
    if face.side <= PORTRAIT_SIDE:
        return Portrait(glimpse, image.copy(), there, stretched)
    height, width = (max(2, round(side * PORTRAIT_SIDE / face.side)) for side in image.shape[:2])
    by = np.array([width / image.shape[1], height / image.shape[0]], np.float32)
    small = resize(image, height, width, interpolation="area")
    box = (there.box + 0.5) * np.tile(by, 2) - 0.5
    return Portrait(glimpse, small, Detection(box, there.score, (there.points + 0.5) * by - 0.5), stretched)


def _same(last: FloatArray, where: Detection, image: FloatArray) -> bool:
    """Whether a picture shows at the place of the face before what was seen there."""
    grey = luma(_part(image, where, 0.0)[0])
    return grey.shape == last.shape and float(np.abs(grey - last).mean()) < COPY


def _part(image: FloatArray, face: Detection, more: float) -> tuple[FloatArray, NDArray[np.float32]]:
    """The box of a face, ``more`` sides larger all around, and its top-left pixel ``(x, y)``."""
    height, width = image.shape[:2]
    edge = more * face.side
    x0, y0 = np.clip(np.floor(face.box[:2] - edge), 0, [width - 2, height - 2]).astype(int)
    x1, y1 = np.maximum(np.minimum(np.ceil(face.box[2:] + edge), [width, height]).astype(int), [x0 + 2, y0 + 2])
    return image[y0:y1, x0:x1], np.array([x0, y0], np.float32)


def sharpness(grey: FloatArray) -> float:
    """Root-mean-square of the fine detail of a face; see :attr:`Glimpse.sharp`.

    Args:
        grey: ``[h, w]`` luma of the box.
    """
    shrinks = min(grey.shape) > CHIP
    chip = resize(grey, CHIP, CHIP, interpolation="area" if shrinks else "cubic")
    band = gaussian(chip, 1.0) - gaussian(chip, 2.5)
    return float(band.std())


def _pose(points: FloatArray) -> tuple[float, float]:
    """Where the nose lies between the eyes, and between them and the mouth; see :attr:`Glimpse.pose`."""
    left, right, nose, *mouth = (point.astype(np.float64) for point in points)
    across, down = right - left, sum(mouth) / 2 - (left + right) / 2
    along = float(np.dot(nose - left, across) / max(float(np.dot(across, across)), 1e-6))
    below = float(np.dot(nose - (left + right) / 2, down) / max(float(np.dot(down, down)), 1e-6))
    return float(np.clip(along, -1, 2)), float(np.clip(below, -1, 2))


def _people(pieces: list[_Piece]) -> tuple[Person, ...]:
    """Pieces of tracks as people, by the embeddings of their portraits."""

    def weight(piece: _Piece) -> float:
        return sum(glimpse.detection.side for glimpse in piece.glimpses)

    pieces = sorted((p for p in pieces if p.glimpses), key=lambda p: (-weight(p), p.glimpses[0].index))
    if not pieces:
        return ()
    stills = any(piece.glimpses[0].time is None for piece in pieces)
    told = pieces[: MOST_STILLS if stills else MOST_TRACKS]
    portraits = [(number, portrait) for number, piece in enumerate(told) for portrait in piece.portraits]
    marked = []
    for _, portrait in portraits:
        picture = Sighting((), portrait.stretched).picture(portrait.image)
        marked.append((picture, detect_landmarks(picture, portrait.face.box)))
    embeddings = steady_embeddings(marked)
    places = sorted({portrait.glimpse.index for _, portrait in portraits})
    stand_ins = [Frame(np.zeros((1, 1, 3), np.float32), index, str(index), sha256=f"{index:09d}") for index in places]
    faces = [
        Face(places.index(portrait.glimpse.index), portrait.glimpse.detection, points, embedding)
        for (_, portrait), (_, points), embedding in zip(portraits, marked, embeddings, strict=True)
    ]
    known: dict[int, list[FloatArray]] = {}
    for (number, _), embedding in zip(portraits, embeddings, strict=True):
        known.setdefault(id(told[number]), []).append(embedding)
    owner = {id(face): number for face, (number, _) in zip(faces, portraits, strict=True)}
    groups: dict[int, list[_Piece]] = {}
    votes: dict[int, list[int]] = {}
    for who, group in enumerate(group_people(stand_ins, faces)):
        for face in group:
            votes.setdefault(owner[id(face)], []).append(who)
    for number, piece in enumerate(pieces):
        # A piece is one person, whom most of its portraits say.
        named = votes.get(number, [])
        who = max(sorted(set(named)), key=named.count) if named else -1 - number
        groups.setdefault(who, []).append(piece)
    people = []
    apart = [part for group in groups.values() for part in _side_by_side(group, known)]
    for group in sorted(apart, key=lambda g: (-round(sum(map(weight, g)), 3), g[0].glimpses[0].index)):
        glimpses: dict[int, Glimpse] = {}
        for glimpse in (glimpse for piece in group for glimpse in piece.glimpses):
            glimpses.setdefault(glimpse.index, glimpse)
        best = max((p for piece in group for p in piece.portraits), key=lambda p: p.glimpse.quality)
        vectors = tuple(vector for piece in group for vector in known.get(id(piece), ()))
        people.append(Person(len(people) + 1, tuple(glimpses[i] for i in sorted(glimpses)), best.image, vectors))
    return tuple(people)


def _side_by_side(group: list[_Piece], known: dict[int, list[FloatArray]]) -> list[list[_Piece]]:
    """Pieces that seem to be one person, parted where some are seen in one frame at two places.

    Args:
        group: the longest first.
        known: embeddings of the pieces' portraits, by ``id``.
    """
    if len(group) == 1:
        return [group]
    seen = [{glimpse.index: glimpse.detection.box for glimpse in piece.glimpses} for piece in group]
    vectors = [np.mean(known[id(piece)], axis=0) if id(piece) in known else None for piece in group]
    parts: list[list[int]] = []
    for number in range(len(group)):
        free = [part for part in parts if not any(_at_once(seen[number], seen[other]) for other in part)]
        if not free:
            parts.append([number])
            continue

        def distance(part: list[int], number: int = number) -> float:
            own, others = vectors[number], [vectors[i] for i in part]
            gaps = [np.linalg.norm(own - other) for other in others if own is not None and other is not None]
            return float(np.mean(gaps)) if gaps else 0.0

        min(free, key=distance).append(number)
    return [[group[number] for number in part] for part in parts]


def _at_once(one: dict[int, FloatArray], other: dict[int, FloatArray]) -> bool:
    """Whether two pieces lie in one frame apart from each other; a face may be followed twice."""
    return any(float(overlap(one[index], other[index])) < SAME_PLACE for index in one.keys() & other.keys())


def contact_sheet(footage: Footage, *, tile: int = 160, columns: int = 6) -> FloatArray:
    """The best small picture of everybody with the number beside it.

    Args:
        footage: with at least one person.
        tile: pixels of a picture's longer side.
        columns: pictures in a row.

    Returns:
        ``[H, W, 3]`` float32 RGB in [0, 1].
    """
    line = 24
    across = min(columns, len(footage.people))
    down = -(-len(footage.people) // columns)
    sheet = np.ones((down * (tile + line), across * tile, 3), np.float32)
    for place, person in enumerate(footage.people):
        top, left = place // columns * (tile + line), place % columns * tile
        height, width = person.portrait.shape[:2]
        scale = tile / max(height, width)
        small = resize(
            person.portrait,
            max(1, round(height * scale)),
            max(1, round(width * scale)),
            interpolation="area" if scale < 1 else "cubic",
        )
        sheet[top + line : top + line + small.shape[0], left : left + small.shape[1]] = np.clip(small, 0, 1)
        words = f"{person.number}: {len(person.glimpses)} frames"
        cv2.putText(sheet, words, (left + 4, top + 17), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    return sheet
