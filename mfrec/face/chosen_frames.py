"""Of everybody in footage the one who is meant, and the frames that bring most of a picture of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mfrec.errors import InputError, UsageError
from mfrec.face.footage import Footage, Glimpse, Person
from mfrec.face.wanted import who_is_in, who_is_like
from mfrec.types import Wanted

GAP = 0.06
"""Seconds that chosen frames lie apart where there are enough: neighbours repeat each other's errors."""

TURNED, NODDED = 0.12, 0.15
"""Differences of :attr:`~mfrec.face.footage.Glimpse.pose` at which a frame is worth a factor of e less to a picture.
Half of that took 11 in place of 18 frames of real people who talk, and lost 0.21 dB of ``restore`` and 0.29 of
``evidence`` on 31 small JPEGs (15 sequences of training people); on four films of a rigid head it changed 0.03 dB at
most."""

WORTHLESS = 0.15
"""Share of the best frame's worth below which more frames than :data:`FEWEST` are not taken."""

FEWEST, MOST = 7, 24
"""Frames that are chosen of a large and of a small face. 31 frames gain 0.1 dB on seven, and time and memory grow with
frames times pixels."""

PIXELS = 50_000
"""Of all chosen faces together, between these two: 24 faces of 45 px, 8 of 78 px."""


def find_person(footage: Footage, subject: int, wanted: Wanted | None = None) -> tuple[Person, str]:
    """Whom to follow, and a warning where that is not certain (else an empty text).

    Args:
        footage: see :func:`mfrec.face.footage.survey`.
        subject: a person's number; 0 is the most prominent one.
        wanted: whom the caller pointed at, which goes before ``subject``.

    Raises:
        UsageError: nobody has that number, or is where the caller points.
    """
    if wanted is not None and wanted.box is not None:
        here = [(p.number, g.detection.box) for p in footage.people for g in p.glimpses if g.index == wanted.index]
        return footage.people[who_is_in(wanted, here) - 1], ""
    if wanted is not None:
        number, doubt = who_is_like(wanted, {p.number: p.embeddings for p in footage.people})
        return footage.people[number - 1], doubt
    count = len(footage.people)
    if not 0 <= subject <= count:
        raise UsageError(
            f"there is no subject {subject}: {count} {'person was' if count == 1 else 'people were'} found; choose 1 "
            f"to {count}, or auto"
        )
    return footage.people[max(subject, 1) - 1], ""


def enough_frames(person: Person) -> int:
    """How many frames a reconstruction of a person is worth its time with, from :data:`FEWEST` to :data:`MOST`."""
    side = float(np.median([glimpse.detection.side for glimpse in person.glimpses]))
    return int(np.clip(round(PIXELS / side**2), FEWEST, MOST))


def choose(
    person: Person, most: int, *, always: Sequence[str | int] = (), without: frozenset[int] = frozenset()
) -> dict[int, Glimpse]:
    """The frames that bring most of one person: sharp, large, in one pose and light, undamaged, no copies.

    The frame of the best quality (or one that is asked for) says which pose and light. What another one is worth beside
    it is the square of its size and of its detail, for the number and the contrast of its samples count, less where it
    is turned or lit otherwise. Frames that are worth next to nothing are not taken, however many are allowed.

    On seven films of known truth (:mod:`mfrec.camera.footage_film`, 150 frames, seeds 1, 2 and 4 to 8) the picture from
    chosen frames is 0.15 dB above that from as many evenly spaced ones onto the same reference, from 0.24 below to 0.70
    above; on the first of them 0.86 above that from all frames. (With half of :data:`TURNED`.)

    Args:
        person: of the survey.
        most: how many frames at most.
        always: indices or names of frames that are taken in any case.
        without: indices of frames that are not taken.

    Returns:
        Index to glimpse of the chosen frames.

    Raises:
        InputError: the person is seen in none of the frames that are left.
    """
    seen = [g for g in person.glimpses if g.index not in without]
    if not seen:
        raise InputError(
            f"subject {person.number} is seen in {len(person.glimpses)} frames, and all of them are left out by hand; "
            "leave out fewer with --without, or follow somebody else"
        )
    usable = [g for g in seen if not (g.copy or g.damaged)] or seen
    asked = {str(frame) for frame in always}
    chosen = {g.index: g for g in seen if asked & {g.name, str(g.index)}}
    chief = next(iter(chosen.values()), None) or max(usable, key=lambda g: (g.quality, -g.index))
    values = {g.index: worth(g, chief) for g in usable}
    ranked = sorted(usable, key=lambda g: (-values[g.index], g.index))
    best = values[ranked[0].index]
    for apart in (GAP, 0.0):
        for glimpse in ranked:
            enough = FEWEST if values[glimpse.index] < WORTHLESS * best else most
            if len(chosen) >= min(enough, most):
                break
            if glimpse.index not in chosen and all(_apart(glimpse, taken, apart) for taken in chosen.values()):
                chosen[glimpse.index] = glimpse
    return chosen


def worth(glimpse: Glimpse, chief: Glimpse) -> float:
    """What a frame is worth to a picture in the pose and light of another one."""
    turned_by = (glimpse.pose[0] - chief.pose[0]) / TURNED
    nodded_by = (glimpse.pose[1] - chief.pose[1]) / NODDED
    light = np.exp(-4 * abs(glimpse.light - chief.light))
    samples = (glimpse.detection.side * glimpse.sharp) ** 2 * glimpse.detection.score
    return float(samples * light * np.exp(-(turned_by**2) - nodded_by**2))


def _apart(one: Glimpse, other: Glimpse, seconds: float) -> bool:
    """Whether two frames lie so far apart; pictures without a time always do."""
    return one.time is None or other.time is None or abs(one.time - other.time) >= seconds


def why_not(person: Person, index: int, chosen: int) -> str:
    """Why a frame of the footage is not among the chosen ones."""
    for glimpse in person.glimpses:
        if glimpse.index == index:
            what = "repeats the frame before" if glimpse.copy else "damaged" if glimpse.damaged else ""
            size = f"face of {glimpse.detection.side:.0f} px, quality {glimpse.quality:.3g}"
            return f"not chosen: {what or f'{size}; {chosen} other frames bring more'}"
    return f"not chosen: subject {person.number} was not found in it"
