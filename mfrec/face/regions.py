"""The nineteen face regions, and how the 68 landmarks outline them.

The numbering is that of CelebAMask-HQ (Lee et al., "MaskGAN", CVPR 2020), so a label picture of that dataset and
a :class:`~mfrec.types.RegionMasks` use the same ids. Left and right are the dataset's too, and these are the
*person's own*: ``L_EYE`` (4) lies on the right of the picture. (Counted over 743 of its label pictures: 4 lies right
of 5 in 690 of them; the rest are mirrored portraits.) The landmark scheme is the 68-point one of 300-W (Sagonas
et al., 2013), 0-based; its numbers run from the left of the picture to the right, so ``L_EYE_POINTS`` are 42 to 47.

What landmarks cannot tell is not drawn. Forehead, hair and neck have no landmarks: they are drawn as far as more
than half of a set of labelled portraits shows them there, at a lower confidence. Ears, glasses, hats, jewellery and
clothes are nowhere in the majority and stay ``BACKGROUND``.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mfrec.errors import UsageError
from mfrec.types import Region

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mfrec.types import Landmarks


FEATURES: Mapping[str, tuple[Region, ...]] = {
    "skin": (Region.SKIN,),
    "nose": (Region.NOSE,),
    "brows": (Region.L_BROW, Region.R_BROW),
    "eyes": (Region.L_EYE, Region.R_EYE),
    "mouth": (Region.U_LIP, Region.MOUTH, Region.L_LIP),
    "hair": (Region.HAIR,),
    "neck": (Region.NECK,),
}
"""What belongs together in one expression, and so comes from one frame: two eyes look in one direction."""


def regions_named(name: str) -> tuple[Region, ...]:
    """The regions of a feature (``"eyes"``), or the one region of that name (``"l_eye"``).

    Raises:
        UsageError: there is no such feature or region.
    """
    if name in FEATURES:
        return FEATURES[name]
    names = {region.name.lower(): region for region in Region if region != Region.BACKGROUND}
    if name in names:
        return (names[name],)
    near = difflib.get_close_matches(name, [*FEATURES, *names], n=1)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    raise UsageError(f"unknown region '{name}'{hint} (features: {', '.join(FEATURES)}; regions: {', '.join(names)})")


FACE: tuple[Region, ...] = tuple(
    region for feature in ("skin", "nose", "brows", "eyes", "mouth") for region in FEATURES[feature]
)
"""What turns with the skull and the jaw, and landmarks outline."""

RARE = (Region.EYEGLASSES, Region.HAT, Region.EARRING, Region.NECKLACE, Region.CLOTH)
"""What not every portrait has; the figures of a parser are quoted over the other classes."""

MIRRORED: Mapping[Region, Region] = {
    Region.L_EYE: Region.R_EYE,
    Region.R_EYE: Region.L_EYE,
    Region.L_BROW: Region.R_BROW,
    Region.R_BROW: Region.L_BROW,
    Region.L_EAR: Region.R_EAR,
    Region.R_EAR: Region.L_EAR,
}
"""What a region is called in the mirror, where that is another name."""

JAW = tuple(range(17))
R_BROW_POINTS = tuple(range(17, 22))
L_BROW_POINTS = tuple(range(22, 27))
R_EYE_POINTS = tuple(range(36, 42))
L_EYE_POINTS = tuple(range(42, 48))
OUTER_LIPS = tuple(range(48, 60))
INNER_LIPS = tuple(range(60, 68))

# Extents beyond the landmarks, in units of the head: x in half widths between the jaw's ends (points 0 and 16) from
# their middle, y in distances from the line of the eyes down to the chin. The half with x >= 0, from the jaw's end
# upwards; the other half is its mirror image. They follow the contour where half of 385 labelled portraits agree.
FOREHEAD = ((0.95, -0.05), (0.88, -0.24), (0.79, -0.40), (0.60, -0.55), (0.40, -0.61), (0.0, -0.63))
HAIR = (
    (1.0, 0.03),
    (1.10, 0.02),
    (1.22, -0.10),
    (1.25, -0.40),
    (1.10, -0.70),
    (0.72, -1.02),
    (0.45, -1.12),
    (0.0, -1.15),
)
NECK = ((0.66, 0.70), (0.64, 1.00), (0.55, 1.19), (0.40, 1.26), (0.0, 1.26))

# The rest is in inter-ocular distances, fitted to every fourth of 769 labelled portraits.
BROW_ABOVE, BROW_BELOW, BROW_TIP = 0.01, 0.085, 0.15
"""How far a brow reaches above and below the line of its points; its outer tip has that share of the thickness."""

NOSE_ROOT, NOSE_ROOT_ABOVE, NOSE_BACK = 0.11, 0.05, 0.19
"""Half width of the nose at point 27 and how far above it begins; half width at point 29."""

NOSE_WING, NOSE_WING_ABOVE, NOSE_WING_TOP = 0.09, 0.26, 0.05
"""How far the wings lie outside of points 31 and 35, and where above (and inside of) that they begin."""

CERTAINTY: Mapping[Region, float] = {Region.HAIR: 0.7, Region.NECK: 0.7}
"""Share of the labelled portraits that agree inside outlines that no landmark supports; 1 for the others."""


def outlines(landmarks: Landmarks) -> dict[Region, NDArray[np.float64]]:
    """Polygons of the regions that landmarks can outline.

    Args:
        landmarks: of one face.

    Returns:
        Region to polygon ``[K, 2]``, ``(x, y)`` in the landmarks' pixels, in the order of painting: a later region
        covers an earlier one. Polygons may reach outside the picture.

    Raises:
        ValueError: both eyes lie in one place.
    """
    import numpy as np

    points = landmarks.points.astype(np.float64)
    across, down, centre, half_width, height = _head(points)
    iod = landmarks.interocular

    def of_head(half: tuple[tuple[float, float], ...]) -> NDArray[np.float64]:
        """Points of the head frame and their mirror images, from the picture's right over the middle to its left."""
        right = np.array(half)
        both = np.concatenate([right, right[-2::-1] * (-1, 1)])
        return centre + both[:, :1] * half_width * across + both[:, 1:] * height * down

    def brow(which: tuple[int, ...]) -> NDArray[np.float64]:
        line = points[list(which)]
        thickness = np.array([BROW_TIP, 1, 1, 1, 1])[:, None]
        return np.concatenate([line - BROW_ABOVE * iod * down, (line + BROW_BELOW * iod * thickness * down)[::-1]])

    def nose_side(base: NDArray[np.float64], outwards: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """From the root of the nose down to the wing whose landmark is ``base``."""
        return [
            points[27] - NOSE_ROOT_ABOVE * down * iod + NOSE_ROOT * outwards,
            points[29] + NOSE_BACK * outwards,
            base + (NOSE_WING - NOSE_WING_TOP) * outwards - NOSE_WING_ABOVE * down * iod,
            base + NOSE_WING * outwards,
        ]

    right_side = nose_side(points[35], iod * across)
    left_side = nose_side(points[31], -iod * across)
    return {
        Region.HAIR: of_head(HAIR),
        Region.NECK: of_head(NECK),
        Region.SKIN: np.concatenate([points[list(JAW)], of_head(FOREHEAD)]),
        Region.NOSE: np.stack([*right_side, points[34], points[33], points[32], *left_side[::-1]]),
        Region.R_BROW: brow(R_BROW_POINTS),
        Region.L_BROW: brow(L_BROW_POINTS[::-1]),
        Region.R_EYE: points[list(R_EYE_POINTS)],
        Region.L_EYE: points[list(L_EYE_POINTS)],
        # The lower lip takes the whole mouth and is covered from above, so that closed lips leave no gap.
        Region.L_LIP: points[list(OUTER_LIPS)],
        Region.U_LIP: points[[48, 49, 50, 51, 52, 53, 54, 64, 63, 62, 61, 60]],
        Region.MOUTH: points[list(INNER_LIPS)],
    }


def _head(
    points: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float, float]:
    """The frame of the head: unit vectors across and down ``[2]``, origin ``[2]``, half width and height in pixels."""
    import numpy as np

    left, right = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    if not np.linalg.norm(right - left) > 0:
        raise ValueError("these landmarks outline no face: both eyes lie in one place")
    across = (right - left) / np.linalg.norm(right - left)
    down = np.array([-across[1], across[0]])
    eyes = (left + right) / 2
    ends = (points[[0, 16]] - eyes) @ across
    height = float((points[8] - eyes) @ down)
    return across, down, eyes + across * ends.mean(), float(ends[1] - ends[0]) / 2, height
