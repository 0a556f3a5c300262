"""A face that was drawn in another pose, laid onto the picture whose pose it was to have."""

from __future__ import annotations

from dataclasses import dataclass

from mfrec.generative.answers import pasted
from mfrec.generative.directions import yaw
from mfrec.generative.measurements import oval
from mfrec.image.geometry import fit_similarity, similarity_map
from mfrec.types import FloatArray, Landmarks, Reposed, Similarity


@dataclass(frozen=True, eq=False)
class View:
    """What was drawn of one face.

    Attributes:
        reposed: on the target's grid; ``validity`` is the drawn face's share.
        yaw: degrees that were wanted and that the drawn face has, by landmarks.
    """

    reposed: Reposed
    yaw: tuple[float, float]


def laid_on(
    target: FloatArray,
    portrait: FloatArray,
    to_target: Similarity,
    drawn: Landmarks,
    landmarks: tuple[Landmarks, Landmarks],
) -> View:
    """The drawn face in the target.

    Args:
        target: ``[H, W, 3]`` RGB in [0, 1].
        portrait: ``[side, side, 3]`` likewise.
        to_target: its pixels to the target's.
        drawn: its landmarks.
        landmarks: of the picture that the person comes from, and of the target, each in its own pixels.
    """
    here, there = landmarks
    share = oval(len(target), target.shape[1], to_target.inverse(), len(portrait))
    look_up = similarity_map(fit_similarity(there.points, here.points), *target.shape[:2])
    return View(Reposed(pasted(target, portrait, to_target, share), share, look_up), (yaw(there), yaw(drawn)))
