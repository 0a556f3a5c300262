"""The thesis's way: bring both faces upright to one size, cross the face over softly, and bring the result back.

The faces are only moved, turned and scaled, so a head that has turned shows its old side.
"""

from __future__ import annotations

import numpy as np

from mfrec.face.region_labels import carry_regions
from mfrec.face.regions import FACE
from mfrec.fusion.crossover import cross_over, feather_width
from mfrec.image.geometry import fit_similarity, inside, similarity_map, warp
from mfrec.registration.dense import without_aliases
from mfrec.types import FloatArray, Landmarks, RegionMasks, Reposed, Similarity

EYES = np.array([[0.35, 0.4], [0.65, 0.4]])
"""Where the eyes lie in the upright crop, as shares of its side."""


def align_and_blend(
    source: FloatArray,
    target: FloatArray,
    landmarks: tuple[Landmarks, Landmarks],
    masks: tuple[RegionMasks, RegionMasks],
) -> Reposed:
    """Bring the source's face into the target by similarities alone.

    Args:
        source, target: ``[h, w, 3]`` and ``[H, W, 3]`` float32 RGB in [0, 1].
        landmarks, masks: of source and target, each in its own pixels.

    Returns:
        The target with the source's face; ``validity`` is the source's share in each pixel.
    """
    # The crop has the target's resolution, so that only its turn costs detail.
    side = max(16, round(landmarks[1].interocular / float(EYES[1, 0] - EYES[0, 0])))
    upright = [_upright(points, side) for points in landmarks]
    crops = []
    for image, place in zip((source, target), upright, strict=True):
        back = place.inverse()
        crops.append(np.clip(warp(without_aliases(image, back.scale), similarity_map(back, side, side)), 0.0, 1.0))
    there = carry_regions(masks[1], similarity_map(upright[1].inverse(), side, side)).mask(*FACE)
    here = carry_regions(masks[0], similarity_map(upright[0].inverse(), side, side)).mask(*FACE)
    seen = inside(similarity_map(upright[0].inverse(), side, side), *source.shape[:2])
    face = (there & here & seen).astype(np.float32)
    feather = feather_width(face > 0, 0.25)
    nothing = np.zeros((side, side, 1), np.float32)
    share = cross_over(nothing, nothing + 1.0, face, "soft", feather)
    blended = cross_over(crops[1], crops[0], face, "soft", feather)

    to_crop = similarity_map(upright[1], *target.shape[:2])
    arrived = np.clip(warp(blended, to_crop), 0.0, 1.0)
    validity = np.clip(warp(share[..., 0], to_crop, interpolation="linear", fill=0.0), 0.0, 1.0)
    image = np.where(validity[..., None] > 0, arrived, target)
    look_up = similarity_map(upright[0].inverse().after(upright[1]), *target.shape[:2])
    return Reposed(image, validity, look_up)


def _upright(landmarks: Landmarks, side: int) -> Similarity:
    """Picture to crop: the eyes on their places."""
    eyes = np.stack([landmarks.left_eye, landmarks.right_eye])
    return fit_similarity(eyes, EYES * side - 0.5)
