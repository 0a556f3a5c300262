"""Whom the caller pointed at, among the people who were found: by a place in one frame, or by a photograph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mfrec.errors import UsageError
from mfrec.face.detect import overlap
from mfrec.face.people import SAME_PERSON
from mfrec.types import FloatArray, Wanted

COVERS = 0.2
"""Overlap from which on a box means a face though the middle of that lies outside of it."""

NEARLY = 0.05
"""Difference of identity distance up to which two people are about as like a photograph."""


def who_is_in(wanted: Wanted, faces: Sequence[tuple[int, FloatArray]]) -> int:
    """The number of the person whose face lies in the box that was drawn.

    That is the one face whose middle lies in the box; where there is none, the face that overlaps the box most.

    Args:
        wanted: with a box.
        faces: number of the person and box ``[4]`` of every face that was found in the frame of ``wanted``.

    Raises:
        UsageError: no face lies there, or two do.
    """
    assert wanted.box is not None
    x0, y0, x1, y1 = wanted.box
    middles = [((box[0] + box[2]) / 2, (box[1] + box[3]) / 2) for _, box in faces]
    inside = [n for (n, _), (x, y) in zip(faces, middles, strict=True) if x0 <= x <= x1 and y0 <= y <= y1]
    if len(inside) == 1:
        return inside[0]
    found = ", ".join(f"subject {number} at {as_text(box)}" for number, box in faces)
    if inside:
        raise UsageError(
            f"{wanted.told} holds {len(inside)} faces (in frame {wanted.index}: {found}); draw the box around one"
        )
    shares = [(float(overlap(box, wanted.box)), number) for number, box in faces]
    share, number = max(shares, default=(0.0, 0))
    if share < COVERS:
        there = f"in that frame there are: {found}" if found else "no face was found in that frame at all"
        raise UsageError(
            f"no face lies in {wanted.told} (frame {wanted.index}); {there}; draw it around a face, choose another "
            "frame with @, or give --subject N"
        )
    return number


def who_is_like(wanted: Wanted, people: Mapping[int, Sequence[FloatArray]]) -> tuple[int, str]:
    """The number of the person who is nearest to a photograph by identity embedding.

    Args:
        wanted: with an embedding.
        people: number to the embeddings ``[128]`` of the person's faces.

    Returns:
        The number, and a warning where somebody else is about as like; else an empty text.

    Raises:
        UsageError: nobody is like the photograph.
    """
    assert wanted.embedding is not None
    photo = wanted.embedding
    distance = {
        number: float(np.median([np.linalg.norm(face - photo) for face in faces]))
        for number, faces in people.items()
        if len(faces)
    }
    ranked = sorted(distance, key=lambda number: distance[number])
    told = ", ".join(f"subject {number} at {distance[number]:.2f}" for number in ranked[:5])
    if not ranked or distance[ranked[0]] > SAME_PERSON:
        raise UsageError(
            f"nobody in the frames is like the face of {wanted.told}: identity distance {told or 'unknown'}, at most "
            f"{SAME_PERSON} expected; give a photograph nearer in time and pose, or choose with --subject or --box"
        )
    best = ranked[0]
    if len(ranked) > 1 and distance[ranked[1]] - distance[best] < NEARLY:
        return best, (
            f"Several people are about as like the face of {wanted.told} ({told}): subject {best} is followed. Check "
            "that it is the one who is meant."
        )
    return best, ""


def as_text(box: FloatArray) -> str:
    """A box ``(x0, y0, x1, y1)`` as ``--box`` takes it: left, top, width, height in whole pixels."""
    left, top = (round(float(edge)) for edge in box[:2])
    width, height = (max(1, round(float(edge))) for edge in box[2:] - box[:2])
    return f"{max(left, 0)},{max(top, 0)},{width},{height}"
