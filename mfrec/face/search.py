"""Look for faces in the frames of a sequence: by day and by night, upright or turned, one by one or following.

:func:`find_faces` is what the rest of mfrec calls. What it looks at besides a frame itself (stretched luma, turned
pictures) serves to find, never to make a picture of.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mfrec.face.detect import Detection, confirm_face, detect_faces, overlap
from mfrec.face.stretch import POOR, contrast, stretched
from mfrec.face.surroundings import in_whole
from mfrec.face.turn import TURNS, turned
from mfrec.pipeline import Progress
from mfrec.types import FloatArray, Frame

CERTAIN = (0.8, 0.7, 0.7)
"""Probabilities that the three networks of the cascade have to see. The paper has 0.6 for the first; of 256 faces of 16
to 64 px, and of 160 blurred, noisy and compressed ones, none was lost by 0.8, which spares a quarter of the time."""

THOROUGH = (0.5, 0.6, 0.6)
"""Thresholds of the second look, where something says that a face should be there."""

SURE = (0.8, 0.7, 0.9)
"""Thresholds where turned pictures are looked at: three more chances to take something for a face."""

SMALL_FRAME = 160
"""Frames with a side up to this are enlarged further (faces from 10 px on) and never worth following in."""

MANY_PIXELS = 4_000_000
"""Of larger frames the same number of windows is searched, so for faces that are larger in proportion: from 24 px in
one of 12 million. Where that finds nobody, smaller ones are looked for after all."""

EVERY = 8
"""A followed video is searched whole in every eighth frame, so that newcomers are seen."""

FILLS = 0.3
"""A sequence is one of tight crops when its faces are, in the median, this high in units of the frame's height."""

PROBES = 7
"""Frames, evenly spread, in which turned faces are looked for."""

TWICE = 0.4
"""Share of their union from which on two faces that were followed into one frame are one face."""


@dataclass(frozen=True, eq=False)
class Sighting:
    """The faces of one frame.

    Attributes:
        faces: the most certain first.
        stretched: whether they were found in stretched luma, where their landmarks are looked for too.
    """

    faces: tuple[Detection, ...] = ()
    stretched: bool = False

    def picture(self, image: FloatArray) -> FloatArray:
        """What of a frame's ``image`` the faces were found in."""
        return stretched(image) if self.stretched else image


def look(image: FloatArray, thresholds: tuple[float, float, float] = CERTAIN) -> Sighting:
    """The faces of a picture; where none is seen or its contrast is poor, those of its stretched luma.

    Args:
        image: ``[H, W, 3]`` float32 RGB in [0, 1].
        thresholds: see :func:`mfrec.face.detect.detect_faces`.
    """
    if min(image.shape[:2]) < 12:
        return Sighting()
    smallest = 10.0 if min(image.shape[:2]) <= SMALL_FRAME else 14.0
    coarse = smallest * math.sqrt(image.shape[0] * image.shape[1] / MANY_PIXELS)
    if coarse > smallest:
        found = _look(image, coarse, thresholds)
        if found.faces:
            return found
    return _look(image, smallest, thresholds)


def _look(image: FloatArray, smallest: float, thresholds: tuple[float, float, float]) -> Sighting:
    plain = detect_faces(image, smallest=smallest, thresholds=thresholds)
    if plain and contrast(image) >= POOR:
        return Sighting(plain)
    second = detect_faces(stretched(image), smallest=smallest, thresholds=thresholds)
    return Sighting(second, True) if len(second) > len(plain) else Sighting(plain)


def look_near(image: FloatArray, before: Sighting) -> Sighting | None:
    """The faces of the frame before, found again near their places; None when one of them is lost.

    Args:
        image: ``[H, W, 3]`` float32 RGB in [0, 1].
        before: of the frame before; what it was found in is looked at again.
    """
    height, width = image.shape[:2]
    picture = before.picture(image)
    found: list[Detection] = []
    for previous in before.faces:
        still_there = confirm_face(picture, previous.box, thresholds=CERTAIN)
        if still_there is not None and all(overlap(still_there.box, other.box) < TWICE for other in found):
            found.append(still_there)
            continue
        reach = 1.2 * previous.side
        x0, y0 = np.maximum(np.floor(previous.centre - reach), 0).astype(int)
        x1, y1 = np.minimum(np.ceil(previous.centre + reach), [width, height]).astype(int)
        part = np.ascontiguousarray(picture[y0:y1, x0:x1])
        if min(part.shape[:2]) < 12:
            return None
        here = [
            Detection(d.box + np.array([x0, y0] * 2), d.score, d.points + np.array([x0, y0]))
            for d in detect_faces(part, smallest=0.6 * previous.side, largest=1.8 * previous.side, thresholds=CERTAIN)
        ]
        here = [d for d in here if all(overlap(d.box, other.box) < TWICE for other in found)]
        if not here:
            return None
        found.append(max(here, key=lambda d: float(overlap(d.box, previous.box))))
    return Sighting(tuple(found), before.stretched)


def upright_turn(frames: Sequence[Frame]) -> int:
    """By how many degrees clockwise frames have to be turned for faces to stand upright in them.

    A few frames are looked at, spread over the time of a video, or over stills whatever their order. Another turn than
    0 has to show faces in at least half of them, and in more than twice as many as the frames as they are: a chance
    find does not turn a sequence, and does not keep one lying.
    """
    frames = sorted(frames, key=lambda frame: (frame.time or 0.0, frame.sha256))
    probes = [frames[i] for i in np.unique(np.linspace(0, len(frames) - 1, PROBES).round().astype(int))]
    counts = {degrees: sum(bool(look(turned(f, degrees).image, SURE).faces) for f in probes) for degrees in TURNS}
    best = max(TURNS, key=lambda degrees: counts[degrees])
    return best if 2 * counts[best] >= len(probes) and counts[best] > 2 * counts[0] else 0


def find_faces(frames: Sequence[Frame], progress: Progress) -> tuple[list[Sighting], bool]:
    """The faces of every frame.

    Stills and parts of frames are searched one by one. Where every frame has its time and is large, faces are
    followed: only the surroundings of the faces of the frame before are searched, and the whole frame every
    :data:`EVERY` frames and whenever one of them is lost. In tight crops a frame without a face gets a second look
    with lower thresholds at the place where the others have theirs.

    Returns:
        What was seen in each frame, and whether it could only be seen with lowered thresholds everywhere.
    """
    found = [Sighting() for _ in frames]
    order = list(range(len(frames)))
    whole = all(f.whole is None for f in frames)
    follow = (
        whole and all(f.time is not None for f in frames) and min(min(f.image.shape[:2]) for f in frames) > SMALL_FRAME
    )
    if follow:
        order.sort(key=lambda i: (frames[i].time or 0.0, frames[i].index))
    before = Sighting()
    for count, position in enumerate(order):
        progress("track", count, len(frames))
        image = frames[position].image
        near = look_near(image, before) if follow and count % EVERY and before.faces else None
        found[position] = before = look(image) if near is None else near
    if not any(sighting.faces for sighting in found):
        # Noise gives a doubtful face here and there; a person is in at least half of the frames.
        again = [look(f.image, THOROUGH) for f in frames]
        enough = 2 * sum(bool(s.faces) for s in again) >= len(frames)
        small = max(max(f.size) for f in frames) <= SMALL_FRAME
        return (again, True) if enough and small and _one_place(again) else (found, False)
    if tight_crops(frames, found):
        boxes = [in_whole(s.faces[0].box, frames[i]) / _size4(frames[i]) for i, s in enumerate(found) if s.faces]
        expected = np.median(boxes, axis=0)
        for position, frame in enumerate(frames):
            if not found[position].faces:
                again = look(frame.image, THOROUGH)
                place = expected * _size4(frame)
                there = tuple(d for d in again.faces if overlap(in_whole(d.box, frame), place) > 0.3)
                found[position] = replace(again, faces=there[:1])
    return found, False


def tight_crops(frames: Sequence[Frame], found: Sequence[Sighting]) -> bool:
    """Whether a sequence is one of crops around one face.

    That is: frames of one size, one face in most of them, large (:data:`FILLS`) and always in one place.
    """
    seen = [sighting.faces for sighting in found]
    if len({frame.size for frame in frames}) > 1 or not any(seen):
        return False
    if 2 * sum(len(faces) > 1 for faces in seen) >= sum(map(bool, seen)):
        return False
    boxes = np.array([in_whole(faces[0].box, frames[i]) / _size4(frames[i]) for i, faces in enumerate(seen) if faces])
    if np.median(boxes[:, 3] - boxes[:, 1]) < FILLS:
        return False
    return bool(np.median(overlap(boxes, np.median(boxes, axis=0))) > 0.5)


def _size4(frame: Frame) -> NDArray[np.float64]:
    return np.array([*frame.size, *frame.size], np.float64)


def _one_place(found: Sequence[Sighting]) -> bool:
    """Whether the best faces of all frames overlap their median box."""
    boxes = np.array([sighting.faces[0].box for sighting in found if sighting.faces], np.float64)
    return bool(np.all(overlap(boxes, np.median(boxes, axis=0)) > 0.3))
